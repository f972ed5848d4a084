// SPDX-License-Identifier: Apache-2.0
// JSON Patch as RFC 6902 and its appendix A have it.
#include "patch/patch.h"

#include <gtest/gtest.h>

#include "testing/testing.h"

namespace xinglin::patch {
namespace {

std::string applied(std::string_view document, std::string_view patch, bool fhir = false) {
    json::Arena arena;
    const auto a = json::parse(document, arena), b = json::parse(patch, arena);
    EXPECT_TRUE(a.ok() && b.ok()) << document << ' ' << patch;
    const auto changed = fhir ? apply_json_patch(*a, *b, arena) : apply_plain_json_patch(*a, *b, arena);
    return changed.ok() ? json::write(*changed) : "refused " + changed.outcome().line();
}

struct Case {
    std::string_view document, patch, result;  // "" : refused
};

TEST(JsonPatch, DoesWhatTheExamplesOfTheStandardDo) {  // RFC 6902, appendix A
    for (const Case& each : {
             Case{R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])", R"({"foo":"bar","baz":"qux"})"},
             Case{R"({"foo":["bar","baz"]})", R"([{"op":"add","path":"/foo/1","value":"qux"}])",
                  R"({"foo":["bar","qux","baz"]})"},
             Case{R"({"baz":"qux","foo":"bar"})", R"([{"op":"remove","path":"/baz"}])", R"({"foo":"bar"})"},
             Case{R"({"foo":["bar","qux","baz"]})", R"([{"op":"remove","path":"/foo/1"}])", R"({"foo":["bar","baz"]})"},
             Case{R"({"baz":"qux","foo":"bar"})", R"([{"op":"replace","path":"/baz","value":"boo"}])",
                  R"({"baz":"boo","foo":"bar"})"},
             Case{R"({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}})",
                  R"([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}])",
                  R"({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}})"},
             Case{R"({"foo":["all","grass","cows","eat"]})", R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])",
                  R"({"foo":["all","cows","eat","grass"]})"},
             Case{R"({"baz":"qux","foo":["a",2,"c"]})",
                  R"([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}])",
                  R"({"baz":"qux","foo":["a",2,"c"]})"},
             Case{R"({"baz":"qux"})", R"([{"op":"test","path":"/baz","value":"bar"}])", ""},
             Case{R"({"foo":"bar"})", R"([{"op":"add","path":"/child","value":{"grandchild":{}}}])",
                  R"({"foo":"bar","child":{"grandchild":{}}})"},
             Case{R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux","xyz":123}])", R"({"foo":"bar","baz":"qux"})"},
             Case{R"({"foo":"bar"})", R"([{"op":"add","path":"/baz/bat","value":"qux"}])", ""},
             Case{R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":10}])", R"({"/":9,"~1":10})"},
             Case{R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":"10"}])", ""},
             Case{R"({"foo":["bar"]})", R"([{"op":"add","path":"/foo/-","value":["abc","def"]}])",
                  R"({"foo":["bar",["abc","def"]]})"},
         }) {
        const std::string result = applied(each.document, each.patch);
        if (each.result.empty()) EXPECT_TRUE(result.starts_with("refused")) << each.patch << " gave " << result;
        else EXPECT_EQ(result, each.result) << each.patch;
    }
}

// Situations that implementations are known to get wrong; the facts are those of the public json-patch test collection.
TEST(JsonPatch, HoldsAtTheEdges) {
    for (
        const Case& each : {
            Case{"{}", "[]", "{}"},
            Case{R"({"foo":1})", "[]", R"({"foo":1})"},
            Case{R"([])", R"([{"op":"add","path":"/0","value":"foo"}])", R"(["foo"])"},
            Case{R"(["foo"])", R"([{"op":"add","path":"/1","value":"bar"}])", R"(["foo","bar"])"},
            Case{R"(["foo"])", R"([{"op":"add","path":"/2","value":"bar"}])", ""},
            Case{R"(["foo","sil"])", R"([{"op":"add","path":"/bar","value":42}])", ""},
            Case{R"(["foo","sil"])", R"([{"op":"add","path":"/01","value":42}])", ""},
            Case{R"(["foo","sil"])", R"([{"op":"add","path":"/1e0","value":42}])", ""},
            Case{R"(["foo","sil"])", R"([{"op":"add","path":"/-1","value":42}])", ""},
            Case{R"(["foo","sil"])", R"([{"op":"remove","path":"/-"}])", ""},
            Case{R"(["foo","sil"])", R"([{"op":"replace","path":"/-","value":1}])", ""},
            Case{R"(["foo"])", R"([{"op":"test","path":"/00","value":"foo"}])", ""},
            Case{R"({})", R"([{"op":"add","path":"/","value":1}])", R"({"":1})"},
            Case{R"({"foo":{}})", R"([{"op":"add","path":"/foo/","value":1}])", R"({"foo":{"":1}})"},
            Case{R"({"foo":null})", R"([{"op":"add","path":"/foo","value":1}])", R"({"foo":1})"},
            Case{R"({"foo":1})", R"([{"op":"add","path":"/foo","value":null}])", R"({"foo":null})"},
            Case{R"({"foo":null})", R"([{"op":"test","path":"/foo","value":null}])", R"({"foo":null})"},
            Case{R"({"foo":"bar"})", R"([{"op":"replace","path":"","value":{"baz":"qux"}}])", R"({"baz":"qux"})"},
            Case{R"({"foo":"bar"})", R"([{"op":"test","path":"","value":{"foo":"bar"}}])", R"({"foo":"bar"})"},
            Case{R"({"foo":1})", R"([{"op":"replace","path":"/bar","value":1}])", ""},
            Case{R"({"foo":1})", R"([{"op":"remove","path":"/bar"}])", ""},
            Case{R"({"foo":{"a":1,"b":[1,2]}})", R"([{"op":"test","path":"/foo","value":{"b":[1,2],"a":1}}])",
                 R"({"foo":{"a":1,"b":[1,2]}})"},
            Case{R"({"foo":[1,2]})", R"([{"op":"test","path":"/foo","value":[2,1]}])", ""},
            Case{R"({"foo":1.0})", R"([{"op":"test","path":"/foo","value":10e-1}])", R"({"foo":1.0})"},
            Case{R"({"foo":0})", R"([{"op":"test","path":"/foo","value":false}])", ""},
            Case{R"({"foo":-0.00})", R"([{"op":"test","path":"/foo","value":0}])", R"({"foo":-0.00})"},
            Case{R"({"foo":12345678901234567890.1})", R"([{"op":"test","path":"/foo","value":12345678901234567890.2}])", ""},
            Case{R"({"foo":1})", R"([{"op":"move","from":"/foo","path":"/foo"}])", R"({"foo":1})"},
            Case{R"({"foo":{"a":1}})", R"([{"op":"move","from":"/foo","path":"/foo/a"}])", ""},
            Case{R"({"foo":{"a":1}})", R"([{"op":"copy","from":"/foo","path":"/foo/b"}])", R"({"foo":{"a":1,"b":{"a":1}}})"},
            Case{R"({"foo":1})", R"([{"op":"copy","from":"/bar","path":"/baz"}])", ""},
            Case{R"({"foo":1,"bar":[1,2,3,4]})", R"([{"op":"remove","path":"/bar/1"},{"op":"remove","path":"/bar/2"}])",
                 R"({"foo":1,"bar":[1,3]})"},
            Case{R"({"foo":1})", R"([{"op":"spam","path":"/foo"}])", ""},
            Case{R"({"foo":1})", R"([{"path":"/foo","value":1}])", ""},
            Case{R"({"foo":1})", R"([{"op":"add","path":"/bar"}])", ""},
            Case{R"({"foo":1})", R"([{"op":"add","value":1}])", ""},
            Case{R"({"foo":1})", R"([{"op":"add","path":"bar","value":1}])", ""},
            Case{R"({"foo":1})", R"([{"op":"add","path":null,"value":1}])", ""},
            Case{R"({"foo":1})", R"([{"op":"move","path":"/foo"}])", ""},
            Case{R"({"foo":1})", R"([{"op":"test","path":"/fo~2","value":1}])", ""},
            Case{R"({"foo":1})", R"([{"op":"test","path":"/fo~","value":1}])", ""},
            Case{R"({"foo":1})", R"([1])", ""},
            Case{R"({"foo":1})", R"({"op":"add"})", ""},
            Case{R"({"foo":"bar"})", R"([{"op":"add","path":"/FOO","value":"BAR"}])", R"({"foo":"bar","FOO":"BAR"})"},
            Case{R"({"0":"foo"})", R"([{"op":"replace","path":"/0","value":"bar"}])", R"({"0":"bar"})"},
            Case{R"({"baz":[{"qux":"hello"}]})", R"([{"op":"replace","path":"/baz/0/qux","value":"world"}])",
                 R"({"baz":[{"qux":"world"}]})"},
            Case{R"({"a":{"b":1}})", R"([{"op":"add","path":"/a/b/c","value":1}])", ""},
            Case{
                R"({"e/f":1,"g~h":2,"i j":3,"":4})",
                R"([{"op":"test","path":"/e~1f","value":1},{"op":"test","path":"/g~0h","value":2},{"op":"test","path":"/i j","value":3},{"op":"test","path":"/","value":4}])",
                R"({"e/f":1,"g~h":2,"i j":3,"":4})"},
        }) {
        const std::string result = applied(each.document, each.patch);
        if (each.result.empty()) EXPECT_TRUE(result.starts_with("refused")) << each.document << each.patch << " gave " << result;
        else EXPECT_EQ(result, each.result) << each.patch;
    }
}

TEST(JsonPatch, KeepsOrderAndDigits) {
    EXPECT_EQ(applied(R"({"b":1.500,"a":{"z":1E+2,"y":0.10},"c":3})",
                      R"([{"op":"replace","path":"/a/y","value":2.00},{"op":"add","path":"/d","value":1e0}])"),
              R"({"b":1.500,"a":{"z":1E+2,"y":2.00},"c":3,"d":1e0})");
}

TEST(JsonPatch, NamesThePlaceOfWhatDoesNotFit) {
    EXPECT_EQ(applied(R"({"a":1})", R"([{"op":"test","path":"/a","value":1},{"op":"test","path":"/a","value":2}])"),
              "refused patch[1].value: the test fails: the resource says something else");
    EXPECT_EQ(applied(R"({"a":1})", R"([{"op":"remove","path":"/b/c"}])"), "refused patch[0].path: \"b\" is not there");
}

TEST(JsonPatch, LeavesToTheServerWhatIsTheServers) {
    const std::string_view patient =
        R"({"resourceType":"Patient","id":"a","meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:00Z","tag":[]}})";
    for (const char* patch :
         {R"([{"op":"replace","path":"/id","value":"b"}])", R"([{"op":"remove","path":"/resourceType"}])",
          R"([{"op":"replace","path":"/meta/versionId","value":"9"}])", R"([{"op":"move","from":"/id","path":"/x"}])",
          R"([{"op":"replace","path":"","value":{"resourceType":"Patient","id":"b"}}])"}) {
        EXPECT_NE(applied(patient, patch, true).find("cannot be changed"), std::string::npos) << patch;
    }
    EXPECT_EQ(
        applied(patient, R"([{"op":"test","path":"/meta/versionId","value":"1"},{"op":"remove","path":"/meta/tag"}])", true),
        R"({"resourceType":"Patient","id":"a","meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:00Z"}})");
}

TEST(JsonPatch, DoublingAgainAndAgainIsRefused) {
    std::string patch = "[";
    for (int i = 0; i < 60; ++i) patch += R"({"op":"copy","from":"","path":"/x)" + std::to_string(i) + R"("},)";
    patch.back() = ']';
    EXPECT_NE(applied(R"({"a":[1,2,3]})", patch).find("larger than can be handled"), std::string::npos);
}

}  // namespace
}  // namespace xinglin::patch
