// SPDX-License-Identifier: Apache-2.0
// What is written reads back: message → FHIR → message → FHIR is the same FHIR where a message can say it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "hl7v2/charset.h"
#include "hl7v2/hl7v2.h"

namespace xinglin::hl7v2 {
namespace {

constexpr auto first = std::size_t{0};
const message::Sender sender{.id = "clinic"};

const Tables& tables() {
    static const Tables all = Tables::load(content::Files()).value();
    return all;
}

struct Read {
    json::Arena arena;
    json::Value root;
    std::map<std::string, json::Value, std::less<>> by_name;
    std::string error;

    explicit Read(std::string_view bytes) {
        const auto made = convert(bytes, sender, tables());
        if (!made.ok()) {
            error = made.outcome().line();
            return;
        }
        root = json::parse(made->bundle, arena).value();
        for (const json::Node& entry : root["entry"].items()) {
            const json::Value resource = json::Value(&entry)["resource"];
            by_name[std::string(resource["resourceType"].string()) + "/" + std::string(resource["id"].string())] = resource;
        }
    }
    Resolve resolve() const {
        return [this](std::string_view reference) {
            const auto found = by_name.find(reference);
            return found == by_name.end() ? json::Value{} : found->second;
        };
    }
    std::vector<json::Value> all(std::string_view type) const {
        std::vector<json::Value> out;
        for (const auto& [name, resource] : by_name) {
            if (resource["resourceType"].string() == type) out.push_back(resource);
        }
        return out;
    }
};

WriteOptions options(std::string event = "") {
    return {.event = std::move(event),
            .control_id = "OUT1",
            .now = "20261122081500+0800",
            .application = "XINGLIN",
            .facility = "区域平台",
            .receiving_application = "省平台",
            .receiving_facility = "省卫健委"};
}

void same(json::Value a, json::Value b, std::initializer_list<std::string_view> members) {
    for (const std::string_view each : members) EXPECT_EQ(json::write(a[each]), json::write(b[each])) << each;
}

TEST(Write, AnAdmissionReadsBackTheSame) {
    const Read before(
        "MSH|^~\\&|HIS|县医院|||20261120093000+0800||ADT^A01|1|P|2.4\r"
        "PID|1||0000123456^^^县医院^MR~11010519491231002X^^^^NNCHN||王^小明||19491231|1|||南关街道1号^^秦皇岛市^河北省^066200^^"
        "H||13803350001^PRN^PH\r"
        "PV1|1|I|内三科^305^02^县医院|R|||D011^张^伟|||||||||||ZY|ZY17^^^县医院^VN|||||||||||||||||||||||||20261120092500+0800\r"
        "DG1|1||I10.x05^高血压3级^I10||20261120093000+0800|A|||||||||1\r");
    ASSERT_EQ(before.error, "");
    const auto text = write(before.all("Encounter").front(), before.resolve(), options("A01"), tables());
    ASSERT_TRUE(text.ok());
    const Read after(*text);
    ASSERT_EQ(after.error, "") << *text;
    same(before.all("Patient").front(), after.all("Patient").front(),
         {"id", "identifier", "name", "birthDate", "gender", "_gender", "address", "telecom"});
    same(before.all("Encounter").front(), after.all("Encounter").front(),
         {"id", "status", "class", "period", "identifier", "location", "participant"});
    same(before.all("Condition").front(), after.all("Condition").front(), {"id", "code", "onsetDateTime"});
}

TEST(Write, AResultReadsBackTheSame) {
    const Read before(
        "MSH|^~\\&|LIS|H|||20261120093000+0800||ORU^R01|R1|P|2.4\rPID|1||42^^^H^MR||王^芳||1980|2\r"
        "OBR|1|P1|F1|CBC^血常规^L|||20261120080000+0800||||||||||||||||20261120092000+0800||HM|F\r"
        "OBX|1|NM|WBC^白细胞^L||6.50|10\\S\\9/"
        "L|3.5-9.5|N|||F|||20261120091500+0800\rOBX|2|SN|A^a^L||>^100|mg^毫克^UCUM|<50|H|||F\r"
        "OBX|3|CWE|D^d^L||POS^阳性^L|||A|||C\rOBX|4|TX|H^h^L||有\\F\\竖线||||||P\rOBX|5|SN|C^c^L||^5^-^7||||||F\r");
    ASSERT_EQ(before.error, "");
    const auto text = write(before.all("DiagnosticReport").front(), before.resolve(), options(), tables());
    ASSERT_TRUE(text.ok());
    const Read after(*text);
    ASSERT_EQ(after.error, "") << *text;
    same(before.all("DiagnosticReport").front(), after.all("DiagnosticReport").front(),
         {"id", "status", "code", "effectiveDateTime", "issued", "category"});
    const auto was = before.all("Observation"), is = after.all("Observation");
    ASSERT_EQ(was.size(), is.size());
    for (std::size_t i = 0; i < was.size(); ++i)
        same(was[i], is[i],
             {"id", "status", "code", "valueQuantity", "valueCodeableConcept", "valueRange", "valueString", "referenceRange",
              "interpretation", "effectiveDateTime"});
}

TEST(Write, AVaccinationReadsBackTheSame) {
    const Read before(
        "MSH|^~\\&|IIS|H|||20261120093000+0800||VXU^V04|R1|P|2.5.1\rPID|1||42^^^H^MR||李^小宝||20260901|1\r"
        "ORC|RE||V9^H\rRXA|0|1|20261120||0201^乙肝疫苗^L|0.5|mL^毫升^UCUM||||||||LOT7|20280131|M1^生物公司|||CP|A\rRXR|IM^"
        "肌肉注射^HL70162|LA^左上臂^HL70163\r");
    ASSERT_EQ(before.error, "");
    const auto text = write(before.all("Immunization").front(), before.resolve(), options(), tables());
    ASSERT_TRUE(text.ok());
    const Read after(*text);
    ASSERT_EQ(after.error, "") << *text;
    same(before.all("Immunization").front(), after.all("Immunization").front(),
         {"id", "status", "vaccineCode", "occurrenceDateTime", "lotNumber", "expirationDate", "doseQuantity", "route", "site"});
}

TEST(Write, SpeaksGb18030WhenAskedTo) {
    const Read before("MSH|^~\\&|A|B|||2026||ADT^A28|1|P|2.4\rPID|1||42^^^H^MR||王^芳||1980|2\r");
    WriteOptions gb = options();
    gb.encoding = "GB18030";
    const auto text = write(before.all("Patient").front(), before.resolve(), gb, tables());
    ASSERT_TRUE(text.ok());
    EXPECT_NE(text->find(*from_utf8("王^芳", "GB18030")), std::string::npos);
    EXPECT_EQ(Read(*text).all("Patient").front()["name"][first]["text"].string(), "王芳");
}

TEST(Write, RefusesWhatItCannotWrite) {
    json::Arena arena;
    const Resolve nothing = [](std::string_view) { return json::Value{}; };
    EXPECT_EQ(write(json::parse(R"({"resourceType":"Encounter","subject":{"reference":"Patient/1"}})", arena).value(), nothing,
                    {}, tables())
                  .outcome()
                  .line(),
              "Encounter.subject: the patient is not there, a message needs one");
    EXPECT_EQ(write(
                  json::parse(R"({"resourceType":"Claim","subject":{"reference":"Patient/1"}})", arena).value(),
                  [&](std::string_view) { return json::parse(R"({"resourceType":"Patient"})", arena).value(); }, {}, tables())
                  .outcome()
                  .line(),
              "Claim: is not written as HL7 v2; Patient, Encounter, DiagnosticReport and Immunization are");
}

}  // namespace
}  // namespace xinglin::hl7v2
