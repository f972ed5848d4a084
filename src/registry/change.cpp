// SPDX-License-Identifier: Apache-2.0
// Commands carried out on the JSON of entries.
#include "registry/change.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "registry/edit.h"

namespace xinglin::registry {

namespace {

constexpr std::size_t most_at_once = 5'000;
constexpr std::array<std::string_view, 9> commands = {"rename", "close",     "reopen", "merge", "move",
                                                      "recode", "bed_state", "area",   "class"};

/// The command at work: entries read from the record, edited, gathered.
class Work {
public:
    Work(const Registry& registry, const Command& command)
        : registry_(registry), command_(command), reader_(registry.store().reader(access::Viewer::program("registry"))) {
        day_ = command.day.empty() ? registry.today() : command.day;
    }

    Result<Done> run() {
        for (const std::string& reference : command_.entries) {
            const EntryPtr entry = registry_.find(reference);
            if (!entry) return refuse(IssueCode::not_found, "entries", reference + " is in no registry");
            XINGLIN_CHECK(one(*entry));
        }
        return Done{};
    }
    std::vector<Write> take() {
        std::vector<Write> out;
        for (Open& each : open_) out.push_back({each.reference, each.version, json::write(each.edit->value())});
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
    std::string day_;
    std::vector<Open> open_;

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
        const EntryPtr target = registry_.find(command_.value);
        if (!target) return refuse(IssueCode::not_found, "value", "is in no registry");
        if (target->type != entry.type)
            return refuse(IssueCode::invalid, "value", "must be of the same kind as " + entry.reference());
        if (leads_to(registry_, command_.value, entry.reference()))
            return refuse(
                IssueCode::invariant, "value",
                "would make a cycle in the hierarchy: " + command_.value + " is part of " + entry.reference() + " or is it");
        return Done{};
    }
    Result<Done> move(const Entry& entry, Edit& it) {
        if (entry.type->name != "Organization" && entry.type->name != "Location")
            return refuse(IssueCode::invalid, "entries", entry.reference() + " has no place in a hierarchy");
        if (!command_.value.empty()) XINGLIN_CHECK(may_lie_in(entry));
        it.set_reference("partOf", command_.value);
        it.add_event("moved", day_, command_.value, command_.note);
        return Done{};
    }
    /// It ends; what was part of it or worked there goes on in the other one.
    Result<Done> merge(const Entry& entry, Edit& it) {
        XINGLIN_CHECK(may_lie_in(entry));
        const std::string from = entry.reference();
        it.set_open(false, day_);
        it.add_event("merged", day_, command_.value, command_.note);
        XINGLIN_TRY(Edit* const into, edit(command_.value));
        into->add_event("absorbed", day_, from, command_.note);
        for (const EntryPtr& each : registry_.pointing(from)) {
            if (each->state != "active" || each->reference() == command_.value) continue;
            XINGLIN_TRY(Edit* const part, edit(each->reference()));
            part->replace_references(from, command_.value);
        }
        return Done{};
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

Result<Revision> plan(const Registry& registry, const Command& command, std::string_view who) {
    if (std::find(commands.begin(), commands.end(), command.what) == commands.end())
        return refuse(IssueCode::value, "what", "must be rename, close, reopen, merge, move, recode, bed_state, area or class");
    if (command.entries.empty()) return refuse(IssueCode::required, "entries", "is missing: the entries to change");
    if (command.entries.size() > most_at_once)
        return refuse(IssueCode::too_costly, "entries", fmt::format("at most {} at once", most_at_once));
    if (!command.day.empty() && !is_day(command.day)) return refuse(IssueCode::value, "day", "must be a day, 2026-11-22");
    if (command.value.size() > 2'000 || command.note.size() > 2'000) return refuse(IssueCode::too_costly, "value", "is too long");
    Work work(registry, command);
    XINGLIN_CHECK(work.run());
    return Revision{.what = "change", .said = command.what, .of = "", .who = std::string(who), .writes = work.take()};
}

}  // namespace xinglin::registry
