// SPDX-License-Identifier: Apache-2.0
// Inside the room: what a made-up city sends, made up into what travels at once: a message, or a file of rows.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "city/city.h"
#include "outcome/outcome.h"

namespace xinglin::server {

/// Which ways are open beside HTTP.
struct Ways {
    bool mllp = false, folders = false;
    std::string text() const;  // "http mllp folder"
};

struct Parcel {
    std::int64_t time = 0;  // seconds since 1970, local: when it leaves
    std::string source;     // its id at the intake
    std::string name, organization;
    std::string way;       // "mllp", "http", "folder"
    std::string format;    // of the source: "csv:clinic_visits"
    std::string facility;  // MSH-4 of HL7 v2
    std::string file;      // name in the folder
    std::optional<std::array<double, 2>> place;
    std::vector<city::Outgoing> messages;  // one; of a file its rows
};

/// The messages of whole hours, in the order in which they leave. Rows of a table for a folder wait for the end of their hour. The same
/// messages give the same parcels.
std::vector<Parcel> parcels_of(std::vector<city::Outgoing> messages, const Ways& ways);

/// Writes the rows of a parcel as CSV or as a workbook, beside and then renamed. Does nothing when a file of this name is there already
/// or lies in `done`. Refuses (where: the path) what cannot be written.
Result<Done> drop_file(const Parcel& parcel, const std::filesystem::path& folder);

/// The rows of a table, head first, as a workbook: days, moments and small numbers as such, everything else as text. `encoding` as table's
/// CsvOptions, `made` as SheetWriter's.
Result<Done> write_workbook(std::string_view csv, std::string_view sheet, const std::filesystem::path& file,
                            const std::string& encoding = "UTF-8", std::int64_t made = 0);

}  // namespace xinglin::server
