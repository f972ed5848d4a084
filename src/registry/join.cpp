// SPDX-License-Identifier: Apache-2.0
// Entries of a bundle resolved, parents first; then one walk over everything that refers to them.
#include "registry/join.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <vector>

#include "registry/resolve.h"
#include "text/text.h"

namespace xinglin::registry {

namespace {

constexpr int deepest = 190;
constexpr std::array<std::string_view, 7> joined_types = {"Organization", "Location",          "Practitioner", "PractitionerRole",
                                                          "Device",       "HealthcareService", "Medication"};
/// What may stand for itself with no more than its name.
constexpr std::array<std::string_view, 3> stub_types = {"Organization", "Location", "Practitioner"};

template <std::size_t N>
bool is_one_of(std::string_view type, const std::array<std::string_view, N>& types) {
    return std::find(types.begin(), types.end(), type) != types.end();
}

std::string_view type_of(std::string_view reference) { return reference.substr(0, reference.find('/')); }

/// "Organization/x" with an id, and nothing behind it.
bool is_plain(std::string_view reference) {
    const std::size_t slash = reference.find('/');
    if (slash == std::string_view::npos || slash == 0 || slash + 1 == reference.size() || reference.size() - slash > 65)
        return false;
    return std::all_of(reference.begin() + static_cast<std::ptrdiff_t>(slash) + 1, reference.end(),
                       [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '.'; });
}

std::string name_of(json::Value r) {
    const std::string_view type = r["resourceType"].string();
    if (type == "Device") return std::string(r["deviceName"][std::size_t{0}]["name"].string());
    if (type == "Medication") return std::string(r["code"]["text"].string());
    const json::Value name = r["name"];
    if (name.is_string()) return std::string(name.string());
    const json::Value first = name[std::size_t{0}];
    if (!first["text"].string().empty()) return std::string(first["text"].string());
    return std::string(first["family"].string()) + std::string(first["given"][std::size_t{0}].string());
}

/// Homes and vehicles, and drugs that a prescription carries with it, are of no registry.
bool is_told(json::Value r) {
    const std::string_view type = r["resourceType"].string();
    if (!is_one_of(type, joined_types)) return false;
    if (type == "Medication") return r["identifier"].size() > 0;
    const std::string_view place = r["physicalType"]["coding"][std::size_t{0}]["code"].string();
    return type != "Location" || (place != "ho" && place != "ve");
}

class Work {
public:
    Work(const Catalogue& catalogue, Teller teller, json::Arena& arena)
        : catalogue_(catalogue), teller_(std::move(teller)), arena_(arena) {}

    Joined join(json::Value bundle) {
        for (const json::Node& node : bundle["entry"].items()) note(json::Value(&node));
        for (auto& [reference, one] : mine_) settle(reference, one, 0);
        std::vector<json::Value> entries;
        bool changed = false;
        for (const json::Node& node : bundle["entry"].items()) {
            const json::Value before(&node);
            const json::Value after = entry(before);
            changed |= after != before;
            if (after) entries.push_back(after);
        }
        for (const auto& [reference, stub] : stubs_) entries.push_back(stub);
        out_.bundle = changed || !stubs_.empty() ? arena_.with(bundle, "entry", arena_.array(entries)) : bundle;
        return out_;
    }
    json::Value codes_only(json::Value resource) {
        only_codes_ = true;
        return walk(resource, 0);
    }

private:
    struct Mine {
        json::Value resource;
        bool is_settled = false;
        std::string becomes{};  // a registered entry; "" stays as told
    };
    const Catalogue& catalogue_;
    Teller teller_;
    json::Arena& arena_;
    std::unordered_map<std::string, Mine> mine_;  // "Organization/x" of this message
    std::unordered_map<std::string, json::Value> stubs_;
    std::string origin_;
    Joined out_;
    bool only_codes_ = false;

    void note(json::Value entry) {
        const json::Value r = entry["resource"];
        if (origin_.empty()) origin_ = r["meta"]["source"].string();
        if (entry["request"]["method"].string() != "PUT" || !is_told(r)) return;
        mine_[std::string(r["resourceType"].string()) + "/" + std::string(r["id"].string())].resource = r;
    }
    /// What a reference of the message means in the registries; "" nothing.
    std::string meaning(std::string_view reference, int depth) {
        const std::string key(reference);
        if (const auto found = mine_.find(key); found != mine_.end()) {
            settle(found->first, found->second, depth + 1);
            return found->second.becomes.empty() ? key : found->second.becomes;
        }
        const EntryPtr entry = catalogue_.now(catalogue_.find(key));
        return entry ? entry->reference() : key;
    }
    std::string first_meaning(json::Value r, std::initializer_list<std::string_view> members, int depth) {
        for (const std::string_view member : members) {
            if (const std::string_view reference = r[member]["reference"].string(); !reference.empty())
                return meaning(reference, depth);
        }
        return {};
    }
    void settle(const std::string& reference, Mine& one, int depth) {
        if (one.is_settled || depth > 60) return;
        one.is_settled = true;  // a cycle ends here
        const json::Value r = one.resource;
        Told told{.type = fhir::find_resource(r["resourceType"].string()), .reference = reference};
        for (const json::Node& node : r["identifier"].items()) {
            const json::Value each(&node);
            if (!each["value"].string().empty() && each["use"].string() != "old")
                told.codes.emplace_back(each["system"].string(), each["value"].string());
        }
        told.name = name_of(r);
        told.parent = first_meaning(r, {"partOf", "managingOrganization", "organization", "providedBy", "owner"}, depth);
        told.practitioner = first_meaning(r, {"practitioner"}, depth);
        const Resolved resolved = resolve(catalogue_, told, teller_);
        if (resolved.entry) one.becomes = resolved.entry->reference();
    }

    json::Value entry(json::Value entry) {
        const json::Value r = entry["resource"];
        if (!r) return entry;
        const std::string reference = std::string(r["resourceType"].string()) + "/" + std::string(r["id"].string());
        json::Value resource = r;
        if (const auto found = mine_.find(reference); found != mine_.end()) {
            if (!found->second.becomes.empty()) {
                ++out_.joined;
                return {};
            }
            resource = marked(resource);
            ++out_.strays;
        }
        resource = walk(resource, 0);
        return resource == r ? entry : arena_.with(entry, "resource", resource);
    }
    json::Value marked(json::Value resource) {
        json::Value meta = resource["meta"].is_object() ? resource["meta"] : arena_.object({});
        std::vector<json::Value> tags;
        for (const json::Node& node : meta["tag"].items()) {
            if (json::Value(&node)["system"].string() != standing_system) tags.emplace_back(&node);
        }
        tags.push_back(arena_.object({{"system", arena_.string(standing_system)}, {"code", arena_.string("stray")}}));
        meta = arena_.with(meta, "tag", arena_.array(tags));
        return arena_.with_after(resource, "id", "meta", meta);
    }

    json::Value walk(json::Value value, int depth) {
        if (depth > deepest) return value;
        if (value.is_array()) return walk_array(value, depth);
        if (!value.is_object()) return value;
        if (const json::Value link = value["reference"]; link.is_string())
            return only_codes_ ? value : reference(value, link.string());
        if (value["identifier"].is_object() && is_code_only(value)) return by_code(value);
        std::vector<std::pair<std::string_view, json::Value>> changed;
        const auto members = value.members();
        for (std::size_t i = 0; i < members.size(); ++i) {
            const json::Value before = members[i].value();
            const json::Value after = before.is_object() || before.is_array() ? walk(before, depth + 1) : before;
            if (changed.empty() && after == before) continue;
            if (changed.empty()) {
                for (std::size_t k = 0; k < i; ++k) changed.emplace_back(members[k].key(), members[k].value());
            }
            changed.emplace_back(members[i].key(), after);
        }
        return changed.empty() ? value : arena_.object(changed);
    }
    json::Value walk_array(json::Value value, int depth) {
        std::vector<json::Value> changed;
        const auto items = value.items();
        for (std::size_t i = 0; i < items.size(); ++i) {
            const json::Value before(&items[i]);
            const json::Value after = walk(before, depth + 1);
            if (changed.empty() && after == before) continue;
            if (changed.empty()) {
                for (std::size_t k = 0; k < i; ++k) changed.emplace_back(&items[k]);
            }
            changed.push_back(after);
        }
        return changed.empty() ? value : arena_.array(changed);
    }

    /// {"reference": …} as a message has it.
    json::Value reference(json::Value value, std::string_view link) {
        if (!is_one_of(type_of(link), joined_types) || !is_plain(link)) return value;
        const auto found = mine_.find(std::string(link));
        if (found != mine_.end() && found->second.becomes.empty()) return value;  // a stray of this message
        const EntryPtr there = found == mine_.end() ? catalogue_.now(catalogue_.find(link)) : nullptr;
        std::string to = found != mine_.end() ? found->second.becomes : there ? there->reference() : std::string();
        if (to == link) return value;
        if (to.empty()) to = known_by_code(value, type_of(link));
        if (to.empty()) {
            add_stub(link, value);
            return value;
        }
        ++out_.joined;
        value = arena_.with(value, "reference", arena_.string(to));
        if (found == mine_.end() || !value["display"].string().empty()) return value;
        const std::string said = name_of(found->second.resource);  // the source's word for it stays
        return said.empty() ? value : arena_.with(value, "display", arena_.string(said));
    }
    std::string known_by_code(json::Value reference, std::string_view type) {
        const json::Value code = reference["identifier"];
        if (code["value"].string().empty()) return {};
        Told told{.type = fhir::find_resource(type)};
        told.codes.emplace_back(code["system"].string(), code["value"].string());
        const Resolved resolved = resolve(catalogue_, told, teller_);
        return resolved.entry ? resolved.entry->reference() : std::string();
    }
    static bool is_code_only(json::Value value) {
        for (const json::Member& member : value.members()) {
            if (member.key() != "identifier" && member.key() != "type" && member.key() != "display" &&
                member.key() != "extension" && member.key() != "id")
                return false;
        }
        return !value["identifier"]["value"].string().empty();
    }
    /// A reference that only says a code.
    json::Value by_code(json::Value value) {
        const std::string_view type = value["type"].string();
        if (only_codes_ && value["identifier"]["system"].string().empty()) return value;
        for (const std::string_view each : joined_types) {
            if (!type.empty() && type != each) continue;
            const std::string to = known_by_code(value, each);
            if (to.empty()) continue;
            ++out_.joined;
            return arena_.with_after(value, "id", "reference", arena_.string(to));
        }
        return value;
    }
    /// Referred to, and nowhere told: kept with the source's words, to be joined by a person.
    void add_stub(std::string_view link, json::Value value) {
        const std::string_view type = type_of(link);
        if (!is_one_of(type, stub_types) || origin_.find('#') == std::string::npos || stubs_.contains(std::string(link))) return;
        const std::string_view id = link.substr(link.find('/') + 1);
        std::string_view name = value["display"].string();
        if (name.empty()) name = value["identifier"]["value"].string();
        if (name.empty()) name = id;
        const json::Value said = arena_.string(name);
        json::Value meta = arena_.object({{"source", arena_.string(origin_)}});
        json::Value stub =
            arena_.object({{"resourceType", arena_.string(type)},
                           {"id", arena_.string(id)},
                           {"meta", meta},
                           {"identifier", value["identifier"].is_object() ? arena_.array({value["identifier"]}) : json::Value{}},
                           {"name", type == "Practitioner" ? arena_.array({arena_.object({{"text", said}})}) : said}});
        const json::Value request = arena_.object({{"method", arena_.string("PUT")}, {"url", arena_.string(link)}});
        stubs_[std::string(link)] = arena_.object({{"resource", marked(stub)}, {"request", request}});
        out_.stubs.emplace_back(link);
        ++out_.strays;
    }
};

}  // namespace

Joined join(const Registry& registry, const Sender& sender, json::Value bundle, json::Arena& arena) {
    Joined out{.bundle = bundle};
    Teller teller{.source = std::string(sender.source),
                  .home = sender.organization.empty() ? "" : "Organization/" + std::string(sender.organization),
                  .day = std::string(sender.sent_at.substr(0, 10))};
    if (!is_day(teller.day)) teller.day.clear();
    registry.look([&](const Catalogue& catalogue) {
        if (const EntryPtr home = catalogue.now(catalogue.find(teller.home))) teller.home = home->reference();
        out = Work(catalogue, std::move(teller), arena).join(bundle);
    });
    return out;
}

json::Value join_codes(const Registry& registry, json::Value resource, json::Arena& arena) {
    json::Value out = resource;
    registry.look([&](const Catalogue& catalogue) { out = Work(catalogue, {}, arena).codes_only(resource); });
    return out;
}

}  // namespace xinglin::registry
