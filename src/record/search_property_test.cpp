// SPDX-License-Identifier: Apache-2.0
// The record's search against a naive evaluator that shares no code with it: random queries over the official examples and
// synthetic patients, fresh, after updates and deletes, and as of an earlier page. Prints its seed; XINGLIN_SEED takes it back.
//
// Few queries under the sanitizers; the many are asked by the same file compiled for speed, record_oracle, where
// XINGLIN_ORACLE_QUERIES says how many of all tests and both engines together: 100,000 in CI, a million by hand (docs/proof.md).
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>

#include "record/record.h"
#include "search_oracle/search_oracle.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::record {
namespace {

const access::Viewer viewer = access::Viewer::program("test");
constexpr std::int64_t now_ms = 1'795'305'600'000;

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
    SearchProperty() : clock_(now_ms) {}
    void SetUp() override {
        constexpr std::size_t gathered[] = {0, 60, 700};  // settled never, all the time, now and then
        static std::size_t opened = testing::seed();
        Options options{.fresh_rows = gathered[opened++ % 3], .offset_minutes = std::int16_t{0}, .terminology = terminology()};
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
        auto query = search::parse(types, more, {});
        EXPECT_TRUE(query.ok()) << asked.text() << ": " << (query.ok() ? "" : query.outcome().line());
        return query.ok() ? *query : search::Query{};
    }

    /// All pages of a query, "Type/id" in the order given.
    std::vector<std::string> pages(search::Query query, std::optional<Position> as_of = {}) {
        std::vector<std::string> ids;
        for (;;) {
            auto page = store_->reader(viewer).search(query, as_of);
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
            EXPECT_EQ(found, expected) << asked.text() << "&_sort=" << sort;
            const auto count = store_->reader(viewer).count(query, as_of);
            EXPECT_TRUE(count.ok() && *count == expected.size()) << asked.text();
            if (!expected.empty() && expected.size() <= 40 && random() % 8 == 0) includes(oracle, asked, expected, random, as_of);
            if (!expected.empty() && expected.size() <= 40 && random() % 8 == 0)
                referring(oracle, asked, expected, random, as_of);
            matched_ += !expected.empty();
            ++asked_;
        }
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
            store_->reader(viewer).search(parsed(asked, {{"_count", "1000"}, {"_include", asked.type + ":" + code}}), as_of);
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
            store_->reader(viewer).search(parsed(asked, {{"_count", "1000"}, {"_revinclude", source + ":" + code}}), as_of);
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

    int asked_ = 0, matched_ = 0, included_ = 0, with_referring_ = 0;
    const search_oracle::Oracle* oracle_ = nullptr;
    std::map<std::string, json::Value> by_name_;  // what the oracle holds
    std::map<std::string, json::Value> now_;      // by Type/id; not an object when deleted
    Corpus corpus_;
    testing::ScratchFolder folder_;
    testing::StoppedClock clock_;
    std::unique_ptr<Store> store_;
};
INSTANTIATE_TEST_SUITE_P(Engines, SearchProperty, ::testing::ValuesIn(testing::engines()),
                         [](const auto& info) { return info.param; });

TEST_P(SearchProperty, AgreesWithTheNaiveEvaluatorOnRandomQueries) {
    const std::uint64_t seed = testing::seed();
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    const search_oracle::Oracle oracle(corpus_.resources, 0, now_ms);
    compare(oracle, random, queries(600, 0.05));
    std::printf("%d queries, %d with matches, %d with _include, seed %llu\n", asked_, matched_, included_,
                static_cast<unsigned long long>(seed));
}

// As many random stores as the number takes (tools/run_tests.py, part oracle), 2,000 queries each.
TEST_P(SearchProperty, StillAgreesAfterUpdatesAndDeletes) {
    const std::uint64_t seed = testing::seed();
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    const int wanted = queries(300, 0.9);
    int stores = 0;
    json::Arena arena;
    while (asked_ < wanted && !HasFailure()) {
        const auto left = changed(arena, random);
        if (++stores % 16 == 1) {
            EXPECT_EQ(store_->verify(true), std::vector<std::string>{});
        }
        const search_oracle::Oracle oracle(left, 0, now_ms);
        compare(oracle, random, std::min(wanted - asked_, 2'000));
    }
    std::printf("%d queries on %d random stores, %d with matches, %d with _include, seed %llu\n", asked_, stores, matched_,
                included_, static_cast<unsigned long long>(seed));
}

// The pages after the first show what matched then, however much is written in between.
TEST_P(SearchProperty, LaterPagesAgreeWithTheStoreOfTheFirst) {
    const std::uint64_t seed = testing::seed();
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    const search_oracle::Oracle oracle(corpus_.resources, 0, now_ms);
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
        auto page = store_->reader(viewer).search(one.query);
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
    const std::uint64_t seed = testing::seed();
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    json::Arena arena;
    for (const json::Value resource : corpus_.resources)
        now_[std::string(resource["resourceType"].string()) + "/" + std::string(resource["id"].string())] = resource;
    std::map<std::string, std::vector<json::Value>> by_type;
    for (const json::Value resource : corpus_.resources)
        by_type[std::string(resource["resourceType"].string())].push_back(resource);
    std::vector<std::pair<Position, std::map<std::string, json::Value>>> moments;
    const auto remember = [&] { moments.emplace_back(store_->reader(viewer).position(), now_); };
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
        const search_oracle::Oracle oracle(there, 0, now_ms);
        SCOPED_TRACE("as of " + std::to_string(position));
        compare(oracle, random, queries(60, 0.05 / static_cast<double>(moments.size())), position);
        for (int i = 0; i < 40; ++i) {
            auto one = std::next(now_.begin(), static_cast<std::ptrdiff_t>(random() % now_.size()));
            const std::size_t slash = one->first.find('/');
            const fhir::Type& type = *fhir::find_resource(one->first.substr(0, slash));
            const auto read = store_->reader(viewer).read(type, one->first.substr(slash + 1), position);
            const auto known = then.find(one->first);
            EXPECT_EQ(read.ok(), known != then.end() && known->second.is_object()) << one->first;
            const auto history =
                store_->reader(viewer).history({.type = &type, .id = one->first.substr(slash + 1), .count = 1'000});
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
    std::printf("%d queries at %zu positions, %d with matches, %d with _include, %d with something by _revinclude, seed %llu\n", asked_,
                moments.size(), matched_, included_, with_referring_, static_cast<unsigned long long>(seed));
}

TEST_P(SearchProperty, SortsAsTheNaiveEvaluatorWould) {
    const std::uint64_t seed = testing::seed();
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    const search_oracle::Oracle oracle(corpus_.resources, 0, now_ms);
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
