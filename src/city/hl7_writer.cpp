// SPDX-License-Identifier: Apache-2.0
// HL7 v2.4 as Chinese hospitals send it: ADT, ORU, RDE, DFT, VXU.
#include <fmt/format.h>

#include <charconv>
#include <iterator>

#include "city/fhir_writer.h"
#include "city/native.h"
#include "city/random.h"

namespace xinglin::city {

namespace {

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '|': out += "\\F\\"; break;
            case '^': out += "\\S\\"; break;
            case '~': out += "\\R\\"; break;
            case '&': out += "\\T\\"; break;
            case '\\': out += "\\E\\"; break;
            case '\r':
            case '\n': out += "\\.br\\"; break;
            default: out += c;
        }
    }
    return out;
}

std::string decimal(double value, int decimals) {
    char buffer[64];
    const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, decimals);
    return {buffer, end};
}

/// One message being written.
class Er7 {
public:
    Er7(Sending& sending, const Institution& at, std::int64_t time, std::string_view kind, const Written& who,
        std::string_view fault_sex = {})
        : native_(sending.add(at, time, kind, "hl7", who)), at_(at), who_(who), wrong_sex_(fault_sex) {
        native_.gb18030 = at.encoding == "GB18030";
        Random random(sending.world.district.seed, Purpose::faults, static_cast<std::uint64_t>(time),
                      who.number.size() + sending.story.person);
        const bool off = random.chance(sending.world.facts.fault("clock_off"));
        if (random.chance(sending.world.facts.fault("wrong_code"))) {
            wrong_sex_ = "X";
            native_.fault = "wrong_code";
        } else if (off) {
            native_.fault = "clock_off";
        }
        segment("MSH|^~\\&|HIS|{}|XINGLIN|130303|{}||{}|{}|P|2.4|||AL|NE|CHN|{}", at.key,
                compact_time(off ? time - 365 * 86'400ll : time), kind, native_.control_id,
                native_.gb18030 ? "GB 18030-2000" : "UNICODE UTF-8");
        if (kind.starts_with("ADT") || kind.starts_with("DFT")) segment("EVN|{}|{}", kind.substr(4, 3), compact_time(time));
        patient();
    }
    ~Er7() { native_.text += '\n'; }

    template <typename... Parts>
    void segment(fmt::format_string<Parts...> form, Parts&&... parts) {
        fmt::format_to(std::back_inserter(native_.text), form, std::forward<Parts>(parts)...);
        native_.text += '\r';
    }

    void visit(const World& world, const Visit& visit, std::string_view number, bool discharged) {
        const std::string doctor = visit.doctor == none32 ? ""
                                                          : fmt::format("{}^{}", world.district.doctors[visit.doctor].number,
                                                                        world.district.doctors[visit.doctor].name);
        const char kind = visit.kind == VisitKind::inpatient ? 'I' : visit.kind == VisitKind::emergency ? 'E' : 'O';
        // 2 patient class, 3 place, 7 doctor, 10 service, 19 visit number, 36 how discharged, 44 and 45 times
        segment("PV1|1|{}|{}^^^{}||||{}|||{}|||||||||{}|||||||||||||||||{}||||||||{}|{}", kind, visit.dept, at_.key, doctor,
                visit.dept, number, discharged ? (visit.died ? "5" : "1") : "", compact_time(visit.start),
                discharged ? compact_time(visit.end) : "");
    }

private:
    Native& native_;
    const Institution& at_;
    const Written& who_;
    std::string wrong_sex_;

    void patient() {
        // The people's hospital writes national codes, the others those of HL7.
        const bool national = native_.gb18030;
        const std::string sex = !wrong_sex_.empty() ? wrong_sex_ : national ? (who_.male ? "1" : "2") : (who_.male ? "M" : "F");
        std::string ids = fmt::format("{}^^^{}^MR", who_.number, at_.key);
        if (!who_.id.empty()) ids += fmt::format("~{}^^^PRC^NNCHN", who_.id);
        segment("PID|1||{}||{}^{}||{}|{}|||{}^^^^^CHN^H||{}", ids, who_.surname, who_.given,
                compact_time(who_.birth * 86'400ll).substr(0, 8), sex, escaped(who_.address), who_.phone);
    }
};

std::string_view coding(std::string_view code) { return code.find('-') != std::string_view::npos ? "LN" : "L"; }

void diagnoses(Er7& message, const Visit& visit) {
    for (std::size_t n = 0; n < visit.diagnoses.size(); ++n)
        message.segment("DG1|{}||{}^{}^I10||{}|{}", n + 1, visit.diagnoses[n].code, escaped(visit.diagnoses[n].name),
                        compact_time(visit.start), n == 0 ? "F" : "W");
}

void laboratory(Sending& sending, const Institution& at, const Visit& visit, const Written& who, std::string_view number) {
    const Facts& facts = sending.world.facts;
    for (std::size_t n = 0; n < visit.labs.size(); ++n) {
        const LabReport& report = visit.labs[n];
        if (!sending.is_now(report.at)) continue;
        const Panel& panel = facts.panels[report.panel];
        Er7 message(sending, at, report.at, "ORU^R01", who);
        message.visit(sending.world, visit, number, false);
        message.segment("ORC|RE|{0}-L{1}^{2}|{0}-R{1}^LIS||CM||||{3}", number, n + 1, at.key, compact_time(report.ordered));
        message.segment("OBR|1|{0}-L{1}^{2}|{0}-R{1}^LIS|{3}^{4}^{5}|||{6}|||||||{6}||||||||{7}||LAB|F", number, n + 1, at.key,
                        panel.code, panel.name, coding(panel.code), compact_time(report.ordered), compact_time(report.at));
        for (std::size_t k = 0; k < report.results.size(); ++k) {
            const LabItem& item = facts.items[report.results[k].item];
            if (item.is_test()) {
                const bool positive = report.results[k].flag > 0;
                message.segment("OBX|{}|ST|{}^{}^{}||{}|||{}|||F|||{}", k + 1, item.code, item.name, coding(item.code),
                                positive ? "阳性" : "阴性", positive ? "A" : "N", compact_time(report.at));
                continue;
            }
            const bool male = sending.world.people.all[sending.story.person].male;
            const std::string range =
                fmt::format("{}-{}", decimal(item.low[male], item.decimals), decimal(item.high[male], item.decimals));
            const std::string unit =
                item.ucum.empty() || item.ucum == "1" ? std::string() : fmt::format("{}^{}^UCUM", item.ucum, escaped(item.unit));
            message.segment("OBX|{}|NM|{}^{}^{}||{}|{}|{}|{}|||F|||{}", k + 1, item.code, item.name, coding(item.code),
                            decimal(report.results[k].value, item.decimals), unit, range,
                            report.results[k].flag < 0   ? "L"
                            : report.results[k].flag > 0 ? "H"
                                                         : "N",
                            compact_time(report.at));
        }
    }
}

void imaging(Sending& sending, const Institution& at, const Visit& visit, const Written& who, std::string_view number) {
    for (std::size_t n = 0; n < visit.images.size(); ++n) {
        const ImageReport& report = visit.images[n];
        if (!sending.is_now(report.at)) continue;
        const Imaging& imaging = sending.world.facts.imaging[report.imaging];
        Er7 message(sending, at, report.at, "ORU^R01", who);
        message.visit(sending.world, visit, number, false);
        message.segment("ORC|RE|{0}-I{1}^{2}|{0}-X{1}^RIS||CM", number, n + 1, at.key);
        message.segment("OBR|1|{0}-I{1}^{2}|{0}-X{1}^RIS|{3}^{4}^LN|||{5}|||||||||||||||{6}||{7}|F", number, n + 1, at.key,
                        imaging.code, imaging.name, compact_time(report.at - 1200), compact_time(report.at),
                        imaging.modality == "ECG"  ? "EC"
                        : imaging.modality == "CT" ? "CT"
                        : imaging.modality == "US" ? "RUS"
                                                   : "RAD");
        message.segment("OBX|1|TX|59776-5^检查所见^LN||{}||||||F|||{}", escaped(imaging.texts[report.text].finding),
                        compact_time(report.at));
        message.segment("OBX|2|TX|19005-8^检查结论^LN||{}||||||F|||{}", escaped(imaging.texts[report.text].conclusion),
                        compact_time(report.at));
    }
}

void medicines(Sending& sending, const Institution& at, const Visit& visit, const Written& who, std::string_view number) {
    if (visit.medicines.empty() || !sending.is_now(visit.start + 900)) return;
    Er7 message(sending, at, visit.start + 900, "RDE^O11", who);
    message.visit(sending.world, visit, number, false);
    for (std::size_t n = 0; n < visit.medicines.size(); ++n) {
        const Prescription& each = visit.medicines[n];
        const Medicine& medicine = sending.world.facts.medicines[each.medicine];
        message.segment("ORC|NW|{}-M{}^{}|||||||{}", number, n + 1, at.key, compact_time(visit.start + 600));
        message.segment("RXE|^^^{}|{}^{} {}^ATC|{}||{}^{}^UCUM||^每次{}{}，每日{}次|||{}|d^天^UCUM",
                        compact_time(visit.start + 600), medicine.atc, medicine.name, escaped(medicine.strength), medicine.dose,
                        medicine.dose_unit, medicine.dose_unit, medicine.dose, medicine.dose_unit, medicine.times_a_day,
                        each.days);
        message.segment("RXR|^{}", medicine.route);
    }
}

void money(Sending& sending, const Institution& at, const Visit& visit, const Written& who, std::string_view number) {
    constexpr std::string_view names[fees] = {"诊察费", "药品费", "检验费", "检查费", "治疗费", "手术费", "床位费", "护理费"};
    const std::int64_t time = visit.end + 300;
    if (visit.total() < 0.01 || !sending.is_now(time)) return;
    Er7 message(sending, at, time, "DFT^P03", who);
    message.visit(sending.world, visit, number, true);
    int n = 0;
    for (std::size_t fee = 0; fee < fees; ++fee) {
        if (visit.fee[fee] < 0.01F) continue;
        ++n;
        message.segment("FT1|{0}|{1}-F{0}||{2}||CG|F{3:02}^{4}^L||||{5}&CNY", n, number, compact_time(visit.end), fee + 1,
                        names[fee], decimal(visit.fee[fee], 2));
    }
}

}  // namespace

void hl7_visit(Sending& sending, const Visit& visit, std::uint16_t institution) {
    const Institution& at = sending.world.district.institutions[institution];
    const std::string number = visit_number(visit, sending.story.person);
    const Written who = sending.as_known_to(institution, visit.day(), visit.number);
    const bool inpatient = visit.kind == VisitKind::inpatient;
    if (sending.is_now(visit.start)) {
        Er7 message(sending, at, visit.start, inpatient ? "ADT^A01" : "ADT^A04", who);
        message.visit(sending.world, visit, number, false);
        message.segment("PV2|||^{}", escaped(visit.complaint));
        if (sending.story.allergy > 0 && sending.story.allergy < 4) {
            constexpr std::string_view names[] = {"", "青霉素类", "头孢菌素类", "磺胺类"};
            message.segment("AL1|1|DA|^{}", names[sending.story.allergy]);
        }
        if (inpatient)
            message.segment("DG1|1||{}^{}^I10||{}|A", visit.diagnoses[0].code, escaped(visit.diagnoses[0].name),
                            compact_time(visit.start));
    }
    laboratory(sending, at, visit, who, number);
    imaging(sending, at, visit, who, number);
    medicines(sending, at, visit, who, number);
    if (sending.is_now(visit.end)) {
        Er7 message(sending, at, visit.end, inpatient ? "ADT^A03" : "ADT^A08", who);
        message.visit(sending.world, visit, number, true);
        diagnoses(message, visit);
        if (!visit.procedure.empty())
            message.segment("PR1|1||{}^{}^I9||{}", visit.procedure, escaped(visit.procedure_name),
                            compact_time(visit.procedure_at));
    }
    money(sending, at, visit, who, number);
}

void hl7_vaccination(Sending& sending, const Vaccination& vaccination) {
    const Institution& at = sending.world.district.institutions[vaccination.institution];
    const Vaccine& vaccine = sending.world.facts.vaccines[vaccination.vaccine];
    const auto day = static_cast<std::int32_t>(vaccination.at / 86'400);
    const Written who = sending.as_known_to(vaccination.institution, day, 0);
    Er7 message(sending, at, vaccination.at, "VXU^V04", who);
    message.segment("ORC|RE||{}-{}{}^{}", who.number, vaccine.code, vaccine.dose, at.key);
    message.segment("RXA|0|{}|{}|{}|{}^{}^L|999|||00^^NIP001||||||{:04}{}", vaccine.dose, compact_time(vaccination.at),
                    compact_time(vaccination.at), vaccine.code, vaccine.name, vaccination.lot, date_text(day).substr(0, 4));
    message.segment("RXR|^{}", vaccine.route);
}

}  // namespace xinglin::city
