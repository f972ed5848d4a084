// SPDX-License-Identifier: Apache-2.0
// Tables as small institutions keep them: outpatient register, follow-up, vaccinations, laboratory, resident register. The heads of
// the columns are those that the mapping files know.
#include <fmt/format.h>

#include <charconv>
#include <iterator>

#include "city/fhir_writer.h"
#include "city/native.h"
#include "city/random.h"

namespace xinglin::city {

namespace {

std::string decimal(double value, int decimals) {
    if (value <= 0) return "";
    char buffer[64];
    const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, decimals);
    return {buffer, end};
}
std::string minute_text(std::int64_t seconds) {
    const std::string text = time_text(seconds);
    return text.substr(0, 10) + " " + text.substr(11, 5);
}

Native& row(Sending& sending, const Institution& at, std::int64_t time, std::string_view kind, const Written& who,
            std::string_view head) {
    Native& native = sending.add(at, time, kind, "csv", who);
    native.head = std::string(head) + "\r\n";
    // Spreadsheets of some offices are not in UTF-8.
    native.gb18030 =
        mix(at.key.size() * 131 + static_cast<unsigned char>(at.key.back()) + static_cast<unsigned char>(at.key[0])) % 3 == 0;
    return native;
}

void cells(Native& native, std::initializer_list<std::string_view> values) {
    std::size_t n = 0;
    for (const std::string_view value : values) put_cell(native.text, value, ++n == values.size());
}

std::string_view dept_name(std::string_view dept) { return dept == "02" ? "全科医疗科" : dept == "05" ? "妇产科" : "内科"; }

std::string_view sex_text(Sending& sending, Native& native, const Written& who) {
    Random random(sending.world.district.seed, Purpose::faults, native.order, static_cast<std::uint64_t>(native.time));
    if (!random.chance(sending.world.facts.fault("wrong_code"))) return who.male ? "男" : "女";
    native.fault = "wrong_code";
    return "X";
}

void register_row(Sending& sending, const Visit& visit, const Institution& at, const Written& who) {
    Native& native =
        row(sending, at, visit.start, "clinic_visits", who,
            "门诊号,就诊时间,姓名,身份证号,性别,出生日期,联系电话,现住址,病历号,科室,医生,初诊/复诊,主诉,诊断编码,诊断");
    const Diagnosis& diagnosis = visit.diagnoses[0];
    cells(native, {visit_number(visit, sending.story.person), minute_text(visit.start), who.name(), who.id,
                   sex_text(sending, native, who), date_text(who.birth), who.phone, who.address, who.number,
                   dept_name(visit.dept), visit.doctor == none32 ? "" : sending.world.district.doctors[visit.doctor].name,
                   visit.complaint == "复诊、配药" ? "复诊" : "初诊", visit.complaint, diagnosis.code, diagnosis.name});
}

void followup_row(Sending& sending, const Visit& visit, const Institution& at, const Written& who) {
    Native& native = row(sending, at, visit.start, "hypertension_follow_up", who,
                         "姓名,身份证号,性别,出生日期,联系电话,健康档案编号,随访日期,随访方式,收缩压,舒张压,体重,心率,服药依从性,"
                         "药物不良反应,此次随访分类,药物名称1,用法用量1,下次随访日期,随访医生");
    const World& world = sending.world;
    const std::uint16_t community = world.people.households[world.people.household(sending.story.person, visit.day())].community;
    const Vitals& vitals = visit.vitals;
    std::string medicine, dosage;
    if (!visit.medicines.empty()) {
        const Medicine& each = world.facts.medicines[visit.medicines[0].medicine];
        medicine = each.name;
        dosage = fmt::format("每次{}{}，每日{}次", each.dose, each.dose_unit, each.times_a_day);
    }
    cells(native, {who.name(), who.id, sex_text(sending, native, who), date_text(who.birth), who.phone,
                   record_number(world.district, sending.story.person, world.district.communities[community].code),
                   date_text(visit.day()), mix(sending.story.person + visit.number) % 5 == 0 ? "家庭" : "门诊",
                   decimal(vitals.systolic, 0), decimal(vitals.diastolic, 0), decimal(vitals.weight, 1), decimal(vitals.pulse, 0),
                   mix(sending.story.person * 3ull + visit.number) % 8 == 0 ? "间断" : "规律", "无",
                   vitals.systolic < 140 && vitals.diastolic < 90 ? "控制满意" : "控制不满意", medicine, dosage,
                   date_text(visit.day() + 90), visit.doctor == none32 ? "" : world.district.doctors[visit.doctor].name});
}

void laboratory_rows(Sending& sending, const Visit& visit, const Institution& at, const Written& who) {
    const Facts& facts = sending.world.facts;
    const bool male = sending.world.people.all[sending.story.person].male;
    for (std::size_t n = 0; n < visit.labs.size(); ++n) {
        const LabReport& report = visit.labs[n];
        if (!sending.is_now(report.at)) continue;
        for (const LabResult& result : report.results) {
            const LabItem& item = facts.items[result.item];
            Native& native = row(sending, at, report.at, "laboratory_results", who,
                                 "姓名,身份证号,性别,出生日期,病历号,报告单号,检验项目组合,检验项目,项目代码,结果,单位,参考范围,"
                                 "提示,采样时间,报告时间");
            const std::string value = item.is_test() ? (result.flag > 0 ? "阳性" : "阴性") : decimal(result.value, item.decimals);
            const std::string range = item.is_test() ? "阴性"
                                                     : fmt::format("{}-{}", decimal(item.low[male] + 1e-9, item.decimals),
                                                                   decimal(item.high[male], item.decimals));
            cells(native, {who.name(), who.id, who.male ? "男" : "女", date_text(who.birth), who.number,
                           fmt::format("{}-L{}", visit_number(visit, sending.story.person), n + 1),
                           facts.panels[report.panel].name, item.name, item.code, value, item.unit, range,
                           result.flag < 0   ? "↓"
                           : result.flag > 0 ? (item.is_test() ? "阳性" : "↑")
                                             : "",
                           minute_text(report.ordered), minute_text(report.at)});
        }
    }
}

}  // namespace

void table_visit(Sending& sending, const Visit& visit, std::uint16_t institution) {
    const Institution& at = sending.world.district.institutions[institution];
    const Written who = sending.as_known_to(institution, visit.day(), visit.number);
    laboratory_rows(sending, visit, at, who);
    if (!sending.is_now(visit.start)) return;
    if (visit.kind == VisitKind::followup) {
        if (visit.programme.starts_with("高血压")) followup_row(sending, visit, at, who);
        else register_row(sending, visit, at, who);
        return;
    }
    register_row(sending, visit, at, who);
}

void table_vaccination(Sending& sending, const Vaccination& vaccination, std::int64_t sent) {
    const World& world = sending.world;
    const Institution& at = world.district.institutions[vaccination.institution];
    const Vaccine& vaccine = world.facts.vaccines[vaccination.vaccine];
    const auto day = static_cast<std::int32_t>(vaccination.at / 86'400);
    const Written who = sending.as_known_to(vaccination.institution, day, 0);
    const Person& person = world.people.all[sending.story.person];
    Native& native = row(sending, at, sent, "vaccinations", who,
                         "姓名,身份证号,性别,出生日期,现住址,儿童编码,监护人,监护人电话,疫苗名称,剂次,接种日期,疫苗批号,有效期,"
                         "接种部位,接种途径,接种单位,接种医生");
    const bool arm = vaccine.route.find("口服") == std::string::npos;
    cells(native, {who.name(), who.id, sex_text(sending, native, who), date_text(who.birth), who.address, who.number,
                   person.mother == none32 ? "" : name_of(world.facts, world.people.all[person.mother]), who.phone, vaccine.name,
                   std::to_string(vaccine.dose), minute_text(vaccination.at),
                   fmt::format("{:04}{}", vaccination.lot, date_text(day).substr(0, 4)), date_text(day / 60 * 60 + 540),
                   arm ? (vaccination.lot % 2 == 0 ? "左上臂" : "右上臂") : "", vaccine.route, at.name,
                   vaccination.doctor == none32 ? "" : world.district.doctors[vaccination.doctor].name});
}

void table_register(Sending& sending) {
    const World& world = sending.world;
    const Person& person = world.people.all[sending.story.person];
    // The register is built up over the first year; newcomers and newborns follow within weeks.
    const std::int32_t built =
        std::max(world.people.start, person.arrive) +
        static_cast<std::int32_t>(mix(sending.story.person * 5ull + 3) % (person.arrive == INT32_MIN ? 300 : 40));
    const std::int64_t time = built * 86'400ll + 9 * 3600 + static_cast<std::int64_t>(mix(sending.story.person) % 28'000);
    if (!sending.is_now(time) || !person.here(built) || mix(sending.story.person + 11ull) % 100 >= 84)
        return;  // 84 % have a record
    const std::uint16_t community = world.people.households[world.people.household(sending.story.person, built)].community;
    const Institution& at = world.district.institutions[world.district.centre_of(community)];
    const Written who = sending.as_known_to(world.district.centre_of(community), built, 0);
    const int age = world.people.age(person, built);
    Native& native = row(sending, at, time, "resident_register", who,
                         "姓名,身份证号,性别,出生日期,联系电话,现住址,健康档案编号,民族,婚姻状况,文化程度,是否户籍,血型,"
                         "药物过敏史,既往史,建档日期");
    constexpr std::string_view blood[] = {"A型", "B型", "O型", "AB型"};
    constexpr std::string_view allergies[] = {"无", "青霉素", "头孢菌素", "磺胺", "无"};
    std::string past;
    for (const Illness& illness : sending.story.illnesses) {
        if (illness.onset > built) continue;
        if (!past.empty()) past += "、";
        past += world.facts.chronic[illness.chronic].name;
    }
    const std::uint64_t luck = mix(sending.story.person * 7ull + world.district.seed);
    cells(native, {who.name(), who.id, sex_text(sending, native, who), date_text(who.birth), who.phone, who.address,
                   record_number(world.district, sending.story.person, world.district.communities[community].code),
                   luck % 100 < 94   ? "汉族"
                   : luck % 100 < 98 ? "满族"
                                     : "回族",
                   age < 20                  ? "未婚"
                   : person.spouse != none32 ? "已婚"
                                             : "未婚",
                   age < 6               ? ""
                   : age < 12            ? "小学"
                   : age < 18            ? "初中"
                   : luck / 100 % 10 < 2 ? "大学本科"
                   : luck / 100 % 10 < 5 ? "高中"
                                         : "初中",
                   luck / 1000 % 10 < 9 ? "是" : "否", blood[luck / 10'000 % 4], allergies[sending.story.allergy],
                   past.empty() ? "无" : past, date_text(built)});
}

}  // namespace xinglin::city
