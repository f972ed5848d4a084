// SPDX-License-Identifier: Apache-2.0
// The record's search against a naive evaluator that shares no code with it: random queries over the official examples and
// synthetic patients, fresh, after updates and deletes, and as of an earlier page. Prints its seed; XINGLIN_SEED takes it back.
//
// Few queries under the sanitizers; the many are asked by the same file compiled for speed, record_oracle, where
// XINGLIN_ORACLE_QUERIES says how many of all tests and both engines together: 100,000 in CI, a million by hand (docs/proof.md).
#include "record/test_search.h"

namespace xinglin::record {
namespace {

INSTANTIATE_TEST_SUITE_P(Engines, SearchProperty, ::testing::ValuesIn(testing::engines()),
                         [](const auto& info) { return info.param; });

TEST_P(SearchProperty, AgreesWithTheNaiveEvaluatorOnRandomQueries) {
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed_));
    std::mt19937_64 random(seed_);
    const search_oracle::Oracle oracle(corpus_.resources, 0, property_now_ms);
    compare(oracle, random, queries(600, 0.05));
    std::printf("%d queries, %d with matches, %d with _include, seed %llu\n", asked_, matched_, included_,
                static_cast<unsigned long long>(seed_));
}

// As many random stores as the number takes (tools/run_tests.py, part oracle), 2,000 queries each.
TEST_P(SearchProperty, StillAgreesAfterUpdatesAndDeletes) {
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed_));
    std::mt19937_64 random(seed_);
    const int wanted = queries(300, 0.9);
    int stores = 0;
    json::Arena arena;
    while (asked_ < wanted && !HasFailure()) {
        const auto left = changed(arena, random);
        if (++stores % 16 == 1) {
            EXPECT_EQ(store_->verify(true), std::vector<std::string>{});
        }
        const search_oracle::Oracle oracle(left, 0, property_now_ms);
        compare(oracle, random, std::min(wanted - asked_, 2'000));
    }
    std::printf("%d queries on %d random stores, %d with matches, %d with _include, seed %llu\n", asked_, stores, matched_,
                included_, static_cast<unsigned long long>(seed_));
}

// The pages after the first show what matched then, however much is written in between.
TEST_P(SearchProperty, LaterPagesAgreeWithTheStoreOfTheFirst) {
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed_));
    std::mt19937_64 random(seed_);
    const search_oracle::Oracle oracle(corpus_.resources, 0, property_now_ms);
    oracle_ = &oracle;
    struct Begun {
        search::Query query;
        std::vector<std::string> found, expected;
        std::string text;
    };
    std::vector<Begun> begun;
    for (int i = 0; i < 250; ++i) {
        const auto asked = search_oracle::random_query(oracle, random);
        Begun one{parsed(asked, {{"_count", "3"}}), {}, oracle.search(asked.type, asked.pairs), asked.text()};
        if (one.expected.size() <= 3) continue;
        auto page = store_->reader(viewer_).search(one.query);
        ASSERT_TRUE(page.ok());
        for (const auto& entry : page->entries)
            one.found.push_back(std::string(entry.version.type->name) + "/" + entry.version.id);
        one.query.page = page->next;
        begun.push_back(std::move(one));
    }
    json::Arena arena;
    changed(arena, random);
    for (Begun& one : begun) {
        if (!one.query.page.empty()) {
            const auto rest = pages(one.query);
            one.found.insert(one.found.end(), rest.begin(), rest.end());
        }
        std::sort(one.found.begin(), one.found.end());
        EXPECT_EQ(one.found, one.expected) << one.text;
    }
}

// A random history of creates, updates and deletes; at random positions of it, search and read as of that position.
TEST_P(SearchProperty, AsOfAPositionAgreesWithTheStoreOfThen) {
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed_));
    std::mt19937_64 random(seed_);
    json::Arena arena;
    for (const json::Value resource : corpus_.resources)
        now_[std::string(resource["resourceType"].string()) + "/" + std::string(resource["id"].string())] = resource;
    std::map<std::string, std::vector<json::Value>> by_type;
    for (const json::Value resource : corpus_.resources)
        by_type[std::string(resource["resourceType"].string())].push_back(resource);
    std::vector<std::pair<Position, std::map<std::string, json::Value>>> moments;
    const auto remember = [&] { moments.emplace_back(store_->reader(viewer_).position(), now_); };
    remember();
    for (int i = 0; i < 900; ++i) {
        const json::Value chosen = corpus_.resources[random() % corpus_.resources.size()];
        const std::string type_name(chosen["resourceType"].string());
        const fhir::Type& type = *fhir::find_resource(type_name);
        const auto dice = random() % 6;
        const std::string id = dice == 0 ? "new-" + std::to_string(random() % 90) : std::string(chosen["id"].string());
        json::Value& now = now_[type_name + "/" + id];
        if (dice == 1 && now.is_object()) {
            now = {};
            write([&](Transaction& t) -> Result<Done> {
                t.erase(type, id);
                return Done{};
            });
        } else {
            const auto& others = by_type[type_name];
            now = arena.with(others[random() % others.size()], "id", arena.string(id));
            const Prepared ready = store_->prepare(type, id, now);
            write([&](Transaction& t) -> Result<Done> {
                t.put(ready, false, false);
                return Done{};
            });
        }
        if (random() % 150 == 0) remember();
    }
    remember();
    for (const auto& [position, then] : moments) {
        std::vector<json::Value> there;
        for (const auto& [name, resource] : then) {
            if (resource.is_object()) there.push_back(resource);
        }
        const search_oracle::Oracle oracle(there, 0, property_now_ms);
        SCOPED_TRACE("as of " + std::to_string(position));
        compare(oracle, random, queries(60, 0.05 / static_cast<double>(moments.size())), position);
        for (int i = 0; i < 40; ++i) {
            auto one = std::next(now_.begin(), static_cast<std::ptrdiff_t>(random() % now_.size()));
            const std::size_t slash = one->first.find('/');
            const fhir::Type& type = *fhir::find_resource(one->first.substr(0, slash));
            const auto read = store_->reader(viewer_).read(type, one->first.substr(slash + 1), position);
            const auto known = then.find(one->first);
            EXPECT_EQ(read.ok(), known != then.end() && known->second.is_object()) << one->first;
            const auto history =
                store_->reader(viewer_).history({.type = &type, .id = one->first.substr(slash + 1), .count = 1'000});
            ASSERT_TRUE(history.ok());
            const auto newest = std::find_if(history->versions.begin(), history->versions.end(),
                                             [&, at = position](const Version& version) { return version.position <= at; });
            ASSERT_EQ(read.ok(), newest != history->versions.end() && !newest->deleted) << one->first;
            if (read.ok()) {
                EXPECT_EQ(read->body, newest->body);
                EXPECT_EQ(read->version, newest->version);
            }
        }
    }
    std::printf("%d queries at %zu positions, %d with matches, %d with _include, %d with something by _revinclude, seed %llu\n",
                asked_, moments.size(), matched_, included_, with_referring_, static_cast<unsigned long long>(seed_));
}

TEST_P(SearchProperty, SortsAsTheNaiveEvaluatorWould) {
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed_));
    std::mt19937_64 random(seed_);
    const search_oracle::Oracle oracle(corpus_.resources, 0, property_now_ms);
    for (const std::string& type_name : oracle.types()) {
        const fhir::Type& type = *fhir::find_resource(type_name);
        for (const search::Parameter* parameter : search::parameters(type)) {
            using search::ParamType;
            if (parameter->type == ParamType::composite || parameter->type == ParamType::special || random() % 24 != 0) continue;
            if (parameter->code == "_lastUpdated") continue;  // the record's own time, not the resource's
            const std::string sort = (random() % 2 ? "-" : "") + std::string(parameter->code);
            const auto ids = pages(parsed({type_name, {}}, {{"_sort", sort}, {"_count", "7"}}));
            EXPECT_EQ(ids.size(), oracle.search(type_name, {}).size()) << type_name << "?_sort=" << sort;
            EXPECT_TRUE(oracle.in_order(type_name, ids, sort)) << type_name << "?_sort=" << sort;
        }
    }
}

}  // namespace
}  // namespace xinglin::record
