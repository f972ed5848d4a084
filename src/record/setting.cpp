// SPDX-License-Identifier: Apache-2.0
// Lines of record_setting: "480 #1f0c2a9e". Lines of stores older than the seals have none, and get one when written again.
#include "record/setting.h"

namespace xinglin::record {

namespace {
constexpr std::string_view mark = " #";
constexpr std::size_t seal_digits = 8;

struct Line {
    std::string text;
    bool is_sealed, fits;
};
Line line_of(std::string_view name, std::string_view value) {
    const std::size_t tail = mark.size() + seal_digits;
    if (value.size() < tail || value.substr(value.size() - tail, mark.size()) != mark) return {std::string(value), false, true};
    const std::string text(value.substr(0, value.size() - tail));
    return {text, true, seal_of(std::string(name) + "=" + text) == value.substr(value.size() - seal_digits)};
}
}  // namespace

std::string seal_of(std::string_view text) {
    std::uint32_t sum = 2'166'136'261u;
    for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 16'777'619u;
    return fmt::format("{:08x}", sum);
}

std::optional<std::string> setting(sql::Connection& connection, std::string_view name) {
    auto& query = connection.prepare("SELECT value FROM record_setting WHERE name = ?");
    query.bind(1, name);
    if (!query.step()) return std::nullopt;
    const std::string value(query.text(0));
    query.reset();
    return unsealed(name, value);
}

std::string unsealed(std::string_view name, std::string_view value) {
    Line line = line_of(name, value);
    if (!line.fits)
        throw sql::Broken(sql::Broken::Why::corrupt,
                          "record_setting: the line '" + std::string(name) + "' does not fit its check sum");
    return std::move(line.text);
}

void set_setting(sql::Connection& connection, std::string_view name, std::string_view text) {
    const std::string value = std::string(text) + std::string(mark) + seal_of(std::string(name) + "=" + std::string(text));
    connection
        .prepare("INSERT INTO record_setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
        .bind(1, name)
        .bind(2, value)
        .run();
}

std::vector<std::string> setting_problems(sql::Connection& connection) {
    std::vector<std::string> problems;
    auto& query = connection.prepare("SELECT name, value FROM record_setting ORDER BY name");
    query.reset();
    while (query.step()) {
        const std::string name(query.text(0));
        const Line line = line_of(name, query.text(1));
        if (!line.is_sealed || !line.fits)
            problems.push_back("record_setting: the line '" + name + "' does not fit its check sum");
    }
    return problems;
}

}  // namespace xinglin::record
