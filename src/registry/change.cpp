// SPDX-License-Identifier: Apache-2.0
// Commands carried out on the JSON of entries.
#include "registry/change.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

#include "registry/edit.h"
#include "registry/resolve.h"

namespace xinglin::registry {

namespace {

constexpr std::size_t most_at_once = 5'000;
constexpr std::array<std::string_view, 15> commands = {"rename", "close",     "reopen", "merge", "move",
                                                       "recode", "bed_state", "area",   "class", "map",
                                                       "join",   "register",  "period", "split", "boundary"};

/// The command at work: entries read from the record, edited, gathered.
class Work {
public:
    Work(const Registry& registry, const Command& command)
        : registry_(registry), command_(command), reader_(registry.store().reader(access::Viewer::program("registry"))) {
        day_ = command.day.empty() ? registry.today() : command.day;
    }

    Result<Done> run() {
        if (!command_.targets.empty() && command_.targets.size() != command_.entries.size())
            return refuse(IssueCode::invalid, "targets", "must be as many as entries");
        for (std::size_t i = 0; i < command_.entries.size(); ++i) {
            const std::string& reference = command_.entries[i];
            const EntryPtr entry = registry_.find(reference);
            if (!entry) return refuse(IssueCode::not_found, "entries", reference + " is in no registry");
            into_ = command_.targets.empty() ? command_.value : command_.targets[i];
            XINGLIN_CHECK(one(*entry));
        }
        return Done{};
    }
    std::vector<Write> take() {
        std::vector<Write> out;
        for (Open& each : open_) out.push_back({each.reference, each.version, json::write(each.edit->value())});
        out.insert(out.end(), std::make_move_iterator(fresh_.begin()), std::make_move_iterator(fresh_.end()));
        return out;
    }

private:
    struct Open {
        std::string reference;
        std::int64_t version;
        std::unique_ptr<Edit> edit;
    };
    const Registry& registry_;
    const Command& command_;
    record::Reader reader_;
    json::Arena arena_;
    std::string day_, into_;
    std::vector<Open> open_;
    std::vector<Write> fresh_;

    Result<Edit*> edit(const std::string& reference) {
        for (const Open& each : open_) {
            if (each.reference == reference) return each.edit.get();
        }
        const std::size_t slash = reference.find('/');
        const fhir::Type* type = fhir::find_resource(std::string_view(reference).substr(0, slash));
        if (!type) return refuse(IssueCode::not_found, "entries", reference + " is in no registry");
        const auto version = reader_.read(*type, std::string_view(reference).substr(slash + 1));
        if (!version.ok()) return refuse(IssueCode::not_found, "entries", reference + " is not there any more");
        XINGLIN_TRY(const json::Value resource,
                    json::parse(arena_.keep(version->body), arena_, {.depth = 1'000, .bytes = version->body.size() + 1}));
        open_.push_back({reference, version->version, std::make_unique<Edit>(arena_, resource)});
        return open_.back().edit.get();
    }

    Result<Done> one(const Entry& entry) {
        XINGLIN_TRY(Edit* const it, edit(entry.reference()));
        const std::string_view what = command_.what;
        if (what == "rename") return rename(entry, *it);
        if (what == "recode") return recode(entry, *it);
        if (what == "move") return move(entry, *it);
        if (what == "merge") return merge(entry, *it);
        if (what == "map") return map(entry, *it);
        if (what == "split") return split(entry, *it);
        if (what == "boundary") return boundary(entry, *it);
        if (what == "period") return in_force(entry, *it);
        if (what == "join") return join(entry, *it);
        if (what == "register") {
            if (!entry.is_stray) return refuse(IssueCode::invalid, "entries", entry.reference() + " is registered already");
            if (!entry.successor().empty())
                return refuse(IssueCode::conflict, "entries", entry.reference() + " was joined to another; undo that first");
            it->set_standing("registered");
            it->add_event("registered", day_, "", command_.note);
            return Done{};
        }
        if (what == "close" || what == "reopen") {
            it->set_open(what == "reopen", day_);
            it->add_event(what == "close" ? "closed" : "reopened", day_, "", command_.note);
            return Done{};
        }
        if (what == "bed_state") {
            if (entry.kind != Kind::bed) return refuse(IssueCode::invalid, "entries", entry.reference() + " is no bed");
            if (std::string_view("CHIKOU").find(command_.value) == std::string_view::npos || command_.value.size() != 1)
                return refuse(IssueCode::value, "value",
                              "must be C closed, H housekeeping, I isolated, K contaminated, O occupied or U free");
            it->set_coding("operationalStatus", bed_status_system, command_.value);
            return Done{};
        }
        if (what == "area") return area(entry, *it);
        if (entry.kind != Kind::institution)
            return refuse(IssueCode::invalid, "entries", entry.reference() + " is no institution");
        it->set_type(class_system, command_.value, "");
        return Done{};
    }
    Result<Done> rename(const Entry& entry, Edit& it) {
        if (command_.value.empty()) return refuse(IssueCode::required, "value", "is missing: the new name");
        if (command_.value == entry.name()) return refuse(IssueCode::invalid, "value", "is its name already");
        const std::string_view type = entry.type->name;
        if (type != "Organization" && type != "Location" && type != "Practitioner")
            return refuse(IssueCode::invalid, "entries", entry.reference() + " cannot be renamed; write it anew");
        it.rename(entry.name(), command_.value, day_);
        it.add_event("renamed", day_, "", command_.note);
        return Done{};
    }
    Result<Done> recode(const Entry& entry, Edit& it) {
        const std::string_view system = command_.system.empty() ? code_system_of(entry.kind) : std::string_view(command_.system);
        if (command_.entries.size() != 1) return refuse(IssueCode::invalid, "entries", "one entry at a time gets another code");
        if (command_.value.empty()) return refuse(IssueCode::required, "value", "is missing: the new code");
        for (const Known& known : registry_.who_has(command_.value, system, "")) {
            if (known.code.is_current && known.entry->id != entry.id)
                return refuse(IssueCode::conflict, "value", "is the code of " + known.entry->reference() + " already");
        }
        it.recode(system, command_.value, day_);
        it.add_event("recoded", day_, "", command_.note);
        return Done{};
    }
    Result<Done> area(const Entry& entry, Edit& it) {
        if (entry.type->name != "Organization" && entry.type->name != "Location")
            return refuse(IssueCode::invalid, "entries", entry.reference() + " lies in no area");
        if (!is_division(command_.value)) return refuse(IssueCode::value, "value", "a division code has 2, 4, 6, 9 or 12 digits");
        it.set_area(command_.value);
        return Done{};
    }
    Result<Done> may_lie_in(const Entry& entry) {
        const EntryPtr target = registry_.find(into_);
        if (!target) return refuse(IssueCode::not_found, "value", "is in no registry");
        if (target->type != entry.type)
            return refuse(IssueCode::invalid, "value", "must be of the same kind as " + entry.reference());
        if (leads_to(registry_, into_, entry.reference()))
            return refuse(IssueCode::invariant, "value",
                          "would make a cycle in the hierarchy: " + into_ + " is part of " + entry.reference() + " or is it");
        return Done{};
    }
    Result<Done> move(const Entry& entry, Edit& it) {
        if (entry.type->name != "Organization" && entry.type->name != "Location")
            return refuse(IssueCode::invalid, "entries", entry.reference() + " has no place in a hierarchy");
        if (!command_.value.empty()) XINGLIN_CHECK(may_lie_in(entry));
        it.add_former_parent(entry.parent, day_);
        it.set_reference("partOf", command_.value);
        it.add_event("moved", day_, command_.value, command_.note);
        return Done{};
    }
    /// An area is divided: the parts begin on the day, what is left of it ends the day before. One part may keep its code: that is itself.
    Result<Done> split(const Entry& entry, Edit& it) {
        if (entry.kind != Kind::area) return refuse(IssueCode::invalid, "entries", entry.reference() + " is no area");
        if (command_.entries.size() != 1) return refuse(IssueCode::invalid, "entries", "one area at a time is divided");
        if (command_.parts.size() < 2)
            return refuse(IssueCode::required, "parts", "two or more are needed, each with code and name");
        bool goes_on = false;
        std::set<std::string> codes, taken;
        for (const AreaPart& part : command_.parts) {
            if (!is_division(part.code))
                return refuse(IssueCode::value, "parts.code", part.code + ": a division code has 2, 4, 6, 9 or 12 digits");
            if (!codes.insert(part.code).second)
                return refuse(IssueCode::conflict, "parts.code", part.code + " stands there twice");
            if (part.code == entry.area) {
                goes_on = true;
                continue;
            }
            XINGLIN_TRY(const std::string reference, new_area(entry, part));
            it.add_event("divided", day_, reference, command_.note);
            for (const std::string& each : part.takes) {
                const EntryPtr below = registry_.find(each);
                if (!below || below->parent != entry.reference() || !taken.insert(each).second)
                    return refuse(IssueCode::invalid, "parts.takes",
                                  each + " is no part of " + entry.reference() + ", or stands there twice");
                XINGLIN_TRY(Edit* const moved, edit(each));
                moved->add_former_parent(entry.reference(), day_);
                moved->set_reference("partOf", reference);
                moved->add_event("moved", day_, reference, command_.note);
            }
        }
        if (!goes_on) {
            it.set_open(false, day_before(day_));
            it.add_event("closed", day_, "", command_.note);
        }
        return Done{};
    }
    Result<std::string> new_area(const Entry& whole, const AreaPart& part) {
        if (part.name.empty() || part.name.size() > 300)
            return refuse(IssueCode::required, "parts.name", "is missing, or too long");
        for (const Known& known : registry_.who_has(part.code, division_system, day_)) {
            if (known.entry->state == "active")
                return refuse(IssueCode::conflict, "parts.code",
                              part.code + " is the code of " + known.entry->reference() + " already");
        }
        const std::string id = registry_.store().new_id();
        const auto text = [&](std::string_view said) { return arena_.string(said); };
        const json::Value from = arena_.object({{"start", text(day_)}});
        const json::Value type = arena_.object({{"system", text(place_type_system)}, {"code", text("jdn")}});
        Edit made(arena_,
                  arena_.object(
                      {{"resourceType", text("Location")},
                       {"id", text(id)},
                       {"identifier", arena_.array({arena_.object(
                                          {{"system", text(division_system)}, {"value", text(part.code)}, {"period", from}})})},
                       {"status", text("active")},
                       {"name", text(part.name)},
                       {"mode", text("instance")},
                       {"physicalType", arena_.object({{"coding", arena_.array({type})}})}}));
        if (!whole.parent.empty()) made.set_reference("partOf", whole.parent);
        made.set_days(day_, "");
        made.add_event("split", day_, whole.reference(), command_.note);
        fresh_.push_back({"Location/" + id, 0, json::write(made.value())});
        return "Location/" + id;
    }
    Result<Done> boundary(const Entry& entry, Edit& it) {
        if (entry.kind != Kind::area) return refuse(IssueCode::invalid, "entries", entry.reference() + " is no area");
        XINGLIN_CHECK(check_boundary(command_.value));
        it.set_boundary(command_.value, day_);
        it.add_event("boundary", day_, "", command_.note);
        return Done{};
    }
    Result<Done> in_force(const Entry& entry, Edit& it) {
        const std::size_t slash = command_.value.find('/');
        const std::string from = command_.value.substr(0, slash),
                          to = slash == std::string::npos ? "" : command_.value.substr(slash + 1);
        if (slash == std::string::npos || (!from.empty() && !is_day(from)) || (!to.empty() && !is_day(to)) ||
            (!from.empty() && !to.empty() && to < from))
            return refuse(IssueCode::value, "value",
                          "must be two days with a stroke between them, 2020-01-01/2024-06-30; either may be missing");
        if (entry.kind == Kind::drug) return refuse(IssueCode::invalid, "entries", entry.reference() + " has no days in force");
        it.set_days(from, to);
        return Done{};
    }
    /// A source's own code for it: what the source calls so is this, from now on and in what came before.
    Result<Done> map(const Entry& entry, Edit& it) {
        if (command_.value.empty()) return refuse(IssueCode::required, "value", "is missing: the code the source uses");
        if (command_.system.empty()) return refuse(IssueCode::required, "system", "is missing: the source whose code it is");
        if (command_.entries.size() != 1)
            return refuse(IssueCode::invalid, "entries", "one entry at a time gets a source's code");
        const bool is_system = command_.system.find(':') != std::string::npos;
        const std::string system = is_system ? command_.system : own_systems(command_.system) + "local";
        for (const Known& known : registry_.who_has(command_.value, system, "")) {
            if (known.code.is_current && known.entry->type == entry.type && !known.entry->is_stray &&
                known.entry->id != entry.id && known.entry->state == "active")
                return refuse(IssueCode::conflict, "value",
                              "means " + known.entry->reference() + " already; one code of a source has one meaning");
        }
        it.add_mapping(system, command_.value);
        return Done{};
    }
    /// It ends; what was part of it or worked there goes on in the other one.
    Result<Done> fold_into(const Entry& entry, Edit& it) {
        it.set_open(false, day_);
        it.add_event("merged", day_, into_, command_.note);
        const std::string from = entry.reference();
        for (const EntryPtr& each : registry_.pointing(from)) {
            if (each->state != "active" || each->reference() == into_) continue;
            XINGLIN_TRY(Edit* const part, edit(each->reference()));
            part->replace_references(from, into_);
        }
        return Done{};
    }
    Result<Done> merge(const Entry& entry, Edit& it) {
        XINGLIN_CHECK(may_lie_in(entry));
        XINGLIN_TRY(Edit* const into, edit(into_));
        into->add_event("absorbed", day_, entry.reference(), command_.note);
        return fold_into(entry, it);
    }
    /// A stray is one that is registered: the source's codes for it are written down there.
    Result<Done> join(const Entry& entry, Edit& it) {
        XINGLIN_CHECK(may_lie_in(entry));
        if (!entry.is_stray) return refuse(IssueCode::invalid, "entries", entry.reference() + " is registered; merge it");
        if (!entry.successor().empty()) return refuse(IssueCode::conflict, "entries", entry.reference() + " is joined already");
        if (const EntryPtr target = registry_.find(into_); target->is_stray || !target->successor().empty())
            return refuse(IssueCode::invalid, "value", into_ + " is not registered itself");
        XINGLIN_TRY(Edit* const into, edit(into_));
        for (const Code& code : entry.codes) {
            if (code.is_current && code.system.starts_with(own_systems(entry.source))) into->add_mapping(code.system, code.value);
        }
        return fold_into(entry, it);
    }
};

}  // namespace

std::string_view code_system_of(Kind kind) {
    switch (kind) {
        case Kind::institution: return institution_code_system;
        case Kind::practitioner: return staff_code_system;
        case Kind::consumable: return udi_system;
        case Kind::drug: return drug_code_system;
        case Kind::area: return division_system;
        default: return own_code_system;
    }
}

bool leads_to(const Registry& registry, std::string_view from, std::string_view reference) {
    if (from == reference) return true;
    for (const EntryPtr& each : registry.above(from)) {
        if (each->reference() == reference) return true;
    }
    return false;
}

Result<Done> check_boundary(std::string_view geojson) {
    json::Arena arena;
    const auto read = json::parse(geojson, arena, {.depth = 12, .bytes = 1'000'001});
    if (!read.ok()) return refuse(IssueCode::value, "value", "is no GeoJSON: " + read.outcome().line());
    const std::string_view type = (*read)["type"].string();
    if (type != "Polygon" && type != "MultiPolygon")
        return refuse(IssueCode::value, "value.type",
                      "must be Polygon or MultiPolygon (RFC 7946); of a Feature send its geometry");
    std::vector<json::Value> polygons;
    if (type == "Polygon") polygons.push_back((*read)["coordinates"]);
    for (const json::Node& node : (*read)["coordinates"].items()) {
        if (type == "MultiPolygon") polygons.emplace_back(&node);
    }
    if (polygons.empty()) return refuse(IssueCode::required, "value.coordinates", "is empty");
    for (const json::Value polygon : polygons) {
        if (polygon.size() == 0) return refuse(IssueCode::required, "value.coordinates", "is empty");
        for (const json::Node& node : polygon.items()) {
            const json::Value ring(&node);
            const std::size_t points = ring.size();
            if (points < 4 || !json::identical(ring[std::size_t{0}], ring[points - 1]))
                return refuse(IssueCode::value, "value.coordinates",
                              "a ring needs four points or more, the last one like the first");
            for (const json::Node& at : ring.items()) {
                const json::Value point(&at);
                const double longitude = std::strtod(std::string(point[std::size_t{0}].text()).c_str(), nullptr);
                const double latitude = std::strtod(std::string(point[std::size_t{1}].text()).c_str(), nullptr);
                if (point.size() < 2 || !point[std::size_t{0}].is_number() || !point[std::size_t{1}].is_number() ||
                    longitude < -180 || longitude > 180 || latitude < -90 || latitude > 90)
                    return refuse(IssueCode::value, "value.coordinates", "a point is longitude and latitude in degrees");
            }
        }
    }
    return Done{};
}

Result<Revision> plan(const Registry& registry, const Command& command, std::string_view who) {
    if (std::find(commands.begin(), commands.end(), command.what) == commands.end())
        return refuse(IssueCode::value, "what",
                      "must be rename, close, reopen, merge, move, recode, bed_state, area, class, map, join, register, period, "
                      "split or boundary");
    if (command.entries.empty()) return refuse(IssueCode::required, "entries", "is missing: the entries to change");
    if (command.entries.size() > most_at_once)
        return refuse(IssueCode::too_costly, "entries", fmt::format("at most {} at once", most_at_once));
    if (!command.day.empty() && !is_day(command.day)) return refuse(IssueCode::value, "day", "must be a day, 2026-11-22");
    if (command.parts.size() > 100) return refuse(IssueCode::too_costly, "parts", "are more than 100");
    if (command.value.size() > (command.what == "boundary" ? 1'000'000u : 2'000u) || command.note.size() > 2'000)
        return refuse(IssueCode::too_costly, "value", "is too long");
    Work work(registry, command);
    XINGLIN_CHECK(work.run());
    return Revision{.what = "change", .said = command.what, .of = "", .who = std::string(who), .writes = work.take()};
}

}  // namespace xinglin::registry
