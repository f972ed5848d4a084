// SPDX-License-Identifier: Apache-2.0
// Inside the room: expressions of a rule or a set, compiled: the quick way where there is one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fhirpath/fhirpath.h"
#include "fhirpath/quick.h"
#include "quality/rules.h"

namespace xinglin::quality {

/// An expression; `quick` leans on `whole`, so it never moves.
class Path {
public:
    static Result<std::shared_ptr<const Path>> compile(std::string_view text, const fhir::Type& type);
    bool asks_patient() const { return asks_patient_; }
    const fhirpath::Expression& whole() const { return whole_; }
    const std::optional<fhirpath::Quick>& quick() const { return quick_; }
    explicit Path(fhirpath::Expression expression) : whole_(std::move(expression)) {}

private:
    fhirpath::Expression whole_;
    std::optional<fhirpath::Quick> quick_;
    bool asks_patient_ = false;
};
using PathPtr = std::shared_ptr<const Path>;

/// Checks that FHIRPath cannot say well.
enum class Check : std::uint8_t { none, resident_id, id_birth_date, id_sex, known_code, known_unit, not_future };

struct Rule::Test {
    PathPtr when;  // nothing: always
    PathPtr need;  // with Check::none
    Check check = Check::none;
    PathPtr path;     // what the check looks at
    PathPtr against;  // the birth date, the sex
};

struct Set::Plan {
    PathPtr where, institution, event, patient;
    std::vector<PathPtr> duplicate;
    struct Limit {
        double hours = 0;
        PathPtr when;
    };
    std::vector<Limit> limits;  // of timeliness: the first whose test is true counts instead of the set's own hours
};

}  // namespace xinglin::quality
