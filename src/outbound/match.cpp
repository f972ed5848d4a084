// SPDX-License-Identifier: Apache-2.0
// Which versions go out by a channel.
#include "outbound/match.h"

#include <algorithm>

#include "fhir/fhir.h"
#include "fhirpath/quick.h"

namespace xinglin::outbound {

namespace {

constexpr std::string_view confidentiality_system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

/// References to Organization, wherever they stand; a resource of ours is not deep.
bool names_one(json::Value value, const std::vector<std::string>& organizations) {
    for (const json::Member& member : value.members()) {
        if (member.key() == "reference") {
            const std::string_view key = fhirpath::reference_key(member.value().string(), "Organization");
            const std::string_view id = key.empty() ? key : key.substr(key.find('/') + 1);
            if (!id.empty() && std::find(organizations.begin(), organizations.end(), id) != organizations.end()) return true;
        } else if (member.value().is_object() || member.value().is_array()) {
            if (names_one(member.value(), organizations)) return true;
        }
    }
    return std::any_of(value.items().begin(), value.items().end(),
                       [&](const json::Node& node) { return names_one(json::Value(&node), organizations); });
}

bool is_of(json::Value resource, const std::vector<std::string>& organizations) {
    if (resource["resourceType"].string() == "Organization") {
        const std::string_view id = resource["id"].string();
        if (std::find(organizations.begin(), organizations.end(), id) != organizations.end()) return true;
    }
    return names_one(resource, organizations);
}

bool may_go_out(json::Value resource, const std::vector<std::string>& labels) {
    for (const json::Node& node : resource["meta"]["security"].items()) {
        const json::Value label(&node);
        if (label["system"].string() != confidentiality_system) continue;
        if (std::find(labels.begin(), labels.end(), label["code"].string()) == labels.end()) return false;
    }
    return true;
}

}  // namespace

Result<std::shared_ptr<const Compiled>> Compiled::make(Channel channel) {
    const std::shared_ptr<Compiled> made(new Compiled(std::move(channel)));  // shared: senders keep the one they began with
    for (const Sends& sends : made->channel_.sends) {
        const fhir::Type* type = fhir::find_resource(sends.type);
        if (type == nullptr) return refuse(IssueCode::value, "filter.types", sends.type + " is no resource type of R4");
        std::unique_ptr<fhirpath::Expression> rule;
        if (!sends.where.empty()) {
            XINGLIN_TRY(fhirpath::Expression expression, fhirpath::Expression::compile(sends.where, {.context_type = type}));
            rule = std::make_unique<fhirpath::Expression>(std::move(expression));
        }
        made->rules_[type] = std::move(rule);
    }
    if (made->channel_.format == "csv") {
        for (const ColumnRule& column : made->channel_.columns) {
            XINGLIN_TRY(fhirpath::Expression expression, fhirpath::Expression::compile(column.path));
            made->columns_.push_back(std::move(expression));
        }
    }
    return std::shared_ptr<const Compiled>(made);
}

Compiled::Verdict Compiled::judge(const fhir::Type& type, json::Value resource, std::string* why) const {
    const auto no = [&](std::string_view reason, Verdict verdict = Verdict::no) {
        if (why != nullptr) *why = reason;
        return verdict;
    };
    const auto rule = rules_.find(&type);
    if (rule == rules_.end()) return no("its type is not among filter.types");
    if (rule->second) {
        fhirpath::Environment environment;
        environment.now_ms = 1;  // a filter gives the same answer on every day
        environment.offset_minutes = channel_.offset_minutes;
        const auto found = rule->second->evaluate(fhirpath::item_of(resource), environment);
        if (!found.ok()) return no("its condition cannot be evaluated on it: " + found.outcome().line());
        if (!fhirpath::truth(*found).value_or(false)) return no("the condition of filter.types is not true of it");
    }
    if (!channel_.organizations.empty() && !is_of(resource, channel_.organizations))
        return no("it names none of filter.organizations");
    if (!may_go_out(resource, channel_.confidentiality))
        return no("its confidentiality label is not among filter.confidentiality", Verdict::confidential);
    return Verdict::yes;
}

std::int64_t lane_of(std::string_view text) {
    std::uint64_t hash = 14'695'981'039'346'656'037u;  // FNV-1a
    for (const unsigned char c : text) hash = (hash ^ c) * 1'099'511'628'211u;
    const auto lane = static_cast<std::int64_t>(hash >> 1);
    return lane == 0 ? 1 : lane;
}

}  // namespace xinglin::outbound
