// SPDX-License-Identifier: Apache-2.0
// The terminology operations as FHIR R4 describes them, asked without sockets.
#include <gtest/gtest.h>

#include <future>

#include "access/audit.h"
#include "api/api.h"
#include "json/json.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::api {
namespace {

constexpr const char* sex = "urn:oid:2.16.156.10011.2.3.3.4";

class TerminologyOperations : public ::testing::Test {
protected:
    xinglin::testing::ScratchFolder folder;
    xinglin::testing::StoppedClock clock;
    content::Files files;
    std::unique_ptr<record::Store> store =
        record::Store::open(folder.path(), clock,
                            {.readers = 4, .offset_minutes = 480, .store = xinglin::testing::store_beside(folder.path())})
            .value();
    access::Audit audit{folder.path()};
    ingest::Ingest ingest{*store};
    people::People people{*store};
    terminology::Terminology terms{files, clock, stored()};
    Api api{*store, audit, ingest, people, clock, Options{.terminology = &terms}};
    json::Arena arena;

    terminology::Stored stored() {
        const auto reader = [this] { return store->reader(access::Viewer::program("test")); };
        return {[reader] { return reader().position(); },
                [reader](const terminology::Stored::Each& each) {
                    for (const char* type : {"CodeSystem", "ValueSet", "ConceptMap"}) {
                        reader().scan(fhir::find_resource(type), [&](const record::Version& version) {
                            each(type, version.id, version.version, version.body);
                            return true;
                        });
                    }
                },
                [reader](std::string_view type, std::string_view id) -> std::optional<std::string> {
                    auto found = reader().read(*fhir::find_resource(type), id);
                    return found.ok() ? std::optional(found->body) : std::nullopt;
                }};
    }

    http::Response send(std::string method, const std::string& target, std::string body = {},
                        const std::string& type = "application/fhir+json") {
        http::Request request;
        request.method = std::move(method);
        request.target = target;
        const std::size_t question = target.find('?');
        request.path = http::percent_decode(target.substr(0, question)).value();
        if (question != std::string::npos) request.query = target.substr(question + 1);
        request.body = std::move(body);
        request.headers.add("Host", "test:8080");
        if (!request.body.empty()) request.headers.add("Content-Type", type);
        request.scheme = "http";
        auto promise = std::make_shared<std::promise<http::Response>>();
        auto future = promise->get_future();
        const access::Viewer doctor{.account = 1, .name = "doctor", .display = "Doctor", .role = access::Role::clinician};
        api.handle(std::move(request), doctor, [promise](http::Response response) { promise->set_value(std::move(response)); });
        return future.get();
    }
    json::Value parsed(const http::Response& response) {
        const auto value = json::parse(arena.keep(response.body), arena);
        EXPECT_TRUE(value.ok()) << response.body.substr(0, 300);
        return value.ok() ? *value : json::Value();
    }
    /// The value of a Parameters answer.
    std::string part(const http::Response& response, std::string_view name) {
        for (const json::Node& node : parsed(response)["parameter"].items()) {
            const json::Value parameter(&node);
            if (parameter["name"].string() != name) continue;
            for (const json::Member& member : parameter.members()) {
                if (member.key().starts_with("value")) return std::string(member.value().text());
            }
        }
        return "(none)";
    }
    std::string parameters(const std::string& inside) { return R"({"resourceType":"Parameters","parameter":[)" + inside + "]}"; }
};

TEST_F(TerminologyOperations, LookupByGetByFormAndByParameters) {
    const auto by_get = send("GET", std::string("/fhir/CodeSystem/$lookup?code=1&system=") + sex);
    ASSERT_EQ(by_get.status, 200) << by_get.body;
    EXPECT_EQ(part(by_get, "display"), "男");
    EXPECT_EQ(part(by_get, "version"), "2003");
    const auto by_form = send("POST", "/fhir/CodeSystem/$lookup", std::string("code=1&displayLanguage=en&system=") + sex,
                              "application/x-www-form-urlencoded");
    EXPECT_EQ(part(by_form, "display"), "Male");
    const auto by_post =
        send("POST", "/fhir/CodeSystem/$lookup",
             parameters(std::string(R"({"name":"coding","valueCoding":{"code":"2","system":")") + sex + R"("}})"));
    ASSERT_EQ(by_post.status, 200) << by_post.body;
    EXPECT_EQ(part(by_post, "display"), "女");
    EXPECT_EQ(send("GET", std::string("/fhir/CodeSystem/$lookup?code=77&system=") + sex).status, 404);
    EXPECT_EQ(send("GET", std::string("/fhir/CodeSystem/$lookup?cod=1&system=") + sex).status, 400) << "an unknown parameter";
    EXPECT_EQ(send("GET", "/fhir/CodeSystem/$lookup?code=1").status, 422);
    EXPECT_EQ(send("POST", "/fhir/CodeSystem/$lookup", R"({"resourceType":"Patient"})").status, 400);
}

TEST_F(TerminologyOperations, ValidateCodeTellsWhyNot) {
    const std::string set = "/fhir/ValueSet/$validate-code?url=urn:xinglin:valueset:sex-gbt2261.1&system=" + std::string(sex);
    EXPECT_EQ(part(send("GET", set + "&code=1"), "result"), "true");
    const auto wrong = send("GET", set + "&code=1&display=female");
    EXPECT_EQ(part(wrong, "result"), "false");
    EXPECT_EQ(part(wrong, "display"), "男");
    EXPECT_EQ(part(send("GET", set + "&code=7"), "result"), "false");
    EXPECT_EQ(part(send("GET", "/fhir/CodeSystem/$validate-code?url=" + std::string(sex) + "&code=9"), "result"), "true");
    const auto several = send(
        "POST", "/fhir/ValueSet/$validate-code",
        parameters(
            std::string(
                R"({"name":"url","valueUri":"urn:xinglin:valueset:sex-gbt2261.1"},{"name":"codeableConcept","valueCodeableConcept":{"coding":[)") +
            R"({"system":"urn:other","code":"x"},{"system":")" + sex + R"(","code":"2"}]}})"));
    EXPECT_EQ(part(several, "result"), "true");
    EXPECT_EQ(send("GET", "/fhir/ValueSet/$validate-code?url=urn:none&code=1").status, 404);
    const auto inline_set = send(
        "POST", "/fhir/ValueSet/$validate-code",
        parameters(
            std::string(R"({"name":"code","valueCode":"1"},{"name":"system","valueUri":")") + sex +
            R"("},{"name":"valueSet","resource":{"resourceType":"ValueSet","status":"active","compose":{"include":[{"system":")" +
            sex + R"("}]}}})"));
    EXPECT_EQ(part(inline_set, "result"), "true") << inline_set.body;
}

TEST_F(TerminologyOperations, ExpandPagesFiltersAndNests) {
    const auto page =
        send("GET", "/fhir/ValueSet/$expand?url=urn:xinglin:valueset:icd-10&filter=huoluan&count=3&includeDesignations=true");
    ASSERT_EQ(page.status, 200) << page.body;
    const json::Value expansion = parsed(page)["expansion"];
    EXPECT_EQ(expansion["contains"].size(), 3u);
    EXPECT_GE(std::stoi(std::string(expansion["total"].text())), 7);
    EXPECT_EQ(expansion["offset"].text(), "0");
    EXPECT_TRUE(expansion["identifier"].string().starts_with("urn:uuid:"));
    const auto whole = send("GET", "/fhir/ValueSet/$expand?url=urn:xinglin:valueset:marital-gbt2261.2");
    EXPECT_EQ(parsed(whole)["expansion"]["contains"][std::size_t{1}]["contains"].size(), 3u);
    EXPECT_EQ(send("GET", "/fhir/ValueSet/$expand?url=urn:xinglin:valueset:icd-10").status, 413);
    EXPECT_EQ(send("GET", "/fhir/ValueSet/$expand?url=urn:xinglin:valueset:icd-10&count=-1").status, 422);
    EXPECT_EQ(fhir::validate(parsed(page)).line(), "") << "what we answer is FHIR";
}

TEST_F(TerminologyOperations, InstancesAndWhatWasJustWrittenAreUsed) {
    ASSERT_EQ(
        send(
            "PUT", "/fhir/CodeSystem/s",
            R"({"resourceType":"CodeSystem","id":"s","url":"urn:s","status":"active","content":"complete","concept":[{"code":"a","concept":[{"code":"b"}]}]})")
            .status,
        201);
    ASSERT_EQ(
        send("PUT", "/fhir/ValueSet/v",
             R"({"resourceType":"ValueSet","id":"v","url":"urn:v","status":"active","compose":{"include":[{"system":"urn:s"}]}})")
            .status,
        201);
    EXPECT_EQ(parsed(send("GET", "/fhir/ValueSet/v/$expand"))["expansion"]["total"].text(), "2");
    EXPECT_EQ(parsed(send("GET", "/fhir/ValueSet/$expand?url=urn:v"))["expansion"]["total"].text(), "2");
    EXPECT_EQ(part(send("GET", "/fhir/CodeSystem/s/$subsumes?codeA=a&codeB=b"), "outcome"), "subsumes");
    EXPECT_EQ(part(send("GET", "/fhir/CodeSystem/$subsumes?system=urn:s&codeA=b&codeB=a"), "outcome"), "subsumed-by");
    EXPECT_EQ(send("GET", "/fhir/ValueSet/none/$expand").status, 404);
}

TEST_F(TerminologyOperations, TranslatesFromEitherSide) {
    const auto there =
        send("GET", "/fhir/ConceptMap/$translate?url=urn:xinglin:conceptmap:sex-to-administrative-gender&code=2&system=" +
                        std::string(sex));
    ASSERT_EQ(there.status, 200) << there.body;
    EXPECT_EQ(part(there, "result"), "true");
    EXPECT_NE(there.body.find(R"("code":"female")"), std::string::npos);
    const auto back =
        send("GET", "/fhir/ConceptMap/$translate?url=urn:xinglin:conceptmap:sex-to-administrative-gender&code=male&reverse=true");
    EXPECT_NE(back.body.find(R"("code":"1")"), std::string::npos) << back.body;
    EXPECT_EQ(part(send("GET", "/fhir/ConceptMap/$translate?code=x&system=urn:none"), "result"), "false");
}

TEST_F(TerminologyOperations, ABatchMayAsk) {
    const auto answer = send(
        "POST", "/fhir",
        R"({"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"CodeSystem/$lookup?code=1&system=)" +
            std::string(sex) + R"("}}]})");
    ASSERT_EQ(answer.status, 200);
    EXPECT_NE(answer.body.find("男"), std::string::npos) << answer.body;
}

TEST_F(TerminologyOperations, ABatchMayAskByPostToo) {
    const auto answer = send(
        "POST", "/fhir",
        R"({"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"POST","url":"ValueSet/$validate-code"},"resource":)" +
            parameters(
                std::string(
                    R"({"name":"url","valueUri":"urn:xinglin:valueset:sex-gbt2261.1"},{"name":"code","valueCode":"1"},{"name":"system","valueUri":")") +
                sex + "\"}") +
            R"(},{"request":{"method":"POST","url":"Patient/a/$meta-add"},"resource":{"resourceType":"Parameters"}}]})");
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_NE(answer.body.find(R"("valueBoolean":true)"), std::string::npos) << answer.body;
    EXPECT_NE(answer.body.find("cannot be asked within a bundle"), std::string::npos) << answer.body;
}

TEST_F(TerminologyOperations, ACircleIsAnOutcomeOfItsOwn) {
    send(
        "PUT", "/fhir/ValueSet/a",
        R"({"resourceType":"ValueSet","id":"a","url":"urn:a","status":"active","compose":{"include":[{"valueSet":["urn:b"]}]}})");
    send(
        "PUT", "/fhir/ValueSet/b",
        R"({"resourceType":"ValueSet","id":"b","url":"urn:b","status":"active","compose":{"include":[{"valueSet":["urn:a"]}]}})");
    const auto answer = send("GET", "/fhir/ValueSet/$expand?url=urn:a");
    EXPECT_EQ(answer.status, 422);
    EXPECT_NE(answer.body.find("includes itself"), std::string::npos) << answer.body;
}

TEST_F(TerminologyOperations, ExpandPagesToNothingAndBeyondTheEnd) {
    const std::string marital = "/fhir/ValueSet/$expand?url=urn:xinglin:valueset:marital-gbt2261.2";
    const json::Value none = parsed(send("GET", marital + "&count=0"))["expansion"];
    EXPECT_NE(none["total"].text(), "0");
    EXPECT_FALSE(none["contains"]);
    const json::Value beyond = parsed(send("GET", marital + "&offset=1000&count=5"))["expansion"];
    EXPECT_EQ(beyond["total"].text(), none["total"].text());
    EXPECT_EQ(beyond["offset"].text(), "1000");
    EXPECT_FALSE(beyond["contains"]);
    const json::Value flat = parsed(send("GET", marital + "&excludeNested=true"))["expansion"]["contains"];
    EXPECT_EQ(std::to_string(flat.size()), none["total"].text());
}

TEST_F(TerminologyOperations, ExpandTellsPropertiesNamesAndTheDefinition) {
    ASSERT_EQ(send("PUT", "/fhir/CodeSystem/s",
                   R"({"resourceType":"CodeSystem","id":"s","url":"urn:s","status":"active","content":"complete","concept":[
                {"code":"a","property":[{"code":"notSelectable","valueBoolean":true}],"concept":[
                    {"code":"b","designation":[{"language":"en","value":"bee"},{"language":"de","value":"Biene"}],"property":[{"code":"weight","valueDecimal":1.50}]}]}]})")
                  .status,
              201);
    ASSERT_EQ(
        send("PUT", "/fhir/ValueSet/v",
             R"({"resourceType":"ValueSet","id":"v","url":"urn:v","status":"active","compose":{"include":[{"system":"urn:s"}]}})")
            .status,
        201);
    const auto told = send(
        "GET",
        "/fhir/ValueSet/$expand?url=urn:v&excludeNested=true&property=weight&property=parent&designation=urn:ietf:bcp:47|de");
    const json::Value b = parsed(told)["expansion"]["contains"][std::size_t{1}];
    ASSERT_EQ(b["extension"].size(), 2u) << told.body;
    EXPECT_EQ(b["extension"][std::size_t{0}]["extension"][std::size_t{1}]["valueDecimal"].text(), "1.50");
    EXPECT_EQ(b["extension"][std::size_t{1}]["extension"][std::size_t{1}]["valueCode"].text(), "a");
    ASSERT_EQ(b["designation"].size(), 1u) << told.body;
    EXPECT_EQ(b["designation"][std::size_t{0}]["value"].text(), "Biene");
    EXPECT_EQ(fhir::validate(parsed(told)).line(), "");
    const auto selectable = send("GET", "/fhir/ValueSet/v/$expand?excludeNotForUI=true&includeDefinition=true");
    EXPECT_EQ(parsed(selectable)["expansion"]["total"].text(), "1") << selectable.body;
    EXPECT_EQ(parsed(selectable)["compose"]["include"].size(), 1u);
    EXPECT_EQ(fhir::validate(parsed(selectable)).line(), "");
}

TEST_F(TerminologyOperations, ExpandTakesTheEditionsAskedFor) {
    for (const std::string version : {"1", "2"}) {
        ASSERT_EQ(send("PUT", "/fhir/CodeSystem/s" + version,
                       R"({"resourceType":"CodeSystem","id":"s)" + version + R"(","url":"urn:s","version":")" + version +
                           R"(","status":"active","content":"complete","concept":[{"code":"of-)" + version + R"("}]})")
                      .status,
                  201);
    }
    const auto put = [&](const std::string& id, const std::string& version) {
        send("PUT", "/fhir/ValueSet/" + id,
             R"({"resourceType":"ValueSet","id":")" + id + R"(","url":"urn:)" + id +
                 R"(","status":"active","compose":{"include":[{"system":"urn:s")" + version + "}]}}");
    };
    put("open", "");
    put("fixed", R"(,"version":"2")");
    const auto codes = [&](const std::string& query) {
        const auto answer = send("GET", "/fhir/ValueSet/$expand?" + query);
        if (answer.status != 200)
            return std::to_string(answer.status) + " " +
                   std::string(parsed(answer)["issue"][std::size_t{0}]["expression"][std::size_t{0}].text());
        std::string all;
        for (const json::Node& node : parsed(answer)["expansion"]["contains"].items()) all += json::Value(&node)["code"].text();
        return all;
    };
    EXPECT_EQ(codes("url=urn:open"), "of-2");
    EXPECT_EQ(codes("url=urn:open&system-version=urn:s|1"), "of-1");
    EXPECT_EQ(codes("url=urn:fixed&system-version=urn:s|1"), "of-2");
    EXPECT_EQ(codes("url=urn:fixed&force-system-version=urn:s|1"), "of-1");
    EXPECT_EQ(codes("url=urn:fixed&check-system-version=urn:s|2"), "of-2");
    EXPECT_EQ(codes("url=urn:fixed&check-system-version=urn:s|1").substr(0, 3), "422");
    EXPECT_EQ(codes("url=urn:open&force-system-version=urn:s|9").substr(0, 3), "404");
    EXPECT_EQ(codes("url=urn:open&system-version=urn:s").substr(0, 3), "422");
    EXPECT_EQ(codes("url=urn:open&exclude-system=urn:s"), "");
    EXPECT_EQ(codes("url=urn:open&exclude-system=urn:s|1"), "of-2");
    EXPECT_EQ(codes("url=urn:open&context=Patient.gender").substr(0, 3), "400")
        << "a parameter that is not done is refused by name";
}

TEST_F(TerminologyOperations, SupplementsAddNamesAndProperties) {
    ASSERT_EQ(
        send(
            "PUT", "/fhir/CodeSystem/s",
            R"({"resourceType":"CodeSystem","id":"s","url":"urn:s","status":"active","content":"complete","concept":[{"code":"a","display":"A"}]})")
            .status,
        201);
    EXPECT_EQ(part(send("GET", "/fhir/CodeSystem/$lookup?system=urn:s&code=a&displayLanguage=zh-CN"), "display"), "A");
    const std::string supplement =
        R"({"resourceType":"CodeSystem","id":"more","url":"urn:more","version":"1","status":"active","content":"supplement","supplements":"urn:s",
            "concept":[{"code":"a","designation":[{"language":"zh-CN","value":"甲"}],"property":[{"code":"score","valueInteger":7}]},{"code":"gone","designation":[{"value":"x"}]}]})";
    ASSERT_EQ(send("PUT", "/fhir/CodeSystem/more", supplement).status, 201);
    const auto found = send("GET", "/fhir/CodeSystem/$lookup?system=urn:s&code=a&displayLanguage=zh-CN");
    EXPECT_EQ(part(found, "display"), "甲") << found.body;
    EXPECT_NE(found.body.find(R"("valueInteger":7)"), std::string::npos) << found.body;
    const auto expanded = send("GET", "/fhir/ValueSet/$expand?url=urn:s%3Ffhir_vs&filter=jia");
    EXPECT_NE(expanded.body.find(R"("used-supplement","valueUri":"urn:more|1")"), std::string::npos) << expanded.body;
    EXPECT_EQ(send("GET", "/fhir/CodeSystem/$lookup?system=urn:more&code=a").status, 404) << "a supplement is no code system";
    ASSERT_EQ(send("DELETE", "/fhir/CodeSystem/more").status, 204);
    EXPECT_EQ(part(send("GET", "/fhir/CodeSystem/$lookup?system=urn:s&code=a&displayLanguage=zh-CN"), "display"), "A");
}

TEST_F(TerminologyOperations, SaysWhatItCanDo) {
    const auto answer = send("GET", "/fhir/metadata?mode=terminology");
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(parsed(answer)["resourceType"].string(), "TerminologyCapabilities");
    EXPECT_EQ(fhir::validate(parsed(answer)).line(), "");
    EXPECT_NE(answer.body.find(sex), std::string::npos);
    EXPECT_EQ(parsed(send("GET", "/fhir/metadata?mode=full"))["resourceType"].string(), "CapabilityStatement");
    EXPECT_EQ(send("GET", "/fhir/metadata?mode=other").status, 422);
}

TEST_F(TerminologyOperations, ACodeableConceptIsValidWhenOneOfItsCodesIs) {
    const auto answer = send(
        "POST", "/fhir/ValueSet/$validate-code",
        parameters(
            std::string(
                R"({"name":"url","valueUri":"urn:xinglin:valueset:sex-gbt2261.1"},{"name":"codeableConcept","valueCodeableConcept":{"coding":[{"system":"urn:other","code":"x"},{"system":")") +
            sex + R"(","code":"2"}]}})"));
    EXPECT_EQ(part(answer, "result"), "true") << answer.body;
    EXPECT_EQ(part(send("GET", std::string("/fhir/CodeSystem/$lookup?code=1&property=designation&system=") + sex), "property"),
              "(none)");
}

}  // namespace
}  // namespace xinglin::api
