// SPDX-License-Identifier: Apache-2.0
// Where formats plug in: one function for each.
#include "server/live_formats.h"

#include <fstream>

#include <fmt/format.h>

#include "hl7v2/hl7v2.h"
#include "json/json.h"

namespace xinglin::server {

namespace {

/// The message without the time it was sent (MSH-7): a sender that repeats a message may date it anew. Only where it has a
/// control id (MSH-10): without one the time may be all that tells two apart.
std::string without_time(std::string_view bytes) {
    const std::size_t at = bytes.find("MSH");
    if (at == std::string_view::npos || at + 4 > bytes.size()) return std::string(bytes);
    const char separator = bytes[at + 3];
    const std::size_t end = std::min(bytes.find('\r', at), bytes.find('\n', at));
    const std::string_view head = bytes.substr(at, end == std::string_view::npos ? end : end - at);
    std::vector<std::size_t> starts{0};  // of the fields, MSH first
    for (std::size_t i = 0; i < head.size(); ++i) {
        if (head[i] == separator) starts.push_back(i + 1);
    }
    constexpr std::size_t time = 6, control_id = 9;  // MSH-7 and MSH-10, MSH-1 being the separator
    if (starts.size() <= control_id + 1 || starts[control_id + 1] - starts[control_id] <= 1) return std::string(bytes);
    std::string essence(bytes.substr(0, at + starts[time]));
    essence += bytes.substr(at + starts[time + 1] - 1);
    return essence;
}

std::string segments_json(std::string_view bytes, const intake::Source& source, const hl7v2::Tables& tables,
                          std::string& encoding) {
    const auto words = hl7v2::explain(bytes, source.sender(), tables);
    if (!words.ok()) return "[]";
    encoding = words->encoding;
    json::Arena arena;
    return json::write(hl7v2::segments_json(*words, arena));
}

/// Of a file: messages one after the other, a batch, or frames.
Result<Done> split_hl7v2(const std::filesystem::path& file, const std::function<bool(intake::Item)>& each) {
    constexpr std::uintmax_t most = 256u << 20;
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    if (error || size > most)
        return refuse(IssueCode::too_costly, "file", "is longer than 256 MiB or cannot be read; send it in parts");
    std::string bytes(size, '\0');
    std::ifstream in(file, std::ios::binary);
    in.read(bytes.data(), static_cast<std::streamsize>(size));
    if (!in) return refuse(IssueCode::invalid, "file", "cannot be read; see to its permissions");
    for (const hl7v2::Piece& piece : hl7v2::split(bytes)) {
        if (!each({fmt::format("line {}", piece.line), std::string(piece.bytes), ""})) break;
    }
    return Done{};
}

Result<intake::Format> hl7v2_format(const content::Files& content) {
    XINGLIN_TRY(hl7v2::Tables loaded, hl7v2::Tables::load(content));
    const auto tables = std::make_shared<const hl7v2::Tables>(std::move(loaded));  // shared by the functions below
    intake::Format format{.name = "hl7v2"};
    format.glance = [](std::string_view bytes) { return hl7v2::facts_of(bytes, {}); };
    format.essence = without_time;
    format.convert = [tables](std::string_view bytes, const intake::Source& source, std::string_view) {
        return hl7v2::convert_to_tree(bytes, source.sender(), *tables);
    };
    format.explain = [tables](std::string_view bytes, const intake::Source& source, std::string& encoding) {
        return segments_json(bytes, source, *tables, encoding);
    };
    format.split = [](const std::filesystem::path& file, const intake::Source&, std::string_view, const auto& each) {
        return split_hl7v2(file, each);
    };
    return format;
}

}  // namespace

Result<std::vector<intake::Format>> live_formats(const content::Files& content, const MappingText& mappings,
                                                 const table::Lookup& lookup) {
    std::vector<intake::Format> all;
    all.push_back(intake::fhir_format());
    XINGLIN_TRY(intake::Format hl7v2, hl7v2_format(content));
    all.push_back(std::move(hl7v2));
    XINGLIN_CHECK(add_table_formats(content, mappings, lookup, all));
    return all;
}

}  // namespace xinglin::server
