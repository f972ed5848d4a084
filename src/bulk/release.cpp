// SPDX-License-Identifier: Apache-2.0
// Everybody is counted, then told by class.
#include "bulk/release.h"

#include <charconv>
#include <map>
#include <mutex>
#include <set>
#include <unordered_set>

#include "bulk/release_patient.h"
#include "bulk/release_scan.h"

namespace xinglin::bulk {

namespace {

using json::Value;

struct Row {
    std::uint64_t patient = 0, person = 0;
    std::uint32_t tuple = 0;
    bool asked = false;
};
struct Ill {
    std::uint64_t patient = 0;
    std::uint32_t category = 0;
    bool operator<(const Ill& other) const { return std::tie(patient, category) < std::tie(other.patient, other.category); }
    bool operator==(const Ill& other) const { return patient == other.patient && category == other.category; }
};
constexpr std::size_t tidy_every = 4'000'000;

void tidy(std::vector<Ill>& ills) {
    std::sort(ills.begin(), ills.end());
    ills.erase(std::unique(ills.begin(), ills.end()), ills.end());
}

/// "Patient/7" and "…/Patient/7/_history/2" → "7"; "" of what is no Patient.
std::string_view patient_in(std::string_view reference) {
    const std::size_t at = reference.starts_with("Patient/") ? 0 : reference.find("/Patient/");
    if (at == std::string_view::npos) return {};
    reference.remove_prefix(at + (at == 0 ? 8 : 9));
    return reference.substr(0, reference.find('/'));
}

void add_patients(Value value, std::vector<std::string_view>& found, int depth = 0) {
    if (depth > 60) return;
    for (const json::Node& node : value.items()) add_patients(Value(&node), found, depth + 1);
    for (const json::Member& member : value.members()) {
        if (member.key() != "reference" || !member.value().is_string()) add_patients(member.value(), found, depth + 1);
        else if (const auto id = patient_in(member.value().string()); !id.empty()) found.push_back(id);
    }
}

}  // namespace

struct Release::Inside {
    explicit Inside(ReleaseAsked all) : asked(std::move(all)) {}

    ReleaseAsked asked;
    anonymity::Rules rules;
    std::optional<Deidentifier> deidentifier;
    std::optional<anonymity::Table> table;
    anonymity::Found found;
    struct Told {
        std::uint64_t patient, person;
        std::uint32_t tuple;
    };
    std::vector<Told> told;  // who goes out, by patient
    std::unordered_set<std::string> rare, left_out;

    const Told* find(std::string_view patient) const {
        const std::uint64_t wanted = hash_of(patient);
        const auto at =
            std::lower_bound(told.begin(), told.end(), wanted, [](const Told& each, auto id) { return each.patient < id; });
        return at != told.end() && at->patient == wanted ? &*at : nullptr;
    }

    // What the look at everybody gathers.
    std::mutex mutex;  // guards what follows
    std::optional<anonymity::Table> raw;
    std::vector<Row> rows;
    std::vector<Ill> ills;
    std::vector<std::string> categories;
    std::map<std::string, std::uint32_t, std::less<>> category_codes;

    void see(const fhir::Type& type, Value resource, bool is_asked);
    void see_condition(Value resource);
    void count();
};

void Release::Inside::see(const fhir::Type& type, Value resource, bool is_asked) {
    if (type.name == "Condition") return see_condition(resource);
    const std::string_view id = resource.find("id").string();
    std::vector<std::string> values;
    for (const anonymity::Quasi& quasi : rules.quasi) values.push_back(quasi_value(quasi, resource, asked.year));
    const std::string person = asked.person_of ? asked.person_of(id) : std::string();
    const std::uint64_t hash = hash_of(id);
    const std::lock_guard lock(mutex);
    rows.push_back({hash, person.empty() ? hash : hash_of(person), raw->tuple_of(values), is_asked});
}

void Release::Inside::see_condition(Value resource) {
    const std::string_view patient = patient_in(resource.find("subject").find("reference").string());
    if (patient.empty()) return;
    const std::string category = category_of(rules, resource.find("code"));
    if (category.empty()) return;
    const std::uint64_t hash = hash_of(patient);
    const std::lock_guard lock(mutex);
    const auto [place, is_new] = category_codes.try_emplace(category, static_cast<std::uint32_t>(categories.size()));
    if (is_new) categories.push_back(category);
    ills.push_back({hash, place->second});
    if (ills.size() % tidy_every == 0) tidy(ills);
}

/// One row for each person: what the first of its Patients says, and all its diagnoses.
void Release::Inside::count() {
    tidy(ills);
    std::sort(rows.begin(), rows.end(),
              [](const Row& a, const Row& b) { return std::tie(a.person, a.patient) < std::tie(b.person, b.patient); });
    table.emplace(rules);
    std::vector<std::uint32_t> persons_with(categories.size());
    for (std::size_t at = 0; at < rows.size();) {
        std::size_t end = at;
        bool released = false;
        std::set<std::uint32_t> own;
        for (; end < rows.size() && rows[end].person == rows[at].person; ++end) {
            released = released || rows[end].asked;
            auto ill = std::lower_bound(ills.begin(), ills.end(), Ill{rows[end].patient, 0});
            for (; ill != ills.end() && ill->patient == rows[end].patient; ++ill) own.insert(ill->category);
        }
        std::vector<std::string> codes, values;
        for (const std::uint32_t category : own) {
            codes.push_back(categories[category]);
            if (released) ++persons_with[category];
        }
        for (std::size_t i = 0; i < rules.quasi.size(); ++i) values.push_back(raw->value(rows[at].tuple, i));
        const std::uint32_t tuple = table->tuple_of(values);
        table->add(tuple, released, rules.sensitive_of(codes));
        for (; at < end; ++at) rows[at].tuple = tuple;
    }
    for (std::size_t i = 0; i < categories.size(); ++i) {
        if (persons_with[i] < rules.rare_below) rare.insert(categories[i]);
    }
    ills = {};
    raw.reset();
}

Result<Done> check_order(const Order& order) {
    if (order.since_ms || order.until_ms)
        return refuse(IssueCode::invalid, order.since_ms ? "_since" : "_until",
                      "a release is a whole: what changed between two of them would tell more than either");
    return Done{};
}

Release::Release(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Release::Release(Release&&) noexcept = default;
Release::~Release() = default;

Result<Release> Release::make(record::Store& store, const Order& order, record::Position as_of, ReleaseAsked asked,
                              const RunOptions& options, Progress& progress) {
    XINGLIN_CHECK(check_order(order));
    auto inside = std::make_unique<Inside>(std::move(asked));
    ReleaseAsked& all = inside->asked;
    if (all.name.empty() || all.name.size() > 200)
        return refuse(IssueCode::invalid, "release", "must be named with what it is for, in at most 200 bytes");
    if (all.key.size() < Deidentifier::key_bytes_least)
        return refuse(IssueCode::invalid, "key", fmt::format("must be {} bytes or longer", Deidentifier::key_bytes_least));
    XINGLIN_TRY(inside->rules, anonymity::read_rules(all.files));
    for (const std::string& name : inside->rules.leave_out) {
        if (!fhir::find_resource(name))
            return refuse(IssueCode::invalid, "deidentify/release.json leave_out",
                          fmt::format("\"{}\" is no resource type of R4", name));
        inside->left_out.insert(name);
    }
    XINGLIN_TRY(Deidentifier made,
                Deidentifier::make(all.files, key_for(all.key, "release " + all.name), all.year, Dates::shift));
    inside->deidentifier.emplace(std::move(made));
    inside->raw.emplace(inside->rules);
    look_at_patients(store, order, as_of, options, progress, *fhir::find_resource("Condition"),
                     [&](const fhir::Type& type, Value resource, bool is_asked) { inside->see(type, resource, is_asked); });
    inside->count();
    XINGLIN_CHECK(inside->table->check_levels());
    const anonymity::Judge judge(*inside->table, inside->rules.goals);
    inside->found = judge.search();
    const std::vector<bool> hidden = judge.suppressed(inside->found.after.node);
    for (const Row& row : inside->rows) {
        if (row.asked && !hidden[row.tuple]) inside->told.push_back({row.patient, row.person, row.tuple});
    }
    inside->rows = {};
    std::sort(inside->told.begin(), inside->told.end(), [](const auto& a, const auto& b) { return a.patient < b.patient; });
    return Release(std::move(inside));
}

Value Release::apply(Value resource, json::Arena& arena) const {
    const std::string_view type = resource.find("resourceType").string();
    if (inside_->left_out.contains(std::string(type))) return {};
    std::vector<std::string_view> patients;
    if (type == "Patient") patients.push_back(resource.find("id").string());
    else add_patients(resource, patients);
    const Inside::Told* told = nullptr;
    for (const std::string_view id : patients) {
        const Inside::Told* one = inside_->find(id);
        if (!one) return {};
        if (!told) told = one;
    }
    const std::string person = told ? fmt::format("person {}", told->person) : std::string();
    Value out = inside_->deidentifier->apply(resource, arena, person);
    if (!out) return {};
    if (type == "Patient") {
        std::vector<std::string> values;
        for (std::size_t i = 0; i < inside_->rules.quasi.size(); ++i) {
            const anonymity::Quasi& quasi = inside_->rules.quasi[i];
            values.push_back(quasi.levels[inside_->found.after.node[i]].of(inside_->table->value(told->tuple, i)));
        }
        return patient_told(inside_->rules, values, out, arena);
    }
    return without_rare(inside_->rules, inside_->rare, without_contained_persons(out, inside_->left_out, arena), arena);
}

const Deidentifier& Release::deidentifier() const { return *inside_->deidentifier; }
const anonymity::Found& Release::found() const { return inside_->found; }
std::string Release::why_not() const { return anonymity::why_not(inside_->rules, inside_->found); }

namespace {
anonymity::Release about(const ReleaseAsked& asked, const Deidentifier& deidentifier, std::uint64_t left_out,
                         std::uint64_t rare) {
    return {.name = asked.name,
            .edition = deidentifier.edition(),
            .key_mark = deidentifier.key_mark(),
            .made_at = asked.made_at,
            .left_out = left_out,
            .rare_codes = rare,
            .persons_joined = asked.person_of != nullptr};
}
}  // namespace

std::string Release::report(std::uint64_t left_out) const {
    json::Arena arena;
    const auto release = about(inside_->asked, *inside_->deidentifier, left_out, inside_->rare.size());
    return json::write(anonymity::report_json(inside_->rules, inside_->found, release, arena)) + "\n";
}

std::string Release::report_page(std::uint64_t left_out) const {
    return anonymity::report_page(inside_->rules, inside_->found,
                                  about(inside_->asked, *inside_->deidentifier, left_out, inside_->rare.size()));
}

}  // namespace xinglin::bulk
