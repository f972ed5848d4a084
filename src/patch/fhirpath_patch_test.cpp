// SPDX-License-Identifier: Apache-2.0
// FHIRPath Patch as R4's fhirpatch.html has it; the situations are those of the official cases (fhir-test-cases, r4/patch).
#include <gtest/gtest.h>

#include "fhir/fhir.h"
#include "patch/patch.h"

namespace xinglin::patch {
namespace {

/// One operation; `more` as JSON members of further parts, e.g. index(2).
std::string operation(const std::string& type, const std::string& path, const std::string& more = "") {
    return R"({"name":"operation","part":[{"name":"type","valueCode":")" + type + R"("},{"name":"path","valueString":")" + path +
           "\"}" + (more.empty() ? "" : "," + more) + "]}";
}
std::string name(const std::string& text) { return R"({"name":"name","valueString":")" + text + "\"}"; }
std::string value(const std::string& members) { return R"({"name":"value",)" + members + "}"; }
std::string number(const std::string& which, int n) {
    return R"({"name":")" + which + R"(","valueInteger":)" + std::to_string(n) + "}";
}

std::string applied(const std::string& resource, const std::string& operations) {
    json::Arena arena;
    const auto a = json::parse(arena.keep(resource), arena);
    const auto b = json::parse(arena.keep(R"({"resourceType":"Parameters","parameter":[)" + operations + "]}"), arena);
    EXPECT_TRUE(a.ok() && b.ok()) << resource << operations;
    const auto changed = apply_fhirpath_patch(*a, *b, arena);
    if (!changed.ok()) return "refused " + changed.outcome().line();
    EXPECT_TRUE(fhir::validate(*changed).ok()) << json::write(*changed) << fhir::validate(*changed).line();
    return json::write(*changed);
}
std::string patient(const std::string& members) {
    return R"({"resourceType":"Patient")" + (members.empty() ? "" : "," + members) + "}";
}

const std::string birth = R"("birthDate":"1920-01-01")";
const std::string contact = R"("contact":[{"name":{"text":"a name"},"gender":"male"}])";
const std::string identifiers = R"("identifier":[{"value":"1"},{"value":"2"},{"value":"3"}])";

TEST(FhirPathPatch, ChangesPrimitives) {
    EXPECT_EQ(applied(patient(birth), ""), patient(birth));
    EXPECT_EQ(applied(patient(birth), operation("replace", "Patient.birthDate", value(R"("valueDate":"1930-01-01")"))),
              patient(R"("birthDate":"1930-01-01")"));
    EXPECT_EQ(applied(patient(birth), operation("delete", "Patient.birthDate")), patient(""));
    EXPECT_EQ(applied(patient(""), operation("add", "Patient", name("birthDate") + "," + value(R"("valueDate":"1930-01-01")"))),
              patient(R"("birthDate":"1930-01-01")"));
    EXPECT_EQ(applied(patient(contact), operation("replace", "Patient.contact[0].gender", value(R"("valueCode":"female")"))),
              patient(R"("contact":[{"name":{"text":"a name"},"gender":"female"}])"));
    EXPECT_EQ(applied(patient(contact), operation("delete", "Patient.contact[0].gender")),
              patient(R"("contact":[{"name":{"text":"a name"}}])"));
}

TEST(FhirPathPatch, WhatBecomesEmptyGoesToo) {
    EXPECT_EQ(applied(patient(contact), operation("delete", "Patient.contact[0].name.text")),
              patient(R"("contact":[{"gender":"male"}])"));
    EXPECT_EQ(applied(patient(R"("contact":[{"name":{"text":"a name"}}])"), operation("delete", "Patient.contact[0].name.text")),
              patient(""));
    EXPECT_EQ(applied(patient(R"("birthDate":"1920","_birthDate":{"extension":[{"url":"http://e","valueCode":"x"}]})"),
                      operation("delete", "Patient.birthDate.extension")),
              patient(R"("birthDate":"1920")"));
}

TEST(FhirPathPatch, ChangesComplexElementsAndAnonymousTypes) {
    EXPECT_EQ(
        applied(patient(""),
                operation("add", "Patient", name("maritalStatus") + "," + value(R"("valueCodeableConcept":{"text":"married"})"))),
        patient(R"("maritalStatus":{"text":"married"})"));
    EXPECT_EQ(applied(patient(R"("maritalStatus":{"id":"1","text":"married"})"),
                      operation("replace", "Patient.maritalStatus", value(R"("valueCodeableConcept":{"id":"2","text":"not"})"))),
              patient(R"("maritalStatus":{"id":"2","text":"not"})"));
    EXPECT_EQ(applied(patient(R"("maritalStatus":{"text":"married"})"), operation("delete", "Patient.maritalStatus")),
              patient(""));
    const std::string parts =
        R"("part":[{"name":"relationship","valueCodeableConcept":{"text":"r"}},{"name":"name","valueHumanName":{"text":"a name"}}])";
    EXPECT_EQ(applied(patient(""), operation("add", "Patient", name("contact") + "," + value(parts))),
              patient(R"("contact":[{"relationship":[{"text":"r"}],"name":{"text":"a name"}}])"));
    EXPECT_EQ(
        applied(patient(contact), operation("insert", "Patient.contact", number("index", 0) + "," + value(parts))),
        patient(
            R"("contact":[{"relationship":[{"text":"r"}],"name":{"text":"a name"}},{"name":{"text":"a name"},"gender":"male"}])"));
    EXPECT_EQ(applied(patient(contact), operation("delete", "Patient.contact[0]")), patient(""));
}

TEST(FhirPathPatch, ChangesLists) {
    const auto ids = [](const std::string& order) {
        std::string list;
        for (const char c : order) list += (list.empty() ? "" : ",") + (R"({"value":")" + std::string(1, c) + "\"}");
        return patient(R"("identifier":[)" + list + "]");
    };
    const std::string x = value(R"("valueIdentifier":{"value":"x"})");
    EXPECT_EQ(applied(patient(identifiers), operation("insert", "Patient.identifier", number("index", 3) + "," + x)),
              ids("123x"));
    EXPECT_EQ(applied(patient(identifiers), operation("insert", "Patient.identifier", number("index", 0) + "," + x)),
              ids("x123"));
    EXPECT_EQ(applied(patient(identifiers), operation("insert", "Patient.identifier", number("index", 1) + "," + x)),
              ids("1x23"));
    EXPECT_EQ(applied(patient(identifiers), operation("add", "Patient", name("identifier") + "," + x)), ids("123x"));
    EXPECT_EQ(applied(patient(""), operation("add", "Patient", name("identifier") + "," + x)), ids("x"));
    EXPECT_EQ(applied(patient(identifiers), operation("delete", "Patient.identifier[0]")), ids("23"));
    EXPECT_EQ(applied(patient(identifiers), operation("delete", "Patient.identifier.where(value = '2')")), ids("13"));
    EXPECT_EQ(applied(patient(identifiers), operation("replace", "Patient.identifier[2]", x)), ids("12x"));
    const auto moved = [&](int from, int to) {
        return applied(patient(identifiers),
                       operation("move", "Patient.identifier", number("source", from) + "," + number("destination", to)));
    };
    EXPECT_EQ(moved(2, 0), ids("312"));
    EXPECT_EQ(moved(0, 2), ids("231"));
    EXPECT_EQ(moved(1, 1), ids("123"));
    EXPECT_TRUE(moved(3, 0).starts_with("refused Parameters.parameter[0].part[source]"));
    EXPECT_TRUE(moved(0, 3).starts_with("refused Parameters.parameter[0].part[destination]"));
    EXPECT_EQ(applied(patient(identifiers),
                      operation("delete", "Patient.identifier[0]") + "," + operation("delete", "Patient.identifier[0]")),
              ids("3"))
        << "each operation sees what those before it did";
}

TEST(FhirPathPatch, KeepsValuesAndTheirExtensionsTogether) {
    const std::string given =
        R"("name":[{"given":["a",null,"c"],"_given":[null,{"extension":[{"url":"http://e","valueCode":"x"}]},null]}])";
    EXPECT_EQ(
        applied(patient(given), operation("move", "Patient.name[0].given", number("source", 1) + "," + number("destination", 0))),
        patient(R"("name":[{"given":[null,"a","c"],"_given":[{"extension":[{"url":"http://e","valueCode":"x"}]},null,null]}])"));
    EXPECT_EQ(applied(patient(given), operation("delete", "Patient.name[0].given[1]")),
              patient(R"("name":[{"given":["a","c"]}])"));
    EXPECT_EQ(applied(patient(birth),
                      operation("add", "Patient.birthDate",
                                name("extension") + "," +
                                    value(R"("part":[{"name":"url","valueUri":"http://e"},{"name":"value","valueCode":"x"}])"))),
              patient(birth + R"(,"_birthDate":{"extension":[{"url":"http://e","valueCode":"x"}]})"));
}

TEST(FhirPathPatch, KnowsChoices) {
    EXPECT_EQ(applied(patient(""), operation("add", "Patient", name("deceased") + "," + value(R"("valueBoolean":true)"))),
              patient(R"("deceasedBoolean":true)"));
    EXPECT_EQ(applied(patient(R"("deceasedBoolean":true)"),
                      operation("replace", "Patient.deceased", value(R"("valueDateTime":"2020")"))),
              patient(R"("deceasedDateTime":"2020")"));
    EXPECT_TRUE(applied(patient(R"("deceasedBoolean":true)"),
                        operation("add", "Patient", name("deceased") + "," + value(R"("valueDateTime":"2020")")))
                    .starts_with("refused Parameters.parameter[0].part[name]"));
    EXPECT_TRUE(applied(patient(""), operation("add", "Patient", name("deceased") + "," + value(R"("valueCode":"x")")))
                    .starts_with("refused Parameters.parameter[0].part[value]"));
}

TEST(FhirPathPatch, NamesWhatDoesNotFit) {
    const auto refused = [](const std::string& operations, const std::string& where) {
        const std::string line = applied(patient(birth + "," + contact + "," + identifiers), operations);
        EXPECT_TRUE(line.starts_with("refused Parameters.parameter[0]" + where)) << line << " for " << operations;
    };
    const std::string date = value(R"("valueDate":"1930-01-01")");
    refused(operation("replace", "Patient.deceased", value(R"("valueBoolean":true)")), ".part[path]");  // nothing there
    refused(operation("replace", "Patient.identifier", date), ".part[path]");                           // several
    refused(operation("delete", "Patient.identifier"), ".part[path]");
    refused(operation("delete", "Patient"), ".part[path]");
    refused(operation("replace", "Patient.birthDate.toString()", date), ".part[path]");
    refused(operation("replace", "Patient.(", date), ".part[path]");
    refused(operation("add", "Patient.identifier.where(use = 'official').period", name("end") + "," + date), ".part[path]");
    refused(operation("add", "Patient", name("birthDate") + "," + date), ".part[name]");
    refused(operation("add", "Patient", name("nothing") + "," + date), ".part[name]");
    refused(operation("add", "Patient", date), ".part[name]");
    refused(operation("add", "Patient", name("id") + "," + value(R"("valueId":"x")")), ".part[name]");
    refused(operation("add", "Patient", name("gender")), ".part[value]");
    refused(operation("insert", "Patient.identifier", date), ".part[index]");
    refused(operation("insert", "Patient.identifier", number("index", 9) + "," + date), ".part[index]");
    refused(operation("insert", "Patient.identifier[0]", number("index", 0) + "," + date), ".part[path]");
    refused(operation("insert", "Patient.telecom", number("index", 0) + "," + date), ".part[path]");
    refused(operation("insert", "Patient.birthDate", number("index", 0) + "," + date), ".part[path]");
    refused(operation("move", "Patient.identifier", number("source", 0)), ".part[destination]");
    refused(operation("copy", "Patient.identifier"), ".part[type]");
    refused(operation("delete", "Patient.birthDate", R"({"name":"surprise"})"), ".part[surprise]");
    refused(R"({"name":"operatoin"})", ".name");
    refused(R"({"name":"operation"})", ".part[path]");
}

TEST(FhirPathPatch, HostilePatchesEnd) {
    std::string many = operation("delete", "Patient.descendants().descendants().where(false)");
    for (int i = 0; i < 200; ++i)
        many +=
            "," + operation("delete", "Patient.repeat(descendants() | children()).select(%resource.descendants()).where(false)");
    applied(patient(contact + "," + identifiers), many);
    std::string nested = R"("valueString":"x")";
    for (int i = 0; i < 60; ++i) nested = R"("part":[{"name":"extension",)" + nested + "}]";
    EXPECT_TRUE(
        applied(patient(""), operation("add", "Patient", name("extension") + "," + value(nested))).starts_with("refused"));
    std::string too_many;
    for (int i = 0; i < 1'001; ++i) too_many += (i ? "," : "") + operation("delete", "Patient.x");
    EXPECT_TRUE(applied(patient(""), too_many).starts_with("refused Parameters.parameter"));
    for (const char* path :
         {"%resource", "$this", "Patient", "{}", "'x'", "1 = 1", "Patient.identifier | Patient.contact", "now()"})
        EXPECT_TRUE(applied(patient(birth), operation("replace", path, value(R"("valueDate":"2020")"))).starts_with("refused"))
            << path;
}

TEST(FhirPathPatch, LeavesToTheServerWhatIsTheServers) {
    const std::string own = R"("id":"a","meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:00Z"})";
    for (const char* path : {"Patient.id", "Patient.meta.versionId", "Patient.meta.lastUpdated"}) {
        EXPECT_NE(applied(patient(own), operation("delete", path)).find("cannot be changed"), std::string::npos) << path;
        EXPECT_NE(applied(patient(own), operation("replace", path, value(R"("valueString":"b")"))).find("cannot be changed"),
                  std::string::npos);
    }
}

}  // namespace
}  // namespace xinglin::patch
