// SPDX-License-Identifier: Apache-2.0
// Mappings: what is found wrong with one before the first row comes, and what its rows become.
#include "table/mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fhir/fhir.h"
#include "terminology/terminology.h"
#include "testing/testing.h"

namespace xinglin::table {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view small = R"json({
 "mapping": "small", "version": "1", "title": "小", "title_en": "Small",
 "columns": {
  "name": {"headers": ["姓名"], "required": true},
  "sex": {"headers": ["性别"], "kind": "code", "codes": "sex"},
  "birth": {"headers": ["出生日期"], "kind": "date"},
  "id": {"headers": ["身份证号"], "kind": "resident_id", "on_bad": "keep", "agrees": {"birth_date": "birth", "sex": "sex"}},
  "weight": {"headers": ["体重"], "kind": "number", "unit": "kg", "minimum": "1", "maximum": "300", "on_bad": "leave_out"}
 },
 "codes": {"sex": {"values": {"男": "male", "女": "female"}, "unknown": "refuse"}},
 "resources": [
  {"name": "patient", "type": "Patient", "key": [["id", "$id"], ["name", "$name", "$birth"]],
   "set": {"name.text": "$name", "gender": "$sex", "birthDate": {"$first": ["$birth", "$id.birth_date"]},
           "identifier[0].system": "urn:oid:2.16.156.10011.1.3", "identifier[0].value": "$id"}},
  {"name": "weight", "type": "Observation", "key": ["weight", "$name"], "when": "$weight",
   "set": {"status": "final", "code": {"text": "体重"}, "subject": {"$reference": "patient"}, "valueQuantity": "$weight"}}
 ]
})json";

std::string replaced(std::string_view text, std::string_view what, std::string_view by) {
    std::string out(text);
    const std::size_t at = out.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return out.replace(at, what.size(), by);
}

Mapping read(std::string_view text) {
    auto mapping = Mapping::read(text);
    EXPECT_TRUE(mapping.ok()) << mapping.outcome().line();
    return *mapping;
}

/// "where key" of the first complaint.
std::string complaint(std::string_view text) {
    const auto mapping = Mapping::read(text);
    if (mapping.ok()) return "none";
    const Issue& first = mapping.outcome().issues.front();
    return first.where + " " + first.key;
}

struct Converted {
    std::vector<Item> items;
    std::string refusal;
};

Converted convert(const Mapping& mapping, std::string_view csv, ConversionOptions options = {},
                  message::Sender sender = {.id = "clinic"}) {
    Converted all;
    const auto rows = read_csv(Source::memory(csv));
    auto conversion = Conversion::begin(mapping, sender, **rows, std::move(options));
    if (!conversion.ok()) {
        all.refusal = conversion.outcome().line();
        return all;
    }
    Item item;
    for (;;) {
        const auto more = conversion->next(item);
        if (!more.ok()) {
            all.refusal = more.outcome().line();
            return all;
        }
        if (!*more) return all;
        all.items.push_back(std::move(item));
    }
}

json::Value resource(json::Arena& arena, const Item& item, std::size_t number) {
    EXPECT_TRUE(item.converted) << item.refusal.line();
    if (!item.converted) return {};
    return (*json::parse(item.converted->bundle, arena))["entry"][number]["resource"];
}

TEST(Mappings, ThatAreRightAreRead) { EXPECT_EQ(complaint(small), "none"); }

TEST(Mappings, ThatMapSexToBirthDateAreFound) {
    const std::string wrong =
        replaced(small, R"("birthDate": {"$first": ["$birth", "$id.birth_date"]})", R"("birthDate": "$sex")");
    EXPECT_EQ(complaint(wrong), "resources/patient/set/birthDate wrong-type");
    EXPECT_THAT(Mapping::read(wrong).outcome().line(),
                HasSubstr("Patient.birthDate is of type date, but column \"sex\" is of kind code"));
}

TEST(Mappings, AreHeldAgainstR4) {
    EXPECT_EQ(complaint(replaced(small, "birthDate", "birthday")), "resources/patient/set/birthday unknown-path");
    EXPECT_EQ(complaint(replaced(small, "\"gender\": \"$sex\"", "\"gender\": \"$name\"")),
              "resources/patient/set/gender wrong-type");
    EXPECT_EQ(complaint(replaced(small, "\"男\": \"male\"", "\"男\": \"man\"")), "resources/patient/set/gender unknown-code");
    EXPECT_EQ(complaint(replaced(small, "\"type\": \"Patient\"", "\"type\": \"Person2\"")),
              "resources/patient/type unknown-type");
    EXPECT_EQ(complaint(replaced(small, "\"status\": \"final\", ", "")).substr(0, 16), "resources/weight");
    EXPECT_EQ(complaint(replaced(small, "\"status\": \"final\"", "\"status\": \"done\"")),
              "resources/weight/set/status unknown-code");
    EXPECT_EQ(complaint(replaced(small, "\"valueQuantity\": \"$weight\"", "\"value\": \"$weight\"")),
              "resources/weight/set/value unknown-path");
    EXPECT_EQ(complaint(replaced(small, "{\"$reference\": \"patient\"}", "{\"$reference\": \"weight\"}")),
              "resources/weight/set/subject wrong-target");
    EXPECT_EQ(complaint(replaced(small, "\"name.text\": \"$name\"", "\"name.text\": [\"$name\"]")),
              "resources/patient/set/name/text wrong-type");
    EXPECT_EQ(complaint(replaced(small, "\"valueQuantity\": \"$weight\"", "\"valueQuantity\": \"$name\"")),
              "resources/weight/set/valueQuantity wrong-type");
}

TEST(Mappings, SaySlipsOfThePen) {
    EXPECT_EQ(complaint(replaced(small, "\"$sex\"", "\"$sexx\"")), "resources/patient/set/gender unknown-column");
    EXPECT_EQ(complaint(replaced(small, "\"required\": true", "\"requird\": true")), "columns/name/requird unknown-member");
    EXPECT_EQ(complaint(replaced(small, "\"kind\": \"date\"", "\"kind\": \"day\"")), "columns/birth/kind unknown-kind");
    EXPECT_EQ(complaint(replaced(small, "\"codes\": \"sex\"", "\"codes\": \"sexes\"")), "columns/sex/codes unknown-code-table");
    EXPECT_EQ(complaint(replaced(small, "\"mapping\": \"small\"", "\"mapping\": \"../x\"")), "mapping name");
    EXPECT_EQ(complaint(replaced(small, "\"$id.birth_date\"", "\"$birth.sex\"")), "resources/patient/set/birthDate/1 wrong-type");
    EXPECT_EQ(complaint(replaced(small, "\"identifier[0].value\"", "\"identifier[5].value\"")),
              "resources/patient/set/identifier[5].value path");
    EXPECT_FALSE(Mapping::read("").ok());
    EXPECT_FALSE(Mapping::read("[]").ok());
    EXPECT_FALSE(Mapping::read("{}").ok());
}

TEST(Rows, BecomeResources) {
    json::Arena arena;
    const auto done = convert(read(small), "姓名,性别,出生日期,身份证号,体重\n张三,女,1949-12-31,11010519491231002X,60.5\n");
    ASSERT_EQ(done.items.size(), 1u) << done.refusal;
    const json::Value patient = resource(arena, done.items[0], 0);
    const std::string id = message::stable_id("clinic", "Patient", "id^11010519491231002X");
    EXPECT_EQ(
        json::write(patient),
        R"({"resourceType":"Patient","id":")" + id +
            R"(","meta":{"source":"urn:xinglin:source:clinic"},"name":[{"text":"张三"}],"gender":"female","birthDate":"1949-12-31",)"
            R"("identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":"11010519491231002X"}]})");
    const json::Value weight = resource(arena, done.items[0], 1);
    EXPECT_EQ(weight["subject"]["reference"].string(), "Patient/" + id);
    EXPECT_EQ(json::write(weight["valueQuantity"]),
              R"({"value":60.5,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"})");
    EXPECT_EQ(done.items[0].converted->facts.kind, "small");
    EXPECT_EQ(done.items[0].converted->facts.patient, id);
}

TEST(Rows, WithoutAValueLeaveItsElementOut) {
    json::Arena arena;
    const auto done = convert(read(small), "姓名,性别,出生日期,身份证号,体重\n张三,,1990-01-02,,\n");
    const json::Value patient = resource(arena, done.items.at(0), 0);
    EXPECT_FALSE(patient["gender"]);
    EXPECT_FALSE(patient["identifier"]);  // a system alone says nothing
    EXPECT_EQ((*json::parse(done.items[0].converted->bundle, arena))["entry"].size(), 1u);
}

TEST(Rows, ThatAreWrongAreToldWithRowColumnAndRemedyAndTheOthersGoOn) {
    const auto done =
        convert(read(small),
                "标题\n姓名,性别,出生日期,身份证号,体重\n张三,男,昨天,,\n李四,男,1990-01-02,,\n,男,1990-01-02,,\n王五,妖,,1,\n");
    ASSERT_EQ(done.items.size(), 4u) << done.refusal;
    EXPECT_EQ(done.items[0].refusal.line(),
              "row 3, column 出生日期: is no date; write it as 2026-11-22, 20261122 or 2026年11月22日");
    EXPECT_TRUE(done.items[1].converted);
    EXPECT_EQ(done.items[2].refusal.issues[0].where, "row 5, column 姓名");
    EXPECT_EQ(done.items[3].refusal.issues[0].key, "unknown-code");
}

TEST(Rows, WithDoubtfulCellsCarryNotes) {
    const auto done = convert(read(small),
                              "姓名,性别,出生日期,身份证号,体重\n张三,男,1949-12-31,110105194912310021,9999\n张三,男,1949-12-30,"
                              "11010519491231002X,abc\n");
    ASSERT_EQ(done.items.size(), 2u);
    std::vector<std::string> keys;
    for (const Item& item : done.items)
        for (const message::Note& note : item.converted->notes) keys.push_back(note.where + " " + note.key);
    EXPECT_THAT(keys, ::testing::ElementsAre("row 2, column 身份证号 bad-resident-id", "row 2, column 体重 out-of-range",
                                             "row 3, column 体重 not-a-number", "row 3, column 身份证号 disagrees",
                                             "row 3, column 身份证号 disagrees"));
}

TEST(Rows, OfWhichNothingTellsThemFromOthersAreRefused) {
    const auto done = convert(read(small), "姓名,性别,出生日期,身份证号,体重\n张三,男,,,\n");
    EXPECT_EQ(done.items.at(0).refusal.issues.at(0).key, "no-key");
    EXPECT_EQ(done.items.at(0).refusal.issues.at(0).where, "row 2");
}

TEST(Headers, AreFoundBelowTitlesAndInTwoRows) {
    json::Arena arena;
    const auto done =
        convert(read(small),
                "某某卫生院登记表,,,,\n姓 名*,性别：,出生日期（年月日）,检查,\n,,,身份证号,体重(kg)\n张三,男,1990/1/2,,60\n");
    ASSERT_EQ(done.items.size(), 1u) << done.refusal;
    EXPECT_EQ(resource(arena, done.items[0], 1)["valueQuantity"]["value"].text(), "60");
}

TEST(Headers, ThatLackARequiredColumnAreRefusedByName) {
    EXPECT_THAT(convert(read(small), "性别,出生日期\n男,1990-01-01\n").refusal,
                HasSubstr("\"name\" is missing; it may be called: 姓名"));
    EXPECT_THAT(convert(read(small), "a,b\n1,2\n").refusal, HasSubstr("header"));
    EXPECT_THAT(convert(read(small), "").refusal, HasSubstr("header"));
}

constexpr std::string_view grouped = R"json({
 "mapping": "grouped", "version": "1",
 "columns": {"number": {"headers": ["单号"], "required": true, "fill_down": true}, "item": {"headers": ["项目"], "required": true},
             "value": {"headers": ["结果"], "kind": "number"}, "name": {"headers": ["姓名"], "fill_down": true}},
 "group": ["$number"],
 "resources": [
  {"name": "patient", "type": "Patient", "key": ["p", "$name"], "set": {"name.text": "$name"}},
  {"name": "result", "type": "Observation", "each": "row", "key": ["r", "$number", "$item"],
   "set": {"status": "final", "code.text": "$item", "subject": {"$reference": "patient"}, "valueQuantity": "$value"}},
  {"name": "report", "type": "DiagnosticReport", "key": ["d", "$number"],
   "set": {"status": "final", "code.text": "报告", "subject": {"$reference": "patient"}, "result": {"$references": "result"}}}
 ]
})json";

TEST(Groups, AreOneMessageAndMergedCellsAreFilledDown) {
    json::Arena arena;
    const auto done = convert(read(grouped), "单号,姓名,项目,结果\nA1,张三,白细胞,5.1\n,,血红蛋白,130\nA2,李四,白细胞,6\n");
    ASSERT_EQ(done.items.size(), 2u);
    EXPECT_EQ(done.items[0].rows, (std::vector<std::uint64_t>{2, 3}));
    EXPECT_EQ(resource(arena, done.items[0], 3)["result"].size(), 2u);
    EXPECT_EQ(resource(arena, done.items[1], 2)["result"].size(), 1u);
}

TEST(Groups, NothingIsFilledDownIntoAnother) {
    const auto done = convert(read(grouped), "单号,姓名,项目,结果\nA1,张三,白细胞,5.1\nA2,,白细胞,6\n");
    ASSERT_EQ(done.items.size(), 2u);
    EXPECT_EQ(done.items[1].refusal.issues.at(0).key, "no-key");
}

TEST(Groups, KeepTheirGoodRowsAndRefuseThoseThatComeLate) {
    const auto done = convert(
        read(grouped), "单号,姓名,项目,结果\nA1,张三,白细胞,5.1\nA1,张三,血红蛋白,高\nA2,李四,白细胞,6\nA1,张三,血小板,200\n");
    ASSERT_EQ(done.items.size(), 4u);
    EXPECT_EQ(done.items[0].rows, (std::vector<std::uint64_t>{3}));
    EXPECT_EQ(done.items[0].refusal.issues[0].key, "not-a-number");
    EXPECT_EQ(done.items[1].rows, (std::vector<std::uint64_t>{2}));
    EXPECT_THAT(done.items[3].refusal.line(), HasSubstr("sort the file"));
}

TEST(Splitting, GivesMessagesThatConvertByThemselves) {
    const Mapping mapping = read(grouped);
    const std::string_view csv = "单号,姓名,项目,结果\nA1,张三,\"白,细胞\",5.1\n,,血红蛋白,130\nA2,李四,白细胞,高\n";
    const auto split = convert(mapping, csv, {.split_only = true});
    const auto whole = convert(mapping, csv);
    ASSERT_EQ(split.items.size(), 2u);
    const message::Sender sender{.id = "clinic"};
    EXPECT_EQ(convert_one(split.items[0].raw, mapping, sender)->bundle, whole.items.at(1).converted->bundle);
    EXPECT_EQ(convert_one(split.items[1].raw, mapping, sender).outcome().issues[0].where, "column 结果");
    EXPECT_FALSE(convert_one("", mapping, sender).ok());
    EXPECT_FALSE(convert_one("单号,姓名,项目,结果\n", mapping, sender).ok());
}

// ---- the mappings of content/ ------------------------------------------------------------------------------------------------

TEST(Shelf, EveryMappingIsRightAndDoesWhatItsCasesSay) {
    const content::Files files = *content::Files::over(std::filesystem::path(XINGLIN_SOURCE_DIR) / "content");
    const testing::StoppedClock clock;
    const terminology::Terminology terms(files, clock);
    const Lookup lookup = [&](std::string_view system, std::string_view code_or_name) -> std::optional<Coding> {
        if (const auto found = terms.lookup({.system = system, .code = code_or_name}); found.ok())
            return Coding{found->system, found->code, found->display};
        const auto page = terms.concepts({.system = system, .words = code_or_name, .count = 20});
        if (!page.ok()) return std::nullopt;
        for (const auto& row : page->concepts)
            if (row.display == code_or_name) return Coding{page->system, row.code, row.display};
        return std::nullopt;
    };
    std::vector<content::Complaint> complaints;
    std::size_t checked = 0;
    check_shelf(files, lookup, complaints, checked);
    for (const auto& one : complaints) ADD_FAILURE() << one.file << ": " << one.where << ": " << one.what;
    EXPECT_GE(checked, 20u);
    EXPECT_EQ(shelved(files).size(), 13u);
}

TEST(Proposals, FindTheMappingByItsHeadersAndGuessTheRestByValues) {
    const content::Files files;
    const auto rows = read_csv(Source::memory(
        "登记表\n门诊号,患者姓名,性别,就诊日期,诊断,陪诊人电话,备用日期\nA1,张三,男,2026-11-22,感冒,13800138000,2026-01-01\n"));
    const auto proposal = propose(**rows, shelved(files));
    ASSERT_TRUE(proposal.ok());
    EXPECT_EQ(proposal->based_on, "clinic_visits");
    EXPECT_TRUE(Mapping::read(proposal->mapping).ok()) << Mapping::read(proposal->mapping).outcome().line();
    std::vector<std::string> guesses;
    for (const auto& guess : proposal->guesses)
        guesses.push_back(guess.header + "=" + (guess.sure ? guess.column : "?" + guess.kind));
    EXPECT_THAT(guesses, ::testing::ElementsAre("门诊号=visit_number", "患者姓名=name", "性别=sex", "就诊日期=visit_time",
                                                "诊断=diagnosis", "陪诊人电话=?phone", "备用日期=?date"));
}

TEST(Proposals, WithoutAKnownMappingStillSayWhatTheColumnsLookLike) {
    const auto rows = read_csv(Source::memory("甲,乙,丙\n11010519491231002X,2026-01-01,3.5\n"));
    const auto proposal = propose(**rows, {});
    ASSERT_TRUE(proposal.ok());
    EXPECT_EQ(proposal->guesses.at(0).kind, "resident_id");
    EXPECT_EQ(proposal->guesses.at(1).kind, "date");
    EXPECT_EQ(proposal->guesses.at(2).kind, "number");
}

}  // namespace
}  // namespace xinglin::table
