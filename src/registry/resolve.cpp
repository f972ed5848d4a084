// SPDX-License-Identifier: Apache-2.0
// By its id, by any present or former code, by its number with its name, by its name at its place; in that order, and never by a name alone where two fit.
//
// A code counts as of the day the message was sent: one that was given to somebody else after its first bearer closed means the one who had
// it then. A name joins only where nothing told contradicts it; staff with a number nobody knows are suggested, not joined.
#include "registry/resolve.h"

#include <algorithm>

#include "text/text.h"

namespace xinglin::registry {

namespace {

bool is_own(std::string_view system, std::string_view own) { return system.starts_with(own); }

/// Entries that may stand for one another. A department is no institution.
bool may_be(const Entry& entry, const Told& told) { return entry.type == told.type && !entry.is_stray; }

struct Best {
    EntryPtr entry;
    int score = -1;
    bool several = false;
    void see(const EntryPtr& one, int points) {
        if (points < score || !one) return;
        if (points > score) {
            entry = one, score = points, several = false;
        } else if (one != entry) {
            several = true;
        }
    }
};

void look_up(const Catalogue& catalogue, const Told& told, std::string_view value, std::string_view system, std::string_view day,
             Best& best) {
    for (const Known& known : catalogue.who_has(value, system, "")) {
        if (!known.now || !may_be(*known.now, told)) continue;
        const bool held = known.code.days.hold(day) && known.entry->days.hold(day);
        best.see(known.now, (held ? 4 : 0) + (known.code.is_current ? 2 : 0) + (known.entry->state == "active" ? 1 : 0));
    }
}

Best by_code(const Catalogue& catalogue, const Told& told, const Teller& teller) {
    const std::string own = own_systems(teller.source);
    Best best;
    for (const auto& [system, value] : told.codes) {
        if (system == udi_system && told.type->name == "Device") continue;  // of the model, not of the piece
        if (!system.empty()) look_up(catalogue, told, value, system, teller.day, best);
        // What a steward wrote down for this source by hand holds for whatever list of its own it stands in.
        if (system.empty() || is_own(system, own)) look_up(catalogue, told, value, own + "local", teller.day, best);
    }
    return best;
}

/// Does it have another code where a shared one is told?
bool contradicts(const Entry& entry, const Told& told, std::string_view own) {
    for (const auto& [system, value] : told.codes) {
        if (system.empty() || is_own(system, own)) continue;
        bool has_another = false, has_this = false;
        for (const Code& code : entry.codes) {
            if (code.system != system) continue;
            if (text::fold(code.value) == text::fold(value)) has_this = true;
            else has_another = true;
        }
        if (has_another && !has_this) return true;
    }
    return false;
}

bool lies_in(const Catalogue& catalogue, const Entry& entry, std::string_view place) {
    if (place.empty()) return false;
    if (entry.type->name == "Practitioner") {
        for (const EntryPtr& role : catalogue.pointing(entry.reference(), {Kind::role})) {
            if (role->organization == place && !role->is_stray) return true;
        }
        return false;
    }
    for (const EntryPtr& each : catalogue.above(entry.reference())) {
        if (each->reference() == place) return true;
        if (each->organization == place) return true;
    }
    return entry.organization == place;
}

/// Is a name not enough, wherever it is?
bool only_suggests(const Told& told) {
    const std::string_view type = told.type->name;
    return type == "Device" || type == "Medication" || type == "DeviceDefinition" ||
           (type == "Practitioner" && !told.codes.empty());
}

/// The same number and the same name: the list the number is said to be of does not matter then (a hospital's staff number, and the same one
/// in the register of staff).
Resolved by_number_and_name(const Catalogue& catalogue, const Told& told) {
    constexpr std::size_t shortest = 3;  // "1" is everybody's number
    if (told.name.empty()) return {};
    const std::string plain = plain_name(told.name);
    EntryPtr only;
    for (const auto& [system, value] : told.codes) {
        if (value.size() < shortest) continue;
        for (const Known& known : catalogue.who_has(value, "", "")) {
            if (!known.now || !may_be(*known.now, told) || known.now->state != "active") continue;
            const bool is_called = std::any_of(known.now->names.begin(), known.now->names.end(),
                                               [&](const Name& each) { return plain_name(each.text) == plain; });
            if (!is_called) continue;
            if (only && only != known.now) return {nullptr, only, "several"};
            only = known.now;
        }
    }
    return {only, nullptr, only ? "same_code" : ""};
}

Resolved by_name(const Catalogue& catalogue, const Told& told, const Teller& teller) {
    if (told.name.empty() || (only_suggests(told) && !teller.asks)) return {};
    const std::vector<EntryPtr> all = catalogue.named(told.name, told.type);
    const std::string own = own_systems(teller.source);
    const std::string& place = told.parent.empty() ? teller.home : told.parent;
    Best best;
    for (const EntryPtr& each : all) {
        const EntryPtr now = catalogue.now(each);
        if (!now || !may_be(*now, told)) continue;
        const bool here = lies_in(catalogue, *now, place);
        // An institution stands for itself; everything else is called like others elsewhere.
        const bool stands = now->kind == Kind::institution || now->kind == Kind::alliance || now->kind == Kind::area;
        const bool is_called = plain_name(now->name()) == plain_name(told.name);
        best.see(now, (here ? 8 : 0) + (stands && told.parent.empty() ? 4 : 0) + (now->state == "active" ? 2 : 0) +
                          (is_called ? 1 : 0));
    }
    if (!best.entry) return {};
    if (best.several) return {nullptr, best.entry, "several"};
    if (contradicts(*best.entry, told, own)) return {nullptr, best.entry, "other_code"};
    if (best.score < 4) return {nullptr, best.entry, "elsewhere"};
    if (only_suggests(told)) return {nullptr, best.entry, "same_name"};
    if (best.entry->state != "active" && !best.entry->days.hold(teller.day)) return {nullptr, best.entry, "same_name"};
    return {best.entry, nullptr, "same_name"};
}

/// Where somebody works is known by whom and where.
Resolved by_place(const Catalogue& catalogue, const Told& told) {
    EntryPtr only;
    for (const EntryPtr& role : catalogue.pointing(told.practitioner, {Kind::role})) {
        if (role->organization != told.parent || role->is_stray || role->state != "active") continue;
        if (only) return {nullptr, only, "several"};
        only = role;
    }
    return {only, nullptr, only ? "same_place" : ""};
}

}  // namespace

std::string own_systems(std::string_view source) { return "urn:xinglin:source:" + std::string(source) + ":"; }

Resolved resolve(const Catalogue& catalogue, const Told& told, const Teller& teller) {
    if (!told.type) return {};
    if (const EntryPtr same = catalogue.find(told.reference)) {
        const EntryPtr now = catalogue.now(same);
        if (now && !now->is_stray && now->type == told.type) return {now, nullptr, "same_id"};
    }
    const Best coded = by_code(catalogue, told, teller);
    if (coded.entry && !coded.several) return {coded.entry, nullptr, "same_code"};
    if (told.type->name == "PractitionerRole") return by_place(catalogue, told);
    if (coded.several) return {nullptr, coded.entry, "several"};
    if (const Resolved both = by_number_and_name(catalogue, told); both.entry) return both;
    return by_name(catalogue, told, teller);
}

}  // namespace xinglin::registry
