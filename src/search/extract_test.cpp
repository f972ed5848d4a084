// SPDX-License-Identifier: Apache-2.0
// What resources say to their parameters: each FHIR type by hand, and all of R4's examples by two routes.
#include <gtest/gtest.h>

#include <set>

#include "search/walk.h"
#include "testing/testing.h"

namespace xinglin::search {
namespace {

std::string describe(const Entries& entries, const Parameter& asked) {
    std::set<std::string> all;
    const auto mine = [&](const Parameter* parameter) {
        return parameter == &asked || std::find(asked.includes.begin(), asked.includes.end(), parameter) != asked.includes.end();
    };
    for (const auto& t : entries.tokens) {
        if (mine(t.parameter) && counts_for(asked, t))
            all.insert(fmt::format("token {}|{}|{}|{}", t.system, t.code, t.text, t.is_identifier_of_reference));
    }
    for (const auto& s : entries.strings) {
        if (mine(s.parameter)) all.insert(fmt::format("string {}", s.value));
    }
    for (const auto& u : entries.uris) {
        if (mine(u.parameter)) all.insert(fmt::format("uri {}", u.value));
    }
    for (const auto& d : entries.dates) {
        if (mine(d.parameter)) all.insert(fmt::format("date {} {}", d.low_ms, d.high_ms));
    }
    for (const auto& n : entries.numbers) {
        if (mine(n.parameter)) all.insert(fmt::format("number {} {}", n.low, n.high));
    }
    for (const auto& q : entries.quantities) {
        if (mine(q.parameter)) all.insert(fmt::format("quantity {} {} {}|{}|{}", q.low, q.high, q.system, q.code, q.unit));
    }
    for (const auto& r : entries.references) {
        if (mine(r.parameter) && counts_for(asked, r))
            all.insert(fmt::format("reference {}/{} {} {}", r.type, r.id, r.url, r.display));
    }
    return fmt::format("{}", fmt::join(all, "\n"));
}

std::string said(std::string_view text, std::string_view code) {
    json::Arena arena;
    const auto resource = json::parse(text, arena);
    EXPECT_TRUE(resource.ok()) << text;
    const fhir::Type& type = *fhir::find_resource((*resource)["resourceType"].string());
    Entries entries;
    extract(type, *resource, 0, entries);
    const Parameter* parameter = find_parameter(type, code);
    EXPECT_TRUE(parameter) << code;
    std::string out = describe(entries, *parameter);
    const bool present = (entries.present >> parameter->bit) & 1;
    return out.empty() && present ? "present" : out;
}

constexpr std::int64_t day = 86'400'000;

TEST(Extract, tokens_come_from_every_coded_type) {
    EXPECT_EQ(
        said(R"({"resourceType":"Observation","code":{"coding":[{"system":"s","code":"c","display":"d"}],"text":"t"}})", "code"),
        "token s|c|d|false\ntoken ||t|false");
    EXPECT_EQ(said(R"({"resourceType":"Encounter","class":{"system":"s","code":"c"}})", "class"), "token s|c||false");
    EXPECT_EQ(said(R"({"resourceType":"Patient","identifier":[{"system":"s","value":"v","type":{"text":"t"}}]})", "identifier"),
              "token s|v|t|false");
    EXPECT_EQ(
        said(R"({"resourceType":"Patient","telecom":[{"system":"phone","value":"1"},{"system":"email","value":"2"}]})", "phone"),
        "token phone|1||false");
    EXPECT_EQ(said(R"({"resourceType":"Patient","active":true})", "active"),
              "token http://terminology.hl7.org/CodeSystem/special-values|true||false");
}

TEST(Extract, a_code_has_the_system_its_binding_implies) {
    EXPECT_EQ(said(R"({"resourceType":"Patient","gender":"male"})", "gender"),
              "token http://hl7.org/fhir/administrative-gender|male||false");
}

TEST(Extract, tokens_that_are_strings_are_compared_without_case) {
    EXPECT_EQ(said(R"({"resourceType":"ValueSet","version":"1.0-Beta"})", "version"), "token |1.0-beta||false");
}

TEST(Extract, deceased_is_always_answered) {
    constexpr std::string_view system = "token http://terminology.hl7.org/CodeSystem/special-values|";
    EXPECT_EQ(said(R"({"resourceType":"Patient"})", "deceased"), std::string(system) + "false||false");
    EXPECT_EQ(said(R"({"resourceType":"Patient","deceasedBoolean":false})", "deceased"), std::string(system) + "false||false");
    EXPECT_EQ(said(R"({"resourceType":"Patient","deceasedDateTime":"2020"})", "deceased"), std::string(system) + "true||false");
}

TEST(Extract, names_and_addresses_give_all_their_parts) {
    EXPECT_EQ(
        said(
            R"({"resourceType":"Patient","name":[{"use":"official","family":"F","given":["G","H"],"prefix":["P"],"suffix":["S"],"text":"T"}]})",
            "name"),
        "string F\nstring G\nstring H\nstring P\nstring S\nstring T");
    EXPECT_EQ(
        said(
            R"({"resourceType":"Patient","address":[{"use":"home","line":["L"],"city":"C","district":"D","state":"S","postalCode":"P","country":"Y"}]})",
            "address"),
        "string C\nstring D\nstring L\nstring P\nstring S\nstring Y");
}

TEST(Extract, dates_are_spans_and_periods_may_be_open) {
    EXPECT_EQ(said(R"({"resourceType":"Patient","birthDate":"1970-01-02"})", "birthdate"),
              fmt::format("date {} {}", day, 2 * day));
    EXPECT_EQ(said(R"({"resourceType":"Encounter","period":{"start":"1970-01-02"}})", "date"),
              fmt::format("date {} {}", day, calendar::end_of_time_ms));
    EXPECT_EQ(said(R"({"resourceType":"Encounter","period":{"end":"1970-01-02"}})", "date"),
              fmt::format("date {} {}", calendar::beginning_ms, 2 * day));
    EXPECT_EQ(said(R"({"resourceType":"Encounter","period":{}})", "date"), "present");
    EXPECT_EQ(said(R"({"resourceType":"Observation","effectiveTiming":{"event":["1970-01-05","1970-01-02"]}})", "date"),
              fmt::format("date {} {}", day, 5 * day));
}

TEST(Extract, quantities_know_money_ranges_and_comparators) {
    EXPECT_EQ(said(R"({"resourceType":"Observation","valueQuantity":{"value":5.40,"unit":"u","system":"s","code":"c"}})",
                   "value-quantity"),
              "quantity 5.4 5.4 s|c|u");
    EXPECT_EQ(said(R"({"resourceType":"Observation","valueQuantity":{"value":5,"comparator":"<"}})", "value-quantity"),
              "quantity -inf 5 ||");
    EXPECT_EQ(said(R"({"resourceType":"Observation","valueQuantity":{"code":"c"}})", "value-quantity"), "present");
    EXPECT_EQ(said(R"({"resourceType":"Observation","valueSampledData":{"period":1}})", "value-quantity"), "present");
    EXPECT_EQ(said(R"({"resourceType":"Invoice","totalNet":{"value":3,"currency":"CNY"}})", "totalnet"),
              "quantity 3 3 urn:iso:std:iso:4217|CNY|");
    EXPECT_EQ(said(R"({"resourceType":"Condition","onsetRange":{"low":{"value":3,"code":"a"}}})", "onset-age"),
              "quantity 3 inf |a|");
    EXPECT_EQ(said(R"({"resourceType":"Observation","valueQuantity":{"value":-1e-400}})", "value-quantity"), "quantity 0 0 ||");
}

TEST(Extract, references_lose_version_and_contained_ones_are_left_out) {
    const auto subject = [](std::string_view reference) {
        return said(
            fmt::format(
                R"({{"resourceType":"Observation","subject":{{"reference":"{}","display":"d"}},"contained":[{{"resourceType":"Patient","id":"p"}}]}})",
                reference),
            "subject");
    };
    EXPECT_EQ(subject("Patient/1/_history/3"), "reference Patient/1  d");
    EXPECT_EQ(subject("http://a/fhir/Patient/1"), "reference / http://a/fhir/Patient/1 d");
    EXPECT_EQ(subject("urn:uuid:1"), "reference / urn:uuid:1 d");
    EXPECT_EQ(subject("#p"), "present");
    EXPECT_EQ(
        said(R"({"resourceType":"Observation","subject":{"type":"Patient","identifier":{"system":"s","value":"v"}}})", "subject"),
        "token s|v|Patient|true");
    EXPECT_EQ(said(R"({"resourceType":"CarePlan","instantiatesCanonical":["http://a|2"]})", "instantiates-canonical"),
              "reference / http://a \nreference / http://a|2 ");
}

TEST(Extract, patient_counts_only_references_to_patients) {
    EXPECT_EQ(said(R"({"resourceType":"Observation","subject":{"reference":"Patient/1"}})", "patient"), "reference Patient/1  ");
    EXPECT_EQ(said(R"({"resourceType":"Observation","subject":{"reference":"Group/1"}})", "patient"), "");
    EXPECT_EQ(said(R"({"resourceType":"Observation","subject":{"reference":"http://a/Patient/1"}})", "patient"),
              "reference / http://a/Patient/1 ");
    EXPECT_EQ(
        said(R"({"resourceType":"Observation","subject":{"reference":"#p"},"contained":[{"resourceType":"Patient","id":"p"}]})",
             "patient"),
        "present");
}

TEST(Extract, duplicates_are_dropped_few_or_many) {
    std::string few = R"({"resourceType":"Observation","category":[)", many = few;
    for (int i = 0; i < 3; ++i) few += R"({"coding":[{"code":"a"}]},)";
    for (int i = 0; i < 300; ++i) many += fmt::format(R"({{"coding":[{{"code":"{}"}}]}},)", i % 100);
    few.back() = many.back() = ']';
    json::Arena arena;
    Entries entries;
    extract(*fhir::find_resource("Observation"), *json::parse(few + "}", arena), 0, entries);
    EXPECT_EQ(entries.tokens.size(), 1u);
    entries.clear();
    extract(*fhir::find_resource("Observation"), *json::parse(many + "}", arena), 0, entries);
    EXPECT_EQ(entries.tokens.size(), 100u);
}

TEST(Extract, wrong_shapes_are_walked_without_harm) {
    for (
        const std::string_view text :
        {R"({"resourceType":"Patient","name":"x","birthDate":5,"identifier":[[{"value":"x"}]],"gender":{"a":1},"active":"yes","link":[null,3]})",
         R"({"resourceType":"Patient","deceasedBoolean":[true],"generalPractitioner":{"reference":["Patient/1"]}})",
         R"({"resourceType":"Patient","telecom":{"system":"phone","value":{"a":1}},"address":[["x"]],"meta":[{"tag":1}]})"}) {
        json::Arena arena;
        Entries entries;
        extract(*fhir::find_resource("Patient"), *json::parse(text, arena), 0, entries);
    }
}

TEST(Extract, one_walk_for_all_finds_what_a_walk_for_each_finds) {
    json::Arena arena;
    const std::string lines =
        testing::read_packed(std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/fhir/testdata/r4-examples.ndjson.gz");
    std::size_t compared = 0;
    for (std::size_t at = 0; at < lines.size();) {
        const std::size_t end = std::min(lines.find('\n', at), lines.size());
        const auto resource = json::parse(std::string_view(lines).substr(at, end - at), arena);
        ASSERT_TRUE(resource.ok());
        at = end + 1;
        const fhir::Type& type = *fhir::find_resource((*resource)["resourceType"].string());
        Entries all;
        extract(type, *resource, 480, all);
        for (const Parameter* parameter : parameters(type)) {
            if (parameter->code == "_id" || parameter->code == "_lastUpdated") continue;
            Entries alone;
            Walk(*resource, 480, alone).at(*Catalogue::the().alone(*parameter).root, *resource);
            EXPECT_EQ(describe(all, *parameter), describe(alone, *parameter))
                << type.name << "/" << (*resource)["id"].string() << " " << parameter->code;
            EXPECT_EQ((all.present ^ alone.present) >> parameter->bit & 1, 0u)
                << type.name << "/" << (*resource)["id"].string() << " " << parameter->code;
            compared += !describe(alone, *parameter).empty();
        }
    }
    EXPECT_GT(compared, 3'000u);
}

}  // namespace
}  // namespace xinglin::search
