// SPDX-License-Identifier: Apache-2.0
// Reading on behalf of a viewer: one connection, one snapshot.
#include <algorithm>
#include <charconv>
#include <deque>

#include "feed/feed.h"
#include "record/page.h"
#include "record/sentry.h"
#include "record/store_inside.h"
#include "search/units.h"

namespace xinglin::record {

namespace {
constexpr std::uint32_t largest_history = 1'000;

Outcome not_found(const fhir::Type& type) {
    return refuse(IssueCode::not_found, std::string(type.name), "there is no such resource");
}
Outcome gone(const fhir::Type& type) {
    return refuse(IssueCode::deleted, std::string(type.name), "this resource has been deleted; its history is still there");
}

bool needs_more(const search::Query& query) { return search::needs_codes(query) || search::asks_in_ucum(query); }

/// The query with what terminology says to it, and in all units.
Result<search::Query> whole_of(search::Query query, const search::Terminology& terminology, sql::Connection& connection) {
    XINGLIN_CHECK(search::resolve_codes(query, terminology));
    if (search::asks_in_ucum(query)) search::spread_units(query, units_in_use(connection));
    return query;
}

std::int64_t number(std::string_view text, std::int64_t otherwise) {
    std::int64_t value = otherwise;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    return end.ec == std::errc() && end.ptr == text.data() + text.size() ? value : otherwise;
}
}  // namespace

namespace {
/// A name that leads to another resource is damage, and another's record is the last thing to show.
void insist_on(const Stored& stored, std::int64_t tid, std::string_view id) {
    if (stored.tid != tid || stored.id() != id)
        throw sql::Broken(sql::Broken::Why::corrupt,
                          "the name leads to resource " + std::to_string(stored.rid) + ", which has another");
}
}  // namespace

namespace {
/// A version is seen by who may see it and what is there now; a deletion by who might see what was deleted.
bool may_see(Finder& finder, const fhir::Type& type, const Stored& stored) {
    const auto now = finder.shelf().current(stored.rid, false);
    if (now && !now->deleted() && !finder.sees(type, stored.rid)) return false;
    if (now && now->version == stored.version && !now->deleted()) return true;
    if (!stored.deleted()) return finder.sees(stored);
    const auto before = finder.shelf().numbered(stored.rid, stored.version - 1);
    return before && !before->deleted() && finder.sees(*before);
}
bool may_see(const Context& context, const fhir::Type& type, const Stored& stored) {
    Finder finder(context);
    return may_see(finder, type, stored);
}
}  // namespace

Reader Store::reader(const access::Viewer& viewer) { return Reader(std::make_unique<Reader::Inside>(*inside_, viewer)); }

Reader::Reader(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader::~Reader() = default;

Reader::Inside::~Inside() {
    if (!connection) return;
    try {
        if (connection->in_transaction()) connection->commit();
    } catch (const std::exception&) {  // the disk, the database, memory: another connection is opened when one is needed
        connection.reset();
    }
    store.give_back(std::move(connection));
}

void Reader::Inside::hold() {
    if (holding) return;
    constexpr int attempts = 1'000;
    for (int i = 0; i < attempts; ++i) {
        connection->begin_read();
        rows = store.fresh_of(*connection);
        if (rows) break;
        connection->commit();  // it slept for too long between the two
    }
    if (!rows)
        throw sql::Broken(sql::Broken::Why::corrupt, "record_fresh: its last line is none that was written, run xinglin verify");
    holding = true;
}

Result<Version> Reader::read(const fhir::Type& type, std::string_view id, std::optional<Position> as_of, Version* gone_version) {
    ++inside_->store.reads;
    if (as_of) inside_->hold();
    const Context context = inside_->context("r");
    Shelf shelf(context);
    const std::int64_t rid = shelf.find(inside_->store.numbers.tid(type), id);
    if (rid == 0) return not_found(type);
    const auto stored = as_of ? shelf.as_of(rid, *as_of) : shelf.current(rid);
    if (!stored) return not_found(type);
    insist_on(*stored, inside_->store.numbers.tid(type), id);
    if (context.guard && !may_see(context, type, *stored)) return not_found(type);  // nor that it is there
    if (stored->deleted()) {
        if (gone_version) *gone_version = shelf.version_of(*stored);
        return gone(type);
    }
    return shelf.version_of(*stored);
}

Result<Version> Reader::vread(const fhir::Type& type, std::string_view id, std::int64_t version) {
    ++inside_->store.reads;
    inside_->hold();
    const Context context = inside_->context("r");
    Shelf shelf(context);
    const std::int64_t rid = shelf.find(inside_->store.numbers.tid(type), id);
    const auto stored = rid ? shelf.numbered(rid, version) : std::nullopt;
    if (!stored) return not_found(type);
    insist_on(*stored, inside_->store.numbers.tid(type), id);
    if (context.guard && !may_see(context, type, *stored)) return not_found(type);
    if (stored->deleted()) return gone(type);
    return shelf.version_of(*stored);
}

Result<Found> Reader::search(const search::Query& query, std::optional<Position> as_of) {
    ++inside_->store.searches;
    inside_->hold();
    if (!needs_more(query)) return Pager(inside_->context("s"), position(), as_of).page(query);
    XINGLIN_TRY(const search::Query ready, whole_of(query, inside_->store.options.terminology, *inside_->connection));
    return Pager(inside_->context("s"), position(), as_of).page(ready);
}

Result<std::uint64_t> Reader::count(const search::Query& query, std::optional<Position> as_of) {
    ++inside_->store.searches;
    inside_->hold();
    if (!needs_more(query)) return Pager(inside_->context("s"), position(), as_of).count(query);
    XINGLIN_TRY(const search::Query ready, whole_of(query, inside_->store.options.terminology, *inside_->connection));
    return Pager(inside_->context("s"), position(), as_of).count(ready);
}

Position Reader::position() {
    inside_->hold();
    return feed::last(*inside_->connection).position;
}

std::vector<TypeCount> Reader::type_counts() {
    std::vector<TypeCount> counts;
    auto& query = inside_->connection->prepare(
        "SELECT tid, count, last_updated_ms FROM record_type WHERE count > 0 OR last_updated_ms > 0 ORDER BY name");
    while (query.step()) {
        const auto type = inside_->store.numbers.type_of.find(query.integer(0));
        if (type != inside_->store.numbers.type_of.end())
            counts.push_back({type->second, static_cast<std::uint64_t>(query.integer(1)), query.integer(2)});
    }
    return counts;
}

void Reader::scan(const fhir::Type* type, const std::function<bool(const Version&)>& each) {
    ScanPlace place;
    scan(type, place, each);
}

void Reader::scan(const fhir::Type* type, ScanPlace& place, const std::function<bool(const Version&)>& each) {
    inside_->hold();
    Finder finder(inside_->context());
    Shelf& shelf = finder.shelf();
    // In blocks, so that `each` may use this reader.
    const CursorPtr of_type = type ? posting_cursor(*inside_->connection, -inside_->store.numbers.tid(*type)) : nullptr;
    for (;;) {
        std::vector<std::int64_t> rids;
        if (of_type) {
            Members members(*of_type, place.after);
            for (std::int64_t rid = 0; rids.size() < 500 && (rid = members.next()) != no_more;) rids.push_back(rid);
        } else {
            auto& query = inside_->connection->prepare(
                "SELECT rid FROM record_current WHERE rid > ? /*pg AND (p, rid) > (?1 >> 20, ?1)*/ "
                "ORDER BY /*pg p,*/ rid LIMIT 500");
            query.bind(1, place.after);
            while (query.step()) rids.push_back(query.integer(0));
        }
        place.over = rids.empty();
        if (place.over) return;
        for (std::size_t i = 0; i < rids.size(); ++i) {
            const std::int64_t rid = place.after = rids[i];
            shelf.ahead(rids, i);
            const auto stored = shelf.current(rid);
            if (!stored || stored->deleted() || !finder.sees(*inside_->store.numbers.type_of.at(stored->tid), rid)) continue;
            if (!each(shelf.version_of(*stored))) return;
        }
    }
}

void Reader::changes(Position after, Position upto, const std::function<bool(const Change&)>& each) {
    changes(after, upto, {}, each);
}

void Reader::changes(Position after, Position upto, std::span<const fhir::Type* const> types,
                     const std::function<bool(const Change&)>& each) {
    inside_->hold();
    for_each_change(inside_->context(), after, upto, types, each);
}

Position Reader::position_at(std::int64_t ms) {
    inside_->hold();
    return feed::position_at(*inside_->connection, ms);
}

// ---- history --------------------------------------------------------------------------------------------------------

namespace {
class History {
public:
    History(const Context& context, const HistoryRequest& request)
        : finder_(context), shelf_(finder_.shelf()), context_(context), request_(request) {
        size_ = std::clamp<std::uint32_t>(request.count, 1, largest_history);
    }

    Result<HistoryPage> of_instance() {
        const std::int64_t rid = shelf_.find(context_.numbers.tid(*request_.type), request_.id);
        const auto now = rid ? shelf_.current(rid, false) : std::nullopt;
        if (!now || (context_.guard && !may_see(finder_, *request_.type, *now))) return not_found(*request_.type);
        HistoryPage page;
        page.total = static_cast<std::uint64_t>(now->version);
        std::int64_t version = std::min(now->version, number(request_.page, now->version));
        std::vector<std::pair<std::int64_t, std::int64_t>> asked;
        for (std::int64_t each = version; each > 0 && asked.size() < size_; --each) asked.emplace_back(rid, each);
        shelf_.expect_versions(asked);
        for (; version > 0 && page.versions.size() < size_; --version) {
            const auto stored = shelf_.numbered(rid, version);
            if (!stored) break;
            if (request_.since_ms && stored->updated_ms < request_.since_ms) {
                version = 0;
                break;
            }
            if (request_.at_ms && stored->updated_ms > *request_.at_ms) continue;
            if (context_.guard && !may_see(finder_, *request_.type, *stored)) {
                page.total.reset();
                continue;
            }
            page.versions.push_back(shelf_.version_of(*stored));
            if (request_.at_ms) {
                version = 0;
                break;
            }
        }
        if (version > 0) page.next = std::to_string(version);
        if (request_.since_ms || request_.at_ms || context_.guard) page.total.reset();
        return page;
    }

    Result<HistoryPage> of_many() {
        const std::int64_t last = feed::last(context_.connection).position;
        const std::int64_t tid = request_.type ? context_.numbers.tid(*request_.type) : 0;
        std::int64_t from = request_.at_ms ? feed::position_at(context_.connection, *request_.at_ms) : last;
        if (!request_.page.empty()) from = std::min(from, number(request_.page, 0));
        struct Line {
            std::int64_t rid, version;
        };
        std::vector<Line> lines;
        std::unordered_set<std::int64_t> seen;
        HistoryPage page;
        feed::backward(context_.connection, from, [&](const feed::Change& change) {
            if (request_.since_ms && change.updated_ms < request_.since_ms) return false;
            if (tid && change.type != tid) return true;
            if (request_.at_ms && !seen.insert(change.resource).second) return true;
            if (lines.size() == size_) {
                page.next = std::to_string(change.position);
                return false;
            }
            lines.push_back({change.resource, change.version});
            return true;
        });
        std::vector<std::pair<std::int64_t, std::int64_t>> asked;
        for (const Line& line : lines) asked.emplace_back(line.rid, line.version);
        shelf_.expect_versions(asked);
        for (const Line& line : lines) {
            const auto stored = shelf_.numbered(line.rid, line.version);
            if (!stored || (context_.guard && !may_see(finder_, *context_.numbers.type_of.at(stored->tid), *stored))) continue;
            page.versions.push_back(shelf_.version_of(*stored));
        }
        if (context_.guard) return page;
        if (!tid && !request_.since_ms && !request_.at_ms) page.total = static_cast<std::uint64_t>(last);
        return page;
    }

private:
    Finder finder_;
    Shelf& shelf_;
    Context context_;
    const HistoryRequest& request_;
    std::uint32_t size_;
};
}  // namespace

Result<HistoryPage> Reader::history(const HistoryRequest& request) {
    ++inside_->store.reads;
    inside_->hold();
    History history(inside_->context("r"), request);
    return request.id.empty() ? history.of_many() : history.of_instance();
}

// ---- one patient's record -------------------------------------------------------------------------------------------

namespace {
/// The patient and everything in the patient's compartment, by rid, the patient first.
std::vector<std::int64_t> compartment_of(sql::Connection& connection, const std::unordered_set<std::int64_t>& pids,
                                         std::int64_t patient) {
    std::vector<std::int64_t> rids;
    auto& query = connection.prepare("SELECT pid, rid FROM record_reference WHERE target = ?");
    query.bind(1, patient);
    while (query.step()) {
        if (pids.contains(query.integer(0)) && query.integer(1) != patient) rids.push_back(query.integer(1));
    }
    std::sort(rids.begin(), rids.end());
    rids.erase(std::unique(rids.begin(), rids.end()), rids.end());
    rids.insert(rids.begin(), patient);
    return rids;
}

/// The compartments of several patients one after the other, each resource once; and where a page begins in them. A page is told by
/// the resource before it, so that what is written meanwhile neither moves nor repeats anything.
class Compartments {
public:
    Compartments(sql::Connection& connection, const std::unordered_set<std::int64_t>& pids,
                 const std::vector<std::int64_t>& patients) {
        std::unordered_set<std::int64_t> seen;
        for (const std::int64_t patient : patients) {
            starts_.push_back(rids_.size());
            for (const std::int64_t rid : compartment_of(connection, pids, patient))
                if (patients.size() == 1 || seen.insert(rid).second) rids_.push_back(rid);
        }
        starts_.push_back(rids_.size());
    }
    const std::vector<std::int64_t>& rids() const { return rids_; }
    std::string page_after(std::size_t at) const {
        const auto part =
            static_cast<std::size_t>(std::upper_bound(starts_.begin(), starts_.end() - 1, at) - starts_.begin()) - 1;
        return std::to_string(part) + '.' + std::to_string(rids_[at]);
    }
    /// Nothing when `page` is none of ours.
    std::optional<std::size_t> begin_of(std::string_view page) const {
        if (page.empty()) return 0;
        const std::size_t dot = page.find('.');
        if (dot == std::string_view::npos) return std::nullopt;
        const std::int64_t part = number(page.substr(0, dot), -1), after = number(page.substr(dot + 1), -1);
        if (part < 0 || after < 0 || static_cast<std::size_t>(part) + 1 >= starts_.size()) return std::nullopt;
        const auto begin = rids_.begin() + static_cast<std::ptrdiff_t>(starts_[static_cast<std::size_t>(part)]);
        const auto end = rids_.begin() + static_cast<std::ptrdiff_t>(starts_[static_cast<std::size_t>(part) + 1]);
        if (begin != end && *begin == after)
            return static_cast<std::size_t>(begin - rids_.begin()) + 1;  // the patient itself, who leads
        const auto rest = begin == end ? end : begin + 1;
        return static_cast<std::size_t>(std::upper_bound(rest, end, after) - rids_.begin());
    }

private:
    std::vector<std::int64_t> rids_;
    std::vector<std::size_t> starts_;
};

/// Every literal relative reference in a stored text, without its version: "Practitioner/7".
template <typename Each>
void for_each_reference(std::string_view text, Each&& each) {
    constexpr std::string_view key = "\"reference\":\"";
    for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at)) {
        at += key.size();
        const std::size_t end = text.find('"', at);
        if (end == std::string_view::npos) return;
        std::string_view reference = text.substr(at, end - at);
        if (const auto history = reference.find("/_history/"); history != std::string_view::npos)
            reference = reference.substr(0, history);
        const auto slash = reference.find('/');
        if (slash != std::string_view::npos && reference.find_first_of(":#?", 0) == std::string_view::npos &&
            reference.find('/', slash + 1) == std::string_view::npos)
            each(reference);
    }
}

bool in_period(const fhir::Type& type, const Stored& stored, const calendar::Span& period, std::int16_t offset) {
    const search::Parameter* date = search::find_parameter(type, "date");
    json::Arena arena;
    auto resource = json::parse(stored.text, arena);
    if (!date || !resource.ok()) return true;
    search::Entries entries;
    search::extract(type, *resource, offset, entries);
    bool dated = false;
    for (const search::Date& each : entries.dates) {
        const bool asked = each.parameter == date ||
                           std::find(date->includes.begin(), date->includes.end(), each.parameter) != date->includes.end();
        if (!asked) continue;
        dated = true;
        if (each.low_ms < period.high_ms && each.high_ms > period.low_ms) return true;
    }
    return !dated;
}
}  // namespace

Result<Found> Reader::everything(const EverythingRequest& request) {
    ++inside_->store.searches;
    inside_->hold();
    Finder finder(inside_->context());
    Shelf& shelf = finder.shelf();
    const bool guarded = inside_->viewer.guard != nullptr;
    const Numbers& numbers = inside_->store.numbers;
    const fhir::Type& patient_type = *fhir::find_resource("Patient");
    const std::int64_t patient = shelf.find(numbers.tid(patient_type), request.patient_id);
    const auto present = patient ? shelf.current(patient, false) : std::nullopt;
    if (!present || (guarded && !may_see(finder, patient_type, *present))) return not_found(patient_type);
    if (present->deleted()) return gone(patient_type);

    const auto wanted = [&](const fhir::Type& type) {
        return request.types.empty() || std::find(request.types.begin(), request.types.end(), &type) != request.types.end();
    };
    std::vector<std::int64_t> patients{patient};
    for (const std::string& id : request.also) {
        const std::int64_t other = shelf.find(numbers.tid(patient_type), id);
        const auto there = other ? shelf.current(other, false) : std::nullopt;
        if (there && !there->deleted() && finder.sees(patient_type, other) &&
            std::find(patients.begin(), patients.end(), other) == patients.end())
            patients.push_back(other);
    }
    const Compartments compartments(*inside_->connection, inside_->store.patient_pids, patients);
    const std::vector<std::int64_t>& rids = compartments.rids();
    const std::size_t size = request.count == 0 ? SIZE_MAX : request.count;
    const auto begin = compartments.begin_of(request.page);
    if (!begin) return refuse(IssueCode::value, "_page", "must be taken from a link of the page before");
    std::size_t at = *begin;
    Found found;
    found.as_of = position();
    std::vector<Shelf::Named> mentioned;
    std::unordered_set<std::string_view> noted;
    std::deque<std::string> kept;
    const auto note_supporting = [&](const Stored& stored) {
        for_each_reference(stored.text, [&](std::string_view reference) {
            if (noted.contains(reference)) return;
            noted.insert(kept.emplace_back(reference));
            const auto slash = reference.find('/');
            const fhir::Type* target = fhir::find_resource(reference.substr(0, slash));
            if (!target || target == &patient_type || !numbers.of_type.contains(target) || !wanted(*target)) return;
            if (!fhir::compartment_parameters("Patient", target->name).empty())
                return;  // comes by itself, or is another person's
            mentioned.push_back({numbers.tid(*target), std::string_view(kept.back()).substr(slash + 1)});
        });
    };
    for (; at < rids.size() && found.entries.size() < size; ++at) {
        shelf.ahead(size < rids.size() - at ? std::span(rids).first(at + size) : std::span(rids), at);
        const auto stored = shelf.current(rids[at]);
        if (!stored || stored->deleted() || stored->updated_ms < request.since_ms) continue;
        const fhir::Type& type = *numbers.type_of.at(stored->tid);
        if (guarded && !finder.sees(type, rids[at])) continue;
        if (!wanted(type) || (request.period && !in_period(type, *stored, *request.period, inside_->store.offset_minutes)))
            continue;
        found.entries.push_back({shelf.version_of(*stored), false});
        note_supporting(*stored);
    }
    if (at > 0 && at < rids.size()) found.next = compartments.page_after(at - 1);
    shelf.expect_names(mentioned);
    std::vector<std::int64_t> supporting;
    for (const Shelf::Named& name : mentioned) {
        if (const std::int64_t rid = shelf.find(name.tid, name.id)) supporting.push_back(rid);
    }
    std::sort(supporting.begin(), supporting.end());
    supporting.erase(std::unique(supporting.begin(), supporting.end()), supporting.end());
    for (std::size_t i = 0; i < supporting.size(); ++i) {
        shelf.ahead(supporting, i);
        const auto stored = shelf.current(supporting[i]);
        if (stored && guarded && !finder.sees(*numbers.type_of.at(stored->tid), supporting[i])) continue;
        if (stored && !stored->deleted()) found.entries.push_back({shelf.version_of(*stored), true});
    }
    if (found.next.empty() && request.page.empty()) found.total = found.entries.size();
    return found;
}

std::vector<TypeCount> Reader::patient_counts(std::string_view patient_id) {
    inside_->hold();
    Finder finder(inside_->context());
    Shelf& shelf = finder.shelf();
    const std::int64_t patient = shelf.find(inside_->store.numbers.tid(*fhir::find_resource("Patient")), patient_id);
    std::vector<TypeCount> counts;
    if (patient == 0) return counts;
    const auto rids = compartment_of(*inside_->connection, inside_->store.patient_pids, patient);
    for (std::size_t i = 0; i < rids.size(); ++i) {
        shelf.ahead(rids, i, false);
        const auto stored = shelf.current(rids[i], false);
        if (!stored || stored->deleted()) continue;
        const fhir::Type* type = inside_->store.numbers.type_of.at(stored->tid);
        if (!finder.sees(*type, rids[i])) continue;
        auto place = std::find_if(counts.begin(), counts.end(), [&](const TypeCount& c) { return c.type == type; });
        if (place == counts.end()) place = counts.insert(counts.end(), {type, 0, 0});
        ++place->count;
        place->last_updated_ms = std::max(place->last_updated_ms, stored->updated_ms);
    }
    return counts;
}

}  // namespace xinglin::record
