// SPDX-License-Identifier: Apache-2.0
// Inside the room: the formats that `xinglin intake` reads. A format is one line in intake_formats.cpp.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "content/content.h"
#include "message/message.h"

namespace xinglin::server {

/// One message of a file, or one row of a table.
struct IntakeItem {
    std::string name;        // where in the file: "1", "row 12"
    std::string control_id;  // the sender's own number; "" when there is none
    std::string content;     // what is compared to find duplicates; "" never is one
    Result<message::Converted> result;
    std::vector<std::string> further = {};  // names of rows that went together with this one; each has its line in the report
};

class IntakeFormat {
public:
    virtual ~IntakeFormat() = default;
    /// Whether a file met in a folder is of this format; files named one by one are always read.
    virtual bool takes(const std::filesystem::path& file) const = 0;
    /// Hands over every message of a file, in order. Refuses only what concerns the whole file.
    virtual Result<Done> read(const std::filesystem::path& file, const message::Sender& sender,
                              const std::function<void(IntakeItem)>& each) const = 0;
};

/// `argument` is what stands after the colon ("csv:vaccinations").
using MakeFormat = Result<std::unique_ptr<IntakeFormat>> (*)(std::string_view argument, const content::Files& files);

struct IntakeFormatEntry {
    std::string_view name;      // "csv"
    std::string_view argument;  // what the argument is: "MAPPING"; "" for none
    MakeFormat make;
};
std::span<const IntakeFormatEntry> intake_formats();
/// By the word of the command line: "hl7v2", "csv:vaccinations".
Result<std::unique_ptr<IntakeFormat>> intake_format(std::string_view word, const content::Files& files);

/// A whole file in memory; refuses one over 1 GiB.
Result<std::string> read_message_file(const std::filesystem::path& file);

}  // namespace xinglin::server
