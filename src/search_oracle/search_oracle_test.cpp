// SPDX-License-Identifier: Apache-2.0
// The room search against the oracle: entries, matches, sorting, on R4's examples and on synthetic records.
#include <gtest/gtest.h>

#include <set>

#include "search/search.h"
#include "search/units.h"
#include "search_oracle/inside.h"
#include "testing/testing.h"
#include "text/text.h"

namespace xinglin::search_oracle {
namespace {

constexpr std::int64_t now_ms = 1'795'305'600'000;
constexpr std::int16_t offset = 480;

/// Resources of a newline-separated file, by type and id, the first of each.
std::vector<json::Value> read_lines(const std::string& text, json::Arena& arena) {
    std::vector<json::Value> resources;
    std::set<std::string> known;
    for (const std::string_view line : xinglin::text::split(text, '\n')) {
        if (line.empty()) continue;
        auto resource = json::parse(line, arena);
        EXPECT_TRUE(resource.ok());
        const std::string name =
            std::string((*resource)["resourceType"].string()) + "/" + std::string((*resource)["id"].string());
        if (!(*resource)["id"].string().empty() && known.insert(name).second) resources.push_back(*resource);
    }
    return resources;
}

std::vector<json::Value> examples(json::Arena& arena) {
    return read_lines(testing::read_packed(std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/fhir/testdata/r4-examples.ndjson.gz"),
                      arena);
}

/// The resources of a few synthetic people, urn references turned into relative ones.
std::vector<json::Value> people(json::Arena& arena, std::size_t bundles) {
    std::string lines;
    for (const auto& path : testing::files_below(std::filesystem::path(XINGLIN_SOURCE_DIR) / "content/samples", ".json.gz")) {
        if (bundles-- == 0) break;
        json::Arena scratch;
        std::string text = testing::read_packed(path);
        auto bundle = json::parse(text, scratch);
        EXPECT_TRUE(bundle.ok());
        std::map<std::string, std::string> names;
        for (const json::Node& node : (*bundle)["entry"].items()) {
            const json::Value resource = json::Value(&node)["resource"];
            names[std::string(json::Value(&node)["fullUrl"].string())] =
                std::string(resource["resourceType"].string()) + "/" + std::string(resource["id"].string());
        }
        for (const json::Node& node : (*bundle)["entry"].items()) {
            std::string line = json::write(json::Value(&node)["resource"]);
            for (std::size_t at = line.find("\"urn:uuid:"); at != std::string::npos; at = line.find("\"urn:uuid:", at + 1)) {
                const std::size_t end = line.find('"', at + 1);
                const auto named = names.find(line.substr(at + 1, end - at - 1));
                if (named != names.end()) line.replace(at + 1, end - at - 1, named->second);
            }
            lines += line + "\n";
        }
    }
    return read_lines(lines, arena);
}

/// Codes of UCUM, wherever they stand.
void add_units(json::Value value, std::vector<std::string>& units) {
    if (value["system"].string() == "http://unitsofmeasure.org") {
        const std::string code(value["code"].string());
        if (!code.empty() && std::find(units.begin(), units.end(), code) == units.end()) units.push_back(code);
    }
    for (const json::Node& item : value.items()) add_units(json::Value(&item), units);
    for (const json::Member& member : value.members()) add_units(member.value(), units);
}

void check_presence(const std::vector<json::Value>& resources) {
    const Oracle oracle(resources, offset, now_ms);
    search::Entries entries;
    std::size_t checked = 0, found = 0;
    for (const json::Value& resource : resources) {
        const fhir::Type& type = *fhir::find_resource(resource["resourceType"].string());
        entries.clear();
        search::extract(type, resource, offset, entries);
        for (const search::Parameter* parameter : search::parameters(type)) {
            if (parameter->code == "_id" || parameter->code == "_lastUpdated") continue;
            const Row* row = find_row(type.name, parameter->code);
            ASSERT_TRUE(row);
            const bool expected = oracle.inside().ask(resource, std::string(parameter->code) + ":missing", "false");
            EXPECT_EQ(((entries.present >> parameter->bit) & 1) != 0, expected)
                << type.name << "/" << resource["id"].string() << " " << parameter->code << ": " << parameter->expression;
            ++checked;
            found += expected;
        }
    }
    EXPECT_GT(found, checked / 50);
}

void check_matches(const std::vector<json::Value>& resources, int queries) {
    const std::uint64_t seed = testing::seed();
    SCOPED_TRACE(fmt::format("XINGLIN_SEED={}", seed));
    std::mt19937_64 random(seed);
    const Oracle oracle(resources, offset, now_ms);
    search::Surroundings around;
    around.offset_minutes = offset;
    around.resolve = [&](const search::Reference& reference) {
        const auto found = oracle.inside().by_name.find(std::string(reference.type) + "/" + std::string(reference.id));
        return found == oracle.inside().by_name.end() ? json::Value() : found->second;
    };
    around.referrers = [&](const search::Parameter& parameter, std::string_view type, std::string_view id) {
        std::vector<json::Value> all;
        const auto candidates = oracle.inside().by_type.find(std::string(parameter.resource->name));
        if (candidates == oracle.inside().by_type.end()) return all;
        const json::Value to = oracle.inside().by_name.at(std::string(type) + "/" + std::string(id));
        for (const json::Value& each : candidates->second) {
            if (oracle.inside().refers(each, *find_row(parameter.resource->name, parameter.code), to)) all.push_back(each);
        }
        return all;
    };
    std::vector<std::string> units;
    for (const json::Value& resource : oracle.resources()) add_units(resource, units);
    std::size_t hits = 0, failures = 0;
    for (int i = 0; i < queries && failures < 10; ++i) {
        const Asked asked = random_query(oracle, random);
        const fhir::Type* type = fhir::find_resource(asked.type);
        auto query = search::parse(std::span(&type, 1), asked.pairs, {.offset_minutes = offset, .now_ms = now_ms});
        ASSERT_TRUE(query.ok()) << asked.text() << ": " << query.outcome().line();
        search::Terminology terminology;
        terminology.codes_in = [&](std::string_view set) { return oracle.codes_in(set); };
        terminology.codes_below = [&](std::string_view system, std::string_view code, bool below) {
            return oracle.codes_below(system, code, below);
        };
        ASSERT_TRUE(search::resolve_codes(*query, terminology).ok());
        search::spread_units(*query, units);
        std::vector<std::string> matched;
        for (const json::Value& resource : oracle.inside().by_type.at(asked.type)) {
            const bool all = std::all_of(query->all.begin(), query->all.end(), [&](const search::Criterion& criterion) {
                return matches(*type, resource, criterion, around);
            });
            if (all) matched.push_back(asked.type + "/" + std::string(resource["id"].string()));
        }
        std::sort(matched.begin(), matched.end());
        const auto expected = oracle.search(asked.type, asked.pairs);
        EXPECT_EQ(matched, expected) << asked.text();
        failures += matched != expected;
        hits += !expected.empty();
    }
    EXPECT_GT(hits, static_cast<std::size_t>(queries) / 3);  // queries that find nothing test little
}

TEST(SearchOracle, sort_keys_put_the_examples_in_order) {
    json::Arena arena;
    const Oracle oracle(examples(arena), offset, now_ms);
    std::size_t sorted = 0;
    for (const auto& [name, resources] : oracle.inside().by_type) {
        const fhir::Type& type = *fhir::find_resource(name);
        for (const search::Parameter* parameter : search::parameters(type)) {
            using search::ParamType;
            if (parameter->type == ParamType::composite || parameter->type == ParamType::special ||
                parameter->type == ParamType::reference || parameter->type == ParamType::quantity || parameter->code == "_id" ||
                parameter->code == "_lastUpdated") {
                continue;
            }
            for (const bool descending : {false, true}) {
                std::vector<std::pair<search::SortKey, std::string>> keyed;
                for (const json::Value& resource : resources) {
                    keyed.emplace_back(sort_key(type, resource, *parameter, descending, offset),
                                       name + "/" + std::string(resource["id"].string()));
                }
                std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
                    const bool has_a = a.first.number || a.first.text, has_b = b.first.number || b.first.text;
                    if (has_a != has_b) return has_a;
                    const auto x = std::tie(a.first.number, a.first.text), y = std::tie(b.first.number, b.first.text);
                    return descending ? y < x : x < y;
                });
                std::vector<std::string> ids;
                for (const auto& [key, id] : keyed) ids.push_back(id);
                EXPECT_TRUE(oracle.in_order(name, ids, (descending ? "-" : "") + std::string(parameter->code)))
                    << name << " " << parameter->code;
                ++sorted;
            }
        }
    }
    EXPECT_GT(sorted, 1'000u);
}

TEST(SearchOracle, presence_is_what_the_official_expressions_find_in_the_examples) {
    json::Arena arena;
    check_presence(examples(arena));
}

TEST(SearchOracle, presence_is_what_the_official_expressions_find_in_synthetic_records) {
    json::Arena arena;
    check_presence(people(arena, 2));
}

TEST(SearchOracle, random_queries_find_the_same_examples) {
    json::Arena arena;
    check_matches(examples(arena), 3'000);
}

TEST(SearchOracle, random_queries_find_the_same_synthetic_records) {
    json::Arena arena;
    check_matches(people(arena, 2), 1'000);
}

}  // namespace
}  // namespace xinglin::search_oracle
