// SPDX-License-Identifier: Apache-2.0
// FHIR from sources: ids that stay the same, references that follow them, anything else refused by name.
#include <gtest/gtest.h>

#include "fhir/fhir.h"
#include "intake/intake.h"
#include "testing/testing.h"

namespace xinglin::intake {
namespace {

Result<message::Converted> convert(std::string_view text, bool keep_ids = false, std::string_view id = "clinic") {
    Source source;
    source.id = id;
    source.keep_ids = keep_ids;
    return fhir_format().convert(text, source, "");
}

constexpr std::string_view collection =
    R"({"resourceType":"Bundle","id":"b1","type":"collection","timestamp":"2026-11-22T08:00:00Z","entry":[
  {"fullUrl":"http://there/fhir/Patient/7","resource":{"resourceType":"Patient","id":"7","gender":"female"}},
  {"fullUrl":"urn:uuid:0b0e6f7e-0000-4000-8000-000000000001","resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},
    "subject":{"reference":"Patient/7"},"encounter":{"reference":"Encounter/9"},"note":[{"text":"Patient/7"}]}},
  {"resource":{"resourceType":"Encounter","id":"9","status":"finished","class":{"code":"AMB"},"subject":{"reference":"http://there/fhir/Patient/7"},
    "reasonReference":[{"reference":"urn:uuid:0b0e6f7e-0000-4000-8000-000000000001"}]}}]})";

TEST(FhirFormat, GivesIdsThatBelongToTheSourceAndReferencesThatFollow) {
    const auto converted = convert(collection);
    ASSERT_TRUE(converted.ok()) << converted.outcome().line();
    json::Arena arena;
    const json::Value bundle = *json::parse(converted->bundle, arena);
    ASSERT_EQ(bundle["entry"].size(), 3u);
    const std::string patient = "Patient/" + message::stable_id("clinic", "Patient", "7");
    const std::string encounter = "Encounter/" + message::stable_id("clinic", "Encounter", "9");
    EXPECT_EQ(bundle["entry"][0]["request"]["url"].string(), patient);
    const json::Value observation = bundle["entry"][1]["resource"], visit = bundle["entry"][2]["resource"];
    EXPECT_EQ(observation["subject"]["reference"].string(), patient);
    EXPECT_EQ(observation["encounter"]["reference"].string(), encounter) << "also what is in another message";
    EXPECT_EQ(observation["note"][0]["text"].string(), "Patient/7") << "words are left alone";
    EXPECT_EQ(visit["subject"]["reference"].string(), patient);
    EXPECT_EQ(visit["reasonReference"][0]["reference"].string(), bundle["entry"][1]["request"]["url"].string());
    EXPECT_EQ(observation["meta"]["source"].string(), "urn:xinglin:source:clinic#b1");
    EXPECT_EQ(converted->facts.control_id, "b1");
    EXPECT_EQ(converted->facts.sent_at, "2026-11-22T08:00:00Z");
    for (const json::Node& node : bundle["entry"].items()) EXPECT_TRUE(fhir::validate(json::Value(&node)["resource"]).ok());
    EXPECT_EQ(convert(collection)->bundle, converted->bundle) << "the same again";
    EXPECT_NE(convert(collection, false, "hospital")->bundle, converted->bundle) << "another's Patient/7 is another";
}

TEST(FhirFormat, KeepsIdsThatAreUniqueEverywhere) {
    const auto converted = convert(collection, true);
    ASSERT_TRUE(converted.ok());
    EXPECT_NE(converted->bundle.find(R"("url":"Patient/7")"), std::string::npos);
}

TEST(FhirFormat, TakesPostsConditionsAndDeletionsOfATransaction) {
    const auto converted = convert(R"({"resourceType":"Bundle","type":"transaction","entry":[
      {"resource":{"resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}]},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:x|1"}},
      {"resource":{"resourceType":"Basic","code":{"text":"a"}},"request":{"method":"POST","url":"Basic"}},
      {"request":{"method":"DELETE","url":"Observation/3"}}, {"request":{"method":"GET","url":"Patient"}}]})");
    ASSERT_TRUE(converted.ok()) << converted.outcome().line();
    json::Arena arena;
    const json::Value bundle = *json::parse(converted->bundle, arena);
    ASSERT_EQ(bundle["entry"].size(), 3u);
    EXPECT_EQ(bundle["entry"][2]["request"]["method"].string(), "DELETE");
    EXPECT_EQ(converted->notes.size(), 1u);
}

TEST(FhirFormat, TakesASingleResourceAndXml) {
    EXPECT_TRUE(convert(R"({"resourceType":"Patient","id":"1"})").ok());
    EXPECT_TRUE(convert(R"(<Patient xmlns="http://hl7.org/fhir"><id value="1"/></Patient>)").ok());
    EXPECT_TRUE(convert("\xEF\xBB\xBF{\"resourceType\":\"Patient\",\"id\":\"1\"}").ok());
}

TEST(FhirFormat, RefusesByPlace) {
    const auto where = [](std::string_view text) {
        const auto converted = convert(text);
        return converted.ok() ? std::string("good") : converted.outcome().issues.front().where;
    };
    EXPECT_EQ(where("MSH|^~\\&|"), "message");
    EXPECT_EQ(where(R"({"resourceType":"Bundle","type":"collection","entry":[]})"), "Bundle.entry");
    EXPECT_EQ(where(R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Person?"}}]})"),
              "Bundle.entry[0].resource.resourceType");
    EXPECT_EQ(
        where(
            R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient"},"request":{"method":"PATCH","url":"Patient/1"}}]})"),
        "Bundle.entry[0].request.method");
    EXPECT_NE(where(R"({"resourceType":"Patient","id":)"), "good");
}

}  // namespace
}  // namespace xinglin::intake
