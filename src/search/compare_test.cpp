// SPDX-License-Identifier: Apache-2.0
// The comparisons, from the tables and examples of FHIR R4 search.html.
#include <gtest/gtest.h>

#include "search/search.h"

namespace xinglin::search {
namespace {

constexpr Prefix every_prefix[] = {Prefix::eq, Prefix::ne, Prefix::gt, Prefix::lt, Prefix::ge,
                                   Prefix::le, Prefix::sa, Prefix::eb, Prefix::ap};

/// One letter per prefix that matches, in the order of every_prefix: "e n > < g l s b ~".
std::string dates(std::int64_t low, std::int64_t high) {
    std::string matched;
    for (const Prefix prefix : every_prefix) {
        Operand operand;
        operand.prefix = prefix;
        operand.span = {100, 200};
        matched += date_matches(operand, low, high) ? "en><glsb~"[static_cast<int>(prefix)] : '.';
    }
    return matched;
}

TEST(Compare, dates_follow_the_table_of_prefixes) {
    EXPECT_EQ(dates(100, 200), "e...gl..~");  // the same
    EXPECT_EQ(dates(120, 130), "e...gl..~");  // within
    EXPECT_EQ(dates(10, 100), ".n.<.l.b.");   // before, touching
    EXPECT_EQ(dates(200, 300), ".n>.g.s..");  // after, touching
    EXPECT_EQ(dates(50, 150), ".n.<.l..~");   // over the beginning
    EXPECT_EQ(dates(150, 250), ".n>.g...~");  // over the end
    EXPECT_EQ(dates(50, 250), ".n><gl..~");   // around
    EXPECT_EQ(dates(calendar::beginning_ms, calendar::end_of_time_ms), ".n><gl..~");
    EXPECT_EQ(dates(150, calendar::end_of_time_ms), ".n>.g...~");
}

std::string numbers(const std::string& written, double low, double high) {
    const fhir::Type* type = fhir::find_resource("RiskAssessment");
    std::string matched;
    constexpr std::string_view names[] = {"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"};
    for (const Prefix prefix : every_prefix) {
        const std::vector<std::pair<std::string, std::string>> pair{
            {"probability", std::string(names[static_cast<int>(prefix)]) + written}};
        const auto query = parse(std::span(&type, 1), pair);
        matched += number_matches(query->all[0].any[0], low, high) ? "en><glsb~"[static_cast<int>(prefix)] : '.';
    }
    return matched;
}

TEST(Compare, numbers_take_precision_into_account_only_for_equality) {
    EXPECT_EQ(numbers("100", 100, 100), "e...gl..~");
    EXPECT_EQ(numbers("100", 99.5, 99.5), "e..<.l.b~");
    EXPECT_EQ(numbers("100", 100.5, 100.5), ".n>.g.s.~");
    EXPECT_EQ(numbers("100", 120, 120), ".n>.g.s..");
    EXPECT_EQ(numbers("100.0", 99.5, 99.5), ".n.<.l.b~");
    EXPECT_EQ(numbers("5.40", 5.4, 5.4), "e...gl..~");
    EXPECT_EQ(numbers("-5", -5, -5), "e...gl..~");
    EXPECT_EQ(numbers("0", 0, 0), "e...gl..~");
    EXPECT_EQ(numbers("5", 1, 9), ".n><gl..~");  // a range around it
}

TEST(Compare, strings_start_with_contain_or_are_exactly) {
    EXPECT_TRUE(string_matches(Modifier::none, "eve", "Evelyn"));
    EXPECT_FALSE(string_matches(Modifier::none, "eve", "Severine"));
    EXPECT_TRUE(string_matches(Modifier::contains, "eve", "Severine"));
    EXPECT_TRUE(string_matches(Modifier::none, "carre", "Carreño"));
    EXPECT_TRUE(string_matches(Modifier::none, "carreno", "Carreño"));
    EXPECT_FALSE(string_matches(Modifier::exact, "eve", "Eve"));
    EXPECT_TRUE(string_matches(Modifier::exact, "Eve", "Eve"));
    EXPECT_TRUE(string_matches(Modifier::none, "王", "王小明"));
    EXPECT_TRUE(string_matches(Modifier::contains, "小明", "王小明"));
}

bool matched(std::string_view text, const std::string& name, const std::string& value, Surroundings around = {}) {
    json::Arena arena;
    const auto resource = json::parse(text, arena);
    const fhir::Type* type = fhir::find_resource((*resource)["resourceType"].string());
    const std::vector<std::pair<std::string, std::string>> pairs{{name, value}};
    const auto query = parse(std::span(&type, 1), pairs);
    EXPECT_TRUE(query.ok()) << (query.ok() ? "" : query.outcome().line());
    return query.ok() && matches(*type, *resource, query->all[0], around);
}

TEST(Matches, near_is_a_distance_on_the_globe) {
    const std::string_view place = R"({"resourceType":"Location","position":{"longitude":119.7750,"latitude":40.0000}})";
    EXPECT_TRUE(matched(place, "near", "40.01|119.78|2|km"));
    EXPECT_FALSE(matched(place, "near", "40.1|119.78|2|km"));
    EXPECT_TRUE(matched(place, "near", "40.1|119.78|12000|m"));
    EXPECT_TRUE(matched(place, "near", "40.1|119.78"));
    EXPECT_FALSE(matched(R"({"resourceType":"Location"})", "near", "40.1|119.78"));
}

TEST(Matches, id_and_last_updated_are_compared) {
    EXPECT_TRUE(matched(R"({"resourceType":"Patient","id":"a"})", "_id", "b,a"));
    Surroundings around;
    around.last_updated_ms = 1'000;
    EXPECT_TRUE(matched(R"({"resourceType":"Patient","id":"a"})", "_lastUpdated", "1970", around));
    EXPECT_FALSE(matched(R"({"resourceType":"Patient","id":"a"})", "_lastUpdated", "gt1970", around));
}

TEST(Matches, a_composite_needs_both_in_one_component) {
    const std::string_view pressure = R"({"resourceType":"Observation","code":{"coding":[{"code":"85354-9"}]},"component":[
        {"code":{"coding":[{"code":"8480-6"}]},"valueQuantity":{"value":107}},
        {"code":{"coding":[{"code":"8462-4"}]},"valueQuantity":{"value":60}}]})";
    EXPECT_TRUE(matched(pressure, "component-code-value-quantity", "8480-6$gt100"));
    EXPECT_FALSE(matched(pressure, "component-code-value-quantity", "8462-4$gt100"));
    EXPECT_TRUE(matched(pressure, "combo-code-value-quantity", "8462-4$lt100"));
}

TEST(Matches, a_place_on_another_server_is_below_and_above_itself_alone) {
    const std::string_view visit =
        R"({"resourceType":"Encounter","location":[{"location":{"reference":"http://b/Location/1"}}]})";
    for (const char* name : {"location:below", "location:above"}) {
        EXPECT_TRUE(matched(visit, name, "http://b/Location/1")) << name;
        EXPECT_TRUE(matched(visit, name, "Location/1,http://b/Location/1")) << name;
        EXPECT_FALSE(matched(visit, name, "Location/1")) << name;
        EXPECT_FALSE(matched(visit, name, "http://c/Location/1")) << name;
    }
}

TEST(SortKey, is_the_least_or_the_greatest_value) {
    json::Arena arena;
    const auto patient =
        json::parse(R"({"resourceType":"Patient","name":[{"family":"B"},{"family":"a"}],"birthDate":"1970-01-02"})", arena);
    const fhir::Type& type = *fhir::find_resource("Patient");
    EXPECT_EQ(sort_key(type, *patient, *find_parameter(type, "family"), false, 0).text, "a");
    EXPECT_EQ(sort_key(type, *patient, *find_parameter(type, "family"), true, 0).text, "b");
    EXPECT_EQ(sort_key(type, *patient, *find_parameter(type, "birthdate"), false, 0).number, 86'400'000.0);
    EXPECT_FALSE(sort_key(type, *patient, *find_parameter(type, "gender"), false, 0).text);
}

}  // namespace
}  // namespace xinglin::search
