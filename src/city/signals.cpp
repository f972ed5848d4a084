// SPDX-License-Identifier: Apache-2.0
// What is seen of infections outside the consulting room: fever and enteric clinic logs, school absence, pharmacy sales, report
// cards, calls to 120. Among them what has other reasons: absence for a cold, pills for a headache.
#include <fmt/format.h>

#include <algorithm>

#include "city/native.h"
#include "city/random.h"

namespace xinglin::city {

std::string_view card_occupation(int age) {
    return age < 3 ? "散居儿童" : age < 6 ? "幼托儿童" : age < 18 ? "学生" : age < 60 ? "工人" : "离退人员";
}

bool is_known_outbreak(const Epidemic& epidemic, const Infection& infection, std::int32_t day) {
    if (infection.outbreak == none16) return false;
    // What it still causes weeks later elsewhere is nobody's outbreak any more.
    constexpr std::int32_t noticed_after = 4, over_after = 21;  // days
    const std::int32_t since = day - epidemic.outbreaks[infection.outbreak].day;
    return since >= noticed_after && since < over_after;
}

namespace {

std::string minute_text(std::int64_t seconds) {
    const std::string text = time_text(seconds);
    return text.substr(0, 10) + " " + text.substr(11, 5);
}

/// A row of a source that is no institution of care.
Native& row(Sending& sending, std::string_view source, std::int64_t time, std::string_view kind, std::string_view head) {
    Institution at{};
    at.key = source;
    Native& native = sending.add(at, time, kind, "csv", Written{});
    native.head = std::string(head) + "\r\n";
    return native;
}
void cells(Native& native, std::initializer_list<std::string_view> values) {
    std::size_t n = 0;
    for (const std::string_view value : values) put_cell(native.text, value, ++n == values.size());
}

std::string class_name(SchoolKind kind, const Class& each) {
    constexpr std::string_view nursery[] = {"小班", "中班", "大班"},
                               grades[] = {"一年级", "二年级", "三年级", "四年级", "五年级", "六年级"},
                               middle[] = {"初一", "初二", "初三"}, high[] = {"高一", "高二", "高三"};
    const std::size_t n = each.grade > 0 ? each.grade - 1u : 0;
    if (kind == SchoolKind::kindergarten) return std::string(nursery[n % 3]);
    if (kind == SchoolKind::primary) return std::string(grades[n % 6]);
    return std::string(kind == SchoolKind::middle ? middle[n % 3] : high[n % 3]);
}

struct Illness1 {
    std::string_view symptoms, diagnosis;
    bool fever;
};

void absence(Sending& sending, std::uint32_t in_class, std::int32_t day, const Illness1& illness, bool seen) {
    const World& world = sending.world;
    if (in_class == none32 || !world.days.is_school_day(day)) return;
    const std::int64_t time =
        day * 86'400ll + 9 * 3600 + static_cast<std::int64_t>(mix(in_class * 31ull + static_cast<std::uint64_t>(day)) % 3600);
    if (!sending.is_now(time)) return;
    const Class& each = world.epidemic.classes[in_class];
    const School& school = world.district.schools[each.school];
    // A school is a source of its own: its number lies beyond those of the institutions.
    const Written who = sending.as_known_to(100'000u + each.school, day, 0);
    Native& native =
        row(sending, school.key, time, "school_absence",
            "学校,年级,班级,姓名,学籍号,身份证号,性别,出生日期,联系电话,缺勤日期,缺勤原因,症状,是否发热,是否就诊,诊断");
    native.number = who.number;
    cells(native, {school.name, class_name(school.kind, each), fmt::format("{}班", each.section), who.name(), who.number,
                   mix(sending.story.person) % 4 == 0 ? "" : std::string_view(who.id), who.male ? "男" : "女",
                   date_text(who.birth), who.phone, date_text(day), "病假", illness.symptoms, illness.fever ? "是" : "否",
                   seen ? "是" : "否", illness.diagnosis});
}

void clinic_log(Sending& sending, const Visit& visit) {
    const World& world = sending.world;
    const Institution& at = world.district.institutions[visit.institution];
    if (visit.infection == none32 || visit.kind == VisitKind::inpatient || at.kind != Kind::hospital ||
        !sending.is_now(visit.start))
        return;
    const Infection& infection = world.epidemic.infections[visit.infection];
    const Pathogen& pathogen = world.facts.pathogens[infection.pathogen];
    const Written who = sending.as_known_to(visit.institution, visit.day(), visit.number);
    const bool fever = pathogen.clinic == "fever";
    Native& native = sending.add(at, visit.start + 1200, fever ? "fever_clinic" : "enteric_clinic", "csv", who);
    native.head = fever ? "登记号,姓名,身份证号,性别,出生日期,联系电话,现住址,年龄,就诊时间,发病日期,体温,主要症状,诊断编码,诊断,"
                          "病例分类,去向,核酸检测\r\n"
                        : "登记号,姓名,身份证号,性别,出生日期,联系电话,现住址,年龄,就诊时间,发病日期,体温,主要症状,诊断编码,诊断,"
                          "病例分类,去向,腹泻次数\r\n";
    native.gb18030 = at.encoding == "GB18030";
    const std::uint64_t luck = mix(visit.infection + 17ull);
    // One in eight names another day of onset than the true one.
    const std::int32_t onset = luck % 8 == 0 ? infection.onset - 1 : infection.onset;
    const std::string last =
        fever ? (infection.tested ? (infection.positive ? "阳性" : "阴性") : "未做") : std::to_string(3 + luck % 6);
    cells(native, {fmt::format("{}{:06}", fever ? "F" : "C", visit.infection), who.name(), who.id, who.male ? "男" : "女",
                   date_text(who.birth), who.phone, who.address,
                   std::to_string(world.people.age(world.people.all[sending.story.person], visit.day())),
                   minute_text(visit.start), date_text(onset), fmt::format("{:.1f}", visit.vitals.temperature), visit.complaint,
                   visit.diagnoses[0].code, visit.diagnoses[0].name,
                   infection.positive        ? "确诊病例"
                   : infection.card != never ? "临床诊断病例"
                                             : "疑似病例",
                   infection.admitted ? "收治住院" : "离院", last});
}

void sale(Sending& sending, std::int32_t day, std::uint64_t luck, bool enteric) {
    const World& world = sending.world;
    const std::uint16_t town =
        world.district.communities[world.people.households[world.people.household(sending.story.person, day)].community].town;
    std::size_t at = town;
    for (std::size_t tries = 0; world.district.pharmacies[at].empty() && tries < world.district.pharmacies.size(); ++tries)
        at = (at + 1) % world.district.pharmacies.size();
    if (world.district.pharmacies[at].empty()) return;
    const Institution& shop =
        world.district.institutions[world.district.pharmacies[at][luck % world.district.pharmacies[at].size()]];
    const std::int64_t time = day * 86'400ll + 8 * 3600 + static_cast<std::int64_t>(luck / 100 % 46'000);
    if (!sending.is_now(time)) return;
    struct Article {
        std::string_view medicine, kind;
    };
    constexpr Article fever[] = {{"ibuprofen", "退热"},   {"paracetamol", "退热"}, {"lianhua", "抗病毒"},
                                 {"banlangen", "抗病毒"}, {"ambroxol", "止咳"},    {"amoxicillin", "抗菌药"}};
    constexpr Article bowels[] = {{"montmorillonite", "止泻"}, {"ors", "止泻"}, {"probiotic", "止泻"}};
    const Article& article = enteric ? bowels[luck / 7 % std::size(bowels)] : fever[luck / 7 % std::size(fever)];
    const Medicine& medicine = world.facts.medicines[world.facts.medicine(article.medicine)];
    Native& native =
        row(sending, shop.key, time, "pharmacy_sales", "药店,销售单号,行号,销售日期,药品名称,规格,数量,单位,类别,是否发热");
    cells(native, {shop.name, fmt::format("X{:010}", luck % 10'000'000'000ull), "1", minute_text(time), medicine.name,
                   medicine.strength, std::to_string(1 + luck / 11 % 2), "盒", article.kind,
                   enteric              ? "否"
                   : luck / 13 % 3 == 0 ? "是"
                                        : "否"});
}

void report_card(Sending& sending, const Infection& infection, std::uint32_t index) {
    const World& world = sending.world;
    const Pathogen& pathogen = world.facts.pathogens[infection.pathogen];
    const Visit* visit = nullptr;
    for (const Visit& each : sending.story.visits) {
        if (each.infection == index && each.kind != VisitKind::inpatient) visit = &each;
    }
    const std::uint64_t luck = mix(index + 991ull);
    const std::int64_t time = infection.card * 86'400ll + 10 * 3600 + static_cast<std::int64_t>(luck % 25'000);
    if (visit == nullptr || !sending.is_now(time)) return;
    const Institution& cdc = world.district.institutions[world.district.cdc];
    const Written who = sending.as_known_to(visit->institution, visit->day(), visit->number);
    Native& native = row(sending, cdc.key, time, "report_cards",
                         "卡片编号,报卡类别,姓名,有效证件号,性别,出生日期,联系电话,现住址,人群分类,病例分类,是否聚集性疫情,"
                         "发病日期,诊断时间,疾病名称,诊断编码,报告单位,报告医生,填卡日期,录入时间");
    const int age = world.people.age(world.people.all[sending.story.person], infection.onset);
    cells(native, {fmt::format("{}{:08}", world.district.id_area, index), luck % 23 == 0 ? "订正报告" : "初次报告", who.name(),
                   who.id, who.male ? "男" : "女", date_text(who.birth), who.phone, who.address, card_occupation(age),
                   infection.positive ? "确诊病例" : "临床诊断病例",
                   is_known_outbreak(world.epidemic, infection, visit->day()) ? "是" : "否",
                   date_text(luck % 8 == 0 ? infection.onset - 1 : infection.onset), minute_text(visit->start + 1800),
                   pathogen.card_name, pathogen.code, world.district.institutions[visit->institution].name,
                   visit->doctor == none32 ? "" : world.district.doctors[visit->doctor].name, date_text(infection.card),
                   minute_text(time)});
    native.number.clear();
}

/// One call and what came of it; `number` is the call's own, `index` chance that belongs to it.
void call_120(Sending& sending, std::int32_t day, std::string_view complaint, std::uint64_t number, std::uint64_t index) {
    const World& world = sending.world;
    const std::int64_t time = day * 86'400ll + static_cast<std::int64_t>(mix(index + 5ull) % 86'400);
    if (!sending.is_now(time)) return;
    const Community& community =
        world.district.communities[world.people.households[world.people.household(sending.story.person, day)].community];
    const std::string source =
        world.district.number == 0 ? "emergency-120" : fmt::format("d{}-emergency-120", world.district.number + 1);
    Native& native =
        row(sending, source, time, "calls_120",
            "受理编号,来电时间,现场地址,主诉,患者姓名,身份证号,联系电话,年龄,性别,出车时间,到达现场时间,到达医院时间,送达医院");
    const Person& person = world.people.all[sending.story.person];
    // Whoever fetches somebody learns the name as a rule, and every second time sees the identity card.
    constexpr std::uint32_t as_source = 200'000;
    const std::uint64_t luck = mix(index + 77ull);
    const Written who = sending.as_known_to(as_source, day, 0);
    const bool is_named = luck % 100 < 86, shows_card = is_named && luck / 100 % 100 < 55;
    const std::int64_t there = time + 120 + 60 * static_cast<std::int64_t>(4 + mix(index) % 14),
                       handed = there + 60 * static_cast<std::int64_t>(12 + luck % 25);
    cells(native,
          {fmt::format("120{:08}", number), minute_text(time), world.facts.towns[community.town].name + community.name, complaint,
           is_named ? who.name() : "", shows_card ? std::string_view(who.id) : "", is_named ? std::string_view(who.phone) : "",
           std::to_string(world.people.age(person, day)), person.male ? "男" : "女", minute_text(time + 120), minute_text(there),
           minute_text(handed), world.district.institutions[world.district.hospitals[0]].name});
}

std::uint32_t class_on(const Epidemic& epidemic, std::uint32_t person, std::int32_t day) {
    std::uint32_t found = none32;
    for (const auto& [from, classes] : epidemic.enrolled) {
        if (from <= day && person < classes.size()) found = classes[person];
    }
    return found;
}

/// What has nothing to do with the modelled infections.
void background(Sending& sending) {
    const World& world = sending.world;
    Random random(world.district.seed, Purpose::noise, sending.story.person, 9'000'000ull);
    const Person& person = world.people.all[sending.story.person];
    const std::int32_t from = std::max(world.people.start, person.arrive), until = std::min(world.people.end, person.until());
    if (from >= until) return;
    const double years = (until - from) / 365.25;
    const auto any_day = [&] { return from + static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(until - from))); };
    for (int n = random.poisson(0.55 * years); n > 0; --n) {
        const std::int32_t day = any_day();
        const std::uint64_t luck = random.next();
        if (random.chance(world.days.season(day, 1, 0.35) / 1.35)) sale(sending, day, luck, random.chance(0.22));
    }
    const int age = world.people.age(person, until - 1);
    if (age < 3 || age > 19) return;
    for (int n = random.poisson(1.6 * years); n > 0; --n) {
        const std::int32_t day = any_day();
        const bool cold = random.chance(0.7 * world.days.season(day, 1, 0.4));
        const std::uint32_t in_class = class_on(world.epidemic, sending.story.person, day);
        if (in_class != none32)
            absence(sending, in_class, day,
                    cold ? Illness1{"咳嗽、流涕", "上呼吸道感染", random.chance(0.3)} : Illness1{"腹痛", "", false},
                    random.chance(0.4));
    }
}

/// Falls, chests and accidents: the more the older.
void other_calls(Sending& sending) {
    const World& world = sending.world;
    Random random(world.district.seed, Purpose::noise, sending.story.person, 9'000'001ull);
    const Person& person = world.people.all[sending.story.person];
    const std::int32_t from = std::max(world.people.start, person.arrive), until = std::min(world.people.end, person.until());
    if (from >= until) return;
    const int age = world.people.age(person, until - 1);
    const double weight = age < 15 ? 0.25 : age < 60 ? 0.55 : age < 75 ? 1.7 : 4.2;  // about 1 over all ages of the plan
    const double calls = world.facts.parameter("calls_120_per_1000") / 1000 * weight * (until - from) / 365.25;
    constexpr std::string_view complaints[] = {"胸痛、胸闷", "意识不清",       "突发言语不清、一侧肢体无力",
                                               "呼吸困难",   "摔倒后髋部疼痛", "交通事故外伤",
                                               "剧烈腹痛",   "头晕、心悸",     "抽搐",
                                               "醉酒"};
    for (int n = 0, all = random.poisson(calls); n < all; ++n) {
        const std::int32_t day = from + static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(until - from)));
        const std::string_view complaint = complaints[age < 15 ? 5 + random.below(4) : random.below(std::size(complaints))];
        // Numbers of calls that have to do with an infection begin at 0.
        const std::uint64_t number =
            40'000'000ull + sending.story.person % 5'000'000 * 10ull + static_cast<std::uint64_t>(n % 10);
        call_120(sending, day, complaint, number, mix(number));
    }
}

}  // namespace

void signals(Sending& sending) {
    const Epidemic& epidemic = sending.world.epidemic;
    const Person& person = sending.world.people.all[sending.story.person];
    for (const Visit& visit : sending.story.visits) clinic_log(sending, visit);
    for (std::uint32_t k = epidemic.of_person_first[sending.story.person]; k < epidemic.of_person_first[sending.story.person + 1];
         ++k) {
        const std::uint32_t index = epidemic.of_person[k];
        const Infection& infection = epidemic.infections[index];
        const Pathogen& pathogen = sending.world.facts.pathogens[infection.pathogen];
        const bool fever = pathogen.clinic == "fever";
        const bool named = infection.card != never;
        for (std::int32_t day = infection.onset; day < infection.onset + infection.absent_days; ++day)
            absence(sending, infection.in_class, day,
                    {pathogen.complaint, named ? std::string_view(pathogen.name) : std::string_view{}, fever},
                    infection.visit <= day);
        if (infection.buys != never && person.here(infection.buys)) sale(sending, infection.buys, mix(index * 3ull + 1), !fever);
        if (infection.card != never) report_card(sending, infection, index);
        if (infection.call != never && person.here(infection.call))
            call_120(sending, infection.call, pathogen.complaint, index, index);
    }
    background(sending);
    other_calls(sending);
}

}  // namespace xinglin::city
