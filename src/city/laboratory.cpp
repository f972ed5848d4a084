// SPDX-License-Identifier: Apache-2.0
// Laboratory values that belong together: a person's own level, the illness of the day, and one value following from another.
#include <algorithm>
#include <cmath>

#include "city/teller.h"

namespace xinglin::city {

State Teller::state_of(const Visit& visit) const {
    State state;
    const std::int32_t day = visit.day();
    for (const Diagnosis& diagnosis : visit.diagnoses) {
        const std::string_view code = diagnosis.code;
        if (code.starts_with("J18") || code.starts_with("J03") || code.starts_with("N39") || code.starts_with("K35") ||
            code.starts_with("A41"))
            state.bacterial = 1;
        if (code.starts_with("J06") || code.starts_with("J20") || code.starts_with("J11") || code.starts_with("B08") ||
            code.starts_with("U07"))
            state.viral = 1;
        if (code.starts_with("D50")) state.anaemia = 1;
        if (code.starts_with("B15")) state.liver = 12;
        if (code.starts_with("K74")) state.liver = 2;
        if (code.starts_with("I21")) state.infarct = 1;
        if (code.starts_with("I50")) state.failure = 1;
        if (code.starts_with("A09") || code.starts_with("K52")) state.bacterial = 0.4;
    }
    if (has("ckd", day)) state.kidney = 1, state.anaemia = 0.5;
    if (has("hepatitis_b", day)) state.liver = std::max(state.liver, 1.0);
    if (visit.week > 20) state.anaemia = std::max(state.anaemia, 0.6);
    return state;
}

double Teller::value_of(const LabItem& item, const State& state, const LabReport& so_far, std::int32_t day) {
    const bool male = person_.male;
    const auto own = steady(1000u + item.panel * 32u + static_cast<std::uint64_t>(item.key.size()) * 7 +
                            static_cast<unsigned char>(item.key[0]));
    double value = item.mean[male] + item.deviation[male] * (0.7 * own + 0.7 * random_.normal());
    const auto earlier = [&](std::string_view key) {
        for (const LabResult& result : so_far.results) {
            if (facts_.items[result.item].key == key) return result.value;
        }
        return 0.0;
    };
    const std::string_view factor = item.factor;
    if (factor == "infection") value += 5.2 * state.bacterial * random_.unit() * 1.6 - 0.9 * state.viral;
    if (factor == "bacteria") value += 17 * state.bacterial - 8 * state.viral;
    if (factor == "virus") value = std::clamp(100 - earlier("NEUT%") - random_.normal(8.5, 1.5), 3.0, 80.0);
    if (item.key == "HGB") value = earlier("RBC") * random_.normal(30.3, 0.5) - 12 * state.anaemia;
    if (item.key == "RBC") value -= 0.45 * state.anaemia;
    if (item.key == "HCT") value = earlier("HGB") * random_.normal(0.301, 0.003);
    if (factor == "crp") value = std::max(0.2, value) * (1 + 14 * state.bacterial * random_.exponential(0.8) + 1.8 * state.viral);
    if (factor == "glucose") value += has("diabetes", day) ? std::max(0.4, 2.4 + steady(13) * 1.5) : 0;
    if (factor == "hba1c")
        value = (earlier("GLU") + 2.59) / 1.59 + 0.5 + random_.normal(0, 0.18);  // Nathan et al. 2008, on fasting values
    if (factor == "lipid" && has("lipid", day)) value *= 1.32;
    if (factor == "liver" && state.liver > 0) value *= 1 + state.liver * (0.6 + random_.unit());
    if (factor == "kidney" && state.kidney > 0) value *= 1.5 + std::abs(steady(20)) * 1.2;
    if (factor == "urate" && has("gout", day)) value += 150;
    if (factor == "tsh" && has("thyroid", day)) value += 3.2 * random_.exponential(1);
    if (factor == "infarct" && state.infarct > 0) value = 0.4 + random_.exponential(6);
    if (factor == "failure" && state.failure > 0) value = 900 + random_.exponential(2600);
    const double least = item.key == "TNI" ? 0.001 : item.mean[male] * 0.12;
    return std::max(least, value);
}

void Teller::laboratory(Visit& visit, std::uint16_t panel, std::int64_t ordered) {
    if (panel == none16) return;
    LabReport report{panel, ordered, ordered + 60 * random_.between(25, visit.kind == VisitKind::inpatient ? 600 : 150), {}};
    const State state = state_of(visit);
    for (const std::uint16_t place : facts_.panels[panel].items) {
        const LabItem& item = facts_.items[place];
        if (item.is_test()) {
            const bool positive = visit.infection != none32 && world_.epidemic.infections[visit.infection].positive &&
                                  facts_.pathogens[world_.epidemic.infections[visit.infection].pathogen].panel == panel;
            report.results.push_back({place, positive ? 1.0 : 0.0, static_cast<std::int8_t>(positive)});
            continue;
        }
        double value = value_of(item, state, report, visit.day());
        const double scale = std::pow(10, item.decimals);
        value = std::round(value * scale) / scale;
        const bool male = person_.male;
        report.results.push_back({place, value,
                                  static_cast<std::int8_t>(value < item.low[male]    ? -1
                                                           : value > item.high[male] ? 1
                                                                                     : 0)});
    }
    visit.labs.push_back(std::move(report));
}

}  // namespace xinglin::city
