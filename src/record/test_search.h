// SPDX-License-Identifier: Apache-2.0
// Tests of this room only: stores of official examples and synthetic patients, asked beside the naive evaluator.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>

#include "record/record.h"
#include "search_oracle/search_oracle.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::record {

/// 2026-11-22: what stores, queries and the oracle take for now. `ap` of a date reaches as far as now is away, so each asks it.
constexpr std::int64_t property_now_ms = 1'795'305'600'000;

/// The resources of a run: official examples and a few whole patients, ids unique within their type.
class Corpus {
public:
    Corpus() {
        std::set<std::string> seen;
        const std::string examples =
            testing::read_packed(std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/fhir/testdata/r4-examples.ndjson.gz");
        for (std::size_t from = 0; from < examples.size();) {
            const std::size_t end = examples.find('\n', from);
            add(std::string_view(examples).substr(from, end - from), seen);
            from = end + 1;
        }
        std::size_t patients = 0;
        for (const auto& file : testing::files_below(std::filesystem::path(XINGLIN_SOURCE_DIR) / "content/samples", ".json.gz")) {
            if (++patients > 2) break;
            add_bundle(testing::read_packed(file), seen);
        }
    }
    std::vector<json::Value> resources;

private:
    void add(std::string_view text, std::set<std::string>& seen) {
        auto value = json::parse(text, arenas_.emplace_back());
        if (!value.ok() || !fhir::find_resource((*value)["resourceType"].string())) return;
        const std::string id((*value)["id"].string());
        const std::string key = std::string((*value)["resourceType"].string()) + "/" + id;
        // Definitions would be most of the corpus and all alike.
        const bool definition = key.starts_with("StructureDefinition") || key.starts_with("SearchParameter") ||
                                key.starts_with("OperationDefinition");
        if (!id.empty() && seen.insert(key).second && (!definition || seen.size() % 20 == 0)) resources.push_back(*value);
    }
    void add_bundle(std::string text, std::set<std::string>& seen) {
        json::Arena arena;
        const json::Value bundle = json::parse(text, arena).value();
        std::map<std::string, std::string> urns;
        for (const json::Node& entry : bundle["entry"].items()) {
            const json::Value resource = json::Value(&entry)["resource"];
            urns[std::string(json::Value(&entry)["fullUrl"].string())] =
                std::string(resource["resourceType"].string()) + "/" + std::string(resource["id"].string());
        }
        for (const json::Node& entry : bundle["entry"].items()) {
            std::string one = json::write(json::Value(&entry)["resource"]);
            for (const auto& [urn, reference] : urns) {
                for (std::size_t at = one.find(urn); at != std::string::npos; at = one.find(urn, at))
                    one.replace(at, urn.size(), reference);
            }
            add(one, seen);
        }
    }
    std::deque<json::Arena> arenas_;
};

class SearchProperty : public ::testing::TestWithParam<std::string> {
protected:
    SearchProperty() : clock_(property_now_ms) {}
    /// Everything random of one test follows from it: what is stored, how, and what is asked.
    const std::uint64_t seed_ = testing::seed();
    /// What is stored: the corpus, unless a test makes something else of it.
    virtual void arrange(std::vector<json::Value>&) {}
    void SetUp() override {
        arrange(corpus_.resources);
        constexpr std::size_t gathered[] = {0, 60, 700};  // settled never, all the time, now and then
        Options options{.fresh_rows = gathered[seed_ % 3], .offset_minutes = std::int16_t{0}, .terminology = terminology()};
        if (GetParam() == "postgres" && (options.store = testing::fresh_postgres()).empty()) GTEST_SKIP() << testing::no_postgres;
        store_ = Store::open(folder_.path() / "data", clock_, options).value();
        std::vector<Prepared> batch;
        for (const json::Value resource : corpus_.resources)
            batch.push_back(
                store_->prepare(*fhir::find_resource(resource["resourceType"].string()), resource["id"].string(), resource));
        EXPECT_TRUE(store_->load(std::move(batch)).ok());
    }

    search::Query parsed(const search_oracle::Asked& asked, std::vector<std::pair<std::string, std::string>> more) {
        more.insert(more.end(), asked.pairs.begin(), asked.pairs.end());
        const fhir::Type* types[] = {fhir::find_resource(asked.type)};
        auto query = search::parse(types, more, {.now_ms = property_now_ms});
        EXPECT_TRUE(query.ok()) << asked.text() << ": " << (query.ok() ? "" : query.outcome().line());
        return query.ok() ? *query : search::Query{};
    }

    /// All pages of a query, "Type/id" in the order given.
    std::vector<std::string> pages(search::Query query, std::optional<Position> as_of = {}) {
        std::vector<std::string> ids;
        for (;;) {
            auto page = store_->reader(viewer_).search(query, as_of);
            EXPECT_TRUE(page.ok()) << (page.ok() ? "" : page.outcome().line());
            if (!page.ok()) return ids;
            for (const auto& entry : page->entries) ids.push_back(std::string(entry.version.type->name) + "/" + entry.version.id);
            if (page->next.empty()) return ids;
            query.page = page->next;
        }
    }

    /// How many queries: a share of XINGLIN_ORACLE_QUERIES, or few. Of ten, PostgreSQL is asked one: each costs a journey.
    static int queries(int few, double share) {
        const char* asked = std::getenv("XINGLIN_ORACLE_QUERIES");
        return asked ? std::max(few, static_cast<int>(share * std::atof(asked) * (GetParam() == "postgres" ? 0.1 : 0.9))) : few;
    }

    /// Of the oracle that the running test compares with.
    search::Terminology terminology() {
        search::Terminology terminology;
        terminology.codes_in = [this](std::string_view set) { return oracle_->codes_in(set); };
        terminology.codes_below = [this](std::string_view system, std::string_view code, bool below) {
            return oracle_->codes_below(system, code, below);
        };
        return terminology;
    }

    void compare(const search_oracle::Oracle& oracle, std::mt19937_64& random, int queries, std::optional<Position> as_of = {}) {
        oracle_ = &oracle;
        by_name_.clear();
        for (const json::Value each : oracle.resources())
            by_name_[std::string(each["resourceType"].string()) + "/" + std::string(each["id"].string())] = each;
        for (int i = 0; i < queries && !HasFailure(); ++i) {
            const auto asked = search_oracle::random_query(oracle, random);
            const auto expected = oracle.search(asked.type, asked.pairs);
            std::vector<std::pair<std::string, std::string>> more{{"_count", std::to_string(1 + random() % 40)}};
            std::string sort;
            if (random() % 4 == 0) {
                sort = random_sort(asked.type, random);
                if (!sort.empty()) more.emplace_back("_sort", sort);
            }
            auto query = parsed(asked, more);
            auto found = pages(query, as_of);
            if (!sort.empty()) {
                EXPECT_TRUE(oracle.in_order(asked.type, found, sort)) << asked.text() << "&_sort=" << sort;
            }
            std::sort(found.begin(), found.end());
            EXPECT_EQ(found, expected) << asked.text() << "&_sort=" << sort << difference(found, expected);
            const auto count = store_->reader(viewer_).count(query, as_of);
            EXPECT_TRUE(count.ok() && *count == expected.size()) << asked.text();
            if (!expected.empty() && expected.size() <= 40 && random() % 8 == 0) includes(oracle, asked, expected, random, as_of);
            if (!expected.empty() && expected.size() <= 40 && random() % 8 == 0)
                referring(oracle, asked, expected, random, as_of);
            matched_ += !expected.empty();
            ++asked_;
        }
    }

    /// What only one of two sorted answers has, whole: a long answer's own print ends before it.
    std::string difference(const std::vector<std::string>& found, const std::vector<std::string>& expected) const {
        std::string text;
        const auto say = [&](const char* what, const auto& these, const auto& those) {
            for (const std::string& name : these)
                if (!std::binary_search(those.begin(), those.end(), name)) {
                    const auto whole = by_name_.find(name);
                    text += std::string("\n") + what + name + " " +
                            (whole == by_name_.end() ? "(unknown)" : json::write(whole->second));
                }
        };
        say("too much: ", found, expected);
        say("missing: ", expected, found);
        return text;
    }

    /// "-code" or "code" of something that can be sorted by; "" when the type has none.
    std::string random_sort(const std::string& type, std::mt19937_64& random) {
        std::vector<std::string> codes;
        for (const search::Parameter* each : search::parameters(*fhir::find_resource(type))) {
            using search::ParamType;
            if (each->type != ParamType::composite && each->type != ParamType::special && each->code != "_lastUpdated")
                codes.emplace_back(each->code);
        }
        if (codes.empty()) return {};
        return (random() % 2 ? "-" : "") + codes[random() % codes.size()];
    }

    /// What a reference parameter includes: everything whose address stands in a match, if the match is found by it.
    void includes(const search_oracle::Oracle& oracle, const search_oracle::Asked& asked, const std::vector<std::string>& matches,
                  std::mt19937_64& random, std::optional<Position> as_of) {
        std::vector<std::string> codes;
        for (const search::Parameter* each : search::parameters(*fhir::find_resource(asked.type))) {
            if (each->type == search::ParamType::reference) codes.emplace_back(each->code);
        }
        if (codes.empty()) return;
        const std::string code = codes[random() % codes.size()];
        std::set<std::string> expected;
        for (const std::string& match : matches) {
            // Every string that is the address of a resource; a canonical may be one too.
            const std::string text = json::write(by_name_.at(match));
            for (std::size_t at = text.find('"'); at != std::string::npos;) {
                const std::size_t end = text.find('"', at + 1);
                if (end == std::string::npos) break;
                const std::string target = text.substr(at + 1, end - at - 1);
                at = end;  // the end of one string may be the start of what lies between two: harmless
                if (!by_name_.contains(target) || std::binary_search(matches.begin(), matches.end(), target)) continue;
                const std::string id = match.substr(match.find('/') + 1);
                if (!oracle.search(asked.type, {{"_id", id}, {code, target}}).empty()) expected.insert(target);
            }
        }
        auto page =
            store_->reader(viewer_).search(parsed(asked, {{"_count", "1000"}, {"_include", asked.type + ":" + code}}), as_of);
        ASSERT_TRUE(page.ok()) << page.outcome().line();
        std::set<std::string> found;
        for (const auto& entry : page->entries) {
            if (entry.included) found.insert(std::string(entry.version.type->name) + "/" + entry.version.id);
        }
        // Canonicals and addresses with a version are included too: whatever came is named by a match.
        for (const std::string& target : found) {
            const bool named = std::any_of(matches.begin(), matches.end(), [&](const std::string& match) {
                return !oracle.search(asked.type, {{"_id", match.substr(match.find('/') + 1)}, {code, target}}).empty();
            });
            EXPECT_TRUE(named) << target << " " << asked.text() << "&_include=" << asked.type << ":" << code;
        }
        EXPECT_TRUE(std::includes(found.begin(), found.end(), expected.begin(), expected.end()))
            << asked.text() << "&_include=" << asked.type << ":" << code;
        ++included_;
    }

    /// What _revinclude brings: all that is found by naming a match.
    void referring(const search_oracle::Oracle& oracle, const search_oracle::Asked& asked,
                   const std::vector<std::string>& matches, std::mt19937_64& random, std::optional<Position> as_of) {
        std::vector<const search::Parameter*> all;
        for (const std::string& type : oracle.types()) {
            for (const search::Parameter* each : search::parameters(*fhir::find_resource(type))) {
                const auto& targets = each->targets;
                if (each->type == search::ParamType::reference &&
                    std::find(targets.begin(), targets.end(), asked.type) != targets.end())
                    all.push_back(each);
            }
        }
        if (all.empty()) return;
        std::string source, code;
        std::set<std::string> expected, found;
        for (int i = 0; i < 30 && expected.empty(); ++i) {
            const search::Parameter& parameter = *all[random() % all.size()];
            source = parameter.resource->name;
            code = parameter.code;
            for (const std::string& match : matches) {
                for (const std::string& each : oracle.search(source, {{code, match}})) {
                    if (!std::binary_search(matches.begin(), matches.end(), each)) expected.insert(each);
                }
            }
        }
        auto page =
            store_->reader(viewer_).search(parsed(asked, {{"_count", "1000"}, {"_revinclude", source + ":" + code}}), as_of);
        ASSERT_TRUE(page.ok()) << page.outcome().line();
        for (const auto& entry : page->entries) {
            if (entry.included) found.insert(std::string(entry.version.type->name) + "/" + entry.version.id);
        }
        EXPECT_EQ(found, expected) << asked.text() << "&_revinclude=" << source << ":" << code;
        with_referring_ += !expected.empty();
    }

    void write(const Work& work) { ASSERT_TRUE(store_->submit_and_wait(work).ok()); }

    /// A third of the resources take on the content of others of their type, go, or come again. What is there then.
    std::vector<json::Value> changed(json::Arena& arena, std::mt19937_64& random) {
        std::map<std::string, std::vector<json::Value>> by_type;
        for (const json::Value resource : corpus_.resources)
            by_type[std::string(resource["resourceType"].string())].push_back(resource);
        std::vector<json::Value> left;
        for (const json::Value resource : corpus_.resources) {
            const std::string type_name(resource["resourceType"].string()), id(resource["id"].string());
            const fhir::Type& type = *fhir::find_resource(type_name);
            json::Value& now = now_.try_emplace(type_name + "/" + id, resource).first->second;
            const auto dice = random() % 6;
            if (dice == 0 && now.is_object()) {
                now = {};
                write([&](Transaction& t) -> Result<Done> {
                    t.erase(type, id);
                    return Done{};
                });
            } else if (dice == 1) {
                const auto& others = by_type[type_name];
                now = arena.with(others[random() % others.size()], "id", arena.string(id));
                const Prepared ready = store_->prepare(type, id, now);
                write([&](Transaction& t) -> Result<Done> {
                    t.put(ready, false, false);
                    return Done{};
                });
            }
            if (now.is_object()) left.push_back(now);
        }
        return left;
    }

    access::Viewer viewer_ = access::Viewer::program("test");
    int asked_ = 0, matched_ = 0, included_ = 0, with_referring_ = 0;
    const search_oracle::Oracle* oracle_ = nullptr;
    std::map<std::string, json::Value> by_name_;  // what the oracle holds
    std::map<std::string, json::Value> now_;      // by Type/id; not an object when deleted
    Corpus corpus_;
    testing::ScratchFolder folder_;
    testing::StoppedClock clock_;
    std::unique_ptr<Store> store_;
};

}  // namespace xinglin::record
