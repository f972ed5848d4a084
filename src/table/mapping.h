// SPDX-License-Identifier: Apache-2.0
// Mappings: files that say what the columns of a table mean, and what turns its rows into FHIR by them.
//
// The format is described in content/mappings/README.md. A mapping is checked against R4 when it is read: a path that does not
// exist, a birth date filled from a column of sexes, a required element left out are named before the first row comes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "content/content.h"
#include "message/message.h"
#include "table/table.h"

namespace xinglin::table {

struct Coding {
    std::string system, code, display;
};
/// What terminology knows: the concept of a code, or of a name; nothing when there is none.
using Lookup = std::function<std::optional<Coding>(std::string_view system, std::string_view code_or_name)>;

struct Plan;

/// A mapping that was found to be right. Cheap to copy; safe from many threads.
class Mapping {
public:
    /// Refuses with everything that is wrong, each issue with its place ("resources/patient/set/birthDate") and a key:
    /// "unknown-member", "unknown-path", "wrong-type", "unknown-column", "unknown-code", "missing-required", …
    static Result<Mapping> read(std::string_view json);

    const std::string& name() const;
    const std::string& version() const;
    const std::string& title() const;     // Chinese
    const std::string& title_en() const;  // English
    const std::string& description() const;
    const std::string& sheet() const;  // that it wants of a workbook, "" for the first

    struct Column {
        std::string name, kind;
        std::vector<std::string> headers;
        bool required = false;
    };
    std::vector<Column> columns() const;
    std::vector<std::string> resource_types() const;

    const Plan& plan() const { return *plan_; }

private:
    explicit Mapping(std::shared_ptr<const Plan> plan) : plan_(std::move(plan)) {}
    std::shared_ptr<const Plan> plan_;
};

/// What became of one row, or of the rows of one group that went together.
struct Item {
    std::vector<std::uint64_t> rows;                          // numbers as in Row
    std::optional<message::Converted> converted;              // or
    Outcome refusal;                                          // why not: every issue with row, column and remedy
    std::vector<std::pair<std::string, std::string>> values;  // column of the mapping → what was read; only when asked for
    std::string raw;                                          // of split_only: header and rows as CSV, readable by convert_one
};

struct ConversionOptions {
    Lookup lookup;             // empty: systems of terminology know nothing
    std::string today;         // "2026-11-22", for dates that may not lie ahead; "" does not look
    bool keep_values = false;  // for a preview
    bool split_only = false;   // rows that belong together are handed out as they are, not converted
    std::size_t group_rows = 1'000;
};

/// The rows of one file, as FHIR. `rows` and the mapping's plan stay alive with it; not for two threads at once.
class Conversion {
public:
    /// Finds the header row. Refuses a file that lacks required columns, naming them and what they may be called.
    static Result<Conversion> begin(const Mapping& mapping, const message::Sender& sender, Rows& rows,
                                    ConversionOptions options = {});
    Conversion(Conversion&&) noexcept;
    ~Conversion();

    /// False at the end. A refusal says why nothing after this can be read; what was wrong with a row is in its Item.
    Result<bool> next(Item& item);

    struct Found {
        std::string header;  // as the file writes it, or its letters
        std::string column;  // of the mapping, "" when nothing wants it
        std::size_t place;   // in the file, from 0
    };
    /// Every column of the file, and what it was taken for; a file's column that several want stands several times.
    const std::vector<Found>& found() const;
    std::uint64_t header_row() const;  // 0 when there is none

private:
    struct State;
    explicit Conversion(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

/// What a `split_only` conversion handed out: one row, or the rows of one group, below their header. Places in refusals and
/// notes then name the column only, as the row's number is known to the caller.
Result<message::Converted> convert_one(std::string_view raw, const Mapping& mapping, const message::Sender& sender,
                                       ConversionOptions options = {});

/// Proposes a mapping for a sample: the known mapping whose columns fit best, with the file's own headers added, and what was
/// guessed of columns that nothing knows. Refuses a sample without a header row.
struct Proposal {
    std::string mapping;  // JSON, readable by Mapping::read
    std::string based_on;
    struct Guess {
        std::string header, column, kind;  // column "": not known; kind: what its values look like
        bool sure = false;                 // found by its name
    };
    std::vector<Guess> guesses;
};
Result<Proposal> propose(Rows& sample, const std::vector<std::pair<std::string, std::string>>& known);

/// The mappings of content/mappings with their text: (name, JSON).
std::vector<std::pair<std::string, std::string>> shelved(const content::Files& files);
/// Reads every mapping of content/mappings and converts its cases; what is wrong is added to `complaints`.
void check_shelf(const content::Files& files, const Lookup& lookup, std::vector<content::Complaint>& complaints,
                 std::size_t& checked);

}  // namespace xinglin::table
