// SPDX-License-Identifier: Apache-2.0
// Columns for the linkage, and suggestions for entries without a code.
#include "registry/twins.h"

#include <algorithm>
#include <array>
#include <map>

#include "identity/match.h"
#include "registry/resolve.h"
#include "registry/sheet.h"
#include "text/text.h"

namespace xinglin::registry {

namespace {

constexpr double threshold = 0.5;
constexpr std::size_t few = 30;  // entries: fewer teach the linkage nothing, then only what is the same counts

std::string code_in(const Entry& entry, std::string_view system) {
    for (const Code& code : entry.codes) {
        if (code.is_current && code.system == system) return code.value;
    }
    return {};
}

/// What tells institutions (or staff) apart.
struct Fields {
    std::string name, code, phone, address, area, place;
    std::array<std::string_view, 6> all() const { return {name, code, phone, address, area, place}; }
};
constexpr std::array<std::string_view, 6> words = {"name", "code", "phone", "address", "area", "institution"};

Fields fields_of(const Registry& registry, const Entry& entry) {
    Fields out;
    out.name = text::fold(entry.name());
    out.code = code_in(entry, entry.kind == Kind::practitioner ? licence_system : credit_code_system);
    out.phone = entry.phone;
    out.address = entry.address;
    out.area = entry.area;
    if (entry.kind == Kind::practitioner) {
        const auto roles = roles_of(registry, entry.reference());
        if (!roles.empty()) out.place = roles.front()->organization;
    }
    return out;
}

bool precedes(const Entry& a, const Entry& b) {
    if (a.is_registered() != b.is_registered()) return a.is_registered();
    return a.position != b.position ? a.position < b.position : a.id < b.id;
}

Twin twin_of(EntryPtr a, EntryPtr b, const Fields& x, const Fields& y, double probability) {
    Twin out{std::move(a), std::move(b), probability, {}};
    if (!precedes(*out.keep, *out.other)) std::swap(out.keep, out.other);
    const auto left = x.all(), right = y.all();
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!left[i].empty() && left[i] == right[i]) out.agrees.emplace_back(words[i]);
    }
    return out;
}

/// What the program can say without having learned: one code, or one name at one place.
double plain(const Fields& a, const Fields& b) {
    if (!a.code.empty() && a.code == b.code) return 0.99;
    if (!a.code.empty() && !b.code.empty()) return 0;
    const bool same_place = (!a.place.empty() && a.place == b.place) || (!a.phone.empty() && a.phone == b.phone) ||
                            (!a.address.empty() && a.address == b.address);
    return !a.name.empty() && a.name == b.name && same_place ? 0.95 : 0;
}

void add_plain(const std::vector<EntryPtr>& entries, const std::vector<Fields>& fields,
               std::map<std::pair<std::size_t, std::size_t>, double>& pairs) {
    std::map<std::string_view, std::vector<std::size_t>> by_name, by_code;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (!fields[i].name.empty()) by_name[fields[i].name].push_back(i);
        if (!fields[i].code.empty()) by_code[fields[i].code].push_back(i);
    }
    constexpr std::size_t most_of_a_block = 50;  // a name that so many have tells nothing
    for (const auto* block_of : {&by_name, &by_code}) {
        for (const auto& [key, block] : *block_of) {
            if (block.size() > most_of_a_block) continue;
            for (std::size_t x = 0; x < block.size(); ++x) {
                for (std::size_t y = x + 1; y < block.size(); ++y) {
                    const double probability = plain(fields[block[x]], fields[block[y]]);
                    double& known = pairs[{block[x], block[y]}];
                    known = std::max(known, probability);
                }
            }
        }
    }
}

}  // namespace

std::vector<Twin> twins(const Registry& registry, Kind kind, std::size_t most) {
    std::vector<EntryPtr> entries;
    for (EntryPtr& entry : registry.all()) {
        if (entry->kind == kind && entry->state == "active" && entry->successor().empty()) entries.push_back(std::move(entry));
    }
    std::sort(entries.begin(), entries.end(), [](const EntryPtr& a, const EntryPtr& b) { return a->id < b->id; });
    std::vector<Fields> fields;
    for (const EntryPtr& entry : entries) fields.push_back(fields_of(registry, *entry));
    std::map<std::pair<std::size_t, std::size_t>, double> pairs;
    add_plain(entries, fields, pairs);
    if (entries.size() >= few) {
        using identity::Role;
        identity::Records records({{"name", kind == Kind::practitioner ? Role::name_full : Role::text},
                                   {"code", Role::national_id},
                                   {"phone", Role::phone},
                                   {"address", Role::address},
                                   {"area", Role::postcode},
                                   {"institution", Role::place}});
        for (const Fields& each : fields) records.add(each.all());
        for (const identity::Pair& pair : identity::match(records, {.threshold = threshold, .threads = 1}).pairs) {
            const Fields &a = fields[pair.a], &b = fields[pair.b];
            if (!a.code.empty() && !b.code.empty() && a.code != b.code) continue;  // two codes are two entries
            double& known = pairs[{pair.a, pair.b}];
            known = std::max(known, pair.probability);
        }
    }
    std::vector<Twin> out;
    for (const auto& [pair, probability] : pairs) {
        if (probability >= threshold)
            out.push_back(
                twin_of(entries[pair.first], entries[pair.second], fields[pair.first], fields[pair.second], probability));
    }
    std::stable_sort(out.begin(), out.end(), [](const Twin& a, const Twin& b) { return a.probability > b.probability; });
    if (out.size() > most) out.resize(most);
    return out;
}

namespace {

bool is_loose(const Entry& entry) {
    return entry.is_stray && entry.kind != Kind::role && entry.kind != Kind::affiliation && entry.successor().empty();
}

Told told_of(const Entry& entry) {
    Told told{.type = entry.type, .reference = entry.reference()};
    for (const Code& code : entry.codes) {
        if (code.is_current) told.codes.emplace_back(code.system, code.value);
    }
    told.name = entry.name();
    told.parent = entry.parent.empty() ? entry.organization : entry.parent;
    told.practitioner = entry.practitioner;
    return told;
}

/// Somebody who has one of its codes, whatever list the code is said to be of.
EntryPtr by_any_code(const Registry& registry, const Entry& entry) {
    for (const Code& code : entry.codes) {
        for (const Known& known : registry.who_has(code.value, "", "")) {
            const EntryPtr& now = known.now ? known.now : known.entry;
            if (!now->is_stray && now->type == entry.type && now->state == "active") return now;
        }
    }
    return nullptr;
}

void suggest(const Registry& registry, Stray& stray, const std::function<std::string(const std::string&)>& home) {
    Teller teller{.source = stray.entry->source, .home = home ? home(stray.entry->source) : "", .day = "", .asks = true};
    const Told told = told_of(*stray.entry);
    Resolved found;
    registry.look([&](const Catalogue& catalogue) { found = resolve(catalogue, told, teller); });
    stray.suggestion = found.entry ? found.entry : found.suggestion;
    stray.why = stray.suggestion ? found.why : "";
    if (stray.suggestion && stray.why == "same_code") return;
    if (const EntryPtr other = by_any_code(registry, *stray.entry)) stray.suggestion = other, stray.why = "same_code";
}

/// What is alike, by the linkage, for those nothing plain is known of.
void suggest_alike(const Registry& registry, Kind kind, std::vector<Stray>& strays) {
    constexpr std::size_t most_compared = 20'000;  // a list waits for it
    std::map<std::string, Stray*> open;
    for (Stray& each : strays) {
        if (!each.suggestion && each.entry->kind == kind) open[each.entry->reference()] = &each;
    }
    if (open.empty() || registry.list({.kinds = {kind}, .count = 0}).total > most_compared) return;
    for (const Twin& twin : twins(registry, kind, 10'000)) {
        for (const auto& [mine, other] : {std::pair{twin.other, twin.keep}, std::pair{twin.keep, twin.other}}) {
            const auto found = open.find(mine->reference());
            if (found == open.end() || other->is_stray || found->second->suggestion) continue;
            found->second->suggestion = other;
            found->second->why = "alike";
        }
    }
}

}  // namespace

std::vector<std::pair<std::string, std::size_t>> stray_counts(const Registry& registry) {
    std::map<std::string, std::size_t> counts;
    for (const EntryPtr& entry : registry.all()) {
        if (is_loose(*entry)) ++counts[entry->source];
    }
    return {counts.begin(), counts.end()};
}

std::vector<Stray> strays(const Registry& registry, std::string_view source, std::size_t skip, std::size_t most,
                          const std::function<std::string(const std::string&)>& home) {
    std::vector<EntryPtr> all;
    for (EntryPtr& entry : registry.all()) {
        if (is_loose(*entry) && (source.empty() || entry->source == source)) all.push_back(std::move(entry));
    }
    std::sort(all.begin(), all.end(), [](const EntryPtr& a, const EntryPtr& b) {
        return std::tie(a->source, a->kind, a->order, a->id) < std::tie(b->source, b->kind, b->order, b->id);
    });
    std::vector<Stray> out;
    for (std::size_t i = skip; i < all.size() && out.size() < most; ++i) {
        out.push_back({all[i], nullptr, ""});
        suggest(registry, out.back(), home);
    }
    suggest_alike(registry, Kind::institution, out);
    suggest_alike(registry, Kind::practitioner, out);
    return out;
}

}  // namespace xinglin::registry
