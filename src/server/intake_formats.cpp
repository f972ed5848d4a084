// SPDX-License-Identifier: Apache-2.0
// The formats of `xinglin intake`, one line each.
#include "server/intake_formats.h"

#include <fmt/format.h>

#include <fstream>

#include "hl7v2/hl7v2.h"
#include "server/intake_table_formats.h"
#include "text/text.h"

namespace xinglin::server {

namespace fs = std::filesystem;

Result<std::string> read_message_file(const fs::path& file) {
    std::error_code error;
    const auto size = fs::file_size(file, error);
    if (error)
        return refuse(IssueCode::not_found, file.string(), "cannot be read, see whether it is there and to its permissions");
    if (size > (1u << 30)) return refuse(IssueCode::too_costly, file.string(), "is larger than 1 GiB, split it");
    std::ifstream in(file, std::ios::binary);
    std::string out(size, '\0');
    in.read(out.data(), static_cast<std::streamsize>(size));
    if (!in) return refuse(IssueCode::not_found, file.string(), "cannot be read, see to its permissions");
    return out;
}

namespace {

class Hl7v2Format : public IntakeFormat {
public:
    explicit Hl7v2Format(hl7v2::Tables tables) : tables_(std::move(tables)) {}

    bool takes(const fs::path& file) const override {
        const std::string suffix = text::lower_ascii(file.extension().string());
        for (const std::string_view each : {"", ".hl7", ".er7", ".txt", ".msg", ".dat", ".v2", ".oru", ".adt"}) {
            if (suffix == each) return true;
        }
        return false;
    }

    Result<Done> read(const fs::path& file, const message::Sender& sender,
                      const std::function<void(IntakeItem)>& each) const override {
        XINGLIN_TRY(const std::string bytes, read_message_file(file));
        std::size_t number = 0;
        for (const hl7v2::Piece& piece : hl7v2::split(bytes)) {
            IntakeItem item{
                fmt::format("{}", ++number), {}, hl7v2::canonical(piece.bytes), hl7v2::convert(piece.bytes, sender, tables_)};
            if (item.result.ok()) item.control_id = item.result->facts.control_id;
            each(std::move(item));
        }
        return Done{};
    }

private:
    hl7v2::Tables tables_;
};

Result<std::unique_ptr<IntakeFormat>> make_hl7v2(std::string_view, const content::Files& files) {
    XINGLIN_TRY(hl7v2::Tables tables, hl7v2::Tables::load(files));
    return std::unique_ptr<IntakeFormat>(std::make_unique<Hl7v2Format>(std::move(tables)));
}

constexpr IntakeFormatEntry formats[] = {
    {"hl7v2", "", make_hl7v2},
    {"cda", "", make_cda},
    {"csv", "MAPPING", make_csv},
    {"xlsx", "MAPPING", make_xlsx},
};

}  // namespace

std::span<const IntakeFormatEntry> intake_formats() { return formats; }

Result<std::unique_ptr<IntakeFormat>> intake_format(std::string_view word, const content::Files& files) {
    const std::size_t colon = word.find(':');
    const std::string_view name = word.substr(0, colon);
    const std::string_view argument = colon == std::string_view::npos ? std::string_view{} : word.substr(colon + 1);
    std::string known;
    for (const IntakeFormatEntry& each : intake_formats()) {
        const std::string spelt = each.argument.empty() ? std::string(each.name) : fmt::format("{}:{}", each.name, each.argument);
        known += (known.empty() ? "" : ", ") + spelt;
        if (each.name != name) continue;
        if (each.argument.empty() != argument.empty())
            return refuse(IssueCode::value, std::string(word), fmt::format("is written {}", spelt));
        return each.make(argument, files);
    }
    return refuse(IssueCode::value, std::string(word), "is no format that is read; there are " + known);
}

}  // namespace xinglin::server
