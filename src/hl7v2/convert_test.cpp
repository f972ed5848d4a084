// SPDX-License-Identifier: Apache-2.0
// Conversion: every sample becomes valid FHIR, every populated field is carried or named; and the facts, one by one.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "fhir/fhir.h"
#include "hl7v2/charset.h"
#include "hl7v2/hl7v2.h"
#include "json/json.h"
#include "text/text.h"

namespace xinglin::hl7v2 {
namespace {

namespace fs = std::filesystem;

const message::Sender sender{.id = "clinic"};
const fs::path folder = fs::path(XINGLIN_SOURCE_DIR) / "src/hl7v2/testdata";

const Tables& tables() {
    static const Tables all = Tables::load(content::Files()).value();
    return all;
}

std::string file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::vector<fs::path> samples() {
    std::vector<fs::path> out;
    for (const auto& each : fs::directory_iterator(folder)) {
        if (each.path().extension() == ".hl7") out.push_back(each.path());
    }
    std::sort(out.begin(), out.end());
    return out;
}

struct Bundle {
    json::Arena arena;
    message::Converted converted;
    json::Value root;
    std::string error;

    explicit Bundle(std::string_view bytes, const message::Sender& from = sender) {
        auto made = convert(bytes, from, tables());
        if (!made.ok()) {
            error = made.outcome().line();
            return;
        }
        converted = std::move(*made);
        root = json::parse(converted.bundle, arena).value();
    }
    std::vector<json::Value> all(std::string_view type) const {
        std::vector<json::Value> out;
        for (const json::Node& entry : root["entry"].items()) {
            const json::Value resource = json::Value(&entry)["resource"];
            if (resource["resourceType"].string() == type) out.push_back(resource);
        }
        return out;
    }
    json::Value one(std::string_view type) const {
        const auto found = all(type);
        return found.empty() ? json::Value{} : found.front();
    }
    bool notes(std::string_view key) const {
        for (const message::Note& each : converted.notes) {
            if (each.key == key) return true;
        }
        return false;
    }
};

constexpr auto first = std::size_t{0};

/// Every reference to something in the bundle names an entry.
void check_references(json::Value value, const std::set<std::string>& known, const std::string& where) {
    for (const json::Node& each : value.items()) check_references(json::Value(&each), known, where);
    for (const json::Member& each : value.members()) {
        if (each.key() == "reference" && each.value().is_string()) {
            EXPECT_TRUE(known.contains(std::string(each.value().string()))) << where << ": " << each.value().string();
        }
        check_references(each.value(), known, where);
    }
}

TEST(Convert, MakesValidFhirOfEverySample) {
    ASSERT_EQ(samples().size(), 45u);
    for (const fs::path& path : samples()) {
        const Bundle bundle(file(path));
        ASSERT_EQ(bundle.error, "") << path.filename();
        std::set<std::string> known;
        for (const json::Node& entry : bundle.root["entry"].items()) {
            const json::Value resource = json::Value(&entry)["resource"];
            known.insert(std::string(resource["resourceType"].string()) + "/" + std::string(resource["id"].string()));
        }
        for (const json::Node& entry : bundle.root["entry"].items()) {
            const json::Value resource = json::Value(&entry)["resource"];
            const Outcome outcome = fhir::validate(resource);
            EXPECT_TRUE(outcome.ok()) << path.filename() << ": " << outcome.line() << '\n' << json::write(resource);
            check_references(resource, known, path.filename().string());
        }
    }
}

TEST(Convert, GivesTheSameBundleForTheSameMessage) {
    for (const fs::path& path : samples()) {
        const Bundle once(file(path));
        EXPECT_EQ(once.converted.bundle, Bundle(file(path)).converted.bundle);
        const auto as_value = convert_to_tree(file(path), sender, tables());
        ASSERT_EQ(as_value.ok(), once.error.empty()) << path;
        if (!as_value.ok()) continue;
        EXPECT_TRUE(as_value->bundle.empty());
        EXPECT_EQ(as_value->text(), once.converted.bundle) << path;
        EXPECT_EQ(as_value->lesser, once.converted.lesser);
    }
}

// ---- Field by field ---------------------------------------------------------------------------------------------------------

/// All texts of a bundle, and all digits in them, so that dates are found whatever their form.
struct Said {
    std::string words, digits;
    void gather(json::Value value) {
        const auto text = text::base64_decode(value["data"].string());
        if (text && value["contentType"].string().starts_with("text/")) words += *text;
        if (value.is_primitive()) {
            words += '\n';
            words += value.text();
            digits += '\n';
            for (const char c : value.text()) {
                if (c >= '0' && c <= '9') digits += c;
            }
        }
        for (const json::Node& each : value.items()) gather(json::Value(&each));
        for (const json::Member& each : value.members()) gather(each.value());
    }
    bool has(std::string_view value) const {
        if (words.find(value) != std::string::npos) return true;
        std::string only;
        for (const char c : value) {
            if (c >= '0' && c <= '9') only += c;
            else if (c == '+' || c == '-' || c == '.') break;
            else return false;
        }
        return only.size() >= 8 && digits.find(only.substr(0, 14)) != std::string::npos;
    }
};

/// What means something to the machinery, not to the record: set ids, value types, action codes that were heeded.
bool is_protocol(std::string_view segment, std::uint32_t field) {
    if (segment == "MSH" || segment == "RGS") return true;
    const std::set<std::string_view> with_set_id = {"PID", "PV1", "NK1", "AL1", "DG1", "PR1", "GT1", "IN1",
                                                    "OBR", "OBX", "NTE", "SPM", "TQ1", "AIS", "AIG", "AIL",
                                                    "AIP", "FT1", "TXA", "PRT", "RXA", "ORC", "IN2", "EVN"};
    if (field == 1 && with_set_id.contains(segment)) return true;
    const std::set<std::string> others = {"OBX-2", "NTE-2",  "ROL-2",  "PRT-2",  "AIS-2",  "AIG-2",  "AIL-2",
                                          "AIP-2", "RXA-2",  "RXA-21", "OBX-11", "DG1-21", "PR1-20", "PRB-1",
                                          "ORC-5", "SCH-25", "SCH-10", "SCH-9",  "TXA-17"};
    return others.contains(std::string(segment) + "-" + std::to_string(field));
}

bool means_the_same(std::string_view place, std::string_view value, const Said& said) {
    const Tables::Words* const words = tables().words(place);
    for (const std::string_view table : {words ? std::string_view(words->table) : std::string_view{}, std::string_view("0190"),
                                         std::string_view("0200"), std::string_view("0201"), std::string_view("0202"),
                                         std::string_view("0001"), std::string_view("0278"), std::string_view("0485")}) {
        if (table.empty()) continue;
        if (const Tables::Target* const target = tables().target(table, value); target && said.has(target->code)) return true;
    }
    if (const std::string_view system = tables().system(value); !system.empty() && said.has(system)) return true;
    if (value.starts_with("HL7") || value.starts_with("Hl7")) return true;  // the name of a table: the system's address
    return value == "Y" || value == "N" || value == "ISO" || value == "HCD" || value == "DNS" || value == "UUID" ||
           value == "UNICODE UTF-8" || value == "999" || value == "L" || value == "A";
}

TEST(Convert, CarriesOrNamesEveryPopulatedFieldOfTheSamples) {
    struct Count {
        int carried = 0, extension = 0, noted = 0, lost = 0;
    };
    std::map<std::string, Count> counts;
    for (const fs::path& path : samples()) {
        const std::string bytes = file(path);
        const Bundle bundle(bytes);
        ASSERT_EQ(bundle.error, "") << path;
        Said said;
        said.gather(bundle.root);
        std::map<std::string, std::string> noted;
        for (const message::Note& each : bundle.converted.notes) noted[each.where] = each.key;
        const Message message = read(bytes, sender).value();
        Count& count = counts[bundle.converted.facts.kind];
        for (const Segment& segment : message.segments) {
            if (noted.contains(message.place(segment))) {
                ++count.noted;
                continue;
            }
            for (std::uint32_t number = 1; number <= segment.count; ++number) {
                const std::string_view raw = message.field(segment, number);
                if (raw.empty() || is_protocol(segment.name, number)) continue;
                const std::string_view kind = message.field(segment, 2);
                if (segment.name == "OBX" && number == 5 && (kind == "ED" || kind == "RP"))
                    continue;  // bytes: tested by themselves
                const std::string place = std::string(segment.name) + "-" + std::to_string(number);
                const std::string where = message.place(segment, number);
                const auto whole = noted.find(where);
                if (whole != noted.end() && whole->second != "assumed" && whole->second != "odd-date") {
                    ++(whole->second == "extension" ? count.extension : count.noted);
                    continue;
                }
                bool lost = false;
                std::string value;
                const auto check = [&] {
                    const std::string text = unescape(value, message.delimiters);
                    value.clear();
                    const auto begin = text.find_first_not_of(" \"");
                    if (begin == std::string::npos) return;
                    const std::string plain = text.substr(begin, text.find_last_not_of(" \"") - begin + 1);
                    if (said.has(plain) || means_the_same(place, plain, said)) return;
                    for (const auto& [at, key] : noted) {
                        if (at.starts_with(where + ".") || at.starts_with(where + "(") || at == where) return;
                    }
                    lost = true;
                    if (std::getenv("XINGLIN_SHOW_LOST"))
                        std::cerr << path.filename().string() << ' ' << where << " '" << plain << "'\n";
                };
                for (const char c : raw) {
                    if (c == '^' || c == '~' || c == '&') check();
                    else value += c;
                }
                check();
                ++(lost ? count.lost : count.carried);
            }
        }
    }
    int all = 0, lost = 0;
    for (const auto& [kind, count] : counts) {
        std::cerr << kind << ": carried " << count.carried << ", as extension " << count.extension << ", named in a note "
                  << count.noted << ", neither " << count.lost << '\n';
        all += count.carried + count.extension + count.noted + count.lost;
        lost += count.lost;
    }
    EXPECT_LE(lost * 100, all) << "more than one field in a hundred is neither carried nor named";
}

// ---- Chinese messages -------------------------------------------------------------------------------------------------------

const std::string chinese_admission =
    "MSH|^~\\&|HIS|山海关人民医院|PLATFORM|区域平台|20261120093000||ADT^A01^ADT_A01|2026112000017|P|2.4|||AL|NE|CHN||zh-CN\r"
    "EVN|A01|20261120093000|||D011^张伟\r"
    "PID|1||0000123456^^^山海关人民医院^MR~11010519491231002X^^^^身份证||王小明||19491231|1|||河北省秦皇岛市山海关区南关街道1号||"
    "13803350001||汉语|20||||||1|河北省秦皇岛市\r"
    "NK1|1|王大力|21|同上|13803350002\r"
    "PV1|1|I|内三科^305^02^山海关人民医院|R|||D011^张伟|||||||||||ZY|ZY20261120017|||||||||||||||||||||||||20261120092500\r"
    "DG1|1||I10.x05^高血压3级^I10||20261120093000|A\r"
    "IN1|1|城镇职工医保|YB01|秦皇岛市医疗保障局\r";

TEST(Convert, ReadsAChineseAdmissionInEveryEncoding) {
    const Bundle utf8(chinese_admission);
    ASSERT_EQ(utf8.error, "");
    const Bundle gb(*from_utf8(chinese_admission, "GB18030"));
    EXPECT_EQ(utf8.converted.bundle, gb.converted.bundle);
    const json::Value patient = utf8.one("Patient");
    EXPECT_EQ(patient["name"][first]["text"].string(), "王小明");
    EXPECT_EQ(patient["gender"].string(), "male");
    EXPECT_EQ(patient["_gender"]["extension"][first]["valueCodeableConcept"]["coding"][first]["system"].string(),
              message::national_sex_system);
    EXPECT_EQ(patient["birthDate"].string(), "1949-12-31");
    EXPECT_EQ(patient["identifier"][std::size_t{1}]["system"].string(), message::resident_id_system);
    EXPECT_EQ(patient["identifier"][std::size_t{1}]["value"].string(), "11010519491231002X");
    EXPECT_EQ(patient["maritalStatus"]["coding"][first]["code"].string(), "20");
    EXPECT_EQ(patient["extension"][first]["valueAddress"]["text"].string(), "河北省秦皇岛市") << json::write(patient);
    const json::Value visit = utf8.one("Encounter");
    EXPECT_EQ(visit["class"]["code"].string(), "IMP");
    EXPECT_EQ(visit["status"].string(), "in-progress");
    EXPECT_EQ(visit["period"]["start"].string(), "2026-11-20T09:25:00+08:00");
    EXPECT_EQ(utf8.one("Condition")["code"]["coding"][first]["system"].string(), message::icd10_system);
    EXPECT_TRUE(utf8.converted.lesser.size() >= 3) << "places, doctors and institutions";
    for (const json::Node& entry : utf8.root["entry"].items())
        EXPECT_TRUE(fhir::validate(json::Value(&entry)["resource"]).ok())
            << fhir::validate(json::Value(&entry)["resource"]).line();
}

// ---- What events do ---------------------------------------------------------------------------------------------------------

std::string adt(std::string_view event, std::string_view rest = "") {
    return "MSH|^~\\&|HIS|H|||20261120093000+0800||ADT^" + std::string(event) +
           "|C1|P|2.5\rPID|1||42^^^H^MR||Li^Na||1980|F\rPV1|1|I|W1^1^2||||||||||||||||V7^^^H^VN|||||||||||||||||||||||||20261119|"
           "|" +
           std::string(rest);
}

TEST(Convert, LetsEventsChangeTheStateOfTheVisit) {
    const auto status = [](std::string_view event, bool ended = false) {
        std::string text = adt(event);
        if (ended) text.replace(text.find("20261119||"), 10, "20261119|20261120080000|");
        const Bundle bundle(text);
        EXPECT_EQ(bundle.error, "");
        return std::string(bundle.one("Encounter")["status"].string());
    };
    EXPECT_EQ(status("A01"), "in-progress");
    EXPECT_EQ(status("A03"), "finished");
    EXPECT_EQ(status("A05"), "planned");
    EXPECT_EQ(status("A08"), "in-progress");
    EXPECT_EQ(status("A08", true), "finished");
    EXPECT_EQ(status("A11"), "cancelled");
    EXPECT_EQ(status("A12"), "in-progress");
    EXPECT_EQ(status("A13", true), "in-progress") << "a cancelled discharge";
    EXPECT_EQ(status("A21"), "onleave");
    EXPECT_EQ(status("A38"), "cancelled");
    EXPECT_EQ(Bundle(adt("A01")).one("Encounter")["id"].string(), Bundle(adt("A03")).one("Encounter")["id"].string());
}

TEST(Convert, LinksTheMergedToWhoStays) {
    const Bundle bundle(
        "MSH|^~\\&|HIS|H|||20261120||ADT^A40|C1|P|2.5\rEVN||20261120\rPID|1||42^^^H^MR||Li^Na||1980|F\rMRG|17^^^H^MR\r");
    ASSERT_EQ(bundle.error, "");
    const auto patients = bundle.all("Patient");
    ASSERT_EQ(patients.size(), 2u);
    EXPECT_EQ(patients[0]["link"][first]["type"].string(), "replaces");
    EXPECT_EQ(patients[1]["link"][first]["type"].string(), "replaced-by");
    EXPECT_FALSE(patients[1]["active"].as_bool());
    EXPECT_EQ(patients[1]["link"][first]["other"]["reference"].string(), "Patient/" + std::string(patients[0]["id"].string()));
    const Bundle before("MSH|^~\\&|HIS|H|||20261119||ADT^A28|C0|P|2.5\rPID|1||17^^^H^MR||Li^Na\r");
    EXPECT_EQ(before.one("Patient")["id"].string(), patients[1]["id"].string());
}

// ---- Results ----------------------------------------------------------------------------------------------------------------

std::string oru(std::string_view obx) {
    return "MSH|^~\\&|LIS|H|||20261120093000+0800||ORU^R01|R1|P|2.4\rPID|1||42^^^H^MR||王芳||1980|2\rOBR|1|P1|F1|CBC^血常规^L|||"
           "20261120080000||||||||BLD^全血|D1^刘强||||||20261120092000||HM|F\r" +
           std::string(obx);
}

TEST(Convert, TakesEveryTypeOfValue) {
    const Bundle bundle(
        oru("OBX|1|NM|WBC^白细胞^L||6.50|10\\S\\9/L|3.5-9.5|N|||F|||20261120091500\r"
            "OBX|2|SN|A^a^L||>^100|mg|<50|H|||F\rOBX|3|SN|B^b^L||^1^:^128||||||F\rOBX|4|SN|C^c^L||^5^-^7||||||F\r"
            "OBX|5|CE|D^d^L||POS^阳性^L||阴性|A|||C\rOBX|6|DT|E^e^L||20261101||||||F\rOBX|7|TM|G^g^L||0815||||||F\r"
            "OBX|8|TX|H^h^L||第一行~第二行||||||P\rOBX|9|NM|I^i^L||不详|g||||F\rOBX|10|ST|J^j^L||||||||X\r"
            "OBX|11|ED|K^报告^L||^AP^PDF^Base64^JVBERg==||||||F\rOBX|12|NM|L^l^L||<0.05|g||||F\r"));
    ASSERT_EQ(bundle.error, "");
    const auto all = bundle.all("Observation");
    ASSERT_EQ(all.size(), 12u);
    EXPECT_EQ(all[0]["valueQuantity"]["value"].text(), "6.50");
    EXPECT_EQ(all[0]["valueQuantity"]["unit"].string(), "10^9/L");
    EXPECT_EQ(all[0]["referenceRange"][first]["high"]["value"].text(), "9.5");
    EXPECT_EQ(all[0]["effectiveDateTime"].string(), "2026-11-20T09:15:00+08:00");
    EXPECT_EQ(all[1]["valueQuantity"]["comparator"].string(), ">");
    EXPECT_EQ(all[1]["referenceRange"][first]["high"]["value"].text(), "50");
    EXPECT_EQ(all[1]["interpretation"][first]["coding"][first]["system"].string(),
              "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation");
    EXPECT_EQ(all[2]["valueRatio"]["denominator"]["value"].text(), "128");
    EXPECT_EQ(all[3]["valueRange"]["low"]["value"].text(), "5");
    EXPECT_EQ(all[4]["valueCodeableConcept"]["coding"][first]["code"].string(), "POS");
    EXPECT_EQ(all[4]["status"].string(), "corrected");
    EXPECT_EQ(all[5]["valueDateTime"].string(), "2026-11-01");
    EXPECT_EQ(all[6]["valueTime"].string(), "08:15:00");
    EXPECT_EQ(all[7]["valueString"].string(), "第一行\n第二行");
    EXPECT_EQ(all[8]["valueString"].string(), "不详");
    EXPECT_EQ(all[9]["status"].string(), "cancelled");
    EXPECT_TRUE(all[9]["dataAbsentReason"]);
    EXPECT_EQ(all[11]["valueQuantity"]["comparator"].string(), "<");
    const json::Value report = bundle.one("DiagnosticReport");
    EXPECT_EQ(report["result"].size(), 12u);
    EXPECT_EQ(report["status"].string(), "final");
    EXPECT_EQ(report["presentedForm"][first]["contentType"].string(), "application/pdf");
    EXPECT_EQ(report["issued"].string(), "2026-11-20T09:20:00+08:00");
    EXPECT_TRUE(bundle.notes("not-a-number"));
    for (const json::Node& entry : bundle.root["entry"].items())
        EXPECT_TRUE(fhir::validate(json::Value(&entry)["resource"]).ok())
            << fhir::validate(json::Value(&entry)["resource"]).line();
}

TEST(Convert, KeepsPartialTimesAndTheSendersZone) {
    const auto born = [](std::string_view text) {
        const Bundle bundle("MSH|^~\\&|HIS|H|||20261120093000-0500||ADT^A28|C1|P|2.5\rPID|1||42||Li||" + std::string(text));
        return std::string(bundle.one("Patient")["birthDate"].string());
    };
    EXPECT_EQ(born("1980"), "1980");
    EXPECT_EQ(born("198002"), "1980-02");
    EXPECT_EQ(born("19800229"), "1980-02-29");
    EXPECT_EQ(born("19810229"), "1981-02") << "there is no such day";
    EXPECT_EQ(born("1980-02-03"), "1980-02-03");
    EXPECT_EQ(born("00000000"), "");
    EXPECT_EQ(born("abc"), "");
    const Bundle zone(
        "MSH|^~\\&|HIS|H|||20261120093000-0500||ADT^A01|C1|P|2.5\rPID|1||42||Li\rPV1|1|I|||||||||||||||||V1||||||||||||||||||||||"
        "|||20261120080000\r");
    EXPECT_EQ(zone.one("Encounter")["period"]["start"].string(), "2026-11-20T08:00:00-05:00")
        << "the zone of MSH-7 holds for the message";
    EXPECT_EQ(zone.converted.facts.sent_at, "2026-11-20T09:30:00-05:00");
}

TEST(Convert, NamesSegmentsNobodyKnows) {
    const Bundle bundle(adt("A08") + "\rZPI|1|something\rXYZ|2\r");
    ASSERT_EQ(bundle.error, "");
    int unknown = 0;
    for (const message::Note& each : bundle.converted.notes) unknown += each.key == "unknown-segment";
    EXPECT_EQ(unknown, 2);
}

// ---- Broken messages --------------------------------------------------------------------------------------------------------

// A code of a system that nobody here knows is kept as the sender's own, never taken for one of a known system.
TEST(Convert, KeepsCodesOfUnknownSystemsAsTheSendersOwn) {
    const Bundle bundle(
        "MSH|^~\\&|HIS|H1|X|R|20261122080000||ADT^A01^ADT_A01|1|P|2.5.1|||||CHN|UNICODE UTF-8\r"
        "EVN||20261122080000\rPID|1||MRN1^^^H1^MR||张^三||19800101|M\rPV1|1|O|W1||||||||||||||||V1\r"
        "DG1|1||Q77^怪病^XYZCODES||20261122080000|A\r");
    ASSERT_EQ(bundle.error, "");
    const json::Value coding = bundle.one("Condition")["code"]["coding"][0];
    EXPECT_EQ(coding["system"].string(), message::own_system(sender, "code:XYZCODES"));
    EXPECT_EQ(coding["code"].string(), "Q77");
    EXPECT_EQ(coding["display"].string(), "怪病");
}

TEST(Convert, RefusesWhatIsCutOffAndNamesThePlace) {
    const auto error = [](std::string_view text) { return Bundle(text).error; };
    EXPECT_EQ(error("MSH|^~\\&|A|B|C|D|2026"),
              "MSH-9: the message type is missing: the message is cut off or not HL7, send it whole");
    EXPECT_EQ(error("MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.4\rEVN|A01|2026\r"),
              "PID: a ADT^A01 message needs the segment PID: it is cut off or incomplete, send it whole");
    EXPECT_EQ(error("MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.4\rPID|1||7||a\r"),
              "PV1: a ADT^A01 message needs the segment PV1: it is cut off or incomplete, send it whole");
    EXPECT_EQ(error("MSH|^~\\&|A|B|||2026||ADT^A28|1|P|2.4\rPID|1||\r"),
              "PID-3: the last segment ends before its required fields: the message is cut off, send it whole");
    EXPECT_EQ(error("MSH|^~\\&|A|B|||2026||ADT^A28|1|P|2.4\rPID|1||||Li^Na|||F\r"),
              "PID-3: the patient has no number, send the patient's number in the institution");
    EXPECT_EQ(error("MSH|^~\\&|A|B|||2026||ACK|1|P|2.4\rMSA|AA|7\r"),
              "MSH-9: an acknowledgement holds no record, send it to whoever waits for it");
    EXPECT_NE(error(oru("OBX|1|NM|WBC^w^L||6.5|g|||||F\rOBX|2|NM|WB")), "");
    EXPECT_EQ(error(oru("OBX|1|NM|WBC^w^L||6.5|g|||||F\rOBX|2|NM|RBC^r^L||4.")),
              "OBX[2]-5: the last OBX ends before its status: the message is cut off, send it whole");
}

TEST(Convert, NeverFallsOverSamplesCutAnywhere) {
    for (const char* name : {"ADT-A04-01.hl7", "ORU-R01-01.hl7", "RDE-O11-02.hl7", "SIU-S13-01.hl7"}) {
        const std::string whole = file(folder / name);
        for (std::size_t at = 0; at < whole.size(); at += 97) {
            const Bundle bundle(std::string_view(whole).substr(0, at));
            if (!bundle.error.empty()) continue;
            for (const json::Node& entry : bundle.root["entry"].items()) {
                const Outcome outcome = fhir::validate(json::Value(&entry)["resource"]);
                ASSERT_TRUE(outcome.ok()) << name << " cut at " << at << ": " << outcome.line();
            }
        }
    }
}

TEST(Convert, StandsDamageAnywhere) {
    std::uint64_t state = 7;
    const auto random = [&](std::size_t below) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return static_cast<std::size_t>((state >> 33) % below);
    };
    std::vector<std::string> texts;
    for (const fs::path& path : samples()) texts.push_back(file(path));
    constexpr std::string_view pieces[] = {
        "|", "^", "~", "&", "\\", "\r", "\"\"", "\\X", "-", "99999999999999", "\xFF", "张", "\rOBX|", "\rORC|NW", "\rPID|1||7"};
    for (int round = 0; round < 400; ++round) {
        std::string text = texts[random(texts.size())];
        for (std::size_t hit = 1 + random(12); hit > 0; --hit) {
            const std::size_t at = 9 + random(text.size() - 9);
            const std::string_view piece = pieces[random(std::size(pieces))];
            if (random(2) == 0) text.insert(at, piece);
            else text.replace(at, std::min<std::size_t>(piece.size(), text.size() - at), piece);
        }
        (void)explain(text, sender, tables());
        const Bundle bundle(text);
        if (!bundle.error.empty()) continue;
        for (const json::Node& entry : bundle.root["entry"].items()) {
            const Outcome outcome = fhir::validate(json::Value(&entry)["resource"]);
            ASSERT_TRUE(outcome.ok()) << "round " << round << ": " << outcome.line() << '\n'
                                      << json::write(json::Value(&entry)["resource"]);
        }
    }
}

TEST(Explain, SaysSegmentsAndFieldsInWords) {
    const auto words = explain(chinese_admission, sender, tables());
    ASSERT_TRUE(words.ok());
    EXPECT_EQ(words->segments[2].title_zh, "患者基本信息");
    const FieldWords& sex = words->segments[2].fields[4];
    EXPECT_EQ(sex.place, "PID-8");
    EXPECT_EQ(sex.name_zh, "性别");
    EXPECT_EQ(sex.meaning, "男性");
}

}  // namespace
}  // namespace xinglin::hl7v2
