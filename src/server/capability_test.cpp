// SPDX-License-Identifier: Apache-2.0
// The CapabilityStatement against reality: everything it claims is tried on the running server.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "search/search.h"
#include "server/test_process.h"
#include "testing/conformance.h"

namespace xinglin::server {
namespace {

using Items = std::vector<json::Value>;
Items items_of(json::Value list) {
    Items items;
    for (const json::Node& node : list.items()) items.emplace_back(&node);
    return items;
}

/// The first published example of each type that R4 itself accepts.
std::map<std::string, std::string> examples_by_type() {
    const std::string texts =
        testing::read_packed(std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/fhir/testdata/r4-examples.ndjson.gz");
    std::map<std::string, std::string> found;
    json::Arena arena;
    std::istringstream lines(texts);
    for (std::string line; std::getline(lines, line);) {
        arena.clear();
        const json::Value resource = json::parse(line, arena).value();
        const std::string type(resource["resourceType"].string());
        if (!found.contains(type) && line.size() < 60'000 && fhir::validate(resource).ok()) found.emplace(type, line);
    }
    // The published examples of these two break R4 itself (src/fhir/examples_test.cpp).
    found.emplace("DeviceMetric", R"({"resourceType":"DeviceMetric","type":{"text":"x"},"category":"measurement"})");
    found.emplace("DeviceUseStatement",
                  R"({"resourceType":"DeviceUseStatement","status":"active","subject":{"reference":"Patient/x"},)"
                  R"("device":{"reference":"Device/x"}})");
    for (const fhir::Type* type : fhir::resources()) {
        const std::string name(type->name);
        found.emplace(name, R"({"resourceType":")" + name + R"("})");
    }
    return found;
}

std::string value_for(const search::Parameter& parameter) {
    using Type = search::ParamType;
    switch (parameter.type) {
        case Type::number: return "1.5";
        case Type::date: return "ge2020-01";
        case Type::quantity: return "gt1.5";
        case Type::reference: return "x";
        case Type::uri: return "http://example.org/x";
        case Type::special: return "1%7C1";
        case Type::composite: {
            std::string value;
            for (const auto& component : parameter.components)
                value += (value.empty() ? "" : "$") + value_for(*component.parameter);
            return value;
        }
        default: return "x";
    }
}

class Capability : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    std::string token_ = add_client(folder_.path(), "capability");
    RunningServer server_{folder_.path()};
    Caller caller_{server_, token_};
    json::Arena arena_;
    std::size_t tried_ = 0;
    std::vector<std::string> broken_;

    /// One claim: held when the answer has one of the statuses.
    void claim(const std::string& what, const http::Response& answer, std::initializer_list<int> statuses) {
        ++tried_;
        if (std::find(statuses.begin(), statuses.end(), answer.status) == statuses.end())
            broken_.push_back(what + ": " + std::to_string(answer.status) + " " + answer.body.substr(0, 200));
    }
    static bool has(const Items& list, std::string_view code) {
        return std::any_of(list.begin(), list.end(), [&](json::Value one) { return one["code"].string() == code; });
    }

    void try_instance(const std::string& type, const std::string& example, json::Value claims) {
        const std::string at = "/fhir/" + type;
        const auto made = caller_.send("POST", at, example);
        claim("create " + type, made, {201});
        const std::string id = member(made, {"id"});
        if (id.empty()) return;
        const std::string own = at + "/" + id;
        const Items interactions = items_of(claims["interaction"]);
        for (const json::Value one : interactions) {
            const std::string code(one["code"].string());
            if (code == "read") claim("read " + type, caller_.get(own), {200});
            if (code == "vread") claim("vread " + type, caller_.get(own + "/_history/1"), {200});
            if (code == "update") claim("update " + type, caller_.send("PUT", own, made.body), {200});
            if (code == "patch")
                claim("patch " + type,
                      caller_.send("PATCH", own, R"([{"op":"test","path":"/resourceType","value":")" + type + R"("}])",
                                   "application/json-patch+json"),
                      {200});
            if (code == "history-instance") claim("history of one " + type, caller_.get(own + "/_history"), {200});
            if (code == "history-type") claim("history of " + type, caller_.get(at + "/_history?_count=1"), {200});
            if (code == "search-type") claim("search " + type, caller_.get(at + "?_count=1"), {200});
        }
        if (claims["updateCreate"].as_bool()) {
            std::string chosen = made.body;
            chosen.replace(chosen.find("\"" + id + "\""), id.size() + 2, "\"chosen-by-us\"");
            claim("update as create " + type, caller_.send("PUT", at + "/chosen-by-us", chosen), {201});
        }
        if (claims["conditionalCreate"].as_bool()) {
            caller_.extra = {{"If-None-Exist", "_id=" + id}};
            claim("conditional create " + type, caller_.send("POST", at, example), {200});
            caller_.extra.clear();
        }
        if (claims["conditionalRead"].string() == "full-support") {
            caller_.extra = {{"If-None-Match", std::string(caller_.get(own).headers.get("ETag"))}};
            claim("conditional read " + type, caller_.get(own), {304});
            caller_.extra.clear();
        }
        if (claims["conditionalUpdate"].as_bool())
            claim("conditional update " + type, caller_.send("PUT", at + "?_id=" + id, made.body), {200});
        if (claims["conditionalPatch"].as_bool())
            claim("conditional patch " + type,
                  caller_.send("PATCH", at + "?_id=" + id, R"([{"op":"test","path":"/resourceType","value":")" + type + R"("}])",
                               "application/json-patch+json"),
                  {200});
        if (claims["conditionalDelete"].string() == "single")
            claim("conditional delete " + type, caller_.send("DELETE", at + "?_id=chosen-by-us"), {200, 204});
        if (has(interactions, "delete")) claim("delete " + type, caller_.send("DELETE", own), {200, 204});
    }

    void try_search(const std::string& type, json::Value claims) {
        const fhir::Type& known = *fhir::find_resource(type);
        for (const json::Value one : items_of(claims["searchParam"])) {
            const std::string name(one["name"].string());
            const search::Parameter* parameter = search::find_parameter(known, name);
            ASSERT_NE(parameter, nullptr) << type << " " << name;
            claim("search " + type + " by " + name,
                  caller_.get("/fhir/" + type + "?_count=1&" + name + "=" + value_for(*parameter)), {200});
        }
        for (const json::Value one : items_of(claims["searchInclude"])) {
            const std::string text(one.string());
            claim("include " + text, caller_.get("/fhir/" + type + "?_count=1&_include=" + http::percent_encode(text)), {200});
        }
        const Items reverse = items_of(claims["searchRevInclude"]);
        for (std::size_t from = 0; from < reverse.size(); from += 16) {  // several at once, to save time
            std::string some;
            for (std::size_t i = from; i < std::min(reverse.size(), from + 16); ++i)
                some += "&_revinclude=" + http::percent_encode(reverse[i].string());
            claim("reverse includes of " + type + some, caller_.get("/fhir/" + type + "?_count=1" + some), {200});
        }
    }

    void try_operations(const std::string& base, json::Value claims) {
        for (const json::Value one : items_of(claims["operation"])) {
            const std::string name = "$" + std::string(one["name"].string());
            bool answers = false;
            std::string last;
            for (const std::string& at : {base + "/" + name, base + "/someone/" + name}) {
                for (const char* method : {"GET", "POST"}) {
                    const auto answer = caller_.send(method, at, method[0] == 'P' ? R"({"resourceType":"Parameters"})" : "");
                    // Refused for want of parameters or of that resource is an answer; "no such address" is not.
                    const bool known = answer.status != 405 && answer.status != 501 && answer.status != 0 &&
                                       answer.status < 500 && answer.body.find("nothing at this address") == std::string::npos;
                    answers = answers || known;
                    last = std::to_string(answer.status) + " " + answer.body.substr(0, 200);
                }
            }
            ++tried_;
            if (!answers) broken_.push_back("operation " + base + "/" + name + ": " + last);
        }
    }
};

TEST_F(Capability, StatementPromisesNothingThatIsNotThere) {
    ASSERT_TRUE(server_.ready()) << server_.errors();
    const auto statement = caller_.get("/fhir/metadata");
    ASSERT_EQ(statement.status, 200);
    const json::Value rest =
        json::parse(arena_.keep(statement.body), arena_, {.bytes = 64u << 20}).value()["rest"][std::size_t{0}];
    const auto examples = examples_by_type();
    for (const json::Value resource : items_of(rest["resource"])) {
        const std::string type(resource["type"].string());
        try_instance(type, examples.at(type), resource);
        try_search(type, resource);
        try_operations("/fhir/" + type, resource);
    }
    try_operations("/fhir", rest);
    for (const json::Value one : items_of(rest["interaction"])) {
        const std::string code(one["code"].string());
        if (code == "transaction" || code == "batch")
            claim(code, caller_.send("POST", "/fhir", R"({"resourceType":"Bundle","type":")" + code + R"("})"), {200});
        if (code == "history-system") claim(code, caller_.get("/fhir/_history?_count=1"), {200});
        if (code == "search-system") claim(code, caller_.get("/fhir?_type=Patient&_count=1"), {200});
    }
    for (const std::string& reason : broken_) ADD_FAILURE() << reason;
    EXPECT_GT(tried_, 5'000u);
    testing::report({"CapabilityStatement against the running server", "every claim of our own /fhir/metadata", tried_,
                     tried_ - broken_.size(), broken_});
}

}  // namespace
}  // namespace xinglin::server
