// SPDX-License-Identifier: Apache-2.0
// Birth certificates (出生医学证明): what the hospital of the delivery writes of each child, as a row of its register and as FHIR.
#include <fmt/format.h>

#include <algorithm>

#include "city/fhir_line.h"
#include "city/native.h"
#include "city/random.h"
#include "message/message.h"

namespace xinglin::city {

namespace {

/// One child as its certificate has it.
struct Certificate {
    const Pregnancy& pregnancy;
    const Visit& stay;  // of the mother
    std::uint32_t child;
    std::uint16_t grams;
    std::int64_t born, issued;
    std::string number;

    int weeks() const { return pregnancy.weeks; }
    /// As it is measured: it follows the weight.
    int centimetres() const { return std::clamp(36 + grams / 230, 30, 58); }
    bool is_twin() const { return pregnancy.babies[1] != none32; }
    std::string_view way() const { return pregnancy.caesarean ? "剖宫产" : "阴道分娩"; }
};

std::string minute_text(std::int64_t seconds) {
    const std::string text = time_text(seconds);
    return text.substr(0, 10) + " " + text.substr(11, 5);
}

/// Three in four are issued within the first days, when the name is found; one in twenty-five too late for the law's month.
std::int32_t days_until_issued(std::uint64_t luck) {
    if (luck % 25 == 0) return static_cast<std::int32_t>(32 + luck / 25 % 30);
    return static_cast<std::int32_t>(luck % 4 == 0 ? 8 + luck / 25 % 18 : 2 + luck / 25 % 5);
}

template <typename Body>
void each_certificate(const World& world, const Story& story, Body&& body) {
    for (std::uint32_t k = world.pregnancies_first[story.person]; k < world.pregnancies_first[story.person + 1]; ++k) {
        const Pregnancy& pregnancy = world.people.pregnancies[world.pregnancies[k]];
        const std::int64_t first = pregnancy.delivery * 86'400ll, last = first + 86'400 - 60;
        const auto stay = std::find_if(story.visits.begin(), story.visits.end(), [&](const Visit& visit) {
            return visit.kind == VisitKind::inpatient && visit.week == pregnancy.weeks && visit.start <= last &&
                   visit.end >= first && !visit.diagnoses.empty() && visit.diagnoses[0].code.substr(0, 2) == "O8";
        });
        if (stay == story.visits.end()) continue;
        for (std::uint16_t b = 0; b < 2; ++b) {
            const std::uint32_t child = pregnancy.babies[b];
            if (child == none32) continue;
            const std::uint64_t luck = mix(child + 4'711ull);
            const std::int64_t born = std::clamp<std::int64_t>(stay->procedure_at + 480 * b, first, last);
            const std::int64_t issued = (pregnancy.delivery + days_until_issued(luck)) * 86'400ll + 9 * 3600 +
                                        static_cast<std::int64_t>(luck / 1000 % 25'000);
            body(Certificate{pregnancy, *stay, child, pregnancy.grams[b], born, issued,
                             fmt::format("{}{}{:07}", static_cast<char>('A' + world.district.number % 26),
                                         world.district.id_area.substr(0, 2), child % 10'000'000)});
        }
    }
}

}  // namespace

void birth_certificates(Sending& sending) {
    const World& world = sending.world;
    each_certificate(world, sending.story, [&](const Certificate& each) {
        if (!sending.is_now(each.issued)) return;
        const Institution& at = world.district.institutions[each.stay.institution];
        const auto day = static_cast<std::int32_t>(each.issued / 86'400);
        const Written mother = sending.as_known_to(each.stay.institution, day, each.stay.number);
        const Person& child = world.people.all[each.child];
        Native& native = sending.add(at, each.issued, "birth_certificates", "csv", mother);
        native.number.clear();  // the child has none there, and the row is not about the mother
        native.head =
            "出生医学证明编号,新生儿姓名,性别,出生时间,出生孕周,出生体重,出生身长,胎数,分娩方式,健康状况,出生地点分类,"
            "母亲姓名,母亲身份证号,母亲出生日期,父亲姓名,父亲身份证号,联系电话,家庭住址,接生机构,接生人员,签发机构,签发日期\r\n";
        const Person* father = child.father == none32 ? nullptr : &world.people.all[child.father];
        const std::uint64_t luck = mix(each.child + 815ull);
        const std::string cells[] = {each.number,
                                     name_of(world.facts, child),
                                     child.male ? "男" : "女",
                                     luck % 40 == 0 ? date_text(child.birth) : minute_text(each.born),
                                     std::to_string(each.weeks()),
                                     luck / 40 % 50 == 0 ? "" : std::to_string(each.grams),
                                     std::to_string(each.centimetres()),
                                     each.is_twin() ? "2" : "1",
                                     std::string(each.way()),
                                     each.grams < 2500 || each.weeks() < 37 ? "一般" : "良好",
                                     "医院",
                                     mother.name(),
                                     mother.id,
                                     date_text(mother.birth),
                                     father ? name_of(world.facts, *father) : "",
                                     father ? resident_id(world.district, *father) : "",
                                     mother.phone,
                                     mother.address,
                                     at.name,
                                     each.stay.doctor == none32 ? "" : world.district.doctors[each.stay.doctor].name,
                                     at.name,
                                     date_text(day)};
        for (std::size_t i = 0; i < std::size(cells); ++i) put_cell(native.text, cells[i], i + 1 == std::size(cells));
    });
}

void write_births(const World& world, const Story& story, Lines& lines) {
    each_certificate(world, story, [&](const Certificate& each) {
        if (each.issued >= world.now * 86'400ll) return;
        const Institution& at = world.district.institutions[each.stay.institution];
        const Person &child = world.people.all[each.child], &mother = world.people.all[story.person];
        Line line(lines, Resource::observation, message::stable_id(at.key, "Observation", "birth^" + each.number), at.key);
        // As content/mappings/birth_certificates.json makes it of a row.
        line.put(
            R"(,"identifier":[{"system":"urn:xinglin:identifier:birth-certificate","value":")", each.number,
            R"("}],"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"exam","display":"Exam"}]}],"code":{"coding":[{"system":"urn:xinglin:codesystem:vital-event","code":"birth-certificate","display":"出生医学证明"}],"text":"出生医学证明"},"subject":{"reference":"Patient/)",
            patient_id(world.district, each.child), R"("},"effectiveDateTime":")", Time{each.born},
            R"(","performer":[{"reference":"Organization/)", at.id, R"("}],"component":[{"code":{"text":"性别"},"valueString":")",
            child.male ? "男" : "女", R"("})");
        const auto quantity = [&](std::string_view what, int value, std::string_view unit, std::string_view code) {
            line.put(R"(,{"code":{"text":")", what, R"("},"valueQuantity":{"value":)", std::to_string(value), R"(,"unit":")",
                     unit, R"(","system":"http://unitsofmeasure.org","code":")", code, "\"}}");
        };
        const auto words = [&](std::string_view what, std::string_view said) {
            line.put(R"(,{"code":{"text":")", what, R"("},"valueString":")", said, "\"}");
        };
        quantity("出生孕周", each.weeks(), "周", "wk");
        quantity("出生体重", each.grams, "g", "g");
        quantity("出生身长", each.centimetres(), "cm", "cm");
        words("分娩方式", each.way());
        words("母亲姓名", name_of(world.facts, mother));
        words("母亲身份证号", resident_id(world.district, mother));
        line.put(R"(,{"code":{"text":"母亲出生日期"},"valueDateTime":")", Date{mother.birth}, "\"}");
        words("签发机构", at.name);
        line.put(R"(,{"code":{"text":"签发日期"},"valueDateTime":")", Date{static_cast<std::int32_t>(each.issued / 86'400)},
                 "\"}]");
        line.end();
    });
}

}  // namespace xinglin::city
