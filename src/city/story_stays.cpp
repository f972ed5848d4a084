// SPDX-License-Identifier: Apache-2.0
// Stays in hospital: for illness, to give birth, to die.
#include <algorithm>
#include <cmath>

#include "city/teller.h"

namespace xinglin::city {

void Teller::ward(Visit& visit, const Complaint& complaint, double los) {
    visit.end = visit.start + static_cast<std::int64_t>(los * 86'400);
    visit.end = visit.end / 86'400 * 86'400 + 9 * 3600 + random_.between(0, 2 * 3600);  // people leave in the morning
    visit.end = std::min<std::int64_t>(std::max(visit.end, visit.start + 20 * 3600), until_ * 86'400ll + 7 * 3600);
    const std::int32_t day = visit.day();
    visit.complaint = complaint.text;
    visit.diagnoses.push_back({complaint.code, complaint.name});
    for (const Illness& illness : story_.illnesses) {
        const Chronic& chronic = facts_.chronic[illness.chronic];
        if (illness.onset <= day && chronic.code != complaint.code && visit.diagnoses.size() < 5)
            visit.diagnoses.push_back({chronic.code, chronic.name});
    }
    vital_signs(visit, complaint.text.find("发热") != std::string::npos);
    for (const std::uint16_t panel : complaint.panels) laboratory(visit, panel, visit.start + 1800);
    if (los > 5 && !complaint.panels.empty())
        laboratory(visit, complaint.panels[0], visit.start + static_cast<std::int64_t>(los * 0.6) * 86'400 + 7 * 3600);
    if (complaint.imaging != none16)
        visit.images.push_back({complaint.imaging, image_text(complaint.imaging), visit.start + 3600 * random_.between(2, 20)});
    std::erase_if(visit.labs, [&](const LabReport& report) { return report.at > visit.end; });
    std::erase_if(visit.images, [&](const ImageReport& report) { return report.at > visit.end; });
    prescribe(visit, complaint.medicines, 4);
    if (!complaint.procedure.empty() && random_.chance(complaint.procedure_percent)) {
        visit.procedure = complaint.procedure;
        visit.procedure_name = complaint.procedure_name;
        visit.procedure_at = std::min(visit.end - 3600, (visit.start / 86'400 + 1 + random_.poisson(1)) * 86'400 + 10 * 3600);
        visit.procedure_at = std::max(visit.procedure_at, visit.start + 1800);
    }
    // The usual split of a hospital bill, around the mean cost of the diagnosis.
    bill(visit);
    const double total =
        complaint.cost * std::exp(random_.normal(-0.06, 0.35)) * los / std::max(1.0, complaint.los * world_.stay_length);
    const auto set = [&](Fee fee, double share) {
        visit.fee[static_cast<std::size_t>(fee)] = static_cast<float>(std::round(total * share * 100) / 100);
    };
    const bool operated = !visit.procedure.empty();
    set(Fee::medicine, operated ? 0.20 : 0.34);
    set(Fee::treatment, operated ? 0.16 : 0.24);
    set(Fee::operation, operated ? 0.34 : 0);
    set(Fee::bed, 0.05);
    set(Fee::nursing, 0.06);
}

void Teller::stay(const Complaint& complaint, std::int32_t day) {
    Visit visit =
        begin(VisitKind::inpatient, hospital(), complaint.dept, random_.chance(0.3) ? any_hour(day) : opening_hour(day), 0);
    const double mean = complaint.los * world_.stay_length;
    ward(visit, complaint, std::max(1.0, mean * std::exp(random_.normal(-0.08, 0.4))));
    story_.visits.push_back(std::move(visit));
}

void Teller::stays() {
    for (std::int32_t at = from_; at < until_;) {
        const std::size_t band = stay_band(age(at));
        const std::int32_t to = std::min(until_, at + (band == 0 ? 120 : 366));
        const Cumulative& sums = world_.stays[band][person_.male];
        const double low = sums[static_cast<std::size_t>(at - people_.start)],
                     high = sums[static_cast<std::size_t>(to - people_.start)];
        for (int n = random_.poisson((high - low) * std::exp(0.7 * steady(3) - 0.7 * 0.7 / 2)); n > 0; --n) {
            const double place = low + random_.unit() * (high - low);
            const auto day =
                people_.start + static_cast<std::int32_t>(std::upper_bound(sums.begin(), sums.end(), place) - sums.begin()) - 1;
            double total = 0;
            for (const Complaint& each : facts_.stays) total += complaint_weight(each, band, person_.male, day, world_.days);
            double pick = random_.unit() * total;
            const Complaint* complaint = &facts_.stays.front();
            for (const Complaint& each : facts_.stays) {
                complaint = &each;
                if ((pick -= complaint_weight(each, band, person_.male, day, world_.days)) <= 0) break;
            }
            stay(*complaint, day);
        }
        at = to;
    }
}

void Teller::deliveries() {
    for (std::uint32_t k = world_.pregnancies_first[i_]; k < world_.pregnancies_first[i_ + 1]; ++k) {
        const Pregnancy& pregnancy = people_.pregnancies[world_.pregnancies[k]];
        if (pregnancy.delivery < from_ || pregnancy.delivery >= until_) continue;
        Visit visit =
            begin(VisitKind::inpatient, hospital(), "05", any_hour(pregnancy.delivery) - (random_.chance(0.4) ? 86'400 : 0), 0);
        const double los = pregnancy.caesarean ? 5.5 + random_.unit() * 2 : 3 + random_.unit() * 1.5;
        visit.end = std::min<std::int64_t>(visit.start + static_cast<std::int64_t>(los * 86'400), until_ * 86'400ll + 7 * 3600);
        visit.complaint = "停经足月，规律腹痛3小时";
        if (pregnancy.weeks < 37) visit.complaint = "停经8月余，腹痛伴阴道流液2小时";
        visit.diagnoses.push_back(pregnancy.caesarean ? Diagnosis{"O82.900", "经剖宫产术分娩"}
                                                      : Diagnosis{"O80.900", "单胎顺产"});
        visit.week = pregnancy.weeks;
        vital_signs(visit, false);
        for (const std::string_view panel : {"blood", "clotting", "urine"})
            laboratory(visit, facts_.panel(panel), visit.start + 1200);
        if (pregnancy.caesarean) {
            visit.procedure = "74.1x00";
            visit.procedure_name = "低位子宫下段剖宫产";
        } else {
            visit.procedure = "73.5900";
            visit.procedure_name = "其他手法助产";
        }
        visit.procedure_at =
            std::max<std::int64_t>(visit.start + 7200, pregnancy.delivery * 86'400ll + 3600 * random_.between(1, 22));
        visit.end = std::max<std::int64_t>(visit.end, visit.procedure_at + 36 * 3600);
        const std::uint16_t oxytocin = facts_.medicine("oxytocin");
        if (oxytocin != none16) visit.medicines.push_back({oxytocin, 1});
        bill(visit);
        visit.fee[static_cast<std::size_t>(Fee::operation)] = pregnancy.caesarean ? 2600 : 900;
        visit.fee[static_cast<std::size_t>(Fee::bed)] = static_cast<float>(50 * std::ceil(los));
        visit.fee[static_cast<std::size_t>(Fee::treatment)] = pregnancy.caesarean ? 2900 : 1500;
        visit.fee[static_cast<std::size_t>(Fee::nursing)] = static_cast<float>(60 * std::ceil(los));
        story_.visits.push_back(std::move(visit));
    }
}

void Teller::last_stay() {
    if (person_.death >= people_.end || person_.death == never || person_.death != until_ || person_.death <= from_) return;
    const bool infection = (person_.cause & 0x8000) != 0 && person_.cause != none16;
    const Cause* cause = infection || person_.cause == none16 ? nullptr : &facts_.causes[person_.cause];
    if (cause && cause->code[0] >= 'V') return;  // what happened outside is no diagnosis of a ward
    if (!random_.chance(infection ? 0.9 : cause && cause->in_hospital ? 0.62 : 0.3)) return;
    const std::int32_t day = std::max(from_, person_.death - static_cast<std::int32_t>(random_.exponential(6)));
    Visit visit = begin(VisitKind::inpatient, hospital(), "20", any_hour(day), 0);
    visit.end = std::max<std::int64_t>(visit.start + 1800, person_.death * 86'400ll + random_.between(0, 86'399));
    const auto days = static_cast<float>((visit.end - visit.start) / 86'400 + 1);
    visit.complaint = "病情加重1天";
    if (infection) {
        const Pathogen& pathogen = facts_.pathogens[person_.cause & 0x7FFF];
        visit.diagnoses.push_back({pathogen.code, pathogen.code_name});
    } else {
        visit.diagnoses.push_back({cause->code, cause->name});
    }
    vital_signs(visit, infection);
    for (const std::string_view panel : {"blood", "electrolyte", "kidney", "heart"})
        laboratory(visit, facts_.panel(panel), visit.start + 1200);
    std::erase_if(visit.labs, [&](const LabReport& report) { return report.at > visit.end; });
    visit.died = true;
    bill(visit);
    visit.fee[static_cast<std::size_t>(Fee::treatment)] = 980 * days;
    visit.fee[static_cast<std::size_t>(Fee::bed)] = 60 * days;
    visit.fee[static_cast<std::size_t>(Fee::nursing)] = 120 * days;
    story_.visits.push_back(std::move(visit));
}

}  // namespace xinglin::city
