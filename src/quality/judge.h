// SPDX-License-Identifier: Apache-2.0
// One resource judged by the rules: pure, a resource in, a verdict out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"
#include "quality/rules.h"

namespace xinglin::quality {

/// What the rules lean on outside the resource.
struct Around {
    /// Is the code in the system? Nothing when the system has no content here.
    std::function<std::optional<bool>(std::string_view system, std::string_view code)> knows_code;
    /// memberOf of FHIRPath.
    std::function<std::optional<bool>(std::string_view value_set, std::string_view system, std::string_view code)> member_of;
    std::int16_t offset_minutes = 480;  // days begin there; zone of times written without one
};

/// How the first version came that belonged to the set and said when the event was.
struct Arrived {
    std::int64_t at_ms = 0;    // when it was stored
    std::int64_t told_ms = 0;  // its message: received, or sent by the sender's clock if that is later; 0: came as no message
};

enum class Mark : std::uint8_t { untested, passed, failed };

/// What a resource counts as in one set.
struct Verdict {
    std::size_t set = 0;
    std::string who;          // id of an Organization; "source:ID" when the resource names none; "" when it says nothing at all
    std::int64_t day = 0;     // of the event, days since 1970; of arrival when the event is not said, or lies ahead of it
    std::vector<Mark> marks;  // one for each rule of the set; that of `twice` stays untested, it is counted among others
    std::uint64_t key = 0;    // the same event has the same key; 0: none
    bool operator==(const Verdict&) const = default;
};

/// One thread at a time.
class Judge {
public:
    Judge(const Rulebook& book, Around around);
    ~Judge();
    /// Does it belong to the set (a position in sets()) and say when the event was?
    bool tells(json::Value resource, std::size_t set);
    /// `arrived` is asked for each set the resource belongs to, and may ask tells(). `patient`: gender, birthDate, deceased[x] of the resource's subject; nothing when not known: rules that ask it are untested.
    std::vector<Verdict> judge(json::Value resource, json::Value patient, const std::function<Arrived(std::size_t set)>& arrived);
    std::vector<Verdict> judge(json::Value resource, json::Value patient, const Arrived& arrived) {
        return judge(resource, patient, [&](std::size_t) { return arrived; });
    }
    /// The id of the Patient a resource is about, as its sets say; "" for none.
    std::string patient_of(json::Value resource);

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

/// 18 characters with a right date and check digit (GB 11643).
bool is_resident_id(std::string_view id);

}  // namespace xinglin::quality
