// SPDX-License-Identifier: Apache-2.0
// From a Consent of R4 to rules: https://hl7.org/fhir/R4/consent.html.
#include "consent/rule.h"

#include <algorithm>

namespace xinglin::consent {

namespace {

constexpr std::string_view resource_types = "http://hl7.org/fhir/resource-types";
constexpr std::string_view actions = "http://terminology.hl7.org/CodeSystem/consentaction";

bool has_coding(json::Value concept_, std::string_view system, std::string_view code) {
    for (const json::Node& node : concept_["coding"].items()) {
        const json::Value coding(&node);
        if (coding["code"].string() == code && (coding["system"].string() == system || coding["system"].string().empty()))
            return true;
    }
    return false;
}

/// What the base policy says where the provisions say nothing: OPTIN opens, OPTOUT closes.
std::optional<bool> base_of(json::Value resource) {
    for (const std::string_view code : {"OPTIN", "OPTINR"})
        if (has_coding(resource["policyRule"], act_system, code)) return true;
    for (const std::string_view code : {"OPTOUT", "OPTOUTE"})
        if (has_coding(resource["policyRule"], act_system, code)) return false;
    return std::nullopt;
}

Actor actor_of(json::Value actor) {
    const json::Value reference = actor["reference"];
    std::string_view text = reference["reference"].string();
    if (!text.empty()) {
        if (const auto version = text.find("/_history/"); version != std::string_view::npos) text = text.substr(0, version);
        // An absolute address may be of another server: it names nobody here.
        for (const std::string_view type : {"Organization/", "Practitioner/", "PractitionerRole/", "Patient/"})
            if (text.starts_with(type)) return std::string(text);
        return "?";
    }
    if (reference["identifier"]["system"].string() == account_system)
        return "account|" + std::string(reference["identifier"]["value"].string());
    if (reference["identifier"]) return "?";
    for (const json::Node& node : actor["role"]["coding"].items()) {
        const json::Value coding(&node);
        if (coding["system"].string() == role_system) return "role|" + std::string(coding["code"].string());
    }
    return "?";
}

/// The instants of a Period; an end that is only a day counts as that whole day. Nothing: it cannot be read.
std::optional<calendar::Span> span_of(json::Value period, std::int16_t offset_minutes) {
    calendar::Span span{calendar::beginning_ms, calendar::end_of_time_ms};
    if (period["start"]) {
        const auto start = calendar::parse_date_time(period["start"].string());
        if (!start) return std::nullopt;
        span.low_ms = calendar::span_of(*start, offset_minutes).low_ms;
    }
    if (period["end"]) {
        const auto end = calendar::parse_date_time(period["end"].string());
        if (!end) return std::nullopt;
        span.high_ms = calendar::span_of(*end, offset_minutes).high_ms;
    }
    return span;
}

calendar::Span both(const calendar::Span& a, const calendar::Span& b) {
    return {std::max(a.low_ms, b.low_ms), std::min(a.high_ms, b.high_ms)};
}

/// One provision on its way to a rule.
class Unrolling {
public:
    Unrolling(Consent& consent, std::int16_t offset_minutes, const Limits& limits)
        : consent_(consent), offset_minutes_(offset_minutes), limits_(limits) {}

    void root(json::Value provision, std::optional<bool> base) {
        if (base) add({.permit = *base});
        const std::optional<std::size_t> above = base ? std::optional<std::size_t>(0) : std::nullopt;
        if (provision.is_object()) take(provision, {.depth = base ? 1 : 0, .above = above}, base, 0);
    }
    bool too_much() const { return too_much_; }

private:
    Consent& consent_;
    const std::int16_t offset_minutes_;
    const Limits limits_;
    bool too_much_ = false;

    void add(Rule rule) {
        if (consent_.rules.size() >= limits_.rules) too_much_ = true;
        else consent_.rules.push_back(std::move(rule));
    }
    bool fits(json::Value list, std::size_t most) {
        too_much_ = too_much_ || list.size() > most;
        return !too_much_;
    }
    void take(json::Value provision, Rule rule, std::optional<bool> around, int level);
    /// Adds what the provision asks for; false: it can never apply.
    bool narrow(json::Value provision, Rule& rule);
    bool narrow_actors(json::Value provision, Rule& rule);
    bool narrow_actions(json::Value provision) const;
    bool narrow_types(json::Value provision, Rule& rule);
    bool narrow_labels(json::Value provision, Rule& rule);
    bool narrow_spans(json::Value provision, Rule& rule);
};

void Unrolling::take(json::Value provision, Rule rule, std::optional<bool> around, int level) {
    if (level > limits_.depth) too_much_ = true;
    if (too_much_) return;
    const std::string_view type = provision["type"].string();
    const std::optional<bool> own = type == "permit" ? std::optional(true) : type == "deny" ? std::optional(false) : std::nullopt;
    // A nested provision without a type is an exception, and so says the opposite; a root without one only holds the others.
    const std::optional<bool> permit = own ? own : level > 0 && around ? std::optional(!*around) : std::nullopt;
    rule.permit = permit.value_or(false);
    if (!narrow(provision, rule)) return;  // it never applies, and so nothing that is nested in it
    const json::Value nested = provision["provision"];
    if (permit && !(*permit && rule.doubtful)) {
        const std::size_t own_place = consent_.rules.size();
        add(rule);
        rule.above = own_place;
        ++rule.depth;
    }
    if (!fits(nested, limits_.rules)) return;
    for (const json::Node& node : nested.items()) take(json::Value(&node), rule, permit ? permit : around, level + 1);
}

bool Unrolling::narrow(json::Value provision, Rule& rule) {
    rule.doubtful = rule.doubtful || provision["code"] || provision["data"];
    return narrow_spans(provision, rule) && narrow_actors(provision, rule) && narrow_actions(provision) &&
           narrow_types(provision, rule) && narrow_labels(provision, rule);
}

bool Unrolling::narrow_actors(json::Value provision, Rule& rule) {
    if (!fits(provision["actor"], limits_.actors) || !fits(provision["purpose"], limits_.codes)) return false;
    if (provision["actor"].size() > 0) {
        std::vector<Actor> actors;
        for (const json::Node& node : provision["actor"].items()) actors.push_back(actor_of(json::Value(&node)));
        rule.who.push_back(std::move(actors));
    }
    if (provision["purpose"].size() > 0) {
        std::vector<std::string> purposes;
        for (const json::Node& node : provision["purpose"].items()) purposes.emplace_back(json::Value(&node)["code"].string());
        rule.purposes.push_back(std::move(purposes));
    }
    return true;
}

/// Only rules about seeing concern us: not those about collecting or correcting.
bool Unrolling::narrow_actions(json::Value provision) const {
    if (provision["action"].size() == 0) return true;
    for (const json::Node& node : provision["action"].items()) {
        for (const std::string_view code : {"access", "use", "disclose"})
            if (has_coding(json::Value(&node), actions, code)) return true;
    }
    return false;
}

bool Unrolling::narrow_types(json::Value provision, Rule& rule) {
    if (!fits(provision["class"], limits_.codes)) return false;
    if (provision["class"].size() == 0) return true;
    std::vector<const fhir::Type*> types;
    for (const json::Node& node : provision["class"].items()) {
        const json::Value coding(&node);
        const fhir::Type* type =
            coding["system"].string() == resource_types ? fhir::find_resource(coding["code"].string()) : nullptr;
        if (!type || type->is_abstract) {
            rule.doubtful = true;
            return true;
        }
        types.push_back(type);
    }
    std::sort(types.begin(), types.end(), [](const fhir::Type* a, const fhir::Type* b) { return a->name < b->name; });
    types.erase(std::unique(types.begin(), types.end()), types.end());
    const auto& outer = rule.types;
    if (!outer.empty())
        std::erase_if(types, [&](const fhir::Type* type) { return std::find(outer.begin(), outer.end(), type) == outer.end(); });
    rule.types = std::move(types);
    return !rule.types.empty();
}

bool Unrolling::narrow_labels(json::Value provision, Rule& rule) {
    if (!fits(provision["securityLabel"], limits_.codes)) return false;
    if (provision["securityLabel"].size() == 0) return true;
    std::vector<Label> labels;
    for (const json::Node& node : provision["securityLabel"].items()) {
        Label label{std::string(json::Value(&node)["system"].string()), std::string(json::Value(&node)["code"].string())};
        if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(std::move(label));
    }
    const auto is_outer = [&](const Label& label) {
        return std::find(rule.labels.begin(), rule.labels.end(), label) != rule.labels.end();
    };
    // Both lists must be met. Inner labels that are all among the outer ones meet both; whether a resource has one of each we do not ask.
    if (!rule.labels.empty() && !std::all_of(labels.begin(), labels.end(), is_outer)) rule.doubtful = true;
    rule.labels = std::move(labels);
    return true;
}

bool Unrolling::narrow_spans(json::Value provision, Rule& rule) {
    if (provision["period"]) {
        const auto span = span_of(provision["period"], offset_minutes_);
        if (span) rule.valid = both(rule.valid, *span);
        else rule.doubtful = true;
    }
    if (provision["dataPeriod"]) {
        const auto span = span_of(provision["dataPeriod"], offset_minutes_);
        if (span) rule.period = rule.period ? both(*rule.period, *span) : *span;
        else rule.doubtful = true;
    }
    return rule.valid.low_ms < rule.valid.high_ms && (!rule.period || rule.period->low_ms < rule.period->high_ms);
}

std::int64_t decided_ms(json::Value resource, std::int64_t stored_ms, std::int16_t offset_minutes) {
    const auto at = calendar::parse_date_time(resource["dateTime"].string());
    return at ? std::min(calendar::span_of(*at, offset_minutes).low_ms, stored_ms) : stored_ms;
}

void read_proxy(json::Value resource, Consent& consent) {
    for (const json::Node& node : resource["category"].items())
        if (has_coding(json::Value(&node), own_system, "proxy") && json::Value(&node)["coding"].size() == 1)
            consent.is_proxy = true;
    if (!consent.is_proxy) return;
    for (const json::Node& node : resource["provision"]["actor"][std::size_t{0}]["role"]["coding"].items()) {
        const json::Value coding(&node);
        if (coding["system"].string() == relation_system) consent.relation = coding["code"].string();
    }
}

}  // namespace

std::optional<Consent> consent_of(json::Value resource, std::int64_t stored_ms, std::int64_t position,
                                  std::int16_t offset_minutes, const Limits& limits) {
    constexpr std::string_view start = "Patient/";
    const std::string_view patient = resource["patient"]["reference"].string();
    if (resource["status"].string() != "active" || !has_coding(resource["scope"], scope_system, "patient-privacy"))
        return std::nullopt;
    if (!patient.starts_with(start) || patient.size() == start.size()) return std::nullopt;
    Consent consent;
    consent.id = resource["id"].string();
    consent.patient = patient.substr(start.size());
    consent.decided_ms = decided_ms(resource, stored_ms, offset_minutes);
    consent.position = position;
    read_proxy(resource, consent);
    Unrolling unrolling(consent, offset_minutes, limits);
    unrolling.root(resource["provision"], base_of(resource));
    if (unrolling.too_much()) {
        consent.too_complex = true;
        consent.is_proxy = false;
        consent.rules = {Rule{.permit = false}};
    }
    if (consent.rules.empty()) return std::nullopt;
    return consent;
}

}  // namespace xinglin::consent
