// SPDX-License-Identifier: Apache-2.0
// What is asked of data: the rules of content/quality, read and compiled. Each data set (outpatient visit, vaccination …) says which
// resources it holds, whose they are, when they happened, and what must be true of them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "content/content.h"
#include "fhir/fhir.h"
#include "outcome/outcome.h"

namespace xinglin::quality {

/// What a figure is about. Every rule belongs to one; each is a share of what passed.
enum class Measure : std::uint8_t { completeness, timeliness, validity, consistency, duplicates };
constexpr std::size_t measures = 5;
std::string_view text(Measure measure);

/// Words for people, in the two languages.
struct Words {
    std::string zh, en;
    const std::string& in(std::string_view language) const { return language == "en" ? en : zh; }
};

struct Rule {
    std::string id;  // within its set: "diagnosis"
    Measure measure = Measure::completeness;
    double weight = 1;
    Words name, mend;  // what is asked, as a sentence; what the institution does about it
    struct Test;
    std::shared_ptr<const Test> test;  // nothing: the engine itself knows (in-time, twice)
};

struct Set {
    std::string id;  // "outpatient-visit"
    int order = 0;
    Words name;
    const fhir::Type* type = nullptr;
    double hours = 0;                 // from event to received; 0: timeliness is not measured
    std::vector<double> other_hours;  // limits of their own, for what some test of the set says
    std::vector<Rule> rules;          // the last two, where there are any, are in-time and twice
    int in_time = -1, twice = -1;
    bool asks_patient = false;  // some rule mentions %patient
    struct Plan;
    std::shared_ptr<const Plan> plan;
};

/// How shares become one score.
struct Scoring {
    std::array<double, measures> weights{0.3, 0.2, 0.25, 0.15, 0.1};
    double good = 95, fair = 85;  // at least: good, fair; below: poor
    std::int64_t few = 20;        // fewer resources than this are too few to judge
    int days_to_mend = 15;
};

class Rulebook {
public:
    /// Refuses by file and element (where: "quality/sets/x.json rules[2].need").
    static Result<Rulebook> read(const content::Files& files);
    /// From its text(), as kept with figures that were measured by it.
    static Result<Rulebook> parse(std::string_view text);

    const std::vector<Set>& sets() const { return sets_; }
    const Set* set(std::string_view id) const;
    const Scoring& scoring() const { return scoring_; }
    /// Everything that decides about figures, as JSON: another text is another edition. Names of rules belong to it too.
    const std::string& text() const { return text_; }
    /// The positions in sets() that hold resources of a type.
    const std::vector<std::size_t>& of_type(const fhir::Type& type) const;
    bool asks_patient(const fhir::Type& type) const;

private:
    std::vector<Set> sets_;
    Scoring scoring_;
    std::string text_;
    std::map<const fhir::Type*, std::vector<std::size_t>> by_type_;
    Result<Done> take(std::string_view file, std::string_view text);
    Result<Done> finish();
};

}  // namespace xinglin::quality
