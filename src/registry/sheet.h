// SPDX-License-Identifier: Apache-2.0
// The tables in which registries are written: one kind of entry each, known by its columns. A row read from an entry and written back
// changes nothing.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "registry/registry.h"

namespace xinglin::registry {

class Edit;

enum class Sheet : std::uint8_t { organizations, departments, places, beds, staff, devices, consumables, drugs };
std::string_view text(Sheet sheet);
std::optional<Sheet> parse_sheet(std::string_view text);
/// "机构", "institutions".
std::string_view title(Sheet sheet, bool zh);

struct Column {
    std::string_view key, zh, en;
    bool required = false;
    std::string_view example = {};
    std::string_view hint_zh = {}, hint_en = {};
};
std::span<const Column> columns(Sheet sheet);
const Column* column(Sheet sheet, std::string_view key);

Kind kind_of(Sheet sheet);
bool holds(Sheet sheet, const Entry& entry);
std::string_view code_system(Sheet sheet);
std::string_view resource_type(Sheet sheet);

/// By the key of its column; empty cells may be missing.
using Cells = std::map<std::string, std::string, std::less<>>;

/// The code an entry is known by: of its kind's usual system, else the first there is.
std::string code_of(const Entry& entry);
/// An entry's row.
Cells cells_of(const Registry& registry, Sheet sheet, const Entry& entry, json::Value resource);
/// A resource with nothing in it but what every entry of the sheet has.
std::string blank(Sheet sheet, std::string_view id);
/// Writes one cell. `reference`: what a cell that names another entry stands for. The roles of staff are not written here.
void set_cell(Edit& edit, Sheet sheet, std::string_view key, const std::string& value, const std::string& reference);
/// The roles of somebody, the main one first.
std::vector<EntryPtr> roles_of(const Registry& registry, const std::string& practitioner);

/// A cell as it is kept ("2026/3/1" is 2026-03-01, "在用" is active); nothing, with the reason in both languages, when it can't be.
struct Bad {
    std::string zh, en;
};
struct Words {
    /// The WS 218 code of a code or a name; "" when it is neither.
    std::function<std::string(std::string_view)> class_code;
};
std::optional<std::string> normalised(const Words& words, std::string_view key, std::string_view written, Bad& bad);
/// Shown to people: "在用" for active.
std::string shown(std::string_view key, std::string_view value, bool zh);

}  // namespace xinglin::registry
