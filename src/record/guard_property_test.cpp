// SPDX-License-Identifier: Apache-2.0
// A guarded search is the search of a store that holds only what may be seen: random rules and queries against the naive evaluator
// over the resources that a plain reading of the rules lets through. Includes, chains, _has, totals, pages, history, as-of reads.
#include "record/guard.h"
#include "record/test_search.h"
#include "search/units.h"

namespace xinglin::record {
namespace {

class GuardProperty : public SearchProperty {
protected:
    static constexpr const char* sources[] = {"urn:source:a", "urn:source:b", "urn:source:c"};
    static constexpr const char* codes[] = {"HIV", "PSY", "R", "V"};

    /// Labels and sources, which the examples hardly have.
    void arrange(std::vector<json::Value>& resources) override {
        std::mt19937_64 random(seed_ + 1);
        for (json::Value& each : resources) {
            if (random() % 3 == 0) continue;
            std::string meta = std::string(R"({"source":")") + sources[random() % 3] + "\"";
            if (random() % 4 == 0)
                meta += std::string(R"(,"security":[{"system":"urn:label","code":")") + codes[random() % 4] + "\"}]";
            each = arena_.with(each, "meta", json::parse(meta + "}", arena_).value());
        }
    }

    /// By asking the naive evaluator whom a resource names; "Type/id" to ids of patients.
    void find_owners(const search_oracle::Oracle& all) {
        owners_.clear();
        std::vector<std::string> patients;
        for (const json::Value each : all.resources()) {
            if (each["resourceType"].string() == "Patient") patients.emplace_back(each["id"].string());
        }
        std::set<std::string> mentioned;
        for (const json::Value each : all.resources()) {
            const std::string text = json::write(each), key = "\"Patient/";
            for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) {
                const std::size_t from = at + key.size();
                mentioned.insert(text.substr(from, text.find_first_of("\"/", from) - from));
            }
        }
        mentioned.insert(patients.begin(), patients.end());
        patients_.assign(mentioned.begin(), mentioned.end());
        for (const std::string& patient : patients_) {
            for (const std::string& type : all.types()) {
                if (type == "Patient") continue;
                std::set<std::string_view> named{"patient", "subject", "for", "beneficiary"};
                for (const std::string_view code : fhir::compartment_parameters("Patient", type)) named.insert(code);
                for (const std::string_view code : named) {
                    const search::Parameter* parameter = search::find_parameter(*fhir::find_resource(type), code);
                    if (!parameter || parameter->type != search::ParamType::reference) continue;
                    for (const std::string& found : all.search(type, {{std::string(code), "Patient/" + patient}}))
                        owners_[found].insert(patient);
                }
            }
            owners_["Patient/" + patient] = {patient};
        }
    }

    GuardRule random_rule(std::mt19937_64& random) {
        using Whose = GuardRule::Whose;
        GuardRule rule{.name = "r" + std::to_string(random() % 1'000), .permit = random() % 3 != 0, .types = {}};
        rule.whose = static_cast<Whose>(random() % 5);
        if (rule.whose == Whose::members || rule.whose == Whose::others) {
            std::vector<std::string> chosen;
            const std::size_t one_in = 1 + random() % 4;
            for (const std::string& each : patients_) {
                if (random() % one_in == 0) chosen.push_back(each);
            }
            members_[rule.name] = {chosen.begin(), chosen.end()};
            rule.patients = std::make_shared<PatientSet>(store_->reader(access::Viewer::program("test")).ordinals_of(chosen));
        }
        if (random() % 4 == 0) {
            for (const fhir::Type* type : fhir::resources()) {
                if (random() % 2) rule.types.push_back(type);
            }
        }
        if (random() % 3 == 0) rule.labels.emplace_back(random() % 2 ? "urn:label" : "", codes[random() % 4]);
        if (random() % 4 == 0) rule.sources.emplace_back(sources[random() % 3]);
        return rule;
    }

    std::shared_ptr<Guard> random_guard(std::mt19937_64& random) {
        auto guard = std::make_shared<Guard>();
        members_.clear();
        for (std::size_t i = 1 + random() % 5; i > 0; --i) {
            GuardRule rule = random_rule(random);
            rule.name += "-" + std::to_string(i);
            if (auto moved = members_.extract(rule.name.substr(0, rule.name.rfind('-')))) {
                moved.key() = rule.name;
                members_.insert(std::move(moved));
            }
            guard->rules.push_back(std::move(rule));
        }
        return guard;
    }

    bool applies(const GuardRule& rule, json::Value resource, const std::string& name) {
        using Whose = GuardRule::Whose;
        if (!rule.types.empty() && std::none_of(rule.types.begin(), rule.types.end(), [&](const fhir::Type* type) {
                return type->name == resource["resourceType"].string();
            }))
            return false;
        const std::set<std::string>& owners = owners_[name];
        const std::set<std::string>& members = members_[rule.name];
        std::size_t within = 0;
        for (const std::string& each : owners) within += members.contains(each);
        if (rule.whose == Whose::nobodys && !owners.empty()) return false;
        if (rule.whose == Whose::somebodys && owners.empty()) return false;
        if (rule.whose == Whose::members && within == 0) return false;
        if (rule.whose == Whose::others && (owners.empty() || within == owners.size())) return false;
        if (rule.labels.empty() && rule.sources.empty()) return true;
        for (const std::string& source : rule.sources) {
            if (resource["meta"]["source"].string() == source) return true;
        }
        for (const json::Node& label : resource["meta"]["security"].items()) {
            for (const auto& [system, code] : rule.labels) {
                const json::Value has(&label);
                if (has["code"].string() == code && (system.empty() || has["system"].string() == system)) return true;
            }
        }
        return false;
    }

    /// One to three parts of what a token may see: of a patient, under a condition, of a type; told by the naive evaluator.
    void add_grants(const search_oracle::Oracle& all, std::mt19937_64& random, Guard& guard) {
        guard.limited = true;
        granted_.clear();
        for (std::size_t left = 1 + random() % 3; left > 0;) {
            const auto asked = search_oracle::random_query(all, random);
            search::Query conditions = parsed(asked, {});
            const auto leads_on = [](const search::Criterion& each) {
                return !each.inner.empty() || each.modifier == search::Modifier::below;
            };
            if (search::needs_codes(conditions) || std::any_of(conditions.all.begin(), conditions.all.end(), leads_on)) continue;
            const bool whole = random() % 4 == 0;
            GuardGrant grant{.types = {fhir::find_resource(asked.type)}};
            if (whole && random() % 2 == 0) grant.types.clear();
            if (!whole) grant.all = conditions.all;
            const std::string patient = random() % 3 == 0 || grant.types.empty() ? patients_[random() % patients_.size()] : "";
            if (!patient.empty()) {
                const auto ordinals = store_->reader(access::Viewer::program("test")).ordinals_of({&patient, 1});
                bind_to_patient(grant, patient, ordinals.empty() ? std::nullopt : std::optional(ordinals.front()));
            }
            const auto found = all.search(asked.type, whole ? decltype(asked.pairs){} : asked.pairs);
            for (const json::Value each : all.resources()) {
                const std::string name = std::string(each["resourceType"].string()) + "/" + std::string(each["id"].string());
                const bool meets = grant.types.empty() || std::find(found.begin(), found.end(), name) != found.end();
                if (meets && (patient.empty() || is_of(patient, name))) granted_.insert(name);
            }
            guard.grants.push_back(std::move(grant));
            --left;
        }
    }

    bool is_of(const std::string& patient, const std::string& name) {
        for (const std::string_view shared :
             {"Practitioner/", "PractitionerRole/", "Organization/", "Location/", "HealthcareService/", "Medication/"}) {
            if (name.starts_with(shared)) return true;
        }
        return owners_[name].contains(patient);
    }

    bool seen(const Guard& guard, json::Value resource) {
        const std::string name = std::string(resource["resourceType"].string()) + "/" + std::string(resource["id"].string());
        if (guard.limited && !granted_.contains(name)) return false;
        for (const GuardRule& rule : guard.rules) {
            if (applies(rule, resource, name)) return rule.permit;
        }
        return false;
    }

    /// Guards and queries; with `as_of`, asked of that position, at which there was what `all` holds.
    void compare_guarded(const search_oracle::Oracle& all, std::mt19937_64& random, int guards, int each_guard,
                         const std::function<bool(const Guard&, json::Value)>& also = {}, std::optional<Position> as_of = {}) {
        oracle_ = nullptr;
        for (int i = 0; i < guards && !HasFailure(); ++i) {
            const auto guard = random_guard(random);
            if (limits_) add_grants(all, random, *guard);
            std::vector<json::Value> visible;
            for (const json::Value each : all.resources()) {
                if (seen(*guard, each) && (!also || also(*guard, each))) visible.push_back(each);
            }
            const search_oracle::Oracle naive(visible, 0, property_now_ms);
            viewer_.guard = guard;
            oracle_ = &all;
            by_name_.clear();
            for (const json::Value each : visible)
                by_name_[std::string(each["resourceType"].string()) + "/" + std::string(each["id"].string())] = each;
            for (int q = 0; q < each_guard && !HasFailure(); ++q) one_query(all, naive, random, as_of);
            if (!as_of) reads(*guard, all, random);
            hidden_ += all.resources().size() - visible.size();
        }
        viewer_.guard = nullptr;
    }

    /// Codes are everybody's, whoever sees the code system they stand in; the naive evaluator has them from what it sees.
    static bool asks_terminology(const std::string& text) {
        const auto has = [&](std::string_view part) { return text.find(part) != std::string::npos; };
        return has(":in=") || has(":not-in=") || (has("|") && (has(":below=") || has(":above=")));
    }

    void one_query(const search_oracle::Oracle& all, const search_oracle::Oracle& naive, std::mt19937_64& random,
                   std::optional<Position> as_of) {
        const bool of_visible = limits_ && naive.resources().size() > 20;  // few are; of them, so that some queries match
        const auto asked = search_oracle::random_query(of_visible ? naive : all, random);
        if (asks_terminology(asked.text())) return;
        const auto expected = naive.search(asked.type, asked.pairs);
        std::vector<std::pair<std::string, std::string>> more{{"_count", std::to_string(1 + random() % 40)}};
        const std::string sort = random() % 4 == 0 ? random_sort(asked.type, random) : "";
        if (!sort.empty()) more.emplace_back("_sort", sort);
        if (random() % 3 == 0) more.emplace_back("_total", "accurate");
        const search::Query query = parsed(asked, more);
        const auto first = store_->reader(viewer_).search(query, as_of);
        ASSERT_TRUE(first.ok()) << first.outcome().line();
        if (first->total) {
            EXPECT_EQ(*first->total, expected.size()) << asked.text();
        }
        auto found = pages(query, as_of);
        std::sort(found.begin(), found.end());
        EXPECT_EQ(found, expected) << asked.text() << "&_sort=" << sort;
        const auto count = store_->reader(viewer_).count(query, as_of);
        EXPECT_TRUE(count.ok() && *count == expected.size()) << asked.text();
        if (!expected.empty() && expected.size() <= 40 && random() % 8 == 0) includes(naive, asked, expected, random, as_of);
        if (!expected.empty() && expected.size() <= 40 && random() % 8 == 0) referring(naive, asked, expected, random, as_of);
        matched_ += !expected.empty();
        ++asked_;
    }

    /// What is not seen is not there: read, history, $everything, decide.
    void reads(const Guard& guard, const search_oracle::Oracle& all, std::mt19937_64& random) {
        for (int i = 0; i < 60; ++i) {
            const json::Value one = all.resources()[random() % all.resources().size()];
            const fhir::Type& type = *fhir::find_resource(one["resourceType"].string());
            const std::string_view id = one["id"].string();
            const bool visible = seen(guard, one);
            EXPECT_EQ(store_->reader(viewer_).read(type, id).ok(), visible) << type.name << "/" << id;
            EXPECT_EQ(store_->reader(viewer_).history({.type = &type, .id = std::string(id)}).ok(), visible);
            EXPECT_EQ(store_->reader(viewer_).decide(type, id).permit, visible);
            if (type.name != "Patient") continue;
            const auto everything = store_->reader(viewer_).everything({.patient_id = std::string(id)});
            EXPECT_EQ(everything.ok(), visible);
            if (!everything.ok()) continue;
            for (const Found::Entry& entry : everything->entries)
                EXPECT_TRUE(by_name_.contains(std::string(entry.version.type->name) + "/" + entry.version.id));
        }
    }

    json::Arena arena_;
    std::map<std::string, std::set<std::string>> owners_, members_;
    std::vector<std::string> patients_;
    std::size_t hidden_ = 0;
    bool limits_ = false;            // guards have grants, too
    std::set<std::string> granted_;  // by the grants of the guard at hand
};
INSTANTIATE_TEST_SUITE_P(Engines, GuardProperty, ::testing::ValuesIn(testing::engines()),
                         [](const auto& info) { return info.param; });

TEST_P(GuardProperty, ShowsCountsAndPassesThroughOnlyWhatMayBeSeen) {
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed_));
    std::mt19937_64 random(seed_);
    const search_oracle::Oracle all(corpus_.resources, 0, property_now_ms);
    find_owners(all);
    compare_guarded(all, random, queries(GetParam() == "postgres" ? 6 : 20, 0.002), 25);
    std::printf("%d guarded queries, %d with matches, %zu resources hidden, seed %llu\n", asked_, matched_, hidden_,
                static_cast<unsigned long long>(seed_));
}

TEST_P(GuardProperty, FollowsResourcesThatBecomeAnothersOrLoseTheirLabels) {
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed_));
    std::mt19937_64 random(seed_);
    json::Arena arena;
    const Position before = store_->reader(viewer_).position();
    const search_oracle::Oracle then(corpus_.resources, 0, property_now_ms);
    const auto left = changed(arena, random);
    const search_oracle::Oracle now(left, 0, property_now_ms);
    find_owners(now);
    compare_guarded(now, random, queries(3, 0.001), 20);
    EXPECT_EQ(store_->verify(true), std::vector<std::string>{});
    // As of before: seen is what may be seen as it was and as it is now.
    const auto owners_now = owners_;
    std::map<std::string, json::Value> is_now;
    for (const json::Value each : left)
        is_now[std::string(each["resourceType"].string()) + "/" + std::string(each["id"].string())] = each;
    find_owners(then);
    const auto owners_then = owners_;
    const auto also = [&](const Guard& guard, json::Value resource) {
        const auto same =
            is_now.find(std::string(resource["resourceType"].string()) + "/" + std::string(resource["id"].string()));
        if (same == is_now.end()) return true;
        owners_ = owners_now;
        const bool visible = seen(guard, same->second);
        owners_ = owners_then;
        return visible;
    };
    compare_guarded(then, random, queries(2, 0.0003), 15, also, before);
}

TEST_P(GuardProperty, ALimitedTokenSeesWhatOneOfItsGrantsNames) {
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed_));
    std::mt19937_64 random(seed_);
    const search_oracle::Oracle all(corpus_.resources, 0, property_now_ms);
    find_owners(all);
    limits_ = true;
    compare_guarded(all, random, queries(GetParam() == "postgres" ? 6 : 24, 0.002), 25);
    std::printf("%d limited queries, %d with matches, %zu resources hidden, seed %llu\n", asked_, matched_, hidden_,
                static_cast<unsigned long long>(seed_));
}

// To read is not to search: each asks the grants of its own action, and what does both asks both.
TEST_P(GuardProperty, AGrantToReadIsNoneToSearch) {
    const search_oracle::Oracle all(corpus_.resources, 0, property_now_ms);
    const fhir::Type& observation = *fhir::find_resource("Observation");
    const std::string id = all.search("Observation", {}).front().substr(std::string_view("Observation/").size());
    auto guard = std::make_shared<Guard>();
    guard->rules.push_back({.name = "all", .permit = true, .types = {}});
    guard->limited = true;
    guard->grants.push_back({.types = {&observation}, .actions = "r"});
    viewer_.guard = guard;
    EXPECT_TRUE(store_->reader(viewer_).read(observation, id).ok());
    EXPECT_TRUE(pages(parsed({"Observation", {}}, {})).empty());
    auto other = std::make_shared<Guard>(*guard);
    other->grants.front().actions = "s";
    viewer_.guard = other;
    EXPECT_FALSE(store_->reader(viewer_).read(observation, id).ok());
    EXPECT_FALSE(store_->reader(viewer_).decide(observation, id).exists) << "as what never was";
    EXPECT_FALSE(pages(parsed({"Observation", {}}, {})).empty());
    int scanned = 0;
    store_->reader(viewer_).scan(&observation, [&](const Version&) { return ++scanned > 0; });
    EXPECT_EQ(scanned, 0);
}

}  // namespace
}  // namespace xinglin::record
