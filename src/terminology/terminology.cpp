// SPDX-License-Identifier: Apache-2.0
// The door: short questions, lists, and new editions.
#include "terminology/terminology.h"

#include <algorithm>
#include <set>

#include "terminology/map_table.h"
#include "terminology/sets.h"

namespace xinglin::terminology {

namespace {

constexpr std::size_t most_codes = 200'000;

std::string origin_text(const Edition& edition) {
    switch (edition.origin) {
        case Origin::built_in: return "built in";
        case Origin::overlay: return "overlay";
        case Origin::stored: return "stored";
    }
    return "";
}

/// The editions of one system, value set or map, by url; aliases are left out.
std::map<std::string, std::vector<Here>> by_url(const Catalogue& catalogue, Kind kind) {
    std::map<std::string, std::vector<Here>> all;
    for (const Here& edition : catalogue.editions) {
        if (edition->kind == kind) all[edition->url].push_back(edition);
    }
    return all;
}

/// The edition in force today, else the last.
Here shown(const Library& library, const Catalogue& catalogue, Kind kind, const std::string& url,
           const std::vector<Here>& editions) {
    const Here today = library.find(catalogue, kind, url, "", "");
    return today ? today : editions.back();
}

std::string hash_text(std::string_view text) {
    std::uint64_t low = 0xcbf29ce484222325u, high = 0x9E3779B97F4A7C15u;
    for (const char c : text) {  // FNV-1a, and the same once more over its own state
        low = (low ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
        high = (high ^ low) * 0x100000001b3u;
    }
    return fmt::format("{:016x}{:016x}", high, low);
}

bool is_date(std::string_view text) {
    const auto moment = calendar::parse_date(text);
    return moment && moment->precision == calendar::Precision::day;
}

}  // namespace

Terminology::Terminology(const content::Files& files, const calendar::Clock& clock, Stored stored)
    : library_(std::make_unique<Library>(files, clock, std::move(stored))),
      sets_(std::make_unique<SetKeeper>(*library_)),
      maps_(std::make_unique<MapKeeper>(*library_)) {}
Terminology::~Terminology() = default;

void Terminology::refresh() const { library_->now(true); }
std::vector<std::string> Terminology::troubles() const { return library_->now()->troubles; }
std::size_t Terminology::bytes() const { return library_->bytes() + maps_->bytes(); }

void Terminology::warm(const std::function<bool()>& stop) const {
    constexpr std::int64_t large = 2'000;  // concepts; smaller ones are read and spelled in a few milliseconds
    const Now now = library_->now();
    const std::string today = library_->today();
    for (const Here& edition : now->editions) {
        const bool wanted = edition->kind == Kind::system && edition->origin != Origin::stored && !edition->csv.empty() &&
                            edition->in_force_on(today) && edition->count >= large;
        if (!wanted) continue;
        if (stop()) return;
        const auto concepts = library_->concepts(edition);
        if (stop()) return;
        if (concepts.ok()) (*concepts)->spelling().prepare();
        if (!edition->value_set.empty()) (void)expand({.url = edition->value_set, .filter = "a", .count = 1}).ok();
    }
}

std::optional<bool> Terminology::has(std::string_view value_set, std::string_view system, std::string_view code) const {
    const auto answer = validate({.value_set = value_set, .system = system, .code = code, .abstract_allowed = true});
    if (!answer.ok() || answer->unknown) return std::nullopt;
    return answer->result;
}

Result<std::vector<std::pair<std::string, std::string>>> Terminology::codes_in(std::string_view value_set) const {
    XINGLIN_TRY(const SharedSet set, sets_->set_of(library_->now(true), value_set, "", ""));
    if (!set->gaps.empty()) return refuse(IssueCode::not_supported, "value set", set->gaps.front());
    if (set->size() > most_codes)
        return refuse(IssueCode::too_costly, "value set",
                      fmt::format("has {} codes, more than 200,000; name a smaller one", set->size()));
    std::vector<std::pair<std::string, std::string>> codes;
    codes.reserve(set->size());
    for (const Set::Part& part : set->parts) {
        for (const Row row : part.rows) codes.emplace_back(part.system, part.concepts->code(row));
        for (const Set::Listed& one : part.listed) codes.emplace_back(part.system, one.code);
    }
    return codes;
}

Result<std::vector<std::string>> Terminology::codes_below(std::string_view system, std::string_view code,
                                                          Direction direction) const {
    const Now now = library_->now();
    const Canonical named(system);
    const Here edition = library_->find(*now, Kind::system, named.url, named.version, "");
    if (!edition || !edition->has_concepts)
        return refuse(IssueCode::not_found, "system", "the code system " + std::string(named.url) + " is not known here");
    XINGLIN_TRY(const auto concepts, library_->concepts(edition));
    const Row row = concepts->find(code);
    if (row == no_row) return refuse(IssueCode::not_found, "code", "is not in the code system " + std::string(named.url));
    std::vector<std::string> codes{std::string(concepts->code(row))};
    if (direction == Direction::below) {
        for (const Row below : concepts->descendants(row)) codes.emplace_back(concepts->code(below));
        return codes;
    }
    std::set<Row> seen{row};
    std::vector<Row> waiting = concepts->parents(row);
    while (!waiting.empty()) {
        const Row at = waiting.back();
        waiting.pop_back();
        if (!seen.insert(at).second) continue;
        codes.emplace_back(concepts->code(at));
        for (const Row next : concepts->parents(at)) waiting.push_back(next);
    }
    return codes;
}

std::string Terminology::display(std::string_view system, std::string_view code, std::string_view language) const {
    const Now now = library_->now();
    const Canonical named(system);
    const Here edition = library_->find(*now, Kind::system, named.url, named.version, "");
    if (!edition || !edition->has_concepts) return {};
    const auto concepts = library_->concepts(edition);
    if (!concepts.ok()) return {};
    const Row row = (*concepts)->find(code);
    return row == no_row ? std::string() : std::string((*concepts)->display_in(row, language));
}

std::vector<SystemRow> Terminology::systems() const {
    const Now now = library_->now(true);
    std::vector<SystemRow> rows;
    for (const auto& [url, editions] : by_url(*now, Kind::system)) {
        const Edition& one = *shown(*library_, *now, Kind::system, url, editions);
        SystemRow row;
        row.url = url;
        row.name = one.name;
        row.title = one.title;
        row.title_en = one.title_en;
        row.version = one.version;
        row.source = one.source.empty() && one.origin == Origin::built_in ? "HL7 FHIR R4 4.0.1" : one.source;
        row.copyright = one.copyright;
        row.note = one.note;
        row.from = one.from;
        row.to = one.to;
        row.origin = origin_text(one);
        for (const Here& edition : editions) {
            if (!edition->version.empty()) row.versions.push_back(edition->version);
        }
        row.languages.push_back(one.language);
        if (!one.language.starts_with("en") && !one.title_en.empty()) row.languages.emplace_back("en");
        row.count = one.has_concepts ? one.count : 0;
        row.hierarchical = one.hierarchical;
        rows.push_back(std::move(row));
    }
    // What people here use stands above what comes with FHIR.
    std::stable_partition(rows.begin(), rows.end(), [](const SystemRow& row) {
        return row.languages.front().starts_with("zh") || row.origin != "built in";
    });
    return rows;
}

std::vector<SetRow> Terminology::value_sets() const {
    const Now now = library_->now(true);
    std::vector<SetRow> rows;
    for (const auto& [url, editions] : by_url(*now, Kind::value_set)) {
        const Edition& one = *shown(*library_, *now, Kind::value_set, url, editions);
        rows.push_back({url, one.name, one.title, one.title_en, one.version, origin_text(one)});
    }
    std::stable_partition(rows.begin(), rows.end(),
                          [](const SetRow& row) { return row.origin != "built in" || row.url.starts_with("urn:xinglin:"); });
    return rows;
}

std::vector<MapRow> Terminology::maps() const {
    const Now now = library_->now(true);
    std::vector<MapRow> rows;
    for (const auto& [url, editions] : by_url(*now, Kind::map)) {
        const Edition& one = *shown(*library_, *now, Kind::map, url, editions);
        rows.push_back({url, one.title, one.version, one.map_source, one.map_target, origin_text(one), one.count});
    }
    std::stable_partition(rows.begin(), rows.end(),
                          [](const MapRow& row) { return row.origin != "built in" || row.url.starts_with("urn:xinglin:"); });
    return rows;
}

Result<json::Value> Terminology::edition_resource(const NewEdition& edition, json::Arena& arena) const {
    if (edition.system.empty())
        return refuse(IssueCode::required, "system", "is needed: the canonical address of the code system");
    if (edition.system.find_first_of(" |\t\n") != std::string_view::npos)
        return refuse(IssueCode::value, "system", "is no canonical address: no white space and no | in it");
    if (edition.version.empty())
        return refuse(IssueCode::required, "version", "is needed: editions stand side by side by their versions");
    for (const auto& [name, date] : {std::pair("from", edition.from), std::pair("to", edition.to)}) {
        if (!date.empty() && !is_date(date)) return refuse(IssueCode::value, name, "must be a date such as 2026-01-01");
    }
    if (!edition.from.empty() && !edition.to.empty() && edition.to < edition.from)
        return refuse(IssueCode::value, "to", "lies before from; it is the last day in force");
    XINGLIN_TRY(const json::Value concepts, table_as_concepts(edition.csv, arena));
    const Now now = library_->now(true);
    const auto known = now->systems.find(std::string(edition.system));
    const Edition* before = known == now->systems.end() ? nullptr : known->second.back().get();
    const auto text_or_nothing = [&](std::string_view text) { return text.empty() ? json::Value() : arena.string(text); };
    const std::string title = !edition.title.empty() ? std::string(edition.title)
                              : before               ? before->title
                                                     : std::string(edition.system);
    json::Value extensions;
    if (!edition.from.empty() || !edition.to.empty()) {
        const json::Value period = arena.object({{"start", text_or_nothing(edition.from)}, {"end", text_or_nothing(edition.to)}});
        extensions =
            arena.array({arena.object({{"url", arena.string("http://hl7.org/fhir/StructureDefinition/resource-effectivePeriod")},
                                       {"valuePeriod", period}})});
    }
    return arena.object(
        {{"resourceType", arena.string("CodeSystem")},
         {"id", arena.string("edition-" + hash_text(std::string(edition.system) + "|" + std::string(edition.version)))},
         {"language", arena.string(!edition.language.empty() ? edition.language
                                   : before                  ? std::string_view(before->language)
                                                             : "zh-CN")},
         {"extension", extensions},
         {"url", arena.string(before ? std::string_view(before->url) : edition.system)},
         {"version", arena.string(edition.version)},
         {"name", text_or_nothing(before ? before->name : "")},
         {"title", arena.string(title)},
         {"status", arena.string("active")},
         {"caseSensitive", arena.boolean(!before || before->case_sensitive)},
         {"valueSet", text_or_nothing(before ? before->value_set : "")},
         {"hierarchyMeaning", before && before->hierarchical ? arena.string("is-a") : json::Value()},
         {"content", arena.string("complete")},
         {"count", arena.number(static_cast<std::int64_t>(concepts.size()))},
         {"concept", concepts}});
}

}  // namespace xinglin::terminology
