// SPDX-License-Identifier: Apache-2.0
// Cards and family cards as Basic resources, and back. What search must find (state, number, holder) stands in code and identifier.
#include "card/resource.h"

#include <charconv>

#include <fmt/format.h>

namespace xinglin::card {

namespace {

constexpr std::string_view extension_url = "urn:xinglin:extension:card";

class Writing {
public:
    void part(std::string_view url, std::string_view text) {
        if (!text.empty()) parts_.push_back(arena_.object({{"url", arena_.string(url)}, {"valueString", arena_.string(text)}}));
    }
    std::string basic(std::string_view id, std::string_view system, std::string_view state, std::string_view patient,
                      std::string_view created, std::string_view who, std::string_view identifier_system,
                      std::string_view identifier) {
        const json::Value codes =
            arena_.array({coding(system, system == card_system ? "card" : "family"), coding(state_system, state)});
        const json::Value extension = arena_.object({{"extension", arena_.array(parts_)}, {"url", arena_.string(extension_url)}});
        return json::write(
            arena_.object({{"resourceType", arena_.string("Basic")},
                           {"id", arena_.string(id)},
                           {"extension", parts_.empty() ? json::Value{} : arena_.array({extension})},
                           {"identifier", arena_.array({arena_.object({{"system", arena_.string(identifier_system)},
                                                                       {"value", arena_.string(identifier)}})})},
                           {"code", arena_.object({{"coding", codes}})},
                           {"subject", arena_.object({{"reference", arena_.string(fmt::format("Patient/{}", patient))}})},
                           {"created", arena_.string(created)},
                           {"author", who.empty() ? json::Value{} : arena_.object({{"display", arena_.string(who)}})}}));
    }

private:
    json::Arena arena_;
    std::vector<json::Value> parts_;
    json::Value coding(std::string_view system, std::string_view code) {
        return arena_.object({{"system", arena_.string(system)}, {"code", arena_.string(code)}});
    }
};

std::string_view code_in(json::Value basic, std::string_view system) {
    for (const json::Node& node : basic["code"]["coding"].items()) {
        const json::Value coding(&node);
        if (coding["system"].string() == system) return coding["code"].string();
    }
    return {};
}

std::string_view identifier_in(json::Value basic, std::string_view system) {
    for (const json::Node& node : basic["identifier"].items()) {
        const json::Value identifier(&node);
        if (identifier["system"].string() == system) return identifier["value"].string();
    }
    return {};
}

std::string_view part_in(json::Value basic, std::string_view url) {
    for (const json::Node& node : basic["extension"].items()) {
        const json::Value each(&node);
        if (each["url"].string() != extension_url) continue;
        for (const json::Node& inner : each["extension"].items()) {
            const json::Value one(&inner);
            if (one["url"].string() == url) return one["valueString"].string();
        }
    }
    return {};
}

std::string patient_in(json::Value basic) {
    const std::string_view reference = basic["subject"]["reference"].string();
    constexpr std::string_view start = "Patient/";
    return reference.starts_with(start) ? std::string(reference.substr(start.size())) : std::string();
}

}  // namespace

std::string id_of(Number number) {
    std::string text = number_text(number);
    text.erase(5, 1);
    return "card-" + text;
}

std::string basic_of(const Card& card) {
    Writing writing;
    writing.part("why", card.why);
    if (card.replaces) writing.part("replaces", number_text(*card.replaces));
    if (card.replaced_by) writing.part("replaced-by", number_text(*card.replaced_by));
    if (card.printed_until_s > 0) writing.part("printed-until", calendar::instant_text(card.printed_until_s * 1'000));
    return writing.basic(id_of(card.number), card_system, card.state, card.patient, card.issued, card.who, number_system,
                         number_text(card.number));
}

std::optional<Card> card_of(json::Value basic) {
    if (code_in(basic, card_system) != "card") return std::nullopt;
    const auto number = parse_number(identifier_in(basic, number_system));
    if (!number) return std::nullopt;
    Card card;
    card.number = *number;
    card.patient = patient_in(basic);
    card.state = code_in(basic, state_system);
    card.who = basic["author"]["display"].string();
    card.why = part_in(basic, "why");
    card.issued = basic["created"].string();
    card.replaces = parse_number(part_in(basic, "replaces"));
    card.replaced_by = parse_number(part_in(basic, "replaced-by"));
    if (const auto until = calendar::parse_instant(part_in(basic, "printed-until")))
        card.printed_until_s = calendar::span_of(*until, 0).low_ms / 1'000;
    return card;
}

std::string basic_of(const Family& family) {
    Writing writing;
    writing.part("relation", family.relation);
    writing.part("until", family.until);
    writing.part("proof", family.proof);
    writing.part("band", family.band);
    writing.part("consent", family.consent ? "recorded" : "");
    writing.part("why", family.why);
    return writing.basic(family.id, family_system, family.state, family.patient, family.from, family.who, holder_system,
                         family.holder);
}

std::optional<Family> family_of(json::Value basic) {
    if (code_in(basic, family_system) != "family") return std::nullopt;
    Family family;
    family.id = basic["id"].string();
    family.patient = patient_in(basic);
    family.holder = identifier_in(basic, holder_system);
    family.relation = part_in(basic, "relation");
    family.from = basic["created"].string();
    family.until = part_in(basic, "until");
    family.proof = part_in(basic, "proof");
    family.band = part_in(basic, "band");
    family.consent = part_in(basic, "consent") == "recorded";
    family.state = code_in(basic, state_system);
    family.who = basic["author"]["display"].string();
    family.why = part_in(basic, "why");
    if (family.patient.empty() || family.holder.empty()) return std::nullopt;
    return family;
}

bool is_ours(json::Value basic) {
    if (basic["resourceType"].string() != "Basic") return false;
    const std::string_view id = basic["id"].string();
    if (id.starts_with("card-") || id.starts_with("family-")) return true;
    for (const json::Node& node : basic["code"]["coding"].items()) {
        const std::string_view system = json::Value(&node)["system"].string();
        if (system == card_system || system == family_system) return true;
    }
    return false;
}

}  // namespace xinglin::card
