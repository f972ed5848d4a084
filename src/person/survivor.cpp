// SPDX-License-Identifier: Apache-2.0
// Choosing among what several sources say of one person.
//
// Sources: GB 11643-1999 (what an identity number says of birth and sex); numbering of mobile phones: eleven digits that begin with 1.
#include "person/survivor.h"

#include <algorithm>
#include <array>

#include "identity/judge.h"
#include "people/people.h"
#include "person/person.h"
#include "text/text.h"

namespace xinglin::person {

namespace {

using identity::Role;

constexpr std::string_view file = "persons/survivorship.json";
constexpr std::string_view resident_system = "urn:oid:2.16.156.10011.1.3";
constexpr std::string_view ethnic_group = "urn:xinglin:extension:ethnic-group";
constexpr std::size_t most_values = 20;  // of one Patient, of one field
constexpr std::array<std::string_view, 10> field_names = {"identifier", "name",      "sex",     "birth_date", "phone",
                                                          "address",    "ethnicity", "marital", "language",   "deceased"};
constexpr std::array<std::string_view, 5> rule_names = {"verified", "kinds", "frequent", "newest", "fullest"};

std::string words(json::Value concept_) {
    if (const auto text = concept_["text"].string(); !text.empty()) return std::string(text);
    for (const json::Node& node : concept_["coding"].items())
        if (const auto display = json::Value(&node)["display"].string(); !display.empty()) return std::string(display);
    return std::string(concept_["coding"][std::size_t{0}]["code"].string());
}

void read_identifiers(json::Value patient, std::vector<std::string>& values) {
    for (const json::Node& node : patient["identifier"].items()) {
        const json::Value each(&node);
        if (each["system"].string() == resident_system && each["use"].string() != "old" && values.size() < most_values)
            values.emplace_back(each["value"].string());
    }
}

void read_phones(json::Value patient, std::vector<std::string>& values) {
    for (const json::Node& node : patient["telecom"].items()) {
        const json::Value each(&node);
        const std::string_view system = each["system"].string();
        if ((system == "phone" || system == "sms") && each["use"].string() != "old" && values.size() < most_values)
            values.emplace_back(each["value"].string());
    }
}

/// What a Patient says of a field, as it is written.
std::vector<std::string> values_of(std::string_view field, json::Value patient) {
    std::vector<std::string> values;
    if (field == "identifier") read_identifiers(patient, values);
    if (field == "phone") read_phones(patient, values);
    if (field == "name") values.push_back(people::display_name(patient));
    if (field == "sex") values.emplace_back(patient["gender"].string());
    if (field == "birth_date") values.emplace_back(patient["birthDate"].string());
    if (field == "address") values.push_back(people::display_address(patient));
    if (field == "marital") values.push_back(words(patient["maritalStatus"]));
    if (field == "language") values.push_back(words(patient["communication"][std::size_t{0}]["language"]));
    if (field == "ethnicity") {
        for (const json::Node& node : patient["extension"].items())
            if (json::Value(&node)["url"].string() == ethnic_group)
                values.push_back(words(json::Value(&node)["valueCodeableConcept"]));
    }
    if (field == "deceased") {
        values.emplace_back(patient["deceasedDateTime"].string());
        if (patient["deceasedBoolean"].as_bool()) values.emplace_back("true");
    }
    std::erase_if(values, [](const std::string& value) {
        return value.find_first_not_of(" \t\r\n") == std::string::npos || value == "unknown";
    });
    return values;
}

/// What makes two values the same.
std::string compared(std::string_view field, std::string_view value) {
    std::string normal;
    if (field == "identifier") normal = identity::normalised(Role::national_id, value);
    if (field == "name") normal = identity::normalised(Role::name_full, value);
    if (field == "phone") normal = identity::normalised(Role::phone, value);
    if (field == "address") normal = identity::normalised(Role::address, value);
    return normal.empty() ? text::fold(value) : normal;
}

bool is_readable(std::string_view name) {
    for (const std::string_view wrong : {"?", "？", "\xEF\xBF\xBD", "无名", "未知", "未命名", "不详"})
        if (name.find(wrong) != std::string_view::npos) return false;
    for (std::size_t i = 0; i + 2 < name.size(); ++i)  // private use: U+E000 to U+F8FF
        if (name[i] == '\xEE' || (name[i] == '\xEF' && static_cast<unsigned char>(name[i + 1]) < 0xA4)) return false;
    return !identity::is_newborn(name);
}

/// Does the value prove itself? `identifier`: the sound identity number of the person, or "".
bool is_verified(std::string_view field, std::string_view value, std::string_view identifier) {
    if (field == "identifier") return identity::is_sound_identity(identity::normalised(Role::national_id, value));
    if (field == "name") return is_readable(value);
    if (field == "sex") {
        if (identifier.empty()) return value == "male" || value == "female";
        return value == ((identifier[16] - '0') % 2 ? "male" : "female");
    }
    if (field == "birth_date") {
        if (identifier.empty()) return value.size() == 10;
        return value == fmt::format("{}-{}-{}", identifier.substr(6, 4), identifier.substr(10, 2), identifier.substr(12, 2));
    }
    if (field == "phone") {
        const std::string digits = identity::normalised(Role::phone, value);
        return digits.size() == 11 && digits[0] == '1';
    }
    if (field == "address") return text::code_points(value) >= 6;
    return true;
}

std::string_view name_of(Survivorship::Rule rule) { return rule_names[static_cast<std::size_t>(rule)]; }

/// Leaves the values for which `score` is highest; true when that left some out.
template <typename Score>
bool keep_best(std::vector<Told>& values, Score&& score) {
    std::int64_t best = INT64_MIN;
    for (const Told& each : values) best = std::max(best, static_cast<std::int64_t>(score(each)));
    return std::erase_if(values, [&](const Told& each) { return static_cast<std::int64_t>(score(each)) < best; }) > 0;
}

bool fits(std::string_view pattern, std::string_view text) {
    if (!pattern.ends_with('*')) return pattern == text;
    return text.starts_with(pattern.substr(0, pattern.size() - 1));
}

Outcome wrong(std::string_view where, std::string_view what) {
    return refuse(IssueCode::value, std::string(file) + ": " + std::string(where), std::string(what));
}

}  // namespace

Result<Survivorship> Survivorship::read(const content::Files& files) {
    const auto text = files.read(file);
    if (!text) return refuse(IssueCode::not_found, std::string(file), "is not there; put it back from the program's own content");
    json::Arena arena;
    const auto parsed = json::parse(*text, arena);
    if (!parsed.ok()) return wrong("", "is no JSON: " + parsed.outcome().line());
    Survivorship rules;
    for (const json::Node& node : (*parsed)["kinds"].items()) {
        const json::Value each(&node);
        Kind kind{std::string(each["kind"].string()), {}};
        for (const json::Node& source : each["sources"].items()) kind.sources.emplace_back(json::Value(&source).string());
        if (kind.name.empty() || kind.sources.empty()) return wrong("kinds", "each needs kind and sources");
        rules.kinds_.push_back(std::move(kind));
    }
    for (const json::Member& member : (*parsed)["fields"].members()) {
        const std::string where = "fields." + std::string(member.key());
        Field field{std::string(member.key()), {}, {}};
        if (std::find(field_names.begin(), field_names.end(), member.key()) == field_names.end())
            return wrong(
                where, "is no field; there are identifier name sex birth_date phone address ethnicity marital language deceased");
        for (const json::Node& node : member.value()["rules"].items()) {
            const auto at = std::find(rule_names.begin(), rule_names.end(), json::Value(&node).string());
            if (at == rule_names.end())
                return wrong(where + ".rules", "has a rule there is not; there are verified kinds frequent newest fullest");
            field.rules.push_back(static_cast<Rule>(at - rule_names.begin()));
        }
        if (field.rules.empty()) return wrong(where + ".rules", "must name one rule at least");
        for (const json::Node& node : member.value()["kinds"].items()) {
            const std::string_view kind = json::Value(&node).string();
            const bool known =
                std::any_of(rules.kinds_.begin(), rules.kinds_.end(), [&](const Kind& one) { return one.name == kind; });
            if (!known) return wrong(where + ".kinds", "names a kind that is not under kinds");
            field.kinds.emplace_back(kind);
        }
        rules.fields_.push_back(std::move(field));
    }
    if (rules.fields_.empty()) return wrong("fields", "must say of each field which value wins");
    return rules;
}

std::string_view Survivorship::kind_of(const Telling& telling) const {
    for (const Kind& kind : kinds_) {
        for (const std::string& pattern : kind.sources) {
            const bool by_format = pattern.starts_with("format:");
            if (by_format ? fits(std::string_view(pattern).substr(7), telling.format) : fits(pattern, telling.source))
                return kind.name;
        }
    }
    return {};
}

Survivor Survivorship::choose(const Field& field, const std::vector<Telling>& tellings, std::vector<Told> values,
                              std::string_view identifier) const {
    for (Told& each : values)
        std::stable_sort(each.by.begin(), each.by.end(),
                         [&](std::size_t a, std::size_t b) { return tellings[a].at_ms > tellings[b].at_ms; });
    std::vector<Told> left = values;
    const auto rank = [&](const Told& each) {  // of the best kind that tells it
        std::int64_t best = INT64_MIN;
        for (const std::size_t at : each.by) {
            const auto place = std::find(field.kinds.begin(), field.kinds.end(), kind_of(tellings[at]));
            best = std::max<std::int64_t>(best, field.kinds.end() - place);
        }
        return best;
    };
    std::string because = left.size() == 1 ? "only" : "first";
    for (const Rule rule : field.rules) {
        if (left.size() < 2) break;
        bool decided = false;
        if (rule == Rule::verified)
            decided = keep_best(left, [&](const Told& each) { return is_verified(field.name, each.value, identifier) ? 1 : 0; });
        if (rule == Rule::kinds) decided = keep_best(left, rank);
        if (rule == Rule::frequent) decided = keep_best(left, [](const Told& each) { return each.by.size(); });
        if (rule == Rule::newest) decided = keep_best(left, [&](const Told& each) { return tellings[each.by.front()].at_ms; });
        if (rule == Rule::fullest) decided = keep_best(left, [](const Told& each) { return text::code_points(each.value); });
        if (decided && left.size() == 1) because = name_of(rule);
    }
    Survivor survivor{
        .field = field.name, .value = left.front().value, .because = std::move(because), .by = left.front().by, .others = {}};
    for (Told& each : values)
        if (each.value != survivor.value) survivor.others.push_back(std::move(each));
    return survivor;
}

std::vector<Survivor> Survivorship::of(const std::vector<Telling>& tellings) const {
    const auto gathered = [&](const std::string& field) {
        std::vector<Told> values;
        std::vector<std::string> keys;
        for (std::size_t at = 0; at < tellings.size(); ++at) {
            for (std::string& value : values_of(field, tellings[at].resource)) {
                std::string key = compared(field, value);
                const auto known = std::find(keys.begin(), keys.end(), key);
                if (known == keys.end()) {
                    keys.push_back(std::move(key));
                    values.push_back({std::move(value), {at}});
                } else if (Told& told = values[static_cast<std::size_t>(known - keys.begin())]; told.by.back() != at) {
                    told.by.push_back(at);
                }
            }
        }
        return values;
    };
    std::string identifier;
    std::vector<Survivor> all;
    const auto first =
        std::find_if(fields_.begin(), fields_.end(), [](const Field& field) { return field.name == "identifier"; });
    if (first != fields_.end()) {
        if (auto values = gathered(first->name); !values.empty())
            identifier = identity::normalised(Role::national_id, choose(*first, tellings, std::move(values), {}).value);
        if (!identity::is_sound_identity(identifier)) identifier.clear();
    }
    for (const Field& field : fields_)
        if (auto values = gathered(field.name); !values.empty())
            all.push_back(choose(field, tellings, std::move(values), identifier));
    return all;
}

std::vector<Telling> tellings_of(record::Reader& reader, const std::vector<std::string>& patients, const Senders& senders,
                                 json::Arena& arena) {
    std::vector<Telling> tellings;
    for (const std::string& id : patients) {
        const auto version = reader.read(*fhir::find_resource("Patient"), id);
        if (!version.ok()) continue;
        const auto parsed = json::parse(arena.keep(version->body), arena, {.depth = 1'000, .bytes = version->body.size() + 1});
        if (!parsed.ok()) continue;
        Telling telling{.patient = id, .source = source_of(*parsed), .at_ms = version->updated_ms, .resource = *parsed};
        if (senders) {
            Sender sender = senders(telling.source);
            telling.format = std::move(sender.format);
            telling.source_name = std::move(sender.name);
        }
        tellings.push_back(std::move(telling));
    }
    return tellings;
}

json::Value as_json(const std::vector<Survivor>& survivors, const std::vector<Telling>& tellings, json::Arena& arena) {
    const auto shown = [&](std::string_view field, const std::string& value) {
        if (field == "identifier") return arena.string(text::mask_identifier(value));
        if (field == "address") return arena.string(people::masked_address(value));
        return arena.string(field == "phone" ? text::mask_phone(value) : value);
    };
    const auto from = [&](const std::vector<std::size_t>& by) {
        std::vector<json::Value> all;
        for (const std::size_t at : by) {
            const Telling& telling = tellings[at];
            all.push_back(arena.object({{"patient", arena.string(telling.patient)},
                                        {"source", arena.string(telling.source)},
                                        {"source_name", arena.string(telling.source_name)},
                                        {"at", arena.string(calendar::instant_text(telling.at_ms))}}));
        }
        return arena.array(all);
    };
    std::vector<json::Value> all;
    for (const Survivor& each : survivors) {
        std::vector<json::Value> others;
        for (const Told& other : each.others)
            others.push_back(arena.object({{"value", shown(each.field, other.value)}, {"from", from(other.by)}}));
        all.push_back(arena.object({{"field", arena.string(each.field)},
                                    {"value", shown(each.field, each.value)},
                                    {"because", arena.string(each.because)},
                                    {"from", from(each.by)},
                                    {"others", arena.array(others)}}));
    }
    return arena.array(all);
}

namespace {

std::vector<Telling> tellings_in(json::Value example) {
    std::vector<Telling> tellings;
    for (const json::Node& node : example["records"].items()) {
        const json::Value each(&node);
        const auto moment = calendar::parse_date_time(each["updated"].string(), true);
        tellings.push_back({.patient = std::string(each["patient"]["id"].string()),
                            .source = std::string(each["source"].string()),
                            .format = std::string(each["format"].string()),
                            .at_ms = moment ? calendar::span_of(*moment, 480).low_ms : 0,
                            .resource = each["patient"]});
    }
    return tellings;
}

void check_example(const Survivorship& rules, json::Value example, std::string_view path,
                   std::vector<content::Complaint>& complaints) {
    const std::vector<Telling> tellings = tellings_in(example);
    const std::vector<Survivor> survivors = rules.of(tellings);
    const std::string name(example["name"].string());
    const auto complain = [&](std::string_view field, std::string what) {
        complaints.push_back({std::string(path), name + ": " + std::string(field), std::move(what)});
    };
    if (tellings.empty() || example["expect"].members().empty())
        return complain("expect", "needs records, and what should come out of them");
    for (const json::Member& member : example["expect"].members()) {
        const auto at =
            std::find_if(survivors.begin(), survivors.end(), [&](const Survivor& one) { return one.field == member.key(); });
        const std::string_view value = member.value()["value"].string();
        if (at == survivors.end()) {
            if (!value.empty()) complain(member.key(), "nobody tells it");
            continue;
        }
        if (at->value != value)
            complain(member.key(), fmt::format("comes out as \"{}\" ({}), not \"{}\"", at->value, at->because, value));
        if (const auto because = member.value()["because"].string(); !because.empty() && because != at->because)
            complain(member.key(), fmt::format("is decided by {}, not {}", at->because, because));
        if (const auto from = member.value()["from"].string(); !from.empty() && tellings[at->by.front()].patient != from)
            complain(member.key(), fmt::format("is told by {}, not {}", tellings[at->by.front()].patient, from));
    }
}

}  // namespace

void check_survivorship(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked) {
    const auto refused = [&](const Outcome& outcome) {
        for (const Issue& issue : outcome.issues) complaints.push_back({issue.where, "", issue.what});
    };
    ++checked;
    const auto rules = Survivorship::read(files);
    if (!rules.ok()) return refused(rules.outcome());
    for (const std::string& path : files.list("persons/cases", ".json")) {
        ++checked;
        json::Arena arena;
        const auto text = files.read(path);
        const auto parsed = json::parse(arena.keep(text.value_or("")), arena);
        if (!parsed.ok()) {
            complaints.push_back({path, "", "is no JSON: " + parsed.outcome().line()});
            continue;
        }
        for (const json::Node& node : (*parsed)["cases"].items()) check_example(*rules, json::Value(&node), path, complaints);
    }
}

}  // namespace xinglin::person
