// SPDX-License-Identifier: Apache-2.0
// The cases of content/access: who is asked about, what is true of the patient, and what the rules must say.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "policy/compile.h"
#include "policy/label.h"

namespace xinglin::policy {

namespace {

constexpr std::string_view cases = "access/policy-cases.json", labels = "access/labels.json";
constexpr std::int64_t case_now_ms = 1'795'305'600'000, patient = 5'000;

access::Viewer viewer_of(json::Value from) {
    access::Viewer viewer;
    viewer.name = "case";
    viewer.role = access::parse_role(from["role"].string()).value_or(access::Role::planner);
    viewer.institution = from["institution"].string();
    viewer.area = from["area"].string();
    viewer.practitioner = from["practitioner"].string();
    viewer.purpose = from["purpose"].string();
    return viewer;
}

/// One patient, of whom a case says what is true.
class Told final : public Sets {
public:
    Told(const Book& book, const access::Viewer& viewer, json::Value said) : said_(said) {
        for (const json::Node& node : said["sets"].items()) {
            const auto set = book.sets.find(json::Value(&node).string());
            if (set == book.sets.end()) continue;
            for (const std::string& search : set->second.searches) {
                if (const auto mine = put_in(search, viewer, case_now_ms)) true_.insert(*mine);
            }
        }
    }
    SetPtr of_search(const std::string& search) override {
        return std::make_shared<record::PatientSet>(true_.contains(search) ? std::vector<std::int64_t>{patient}
                                                                           : std::vector<std::int64_t>{});
    }
    std::vector<std::int64_t> of_ids(const std::vector<std::string>& ids) override {
        return ids.empty() ? std::vector<std::int64_t>{} : std::vector<std::int64_t>{patient};
    }
    std::vector<std::string> sources_of(const access::Viewer& viewer) override {
        return viewer.institution.empty() ? std::vector<std::string>{} : std::vector<std::string>{"urn:own"};
    }
    std::vector<consent::Provision> provisions(const access::Viewer&) override {
        std::vector<consent::Provision> all;
        for (const json::Node& node : said_["consents"].items()) {
            const json::Value each(&node);
            consent::Provision provision{.patient = "p", .permit = each["permit"].as_bool(), .named = each["named"].as_bool()};
            for (const json::Node& inner : each["labels"].items())
                provision.labels.push_back({"", std::string(json::Value(&inner).string())});
            all.push_back(std::move(provision));
        }
        return all;
    }
    std::vector<consent::Emergency> emergencies(const access::Viewer&) override {
        if (!said_["emergency"].as_bool()) return {};
        return {{.patient = "p", .reason = "life-threat", .id = "e", .until_ms = case_now_ms + 60'000}};
    }
    std::vector<card::Presence> shown(const access::Viewer&) override {
        if (!said_["card"].as_bool()) return {};
        return {{.patient = "p", .until_ms = case_now_ms + 60'000}};
    }
    std::vector<consent::Proxy> wards(const access::Viewer&) override {
        if (said_["ward"].string().empty()) return {};
        consent::Proxy proxy{.patient = "p", .relation = std::string(said_["ward"].string()), .until_ms = case_now_ms + 60'000};
        for (const json::Node& node : said_["withheld"].items())
            proxy.withheld_labels.push_back({"", std::string(json::Value(&node).string())});
        return {proxy};
    }
    std::vector<std::string> own(const access::Viewer&) override {
        return said_["own"].as_bool() ? std::vector<std::string>{"p"} : std::vector<std::string>{};
    }
    std::int64_t now_ms() const override { return case_now_ms; }

private:
    json::Value said_;
    std::set<std::string> true_;
};

std::string play(const Book& book, json::Value one) {
    const access::Viewer viewer = viewer_of(one["viewer"]);
    const auto rules = book.roles.find(viewer.role);
    if (rules == book.roles.end()) return "the role has no rules in policy.json";
    const json::Value resource = one["resource"];
    const fhir::Type* type = fhir::find_resource(resource["type"].string());
    if (!type) return "resource.type is no resource type";
    record::Standing standing;
    if (!resource["nobodys"].as_bool()) standing.owners = {patient};
    for (const json::Node& node : resource["labels"].items()) {
        const std::string code(json::Value(&node).string());
        const bool confidentiality = code == "R" || code == "V";
        standing.labels.emplace_back(confidentiality ? "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
                                                     : "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                                     code);
    }
    standing.source = resource["own_source"].as_bool() ? "urn:own" : "urn:else";
    Told told(book, viewer, one["patient"]);
    const Compiled compiled = compile(book, rules->second, viewer, told);
    const record::GuardRule* rule = record::deciding_rule(*compiled.guard, *type, standing);
    const bool permit = rule && rule->permit;
    const std::string name = rule ? rule->name.substr(0, rule->name.find('/')) : "nothing";
    if (permit == one["permit"].as_bool() && name == one["rule"].string()) return "";
    return fmt::format("{} by \"{}\", but must be {} by \"{}\"", permit ? "permitted" : "refused", name,
                       one["permit"].as_bool() ? "permitted" : "refused", one["rule"].string());
}

void check_policy(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked) {
    const auto book = Book::read(files);
    ++checked;
    if (!book.ok()) {
        const Issue& first = book.outcome().issues.front();
        complaints.push_back({"access/policy.json", first.where, first.what});
        return;
    }
    access::Viewer anybody;
    anybody.institution = anybody.practitioner = "1";
    anybody.area = "330102";
    for (const auto& [name, set] : book->sets) {
        for (const std::string& search : set.searches) {
            const auto whole = put_in(search, anybody, case_now_ms);
            const auto query =
                whole ? query_of(*whole, case_now_ms) : refuse(IssueCode::value, search, "names what no viewer has");
            ++checked;
            if (!query.ok())
                complaints.push_back({"access/policy.json", fmt::format("sets.{}: {}", name, search), query.outcome().line()});
        }
    }
    const auto text = files.read(std::string(cases));
    json::Arena arena;
    const auto root = text ? json::parse(*text, arena) : refuse(IssueCode::value, std::string(cases), "is not there");
    if (!root.ok() || (*root)["cases"].items().empty()) {
        complaints.push_back({std::string(cases), "cases", "must hold examples of what the rules say"});
        return;
    }
    for (const json::Node& node : (*root)["cases"].items()) {
        const json::Value one(&node);
        ++checked;
        if (std::string problem = play(*book, one); !problem.empty())
            complaints.push_back({std::string(cases), std::string(one["says"].string()), std::move(problem)});
    }
}

void check_labels(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked) {
    const auto labeller = Labeller::read(files);
    ++checked;
    if (!labeller.ok()) {
        const Issue& first = labeller.outcome().issues.front();
        complaints.push_back({std::string(labels), first.where, first.what});
        return;
    }
    json::Arena arena;
    const auto root = json::parse(*files.read(std::string(labels)), arena);
    for (const json::Node& node : (*root)["cases"].items()) {
        const json::Value one(&node), resource = one["resource"];
        ++checked;
        const fhir::Type* type = fhir::find_resource(resource["resourceType"].string());
        std::set<std::string> found, expected;
        const json::Value marked = type ? labeller->mark(*type, resource, arena) : json::Value();
        for (const json::Node& label : marked["meta"]["security"].items()) found.emplace(json::Value(&label)["code"].string());
        for (const json::Node& label : one["labels"].items()) expected.emplace(json::Value(&label).string());
        if (!type || found != expected)
            complaints.push_back(
                {std::string(labels), std::string(one["says"].string()),
                 fmt::format("is labelled {}, but must be {}", fmt::join(found, " "), fmt::join(expected, " "))});
    }
}

}  // namespace

void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked) {
    check_policy(files, complaints, checked);
    check_labels(files, complaints, checked);
}

}  // namespace xinglin::policy
