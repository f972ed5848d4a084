// SPDX-License-Identifier: Apache-2.0
// What the JSON value promises: order and digits kept, hostile text refused.
#include "json/json.h"

#include <gtest/gtest.h>

namespace xinglin::json {
namespace {

std::string round_trip(std::string_view text) {
    Arena arena;
    auto value = parse(text, arena);
    return value.ok() ? write(*value) : "refused: " + value.outcome().line();
}

TEST(Json, KeepsMemberOrderAndTheDigitsOfNumbers) {
    const std::string text =
        R"({"z":1.50,"a":[0.0,-0,1e5,1E-07,123456789012345678901234567890],"t":true,"n":null,"s":"\u00e9\n\"中"})";
    EXPECT_EQ(round_trip(text),
              R"({"z":1.50,"a":[0.0,-0,1e5,1E-07,123456789012345678901234567890],"t":true,"n":null,"s":"é\n\"中"})");
}

TEST(Json, ReadsEveryKindOfRoot) {
    for (const char* text : {"1", "\"a\"", "true", "false", "null", "[]", "{}", "[1,[2,[3]]]", "-0.5"})
        EXPECT_EQ(round_trip(text), text);
}

TEST(Json, RefusesWhatIsNotJson) {
    for (const char* text :
         {"",         " ",       "{",    "[1,]",     "{\"a\":1,}",       "{\"a\" 1}", "01",         "1.",    ".5",
          "+1",       "1e",      "nul",  "tru",      "\"\t\"",           "'a'",       "{\"a\":1}{", "[1] 2", "NaN",
          "Infinity", "\"\\x\"", "\xff", "\"\xc3\"", "{\"a\":1,\"a\":2}"}) {
        EXPECT_EQ(round_trip(text).substr(0, 7), "refused") << text << " gave " << round_trip(text);
    }
}

TEST(Json, RefusesTenThousandLevels) {
    const std::string deep = std::string(10000, '[') + std::string(10000, ']');
    EXPECT_EQ(round_trip(deep).substr(0, 7), "refused");
    std::string objects;
    for (int i = 0; i < 10000; ++i) objects += "{\"a\":";
    EXPECT_EQ(round_trip(objects).substr(0, 7), "refused");
}

TEST(Json, RefusesDuplicateKeysInLargeObjects) {
    std::string text = "{";
    for (int i = 0; i < 100; ++i) text += "\"k" + std::to_string(i) + "\":1,";
    EXPECT_NE(round_trip(text + "\"k7\":2}").find("stands twice"), std::string::npos);
}

TEST(Json, ChangesByBuildingAnew) {
    Arena arena;
    const Value value = *parse(R"({"resourceType":"Patient","a":1,"b":2})", arena);
    EXPECT_EQ(write(arena.with(value, "a", arena.number(7))), R"({"resourceType":"Patient","a":7,"b":2})");
    EXPECT_EQ(write(arena.with(value, "a", {})), R"({"resourceType":"Patient","b":2})");
    EXPECT_EQ(write(arena.with_after(value, "resourceType", "id", arena.string("x"))),
              R"({"resourceType":"Patient","id":"x","a":1,"b":2})");
    EXPECT_EQ(write(value), R"({"resourceType":"Patient","a":1,"b":2})");
}

TEST(Json, AnswersQuestionsAboutNothing) {
    const Value nothing;
    EXPECT_FALSE(nothing["a"]["b"][3]);
    EXPECT_EQ(nothing.text(), "");
    EXPECT_EQ(nothing.size(), 0u);
}

TEST(Json, ComparesWithAndWithoutOrder) {
    Arena arena;
    const Value a = *parse(R"({"x":1.0,"y":[1,2]})", arena);
    const Value b = *parse(R"({"y":[1,2],"x":1.0})", arena);
    const Value c = *parse(R"({"y":[1,2],"x":1})", arena);
    EXPECT_TRUE(same_content(a, b));
    EXPECT_FALSE(identical(a, b));
    EXPECT_FALSE(same_content(b, c));
}

}  // namespace
}  // namespace xinglin::json
