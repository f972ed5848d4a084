// SPDX-License-Identifier: Apache-2.0
// A person's story: chronic conditions and visits to doctors.
#include "city/story.h"

#include <algorithm>
#include <cmath>

#include "city/teller.h"

namespace xinglin::city {

double Visit::total() const {
    double sum = 0;
    for (const float each : fee) sum += each;
    return sum;
}

Teller::Teller(const World& world, std::uint32_t person)
    : world_(world),
      facts_(world.facts),
      district_(world.district),
      people_(world.people),
      i_(person),
      person_(people_.all[person]),
      random_(district_.seed, Purpose::story, person),
      from_(std::max(people_.start, person_.arrive)),
      until_(std::min(people_.end, person_.until())) {}

double Teller::steady(std::uint64_t purpose) const {
    Random random(district_.seed, Purpose::condition, i_, purpose);
    return random.normal();
}

void Teller::illnesses() {
    for (std::uint16_t c = 0; c < facts_.chronic.size(); ++c) {
        const Chronic& chronic = facts_.chronic[c];
        if (chronic.sex != 0 && (chronic.sex == 'M') != person_.male) continue;
        Random random(district_.seed, Purpose::condition, i_, 100u + c);
        const double luck = random.unit();
        const bool managed = random.chance(chronic.managed);
        if (luck >= prevalence(chronic, years(until_))) continue;
        double low = 0, high = years(until_);  // the age at which prevalence passes this person's luck
        for (int step = 0; step < 24; ++step) (luck < prevalence(chronic, (low + high) / 2) ? high : low) = (low + high) / 2;
        const auto onset = std::min(until_ - 1, person_.birth + static_cast<std::int32_t>(high * 365.25) -
                                                    static_cast<std::int32_t>(random.unit() * 900 * (high > 20)));
        story_.illnesses.push_back({c, std::max(onset, person_.birth), managed});
        ill_ |= 1u << c;
    }
}

bool Teller::has(std::string_view chronic, std::int32_t day) const {
    for (const Illness& illness : story_.illnesses) {
        if (facts_.chronic[illness.chronic].key == chronic) return illness.onset <= day;
    }
    return false;
}

std::uint16_t Teller::primary_place(std::int32_t day) {
    const std::uint16_t home = community(day);
    const Community& place = district_.communities[home];
    const auto one_of = [&](const std::vector<std::vector<std::uint16_t>>& lists) {
        std::size_t town = place.town;
        for (std::size_t tries = 0; lists[town].empty() && tries < lists.size(); ++tries) town = (town + 1) % lists.size();
        const auto& list = lists[town];
        if (list.empty()) return district_.centre_of(home);
        // Three visits in four go to the one that is known.
        const std::uint64_t known = mix(i_ + district_.seed);
        return random_.chance(0.75) ? list[known % list.size()] : list[random_.below(static_cast<std::uint32_t>(list.size()))];
    };
    const double luck = random_.unit();
    if (!place.is_urban && luck < 0.48 && place.village_room != none16) return place.village_room;
    if (!place.is_urban) return luck < 0.76 ? district_.centre_of(home) : one_of(district_.clinics);
    return luck < 0.44 ? district_.centre_of(home) : luck < 0.64 ? one_of(district_.stations) : one_of(district_.clinics);
}

std::uint16_t Teller::hospital() {
    double total = 0;
    for (const std::uint16_t each : district_.hospitals) total += district_.institutions[each].share;
    Random known(district_.seed, Purpose::condition, i_, 3);
    double at = (random_.chance(0.7) ? known.unit() : random_.unit()) * total;
    for (const std::uint16_t each : district_.hospitals) {
        if ((at -= district_.institutions[each].share) <= 0) return each;
    }
    return district_.hospitals.back();
}

std::uint32_t Teller::doctor(std::uint16_t institution, std::string_view dept) {
    const Institution& at = district_.institutions[institution];
    if (at.doctors == 0) return none32;
    std::uint32_t found = at.first_doctor + random_.below(at.doctors);
    for (int attempt = 0; attempt < 12 && at.kind == Kind::hospital && district_.doctors[found].dept != dept; ++attempt)
        found = at.first_doctor + random_.below(at.doctors);
    return found;
}

std::int64_t Teller::opening_hour(std::int32_t day) {
    const int minute =
        random_.chance(0.64) ? 475 + static_cast<int>(random_.unit() * random_.unit() * 215) : 835 + random_.between(0, 170);
    return day * 86'400ll + minute * 60 + random_.between(0, 59);
}
std::int64_t Teller::any_hour(std::int32_t day) {
    const int hour = random_.chance(0.7) ? random_.between(8, 22) : random_.between(0, 23);
    return day * 86'400ll + hour * 3600 + random_.between(0, 3599);
}

Visit Teller::begin(VisitKind kind, std::uint16_t institution, std::string_view dept, std::int64_t start, int minutes) {
    Visit visit;
    visit.kind = kind;
    visit.institution = institution;
    visit.start = start;
    visit.end = start + minutes * 60;
    // Children are seen by the department of paediatrics.
    const bool child =
        age(visit.day()) < 14 && (dept.starts_with("03") || dept == "16" || dept == "15") && kind != VisitKind::child_check;
    visit.dept = district_.institutions[institution].kind == Kind::hospital ? (child ? "07" : dept) : "02";
    visit.doctor = doctor(institution, visit.dept);
    return visit;
}

void Teller::prescribe(Visit& visit, const std::vector<std::uint16_t>& choice, int most, int days) {
    int given = 0;
    for (const std::uint16_t medicine : choice) {
        const Medicine& each = facts_.medicines[medicine];
        if (story_.allergy == 1 && each.key == "amoxicillin") continue;
        if (story_.allergy == 2 && (each.key == "cefixime" || each.key == "ceftriaxone")) continue;
        if (given >= most || !random_.chance(given == 0 ? 0.88 : 0.55)) continue;
        visit.medicines.push_back({medicine, static_cast<std::uint16_t>(days > 0 ? days : each.days)});
        ++given;
    }
}

void Teller::vital_signs(Visit& visit, bool fever) {
    const std::int32_t day = visit.day();
    const double old = years(day);
    Vitals& vitals = visit.vitals;
    vitals.temperature = fever ? std::clamp(random_.normal(38.4, 0.6), 37.3, 41.0) : random_.normal(36.5, 0.2);
    vitals.pulse = std::round(random_.normal(old < 6 ? 108 - old * 3 : 76, 8) + (fever ? 12 : 0));
    if (old < 14) return;
    const bool high = has("hypertension", day);
    const double base = 108 + 0.32 * std::min(old, 80.0) + (person_.male ? 3 : 0) + steady(1) * 8 + (high ? 13 : 0);
    vitals.systolic = std::round(std::clamp(random_.normal(base, 7), 86.0, 218.0));
    vitals.diastolic = std::round(std::clamp(vitals.systolic * 0.42 + 24 - std::max(0.0, old - 60) * 0.15 + random_.normal(0, 4),
                                             50.0, vitals.systolic - 18));
}

std::uint16_t Teller::image_text(std::uint16_t imaging) {
    const auto& texts = facts_.imaging[imaging].texts;
    double at = random_.unit() * 100;
    for (std::uint16_t i = 0; i < texts.size(); ++i) {
        if ((at -= texts[i].percent) <= 0) return i;
    }
    return static_cast<std::uint16_t>(texts.size() - 1);
}

void Teller::bill(Visit& visit) {
    const auto add = [&](Fee fee, double yuan) {
        visit.fee[static_cast<std::size_t>(fee)] += static_cast<float>(std::round(yuan * 100) / 100);
    };
    const Kind kind = district_.institutions[visit.institution].kind;
    add(Fee::consultation, kind == Kind::hospital       ? (visit.kind == VisitKind::emergency ? 20 : 10)
                           : kind == Kind::village_room ? 2
                                                        : 5);
    for (const Prescription& each : visit.medicines) {
        const Medicine& medicine = facts_.medicines[each.medicine];
        add(Fee::medicine, medicine.price * std::max(1, each.days / std::max(1, medicine.days)));
    }
    for (const LabReport& each : visit.labs) add(Fee::laboratory, facts_.panels[each.panel].price);
    for (const ImageReport& each : visit.images) add(Fee::imaging, facts_.imaging[each.imaging].price);
}

void Teller::outpatients() {
    std::int32_t at = from_;
    while (at < until_) {  // year by year, as the age band may change
        const std::size_t band = visit_band(age(at));
        const std::int32_t to = std::min(until_, at + 366);
        const Cumulative& sums = world_.visits[band][person_.male];
        const double low = sums[static_cast<std::size_t>(at - people_.start)],
                     high = sums[static_cast<std::size_t>(to - people_.start)];
        // Some people go often, others never: the rate itself varies.
        const double eager = std::exp(0.55 * steady(2) - 0.55 * 0.55 / 2);
        for (int n = random_.poisson((high - low) * eager); n > 0; --n) {
            const double place = low + random_.unit() * (high - low);
            const auto day =
                people_.start + static_cast<std::int32_t>(std::upper_bound(sums.begin(), sums.end(), place) - sums.begin()) - 1;
            double total = 0;
            for (const Complaint& each : facts_.visits) total += complaint_weight(each, band, person_.male, day, world_.days);
            double pick = random_.unit() * total;
            const Complaint* complaint = &facts_.visits.front();
            for (const Complaint& each : facts_.visits) {
                complaint = &each;
                if ((pick -= complaint_weight(each, band, person_.male, day, world_.days)) <= 0) break;
            }
            const bool at_hand = random_.chance(world_.primary[static_cast<std::size_t>(complaint->level)]);
            const bool urgent = complaint->dept == "20" || (!at_hand && random_.chance(0.06));
            Visit visit =
                begin(urgent && !at_hand ? VisitKind::emergency : VisitKind::outpatient,
                      at_hand ? primary_place(day) : hospital(), urgent && !at_hand ? "20" : std::string_view(complaint->dept),
                      urgent ? any_hour(day) : opening_hour(day), random_.between(12, 95));
            visit.complaint = complaint->text;
            visit.diagnoses.push_back({complaint->code, complaint->name});
            const bool fever = complaint->text.find("发热") != std::string::npos;
            if (fever || age(day) >= 35 || urgent) vital_signs(visit, fever);
            const bool room = district_.institutions[visit.institution].kind == Kind::village_room ||
                              district_.institutions[visit.institution].kind == Kind::clinic;
            if (!room && random_.chance(complaint->lab)) {
                for (const std::uint16_t panel : complaint->panels) laboratory(visit, panel, visit.start + 600);
            }
            if (!room && complaint->imaging != none16 && random_.chance(complaint->imaging_percent))
                visit.images.push_back(
                    {complaint->imaging, image_text(complaint->imaging), visit.start + 60 * random_.between(30, 120)});
            prescribe(visit, complaint->medicines, 3);
            bill(visit);
            story_.visits.push_back(std::move(visit));
        }
        at = to;
    }
}

void Teller::infections() {
    const Epidemic& epidemic = world_.epidemic;
    for (std::uint32_t k = epidemic.of_person_first[i_]; k < epidemic.of_person_first[i_ + 1]; ++k) {
        const std::uint32_t index = epidemic.of_person[k];
        const Infection& infection = epidemic.infections[index];
        if (infection.visit == never || infection.visit >= until_) continue;
        const Pathogen& pathogen = facts_.pathogens[infection.pathogen];
        const bool at_hand = !infection.tested && !infection.admitted && random_.chance(0.5);
        Visit visit = begin(infection.call != never && !at_hand ? VisitKind::emergency : VisitKind::outpatient,
                            at_hand ? primary_place(infection.visit) : hospital(), "16", opening_hour(infection.visit),
                            random_.between(20, 120));
        visit.infection = index;
        visit.complaint = pathogen.complaint;
        const bool named = infection.positive || (!infection.tested && infection.card != never);
        // Without a test most are written down as something ordinary.
        if (named) visit.diagnoses.push_back({pathogen.code, pathogen.code_name});
        else if (pathogen.clinic == "enteric") visit.diagnoses.push_back({"A09.900", "胃肠炎和结肠炎"});
        else visit.diagnoses.push_back({"J06.900", "急性上呼吸道感染"});
        vital_signs(visit, pathogen.clinic == "fever" && random_.chance(0.86));
        if (infection.tested) {
            laboratory(visit, pathogen.panel, visit.start + 900);
            laboratory(visit, facts_.panel("blood"), visit.start + 900);
        }
        prescribe(visit, pathogen.medicines, 3);
        bill(visit);
        if (infection.admitted && infection.visit + 1 < until_) {
            Visit lying = begin(VisitKind::inpatient, visit.institution, "16", visit.end + 3600, 0);
            lying.end =
                std::min<std::int64_t>((infection.visit + 2 + random_.poisson(5)) * 86'400ll + 10 * 3600, until_ * 86'400ll - 60);
            lying.complaint = visit.complaint;
            lying.diagnoses = visit.diagnoses;
            lying.infection = index;
            vital_signs(lying, true);
            for (const std::uint16_t panel : {pathogen.panel, facts_.panel("blood"), facts_.panel("liver")})
                laboratory(lying, panel, lying.start + 1800);
            prescribe(lying, pathogen.medicines, 3);
            bill(lying);
            const auto days = static_cast<float>((lying.end - lying.start) / 86'400 + 1);
            lying.fee[static_cast<std::size_t>(Fee::bed)] = 45 * days;
            lying.fee[static_cast<std::size_t>(Fee::nursing)] = 38 * days;
            lying.fee[static_cast<std::size_t>(Fee::treatment)] = 160 * days;
            if (lying.end > lying.start) story_.visits.push_back(std::move(lying));
        }
        story_.visits.push_back(std::move(visit));
    }
}

void Teller::chronic_visits() {
    for (const Illness& illness : story_.illnesses) {
        const Chronic& chronic = facts_.chronic[illness.chronic];
        const std::int32_t from = std::max(from_, illness.onset);
        if (from >= until_) continue;
        const int visits = random_.poisson(chronic.visits * (until_ - from) / 365.25);
        for (int n = 0; n < visits; ++n) {
            std::int32_t day = from + static_cast<std::int32_t>(random_.below(static_cast<std::uint32_t>(until_ - from)));
            for (int tries = 0; tries < 6 && !random_.chance(world_.days.outpatients(day) / 1.5); ++tries)
                day = from + static_cast<std::int32_t>(random_.below(static_cast<std::uint32_t>(until_ - from)));
            const bool at_hand = random_.chance(chronic.managed > 0 && chronic.key != "smi" ? 0.52 * world_.primary[1] / 0.66
                                                                                            : 0.26 * world_.primary[1] / 0.66);
            Visit visit = begin(VisitKind::outpatient, at_hand ? primary_place(day) : hospital(), chronic.dept, opening_hour(day),
                                random_.between(10, 60));
            visit.diagnoses.push_back({chronic.code, chronic.name});
            for (const Illness& other : story_.illnesses) {
                if (other.chronic != illness.chronic && other.onset <= day && visit.diagnoses.size() < 3 && random_.chance(0.4))
                    visit.diagnoses.push_back({facts_.chronic[other.chronic].code, facts_.chronic[other.chronic].name});
            }
            visit.complaint = "复诊、配药";
            vital_signs(visit, false);
            const Kind kind = district_.institutions[visit.institution].kind;
            if (!chronic.panels.empty() && kind != Kind::village_room && kind != Kind::clinic && random_.chance(0.22))
                laboratory(visit, chronic.panels[random_.below(static_cast<std::uint32_t>(chronic.panels.size()))],
                           visit.start + 600);
            // The same medicine for years: it belongs to the person.
            std::vector<std::uint16_t> usual;
            if (!chronic.medicines.empty()) {
                const std::uint64_t known = mix(i_ * 64ull + illness.chronic);
                usual.push_back(chronic.medicines[known % chronic.medicines.size()]);
                if (chronic.medicines.size() > 1 && known % 7 < 3)
                    usual.push_back(chronic.medicines[(known + 1) % chronic.medicines.size()]);
            }
            prescribe(visit, usual, 2);
            bill(visit);
            story_.visits.push_back(std::move(visit));
        }
    }
}

void Teller::finish() {
    std::erase_if(story_.visits, [&](const Visit& visit) {
        return visit.day() < from_ || visit.day() >= people_.end ||
               visit.start >= (static_cast<std::int64_t>(until_) + (person_.death == until_)) * 86'400;
    });
    std::stable_sort(story_.visits.begin(), story_.visits.end(),
                     [](const Visit& a, const Visit& b) { return a.start < b.start; });
    std::vector<Visit> kept;
    std::int64_t lies_until = 0;
    for (Visit& visit : story_.visits) {
        if (visit.start < lies_until && !visit.died) continue;  // lies in hospital
        if (visit.died && visit.start < lies_until) {           // this stay is the one that ends in death
            while (!kept.empty() && kept.back().end > visit.start) kept.pop_back();
        }
        if (visit.kind == VisitKind::inpatient) lies_until = visit.end;
        kept.push_back(std::move(visit));
    }
    story_.visits = std::move(kept);
    for (std::uint32_t n = 0; n < story_.visits.size(); ++n) story_.visits[n].number = n + 1;
    std::stable_sort(story_.vaccinations.begin(), story_.vaccinations.end(),
                     [](const Vaccination& a, const Vaccination& b) { return a.at < b.at; });
}

Story Teller::tell() {
    story_.person = i_;
    Random steady(district_.seed, Purpose::condition, i_, 4);
    const int now = age(std::min(until_, people_.end) - 1);
    const double insured = facts_.parameter("insured_percent") / 100,
                 employees = facts_.parameter("employee_insurance_percent") / 100;
    const double luck = steady.unit();
    if (luck < insured) story_.insurance = now >= 22 && luck < employees * 1.32 ? 1 : 2;
    if (steady.chance(0.055)) story_.allergy = static_cast<std::uint8_t>(1 + steady.below(4));
    if (from_ >= until_) return std::move(story_);
    illnesses();
    outpatients();
    chronic_visits();
    infections();
    stays();
    deliveries();
    antenatal();
    followups();
    elder_checks();
    child_checks();
    vaccinations();
    last_stay();
    finish();
    return std::move(story_);
}

Story tell(const World& world, std::uint32_t person) { return Teller(world, person).tell(); }

}  // namespace xinglin::city
