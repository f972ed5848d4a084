// SPDX-License-Identifier: Apache-2.0
// Shared documents: what they become, what is refused, and that what we write is read back to the same facts.
#include "cda/cda.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "fhir/fhir.h"
#include "testing/testing.h"

namespace xinglin::cda {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

const Knowledge& knowledge() {
    static const Knowledge known = *Knowledge::read(content::Files());
    return known;
}
const message::Sender sender{.id = "hospital", .name = "示例医院"};

std::filesystem::path testdata() { return std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/cda/testdata"; }
std::string document(std::string_view name) { return testing::read_file(testdata() / (std::string(name) + ".xml")); }

std::string replaced(std::string text, std::string_view what, std::string_view by) {
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), by);
}

struct Read {
    json::Arena arena;
    std::vector<json::Value> resources;
    message::Converted converted;
    std::string refusal;
};

std::unique_ptr<Read> read(std::string_view bytes) {
    auto read = std::make_unique<Read>();
    auto converted = convert(bytes, sender, knowledge());
    if (!converted.ok()) {
        read->refusal = converted.outcome().line();
        return read;
    }
    read->converted = std::move(*converted);
    const auto bundle = json::parse(read->converted.bundle, read->arena);
    for (const json::Node& entry : (*bundle)["entry"].items()) read->resources.push_back(json::Value(&entry)["resource"]);
    return read;
}

std::string words_of(json::Value code) {
    const json::Value coding = code["coding"][std::size_t{0}];
    return std::string(coding["code"].string().empty() ? code["text"].string() : coding["code"].string());
}

std::string value_of(json::Value one) {
    if (const json::Value quantity = one["valueQuantity"])
        return fmt::format("{} {}", quantity["value"].text(), quantity["code"].string());
    if (one["valueCodeableConcept"]) return words_of(one["valueCodeableConcept"]);
    for (const char* name : {"valueString", "valueBoolean", "valueInteger", "valueDateTime"})
        if (one[name]) return std::string(one[name].text());
    return "";
}

/// What a document says, one line a fact, without ids.
std::multiset<std::string> facts(const Read& read) {
    std::multiset<std::string> all;
    for (const json::Value one : read.resources) {
        const std::string type(one["resourceType"].string());
        if (type == "Patient")
            all.insert(fmt::format("Patient {} {} {} {}", one["name"][std::size_t{0}]["text"].string(), one["gender"].string(),
                                   one["birthDate"].string(), one["identifier"][std::size_t{0}]["value"].string()));
        else if (type == "Encounter")
            all.insert(fmt::format("Encounter {} {} {}", one["class"]["code"].string(), one["period"]["start"].string(),
                                   one["period"]["end"].string()));
        else if (type == "Condition")
            all.insert(fmt::format("Condition {} {}", words_of(one["code"]), one["code"]["text"].string()));
        else if (type == "Procedure")
            all.insert(fmt::format("Procedure {} {}", words_of(one["code"]), one["code"]["text"].string()));
        else if (type == "AllergyIntolerance") all.insert("Allergy " + words_of(one["code"]));
        else if (type.starts_with("Medication") || type == "Immunization")
            all.insert(fmt::format("{} {}", type,
                                   one[type == "Immunization" ? "vaccineCode" : "medicationCodeableConcept"]["text"].string()));
        else if (type == "Observation" && one["component"])
            for (const json::Node& part : one["component"].items())
                all.insert(fmt::format("Observation {} {}", words_of(json::Value(&part)["code"]), value_of(json::Value(&part))));
        else if (type == "Observation") all.insert(fmt::format("Observation {} {}", words_of(one["code"]), value_of(one)));
    }
    return all;
}

TEST(Documents, BecomeValidResourcesAndKeepTheirOriginal) {
    std::size_t count = 0;
    for (const auto& path : testing::files_below(testdata(), ".xml")) {
        const std::string bytes = testing::read_file(path);
        const auto one = read(bytes);
        ASSERT_EQ(one->refusal, "") << path;
        std::map<std::string, int> types;
        std::set<std::string> known;
        for (const json::Value resource : one->resources) {
            ++types[std::string(resource["resourceType"].string())];
            known.insert(fmt::format("{}/{}", resource["resourceType"].string(), resource["id"].string()));
            for (const Issue& issue : fhir::validate(resource).issues)
                if (issue.severity == Severity::error)
                    ADD_FAILURE() << path << ": " << issue.where << ": " << issue.what << "\n" << json::write(resource);
            if (resource["resourceType"].string() == "Binary") {
                EXPECT_GT(resource["data"].string().size(), bytes.size());
            }
        }
        for (const char* type : {"Patient", "Composition", "DocumentReference", "Binary"})
            EXPECT_EQ(types[type], 1) << path << " " << type;
        std::string_view rest = one->converted.bundle;  // every reference leads somewhere
        for (std::size_t at = rest.find("\"reference\":\""); at != std::string_view::npos; at = rest.find("\"reference\":\"")) {
            rest.remove_prefix(at + 13);
            EXPECT_TRUE(known.contains(std::string(rest.substr(0, rest.find('"'))))) << path << " " << rest.substr(0, 60);
        }
        EXPECT_EQ(read(bytes)->converted.bundle, one->converted.bundle);
        EXPECT_EQ(glance(bytes, knowledge())->control_id, one->converted.facts.control_id);
        ++count;
    }
    EXPECT_GE(count, 12u);
}

TEST(Documents, TellWhoseTheyAreAndWhatTheySay) {
    const auto one = read(document("500-02-outpatient"));
    EXPECT_EQ(one->converted.facts.kind, "WS/T 500.2");
    EXPECT_EQ(one->converted.facts.control_id, "DOC5002");
    EXPECT_EQ(one->converted.facts.sent_at, "2026-11-22T09:30:00+08:00");
    EXPECT_THAT(facts(*one), IsSupersetOf({"Patient 张三 female 1949-12-31 11010519491231002X", "Allergy 头孢类",
                                           "Condition J11.100 流行性感冒", "Observation 10154-3 发热伴咳嗽2天",
                                           "Observation 流感病毒抗原 甲型阳性"}));
    const auto patient = *std::find_if(one->resources.begin(), one->resources.end(),
                                       [](json::Value r) { return r["resourceType"].string() == "Patient"; });
    EXPECT_EQ(patient["address"][std::size_t{0}]["text"].string(), "示例省示例市示例县示例镇示例村1号");
    EXPECT_EQ(patient["telecom"][std::size_t{0}]["value"].string(), "13800138000");
}

TEST(Documents, OfEveryKindSayTheirOwn) {
    EXPECT_THAT(facts(*read(document("500-04-prescription"))),
                IsSupersetOf({"MedicationRequest 磷酸奥司他韦胶囊", "Condition J11.100 流行性感冒"}));
    EXPECT_THAT(facts(*read(document("500-07-laboratory"))),
                IsSupersetOf({"Observation WBC 12.5 10*9/L", "Observation HGB 131 g/L", "Observation AG 阳性"}));
    EXPECT_THAT(facts(*read(document("500-09-operation"))),
                IsSupersetOf(
                    {"Procedure 47.0100 腹腔镜阑尾切除术", "Encounter IMP 2026-11-10T08:00:00+08:00 2026-11-20T10:00:00+08:00"}));
    EXPECT_THAT(facts(*read(document("500-32-front-page"))),
                IsSupersetOf({"Condition I21.000 急性前壁心肌梗死", "Condition E11.900 2型糖尿病",
                              "Procedure 36.0700 冠状动脉药物涂层支架置入术"}));
    EXPECT_THAT(
        facts(*read(document("500-53-discharge"))),
        IsSupersetOf({"MedicationStatement 阿司匹林肠溶片", "Observation 8480-6 128 mm[Hg]", "Observation 8462-4 76 mm[Hg]"}));
    EXPECT_THAT(facts(*read(document("483-09-vaccination"))), IsSupersetOf({"Immunization 流感病毒裂解疫苗"}));
    EXPECT_THAT(facts(*read(document("483-10-infectious"))), IsSupersetOf({"Condition J11.100 流行性感冒"}));
    EXPECT_THAT(facts(*read(document("483-12-hypertension"))),
                IsSupersetOf({"Observation 8480-6 156 mm[Hg]", "Observation 29463-7 61.5 kg"}));
    EXPECT_THAT(facts(*read(document("500-01-record-summary"))), IsSupersetOf({"Allergy 青霉素", "Condition I10.x00 高血压病"}));
}

TEST(Documents, ElementsThatNobodyKnowsAreKeptWithANote) {
    const auto one = read(document("483-10-infectious"));
    ASSERT_FALSE(one->converted.notes.empty());
    EXPECT_EQ(one->converted.notes[0].key, "unknown-element");
    EXPECT_THAT(one->converted.bundle, HasSubstr("DE05.10.999.00"));
    const auto other = read(replaced(document("483-10-infectious"), "2.16.156.10011.2.1.1.10\"", "1.2.3\""));
    EXPECT_EQ(other->converted.notes[0].key, "unknown-template");
    EXPECT_EQ(other->converted.facts.kind, "1.2.3");
}

TEST(Documents, ACorrectedOneTakesThePlaceOfTheOneBefore) {
    const std::string with_set = replaced(document("500-02-outpatient"), "<setId/>", R"(<setId root="1.2" extension="S1"/>)");
    const auto first = read(with_set);
    const auto second =
        read(replaced(replaced(with_set, "DOC5002", "DOC5002B"), "<versionNumber/>", "<versionNumber value=\"2\"/>"));
    ASSERT_EQ(first->resources.size(), second->resources.size());
    for (std::size_t i = 0; i < first->resources.size(); ++i)
        EXPECT_EQ(first->resources[i]["id"].string(), second->resources[i]["id"].string());
    EXPECT_EQ(second->converted.facts.control_id, "DOC5002B^2");
}

TEST(Documents, MayBeWrittenInGB18030OrUtf16) {
    const std::string utf8 = document("500-02-outpatient");
    const std::string declared = replaced(utf8, "UTF-8", "GB18030");
    EXPECT_EQ(facts(*read(declared)), facts(*read(utf8)));  // says so, but is not
    std::string gb;                                         // 张三 alone in GB18030, everything else ASCII
    const std::string small =
        R"(<ClinicalDocument><id root="1" extension="2"/><effectiveTime value="20261122"/><recordTarget><patientRole><id root="2.16.156.10011.1.2" extension="7"/><patient><name>)";
    gb = R"(<?xml version="1.0" encoding="gb2312"?>)" + small +
         "\xD5\xC5\xC8\xFD</name></patient></patientRole></recordTarget></ClinicalDocument>";
    EXPECT_THAT(facts(*read(gb)), ElementsAre("Patient 张三   7"));
    EXPECT_THAT(read(replaced(gb, "gb2312", "utf-8"))->refusal, HasSubstr("UTF-8"));
}

TEST(Hostile, DocumentsAreRefusedWithAReason) {
    const std::string sound = document("500-02-outpatient");
    const std::string rest = sound.substr(sound.find("<ClinicalDocument"));
    for (const char* dtd :
         {R"(<!DOCTYPE a [<!ENTITY lol "lol"><!ENTITY l2 "&lol;&lol;&lol;">]>)", R"(<!DOCTYPE a SYSTEM "file:///etc/passwd">)",
          R"(<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1/">]>)"})
        EXPECT_THAT(read(std::string(dtd) + rest)->refusal, HasSubstr("document type")) << dtd;
    EXPECT_THAT(read(sound.substr(0, sound.size() / 2))->refusal, HasSubstr("cut off"));
    EXPECT_THAT(read("")->refusal, HasSubstr("empty"));
    EXPECT_THAT(read("<html/>")->refusal, HasSubstr("ClinicalDocument"));
    EXPECT_THAT(read("MSH|^~\\&|")->refusal, HasSubstr("XML"));
    std::string deep = "<ClinicalDocument>";
    for (int i = 0; i < 100'000; ++i) deep += "<a>";
    for (int i = 0; i < 100'000; ++i) deep += "</a>";
    EXPECT_THAT(read(deep + "</ClinicalDocument>")->refusal, HasSubstr("nested"));
    EXPECT_THAT(convert(sound, sender, knowledge(), {.bytes = 100}).outcome().line(), HasSubstr("larger"));
    EXPECT_THAT(convert(sound, sender, knowledge(), {.nodes = 100}).outcome().line(), HasSubstr("more elements"));
    EXPECT_THAT(read(replaced(sound, "<id root=\"2.16.156.10011.1.1\" extension=\"DOC5002\"/>", ""))->refusal,
                HasSubstr("/ClinicalDocument/id"));
    EXPECT_THAT(read("<ClinicalDocument><id extension=\"1\"/><effectiveTime "
                     "value=\"20261122\"/><recordTarget><patientRole><patient/></patientRole></recordTarget></ClinicalDocument>")
                    ->refusal,
                HasSubstr("nothing tells this patient"));
}

TEST(Hostile, EntitiesInTextStayWhatTheyAre) {
    const auto one = read(replaced(document("500-02-outpatient"), "发热伴咳嗽2天", "发热 &lt;38℃ &amp; 咳嗽"));
    EXPECT_THAT(facts(*one), IsSupersetOf({"Observation 10154-3 发热 <38℃ & 咳嗽"}));
}

/// The resources of a document, written and read again, say the same.
void expect_round_trip(std::string_view name, Kind kind) {
    const auto first = read(document(name));
    json::Arena arena;
    const auto bundle = json::parse(first->converted.bundle, arena);
    const auto written = write(kind, *bundle, "OUT1", "2026-11-22T10:00:00+08:00", knowledge());
    ASSERT_TRUE(written.ok()) << written.outcome().line();
    const auto second = read(written->xml);
    ASSERT_EQ(second->refusal, "") << written->xml;
    EXPECT_EQ(facts(*second), facts(*first)) << written->xml;
    for (const json::Value resource : second->resources) EXPECT_TRUE(fhir::validate(resource).ok());
}

TEST(Writing, IsReadBackToTheSameFacts) {
    expect_round_trip("500-02-outpatient", Kind::outpatient_summary);
    expect_round_trip("500-53-discharge", Kind::inpatient_summary);
    expect_round_trip("500-09-operation", Kind::inpatient_summary);
}

TEST(Writing, OfALaboratoryReportKeepsItsResults) {
    const auto first = read(document("500-07-laboratory"));
    json::Arena arena;
    const auto written = write(Kind::laboratory_report, *json::parse(first->converted.bundle, arena), "OUT2",
                               "2026-11-22T10:00:00+08:00", knowledge());
    const auto second = read(written->xml);
    EXPECT_EQ(second->converted.facts.kind, "WS/T 500.7");
    EXPECT_THAT(facts(*second),
                IsSupersetOf({"Observation WBC 12.5 10*9/L", "Observation HGB 131 g/L", "Observation AG 阳性",
                              "Condition J11.100 流行性感冒", "Patient 张三 female 1949-12-31 11010519491231002X"}));
}

TEST(Writing, OfAPatientWhomTheDocumentCouldNotTellFromOthersIsRefused) {
    std::string bytes = document("500-07-laboratory");  // found by fuzzing: a laboratory number was all that told the patient
    bytes = replaced(bytes, R"(root="2.16.156.10011.1.3" extension=)", R"(root="2.16.156.10011.1.3" none=)");
    bytes = replaced(bytes, R"(root="2.16.156.10011.1.11" extension=)", R"(root="2.16.156.10011.1.11" none=)");
    bytes = replaced(bytes, "birthTime", "birth");
    const auto first = read(bytes);
    ASSERT_EQ(first->refusal, "");
    json::Arena arena;
    const auto written = write(Kind::outpatient_summary, *json::parse(first->converted.bundle, arena), "OUT3",
                               "2026-11-22T10:00:00+08:00", knowledge());
    ASSERT_FALSE(written.ok());
    EXPECT_THAT(written.outcome().line(), HasSubstr("Patient.identifier"));
}

TEST(Writing, NamesWhatHasNoPlace) {
    json::Arena arena;
    const auto resources = json::parse(
        R"([{"resourceType":"Patient","id":"p","name":[{"text":"张三"}],"identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":"1"}]},
        {"resourceType":"Immunization","id":"i"}])",
        arena);
    EXPECT_THAT(write(Kind::outpatient_summary, *resources, "1", "2026-11-22", knowledge())->left_out,
                ElementsAre("Immunization/i"));
    EXPECT_FALSE(write(Kind::outpatient_summary, arena.array({arena.object({})}), "1", "2026-11-22", knowledge()).ok());
    EXPECT_FALSE(write(Kind::outpatient_summary, *resources, "", "", knowledge()).ok());
}

}  // namespace
}  // namespace xinglin::cda
