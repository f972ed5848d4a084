// SPDX-License-Identifier: Apache-2.0
// What is held true of a person when its Patients differ: per field, by rules that are content, each value with who told it.
//
// content/persons/survivorship.json. A rule takes the best of the values that are left, until one is; which rule decided is told with the
// value. Nothing is stored: the values are those of the records that are the person now. Pure. Safe from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "content/content.h"
#include "json/json.h"
#include "outcome/outcome.h"
#include "record/record.h"

namespace xinglin::person {

/// One Patient as it goes in.
struct Telling {
    std::string patient;      // id
    std::string source;       // as source_of
    std::string format;       // of the source: "hl7v2", "csv:resident_register"; "" when nobody knows
    std::string source_name;  // as people call it, "" when nobody does
    std::int64_t at_ms = 0;   // last written
    json::Value resource;
};

/// A value and who tells it, the newest first.
struct Told {
    std::string value;
    std::vector<std::size_t> by;  // places in the tellings
};

/// A value that was chosen, and those that were not.
struct Survivor {
    std::string field, value;
    std::string because;  // the rule that decided: only (nobody says otherwise) verified kinds frequent newest fullest first
    std::vector<std::size_t> by;  // who tells it, the newest first
    std::vector<Told> others;
};

class Survivorship {
public:
    /// Refuses by name what is missing, unknown or of the wrong kind.
    static Result<Survivorship> read(const content::Files& files);

    /// In the order of the file; fields that nobody tells are left out. A value is as the source wrote it, but for white space; death is
    /// "true" or a date, and is left out where nobody tells of it.
    std::vector<Survivor> of(const std::vector<Telling>& tellings) const;
    std::string_view kind_of(const Telling& telling) const;

    enum class Rule : std::uint8_t { verified, kinds, frequent, newest, fullest };

private:
    struct Kind {
        std::string name;
        std::vector<std::string> sources;  // ids, "format:…"; '*' at the end: anything that begins so
    };
    struct Field {
        std::string name;
        std::vector<Rule> rules;
        std::vector<std::string> kinds;
    };
    std::vector<Kind> kinds_;
    std::vector<Field> fields_;

    Survivor choose(const Field& field, const std::vector<Telling>& tellings, std::vector<Told> values,
                    std::string_view identifier) const;
};

/// What is known of a source of messages.
struct Sender {
    std::string name, format;
};
using Senders = std::function<Sender(std::string_view source)>;

/// What these Patients say, those the reader does not show left out. The resources live in the arena.
std::vector<Telling> tellings_of(record::Reader& reader, const std::vector<std::string>& patients, const Senders& senders,
                                 json::Arena& arena);

/// For the doors: [{field, value, because, from: [{patient, source, source_name, at}], others: [{value, from}]}], numbers masked.
json::Value as_json(const std::vector<Survivor>& survivors, const std::vector<Telling>& tellings, json::Arena& arena);

/// Runs content/persons/cases/survivorship.json; adds what does not come out as it says.
void check_survivorship(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked);

}  // namespace xinglin::person
