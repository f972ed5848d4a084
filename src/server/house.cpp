// SPDX-License-Identifier: Apache-2.0
// Building the house, and taking it down.
#include "server/house.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "access/audit.h"
#include "access/limits.h"
#include "access/rules.h"
#include "policy/label.h"
#include "registry/join.h"
#include "server/house_oauth.h"
#include "server/house_terminology.h"
#include "server/live_formats.h"
#include "server/mapping_shelf.h"
#include "server/release_desk.h"
#include "server/security_desk.h"
#include "server/token_grants.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

std::string trouble_of(const record::Figures& figures, const access::Audit& audit) {
    if (figures.broken) return "record: " + figures.broken_why;
    const std::string trouble = audit.trouble();
    return trouble.empty() ? "" : "audit: " + trouble;
}

/// What searches ask; the room is built right after the store that searches.
search::Terminology search_terminology(House& house) {
    return {[&house](std::string_view value_set) { return house.terminology->codes_in(value_set); },
            [&house](std::string_view system, std::string_view code, bool below) {
                using Direction = terminology::Terminology::Direction;
                return house.terminology->codes_below(system, code, below ? Direction::below : Direction::above);
            }};
}

/// Messages from outside: the ledger, and its formats.
Result<Done> build_intake(House& house) {
    intake::Options options;
    options.data = house.options.data;
    options.store = house.options.record.store;
    options.alarm = [&house](const intake::Health& health, std::string_view before) {
        const bool well = health.state == "ok" || health.state == "paused";
        (house.log.*(well ? &Log::info : &Log::warn))(
            "source", {{"id", health.id}, {"state", health.state}, {"before", std::string(before)}, {"why", health.why}});
        json::Arena arena;
        house.pulse->tell("intake", json::write(arena.object({{"source", arena.string(health.id)},
                                                              {"state", arena.string(health.state)},
                                                              {"before", arena.string(before)},
                                                              {"why", arena.string(health.why)}})));
    };
    options.join = [&registry = *house.registry](const intake::Source& source, const message::Facts& facts, json::Value bundle,
                                                 json::Arena& arena, std::vector<std::string>& lesser) {
        if (!registry.wait())
            throw sql::Broken(sql::Broken::Why::busy, "the registries cannot be read yet: " + registry.trouble());  // tried again
        auto joined = registry::join(
            registry, {.source = source.id, .organization = source.organization, .sent_at = facts.sent_at}, bundle, arena);
        lesser.insert(lesser.end(), std::make_move_iterator(joined.stubs.begin()), std::make_move_iterator(joined.stubs.end()));
        return joined.bundle;
    };
    XINGLIN_TRY(auto formats, live_formats(*house.content, mapping_text(house.options.data, *house.content),
                                           terminology_lookup(*house.terminology)));
    XINGLIN_TRY(house.intake, intake::Intake::open(std::move(options), *house.store, *house.transactions, house.clock,
                                                   *house.content, std::move(formats)));
    return Done{};
}

/// Messages to outside.
Result<Done> build_outbound(House& house) {
    XINGLIN_TRY(hl7v2::Tables tables, hl7v2::Tables::load(*house.content));
    house.hl7v2_tables = std::make_unique<const hl7v2::Tables>(std::move(tables));
    outbound::Options options;
    options.data = house.options.data;
    options.store = house.options.record.store;
    options.tables = house.hl7v2_tables.get();
    options.alarm = [&house](const outbound::Health& health, std::string_view before) {
        const bool well = health.state == "ok" || health.state == "sending";
        (house.log.*(well ? &Log::info : &Log::warn))(
            "channel", {{"id", health.id}, {"state", health.state}, {"before", std::string(before)}, {"why", health.why}});
        json::Arena arena;
        house.pulse->tell("channel", json::write(arena.object({{"channel", arena.string(health.id)},
                                                               {"state", arena.string(health.state)},
                                                               {"before", arena.string(before)},
                                                               {"why", arena.string(health.why)}})));
    };
    XINGLIN_TRY(house.outbound, outbound::Outbound::open(std::move(options), *house.store, house.clock, *house.content));
    return Done{};
}

/// Figures of data quality, kept up with the record.
Result<Done> build_quality(House& house) {
    XINGLIN_TRY(auto rules, quality::Rulebook::read(*house.content));
    quality::Options options;
    options.store = house.options.record.store;
    options.around.knows_code = [&terms = *house.terminology](std::string_view system, std::string_view code) {
        return terms.has(std::string(system) + "?fhir_vs", system, code);
    };
    options.around.member_of = [&terms = *house.terminology](std::string_view set, std::string_view system,
                                                             std::string_view code) { return terms.has(set, system, code); };
    options.told = [&intake = *house.intake](const std::string& source,
                                             const std::string& control) -> std::optional<quality::Told> {
        const auto times = intake.times(source, control);
        if (!times) return std::nullopt;
        return quality::Told{times->received_ms, times->sent_ms};
    };
    house.quality = std::make_unique<quality::Quality>(*house.store, house.clock, std::move(rules), std::move(options));
    return Done{};
}

/// Who is one person is decided at the index's own door, where it is checked and written down; not by a Basic put past it.
Outcome no_ruling(json::Value resource) {
    if (resource["resourceType"].string() != "Basic") return {};
    for (const json::Node& node : resource["code"]["coding"].items()) {
        if (json::Value(&node)["system"].string() == "urn:xinglin:person-ruling")
            return refuse(IssueCode::forbidden, "Basic.code", "decisions about persons are made at /api/v1/persons");
    }
    return {};
}

/// Cards are issued where it is checked who gets one.
Outcome no_card(json::Value resource) {
    return card::is_ours(resource) ? refuse(IssueCode::forbidden, "Basic.code", "cards are issued at /api/v1/card") : Outcome{};
}

/// Proxies, requests and emergencies are made where it is checked who may.
Outcome no_own_consent(json::Value resource) {
    if (!consent::is_ours(resource)) return {};
    return refuse(IssueCode::forbidden, "category", "these are written at /api/v1/consent and /api/v1/emergency");
}

/// Does any channel send Linkages, so that somebody hears who is one person?
bool wants_notices(House& house) {
    for (const outbound::Channel& channel : house.outbound->channels()) {
        const auto is_linkage = [](const outbound::Sends& each) { return each.type == "Linkage"; };
        if (channel.mode != outbound::Mode::off && std::any_of(channel.sends.begin(), channel.sends.end(), is_linkage))
            return true;
    }
    return false;
}

Result<Done> build_persons(House& house) {
    XINGLIN_TRY(auto settings, person::Settings::read(*house.content));
    house.persons = std::make_unique<person::Persons>(*house.store, house.clock, std::move(settings));
    XINGLIN_TRY(auto policy, card::Policy::read(*house.content));
    XINGLIN_TRY(house.cards, card::Cards::open(*house.store, *house.persons, house.clock, std::move(policy),
                                               {.data = house.options.data, .store = house.options.record.store}));
    XINGLIN_TRY(auto rights, consent::Settings::read(*house.content));
    house.consents = std::make_unique<consent::Consents>(*house.store, *house.persons, house.clock, std::move(rights));
    house.consent_desk = std::make_unique<consent::Desk>(*house.store, *house.persons, house.clock, *house.consents);
    XINGLIN_TRY(auto survivorship, person::Survivorship::read(*house.content));
    house.survivorship = std::make_unique<const person::Survivorship>(std::move(survivorship));
    return Done{};
}

/// Accounts by the content's rules; a demonstration demands no second factor of newcomers.
Result<Done> build_accounts(House& house) {
    house.accounts = std::make_unique<access::Accounts>(house.options.data, house.clock, house.options.record.store);
    XINGLIN_TRY(access::Rules rules, access::Rules::read(*house.content));
    if (house.options.demo) {
        for (access::RoleRules& role : rules.roles) role.second_factor = false;
    }
    access::use(*house.accounts, std::move(rules));
    XINGLIN_TRY(access::LimitRules limits, access::LimitRules::read(*house.content));
    access::use(*house.accounts, std::move(limits));
    return Done{};
}

Result<Done> build_activation(House& house) {
    std::unique_ptr<CodeSender> sender;
    if (house.options.demo) sender = log_sender(house.log);
    else if (!house.options.codes_to.empty()) {
        XINGLIN_TRY(sender, web_sender(house.options.codes_to, house.log));
    }
    house.activation =
        std::make_unique<Activation>(*house.store, *house.accounts, *house.cards, *house.persons, house.clock, std::move(sender));
    return Done{};
}

}  // namespace

person::Senders House::senders() const {
    return [this](std::string_view id) {
        const auto source = intake ? intake->source(std::string(id)) : std::nullopt;
        return source ? person::Sender{source->name, source->format} : person::Sender{};
    };
}

std::string_view version() { return "0.1.0"; }

std::string_view built() {
#ifdef XINGLIN_BUILT
    return XINGLIN_BUILT;
#else
    return __DATE__;
#endif
}

Result<std::unique_ptr<House>> House::build(HouseOptions options, Log& log) {
    std::unique_ptr<House> house(new House(std::move(options), log));
    house->started_ms = house->clock.now_ms();
    content::Files files;
    if (!house->options.content.empty()) {
        XINGLIN_TRY(files, content::Files::over(house->options.content));
    }
    house->content = std::make_unique<const content::Files>(std::move(files));
    house->options.record.terminology = search_terminology(*house);
    XINGLIN_TRY(house->options.record.mark, policy::marking(*house->content));
    XINGLIN_TRY(house->store, record::Store::open(house->options.data, house->clock, house->options.record));
    house->terminology =
        std::make_unique<terminology::Terminology>(*house->content, house->clock, stored_terminology(*house->store));
    XINGLIN_CHECK(build_accounts(*house));
    house->audit = std::make_unique<access::Audit>(house->options.data, house->options.record.store);
    XINGLIN_TRY(access::UnusualRules unusual, access::UnusualRules::read(*house->content));
    house->security = std::make_unique<SecurityDesk>(SecurityDesk::Where{house->options.data, house->options.record.store},
                                                     *house->store, *house->audit, std::move(unusual), house->clock);
    XINGLIN_CHECK(build_oauth(*house));
    XINGLIN_TRY(profile::Book book, profile::built_in(*house->content));
    const auto member_of = [&terms = *house->terminology](std::string_view set, std::string_view system, std::string_view code) {
        return terms.has(set, system, code);
    };
    house->profiles = std::make_unique<Profiles>(*house->store, house->clock, std::move(book), member_of);
    Profiles& profiles = *house->profiles;
    ingest::Options checked;
    checked.check = [&profiles, &store = *house->store](json::Value resource) {
        Outcome outcome = no_ruling(resource);
        if (outcome.ok()) outcome = no_card(resource);
        if (outcome.ok()) outcome = no_own_consent(resource);
        if (outcome.ok()) outcome = registry::check_hierarchy(store, resource);
        return outcome.ok() ? profiles.check_write(resource) : outcome;
    };
    checked.together = [&store = *house->store](std::span<const json::Value> resources) {
        return registry::Hierarchy(store).add(resources);
    };
    ingest::Options told = checked;  // by clients; what messages tell is joined before it comes here
    told.complete = [&self = *house](json::Value resource, json::Arena& arena) {
        return self.registry ? registry::join_codes(*self.registry, resource, arena) : resource;
    };
    house->ingest = std::make_unique<ingest::Ingest>(*house->store, told);
    house->transactions = std::make_unique<ingest::Transactions>(*house->store, checked);
    house->registry = std::make_unique<registry::Registry>(*house->store, house->clock);
    house->sightings = std::make_unique<registry::Sightings>(*house->registry);
    house->people = std::make_unique<people::People>(*house->store);
    XINGLIN_CHECK(build_persons(*house));
    XINGLIN_TRY(policy::Book rules, policy::Book::read(*house->content));
    if (house->options.demo) rules = std::move(rules).of_demonstration();
    house->policies = std::make_unique<policy::Policies>(
        *house->store, policy::Policies::Asked{house->consents.get(), house->persons.get(), house->cards.get()}, house->clock,
        std::move(rules));
    house->grants = std::make_unique<TokenGrants>(*house->store, house->options.record.terminology, house->clock);
    XINGLIN_CHECK(build_activation(*house));

    view::Environment views;
    views.member_of = [&terms = *house->terminology](std::string_view value_set, std::string_view system, std::string_view code) {
        return terms.has(value_set, system, code);
    };
    house->library = std::make_unique<view::Library>(*house->content, house->options.data / "views", views);
    for (const std::string& problem : house->library->problems()) log.warn("view", {{"message", problem}});
    std::vector<view::Definition> kept;
    for (const view::Shelved& one : house->library->list()) {
        if (house->keeps_views(one.saved)) kept.push_back(one.definition);
    }
    house->tables =
        std::make_unique<view::Tables>(*house->store, house->clock, std::move(kept),
                                       view::TablesOptions{.store = house->options.record.store, .environment = views});

    House& self = *house;
    house->errands = std::make_unique<Errands>();
    house->storage = std::make_unique<StorageFigures>(*house->store);
    house->backups =
        std::make_unique<Backups>(*house->store, house->options.data,
                                  house->options.backups.empty() ? house->options.data / "backups" : house->options.backups,
                                  house->options.record.store, house->clock, log);
    const auto totals = [&self] {
        const record::Figures figures = self.store->figures();
        self.watch(figures);
        return Totals{figures.writes, figures.reads + figures.searches};
    };
    house->pulse = std::make_unique<Pulse>(house->clock, totals, [&self] { return system_state(self); });
    XINGLIN_CHECK(build_intake(*house));
    XINGLIN_CHECK(build_outbound(*house));
    house->notices = std::make_unique<person::Notices>(
        *house->store, *house->persons, person::Notices::Options{.wanted = [&self] { return wants_notices(self); }});
    XINGLIN_CHECK(build_quality(*house));
    bulk::RunOptions of_exports;
    of_exports.make_release = [&self](const bulk::Job& job, const bulk::Order& order, bulk::Progress& progress) {
        return make_release(self, job, order, progress);
    };
    house->exports = std::make_unique<bulk::Exports>(
        *house->store, house->clock, std::move(of_exports),
        [&self](const bulk::Job& job) { self.pulse->tell("export", bulk::json_of(job, "/fhir", self.clock.now_ms(), false)); });

    api::Options api_options;
    api_options.views = house->library.get();
    api_options.persons = house->persons.get();
    api_options.survivorship = house->survivorship.get();
    api_options.senders = house->senders();
    api_options.exports = house->exports.get();
    api_options.terminology = house->terminology.get();
    api_options.profiles = [&profiles] { return profiles.book(); };
    api_options.member_of = profiles.member_of();
    api_options.may_take_emergency = [&policies = *house->policies](const access::Viewer& viewer) {
        return policies.may_take_emergency(viewer);
    };
    api_options.version = version();
    api_options.base_url = house->options.base_url;
    api_options.started_ms = house->started_ms;
    house->api =
        std::make_unique<api::Api>(*house->store, *house->audit, *house->ingest, *house->people, house->clock, api_options);

    house->imports = std::make_unique<Imports>(
        *house->store, house->clock, [&self](const ImportJob& job) { self.pulse->tell("import", json_of(job)); },
        [&profiles](json::Value resource) { return profiles.check_write(resource); });
    return house;
}

void House::watch(const record::Figures& figures) {
    const std::string trouble = trouble_of(figures, *audit);
    if (trouble == known_trouble_) return;
    if (trouble.empty()) {
        log.info("healed");
    } else {
        log.error("trouble", {{"why", trouble}});
    }
    known_trouble_ = trouble;
}

Result<Done> House::open_doors() {
    http::ServerOptions chosen = options.http;
    chosen.quick = [this](const http::Request& request) { return is_quick(*this, request); };
    chosen.body_limit = [this](const http::Request& request) { return body_limit(*this, request); };
    chosen.log = [this](std::string_view line) { log.warn("http", {{"message", std::string(line)}}); };
    server = std::make_unique<http::Server>(std::move(chosen), [this](http::Request request, http::Respond respond) {
        const auto begun = std::chrono::steady_clock::now();
        const AnswerKind kind = kind_of(request);
        receive(*this, std::move(request), [this, begun, kind, respond = std::move(respond)](http::Response response) {
            const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - begun;
            latency.note(kind, taken.count(), clock.now_ms());
            respond(std::move(response));
        });
    });
    XINGLIN_CHECK(server->start());
    XINGLIN_CHECK(open_intake_doors());
    if (!options.record.store.empty()) {
        processes = std::make_unique<Processes>(options.record.store, clock, server->port());
        access::limiter(*accounts).share_between([this] { return processes->list().size(); });
    }
    first_password = accounts->first_start();  // not before: a start that fails would lose the password
    return Done{};
}

Result<Done> House::open_intake_doors() {
    const auto tell = [this](std::string_view line) { log.warn("intake", {{"message", std::string(line)}}); };
    folders = std::make_unique<intake::Folders>(intake::FolderOptions{.data = options.data, .log = tell}, *intake);
    return Done{};
}

void House::warm_up() {
    if (warmed_.exchange(true)) return;
    errands->send([this] {
        try {
            terminology->warm([this] { return closing_.load(); });
        } catch (const std::exception& broken) {
            log.warn("warm up", {{"message", std::string(broken.what())}});
        }
    });
}

void House::close_doors() {
    closing_ = true;
    pulse->close();    // nobody waits for events any longer
    exports->close();  // a running export begins again at the next start
    imports.reset();   // a running import ends after its present batch; importing again goes on from there
    folders.reset();   // a file being read goes on at the next start
    server->stop();
    outbound->close();                   // what is not acknowledged is sent at the next start
    intake->close();                     // what is on disk and not stored is taken up at the next start
    for (int attempt = 0;; ++attempt) {  // a database that went away may be coming back
        try {
            audit->flush();
            break;
        } catch (const sql::Broken&) {
            if (attempt == 8 || options.record.store.empty()) throw;
            std::this_thread::sleep_for(std::chrono::milliseconds(250));
        }
    }
    processes.reset();
}

House::House(HouseOptions chosen, Log& to) : options(std::move(chosen)), log(to) {}

House::~House() {
    closing_ = true;
    if (pulse) pulse->close();
    if (exports) exports->close();
    imports.reset();
    folders.reset();
    server.reset();
    notices.reset();
    if (intake) intake->close();  // its messages ask the registries
    outbound.reset();
    quality.reset();
    sightings.reset();
    registry.reset();
    cards.reset();
    grants.reset();
    policies.reset();
    consent_desk.reset();
    consents.reset();
    persons.reset();
    intake.reset();
    errands.reset();
    pulse.reset();
    tables.reset();  // stops following before the store closes
}

void House::write_down(const access::Viewer& viewer, const http::Request& request, std::string_view what, int status,
                       std::string_view type, std::string_view id, std::string_view detail) {
    access::Access access = access::line_of(viewer, clock.now_ms());
    access.what = what;
    access.type = type;
    access.id = id;
    if (type == "Patient") access.patient = id;
    access.detail = detail;
    access.trace_id = request.trace_id;
    access.peer = request.peer;
    access.status = status;
    audit->append(std::move(access));
}

void House::write_down_refusal(const access::Viewer& viewer, const http::Request& request, const Outcome& outcome) {
    access::Access access = access::line_of(viewer, clock.now_ms());
    access.what = "refused";
    // The first parts of the path name the call; what follows may name a person.
    const auto parts = text::split(request.path, '/');
    const std::size_t most = parts.size() > 1 && parts[1] == "api" ? 4 : 3;
    access.detail = request.method + " ";
    for (std::size_t i = 1; i < parts.size() && i < most; ++i) access.detail += "/" + std::string(parts[i].substr(0, 40));
    access.reason = outcome.line();
    access.trace_id = request.trace_id;
    access.peer = request.peer;
    access.status = http_status(outcome.code());
    access.count = 0;
    audit->append(std::move(access));
}

}  // namespace xinglin::server
