// SPDX-License-Identifier: Apache-2.0
// Reading a table against the registries.
#include "registry/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "message/message.h"
#include "registry/change.h"
#include "registry/edit.h"
#include "table/table.h"
#include "text/text.h"

namespace xinglin::registry {

namespace {

constexpr std::string_view sender = "registry";

struct Drawn {
    RowPlan plan;
    Cells cells;
    EntryPtr entry;                                              // nothing: a new one
    std::map<std::string, std::string, std::less<>> references;  // of cells that name an entry
    std::vector<std::string> sites;
};

class Import {
public:
    Import(const Registry& registry, Sheet sheet, const Words& words)
        : registry_(registry),
          sheet_(sheet),
          words_(words),
          reader_(registry.store().reader(access::Viewer::program("registry"))) {
        out_.sheet = sheet;
    }

    Result<Preview> run(std::string_view bytes) {
        XINGLIN_CHECK(read(bytes));
        for (Drawn& row : rows_) identify(row);
        for (Drawn& row : rows_) resolve(row);
        refuse_cycles();
        refuse_orphans();
        for (Drawn& row : rows_) {
            if (row.plan.reasons.empty()) XINGLIN_CHECK(draw(row));
        }
        finish();
        return std::move(out_);
    }

private:
    const Registry& registry_;
    const Sheet sheet_;
    const Words& words_;
    record::Reader reader_;
    Preview out_;
    std::vector<const Column*> header_;  // by position; nullptr: not known
    std::vector<Drawn> rows_;
    std::map<std::string, std::size_t> by_code_;  // folded; rows of this table

    static void blame(Drawn& row, std::string_view key, std::string zh, std::string en) {
        row.plan.reasons.push_back({std::string(key), std::move(zh), std::move(en)});
    }
    static const std::string& cell(const Drawn& row, std::string_view key) {
        static const std::string none;
        const auto found = row.cells.find(key);
        return found == row.cells.end() ? none : found->second;
    }
    bool has_column(std::string_view key) const {
        return std::any_of(header_.begin(), header_.end(), [&](const Column* each) { return each && each->key == key; });
    }

    const Column* column_titled(std::string_view written) const {
        std::string title = text::fold(written);
        while (!title.empty() && (title.back() == '*' || title.back() == ' ')) title.pop_back();
        for (const Column& each : columns(sheet_)) {
            if (title == text::fold(each.zh) || title == text::fold(each.en) || title == each.key) return &each;
        }
        return nullptr;
    }
    Result<Done> read_header(const table::Row& row) {
        for (const std::string_view written : row.cells) {
            const Column* known = column_titled(written);
            if (known && has_column(known->key))
                return refuse(IssueCode::invalid, std::string(written.substr(0, 100)), "stands in the header twice");
            if (!known && !text::fold(written).empty() && out_.ignored.size() < 50)
                out_.ignored.emplace_back(written.substr(0, 100));
            header_.push_back(known);
        }
        for (const Column& each : columns(sheet_)) {
            if (each.key == "code" && !has_column("code"))
                return refuse(IssueCode::required, std::string(each.zh),
                              fmt::format("the first row must name the columns; {} ({}) is missing. The template has them all",
                                          each.zh, each.en));
        }
        return Done{};
    }
    Result<Done> read(std::string_view bytes) {
        if (bytes.empty()) return refuse(IssueCode::required, "body", "is empty; send the bytes of an XLSX or CSV file");
        XINGLIN_TRY(const std::unique_ptr<table::Rows> rows, table::read(table::Source::memory(bytes)));
        table::Row row;
        for (;;) {
            XINGLIN_TRY(const bool more, rows->next(row));
            if (!more) break;
            const bool is_empty =
                row.trouble.empty() && std::all_of(row.cells.begin(), row.cells.end(), [](std::string_view each) {
                    return each.find_first_not_of(" \t\r\n") == std::string_view::npos;
                });
            if (is_empty) continue;
            if (header_.empty()) {
                XINGLIN_CHECK(read_header(row));
                continue;
            }
            if (rows_.size() == most_rows)
                return refuse(IssueCode::too_costly, "body", fmt::format("has more than {} rows; split it", most_rows));
            rows_.push_back(read_row(row));
        }
        if (header_.empty()) return refuse(IssueCode::required, "body", "has no row that names the columns");
        return Done{};
    }
    Drawn read_row(const table::Row& row) const {
        Drawn out;
        out.plan.number = row.number;
        if (!row.trouble.empty()) {
            blame(out, "", "这一行无法读取", std::string(row.trouble));
            return out;
        }
        for (std::size_t i = 0; i < header_.size(); ++i) {
            if (!header_[i]) continue;
            Bad bad;
            const auto value = normalised(words_, header_[i]->key, i < row.cells.size() ? row.cells[i] : std::string_view{}, bad);
            if (!value) blame(out, header_[i]->key, bad.zh, bad.en);
            else if (value->empty() && header_[i]->required) blame(out, header_[i]->key, "不能为空", "is empty");
            else out.cells[std::string(header_[i]->key)] = *value;
        }
        out.plan.code = cell(out, "code");
        out.plan.name = cell(out, "name");
        return out;
    }

    /// Which entry a row is about.
    void identify(Drawn& row) {
        const std::string code = cell(row, "code");
        if (code.empty()) return;
        const auto [twin, is_first] = by_code_.emplace(text::fold(code), static_cast<std::size_t>(&row - rows_.data()));
        if (!is_first) {
            const std::uint64_t other = rows_[twin->second].plan.number;
            return blame(row, "code", fmt::format("与第{}行编码相同", other), fmt::format("is the code of row {} too", other));
        }
        for (const Known& known : registry_.who_has(code, code_system(sheet_), "")) {
            if (!holds(sheet_, *known.entry)) continue;
            if (!known.code.is_current) {
                blame(row, "code", fmt::format("是{}用过的旧编码", known.entry->name()),
                      fmt::format("is a former code of {}", known.entry->reference()));
            } else if (row.entry) {
                blame(row, "code", "登记中有两个条目使用此编码，请先合并", "belongs to two entries; merge them first");
            } else {
                row.entry = known.entry;
            }
        }
        if (!row.entry && sheet_ != Sheet::consumables && sheet_ != Sheet::drugs && sheet_ != Sheet::devices)
            refuse_foreign(row, code);
        row.plan.reference =
            row.entry ? row.entry->reference()
                      : fmt::format("{}/{}", resource_type(sheet_), message::stable_id(sender, text(sheet_), text::fold(code)));
        for (const Column& each : columns(sheet_)) {
            if (!row.entry && each.required && !has_column(each.key))
                blame(row, each.key, "新增条目缺少此列", "is a column that a new entry needs");
        }
    }
    /// A code in the same system that belongs to something of another kind.
    void refuse_foreign(Drawn& row, const std::string& code) const {
        for (const Known& known : registry_.who_has(code, code_system(sheet_), "")) {
            if (known.code.is_current && !holds(sheet_, *known.entry) && known.entry->type->name == resource_type(sheet_))
                blame(row, "code", "此编码属于另一类条目",
                      fmt::format("belongs to {}, which is of another kind", known.entry->reference()));
        }
    }

    /// What a cell's code stands for: an entry, or a row of this table.
    std::string find(const std::string& code, std::string_view type, bool in_table, Kind preferred) const {
        std::string other;
        for (const Known& known : registry_.who_has(code, "", "")) {
            if (!known.code.is_current || known.entry->type->name != type) continue;
            if (known.entry->kind == preferred) return known.entry->reference();
            if (other.empty()) other = known.entry->reference();
        }
        if (!other.empty() || !in_table) return other;
        const auto found = by_code_.find(text::fold(code));
        return found == by_code_.end() ? std::string() : rows_[found->second].plan.reference;
    }
    void resolve_one(Drawn& row, std::string_view key, std::string_view type, bool in_table, Kind preferred) {
        const std::string& code = cell(row, key);
        if (code.empty()) return;
        std::string reference = find(code, type, in_table, preferred);
        if (reference.empty()) return blame(row, key, "登记中没有此编码：" + code, "no entry has this code: " + code);
        row.references[std::string(key)] = std::move(reference);
    }
    void resolve(Drawn& row) {
        if (row.plan.reference.empty()) return;
        const bool is_place = sheet_ == Sheet::places || sheet_ == Sheet::beds;
        if (has_column("parent"))
            resolve_one(row, "parent", is_place ? "Location" : "Organization",
                        sheet_ == Sheet::organizations || sheet_ == Sheet::places, is_place ? Kind::ward : Kind::institution);
        if (has_column("organization"))
            resolve_one(row, "organization", "Organization", false, sheet_ == Sheet::beds ? Kind::department : Kind::institution);
        std::set<std::string> seen;
        std::string sites = cell(row, "sites");
        for (std::size_t at = sites.find("；"); at != std::string::npos; at = sites.find("；"))
            sites.replace(at, std::string_view("；").size(), ";");
        for (const std::string_view each : text::split(sites, ';')) {
            Bad ignored;
            const std::string code = *normalised(words_, "site", each, ignored);
            if (code.empty() || !seen.insert(code).second) continue;
            if (row.sites.size() == 20) return blame(row, "sites", "多点执业机构超过20个", "names more than 20 institutions");
            std::string reference = find(code, "Organization", false, Kind::institution);
            if (reference.empty()) blame(row, "sites", "登记中没有此编码：" + code, "no entry has this code: " + code);
            else if (reference == row.references["organization"])
                blame(row, "sites", "与主执业机构相同", "is the main institution");
            else row.sites.push_back(std::move(reference));
        }
        if (row.cells.contains("sites")) {
            std::string joined;
            for (const std::string& code : seen) joined += (joined.empty() ? "" : ";") + code;
            row.cells["sites"] = joined;
        }
    }

    /// As the hierarchy would be with this table.
    void refuse_cycles() {
        if (!has_column("parent") || sheet_ == Sheet::beds || sheet_ == Sheet::departments) return;
        std::map<std::string, std::string> parents;
        for (const Drawn& row : rows_) {
            if (row.plan.reasons.empty()) {
                const auto up = row.references.find("parent");
                parents[row.plan.reference] = up == row.references.end() ? std::string() : up->second;
            }
        }
        const auto above = [&](const std::string& reference) {
            if (const auto given = parents.find(reference); given != parents.end()) return given->second;
            const EntryPtr entry = registry_.find(reference);
            return entry ? entry->parent : std::string();
        };
        for (Drawn& row : rows_) {
            if (!row.plan.reasons.empty()) continue;
            std::string at = above(row.plan.reference);
            for (int step = 0; step < 64 && !at.empty(); ++step) {
                if (at == row.plan.reference) {
                    blame(row, "parent", "上级关系成环：它的上级最终又是它自己",
                          "makes a cycle in the hierarchy: what lies above it leads back to it");
                    break;
                }
                at = above(at);
            }
        }
    }
    /// A row below one that cannot be taken cannot be taken either.
    void refuse_orphans() {
        for (bool again = true; again;) {
            again = false;
            std::set<std::string_view> lost;
            for (const Drawn& row : rows_) {
                if (!row.plan.reasons.empty() && !row.entry) lost.insert(row.plan.reference);
            }
            for (const Drawn& row : rows_) {
                if (row.plan.reasons.empty()) lost.erase(row.plan.reference);
            }
            for (Drawn& row : rows_) {
                const auto up = row.references.find("parent");
                if (!row.plan.reasons.empty() || up == row.references.end() || !lost.contains(up->second)) continue;
                blame(row, "parent", "它的上级所在的行有错误", "its parent is a row that is wrong");
                again = true;
            }
        }
    }

    Result<Done> draw(Drawn& row) {
        json::Arena arena;
        Cells before;
        std::string text = blank(sheet_, row.plan.reference.substr(row.plan.reference.find('/') + 1));
        std::int64_t present = 0;
        if (row.entry) {
            const auto version = reader_.read(*row.entry->type, row.entry->id);
            if (!version.ok()) {
                blame(row, "code", "条目刚被删除", "was deleted a moment ago");
                return Done{};
            }
            text = version->body;
            present = version->version;
        }
        XINGLIN_TRY(const json::Value resource, json::parse(text, arena, {.depth = 1'000, .bytes = text.size() + 1}));
        if (row.entry) before = cells_of(registry_, sheet_, *row.entry, resource);
        Edit edit(arena, resource);
        bool place_moves = false, roles_change = false;
        for (const Column& each : columns(sheet_)) {
            const auto given = row.cells.find(each.key);
            const std::string& was = before[std::string(each.key)];
            if (given == row.cells.end() || given->second == was) continue;
            if (each.key == "state" && given->second.empty()) continue;  // nothing said: as it is
            row.plan.changes.push_back({std::string(each.key), was, given->second});
            if (each.key == "longitude" || each.key == "latitude") place_moves = true;
            else if (sheet_ == Sheet::staff &&
                     (each.key == "title" || each.key == "organization" || each.key == "sites" || each.key == "from"))
                roles_change = true;
            else set_cell(edit, sheet_, each.key, given->second, row.references[std::string(each.key)]);
        }
        if (place_moves) edit.set_position(cell(row, "longitude"), cell(row, "latitude"));
        const bool is_changed = !row.entry || row.plan.changes.size() > 0;
        row.plan.state = !row.entry ? RowPlan::State::added : is_changed ? RowPlan::State::changed : RowPlan::State::unchanged;
        const std::string after = json::write(edit.value());
        if (!row.entry || after != json::write(resource)) out_.writes.push_back({row.plan.reference, present, after});
        if (roles_change || (sheet_ == Sheet::staff && !row.entry)) draw_roles(row);
        return Done{};
    }

    struct Place {
        std::string organization, from;
    };
    /// One role for each institution; those that are not named any more end today.
    void draw_roles(const Drawn& row) {
        std::vector<EntryPtr> roles = roles_of(registry_, row.plan.reference);
        const std::string today = registry_.today();
        const auto main = row.references.find("organization");
        std::string first = main != row.references.end() ? main->second : roles.empty() ? "" : roles.front()->organization;
        if (first.empty()) return;
        std::vector<std::string> wanted{first};
        if (row.cells.contains("sites")) wanted.insert(wanted.end(), row.sites.begin(), row.sites.end());
        else
            for (std::size_t i = 1; i < roles.size(); ++i) wanted.push_back(roles[i]->organization);
        for (const EntryPtr& role : roles) {
            if (std::find(wanted.begin(), wanted.end(), role->organization) == wanted.end()) end_role(*role, today);
        }
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            const auto found =
                std::find_if(roles.begin(), roles.end(), [&](const EntryPtr& role) { return role->organization == wanted[i]; });
            write_role(row, wanted[i], i == 0, found == roles.end() ? nullptr : *found);
        }
    }
    void end_role(const Entry& role, std::string_view today) {
        with_resource(role, [&](Edit& edit) { edit.set_open(false, today); });
    }
    void with_resource(const Entry& entry, const std::function<void(Edit&)>& change) {
        const auto version = reader_.read(*entry.type, entry.id);
        if (!version.ok()) return;
        json::Arena arena;
        const auto resource = json::parse(version->body, arena, {.depth = 1'000, .bytes = version->body.size() + 1});
        if (!resource.ok()) return;
        Edit edit(arena, *resource);
        change(edit);
        std::string after = json::write(edit.value());
        if (after != json::write(*resource)) out_.writes.push_back({entry.reference(), version->version, std::move(after)});
    }
    void write_role(const Drawn& row, const std::string& organization, bool is_main, const EntryPtr& present) {
        const auto fill = [&](Edit& edit) {
            if (is_main && row.cells.contains("title")) edit.set_concept("code", "", "", cell(row, "title"), true);
            if (is_main && row.cells.contains("from")) edit.set_days(cell(row, "from"), "");
        };
        if (present) return with_resource(*present, fill);
        json::Arena arena;
        std::string id = message::stable_id(sender, "PractitionerRole", row.plan.reference + " " + organization);
        record::Version gone;
        const auto old = reader_.read(*fhir::find_resource("PractitionerRole"), id, {}, &gone);
        const json::Value blank_role = arena.object(
            {{"resourceType", arena.string("PractitionerRole")},
             {"id", arena.string(id)},
             {"active", arena.boolean(true)},
             {"practitioner",
              arena.object({{"reference", arena.string(row.plan.reference)}, {"display", arena.string(row.plan.name)}})},
             {"organization", arena.object({{"reference", arena.string(organization)}})}});
        Edit edit(arena, blank_role);
        if (!is_main) edit.set_days(registry_.today(), "");
        fill(edit);
        out_.writes.push_back({"PractitionerRole/" + id, old.ok() ? old->version : 0, json::write(edit.value())});
    }

    void finish() {
        for (Drawn& row : rows_) {
            if (!row.plan.reasons.empty()) row.plan.state = RowPlan::State::wrong;
            std::size_t& count = row.plan.state == RowPlan::State::added       ? out_.added
                                 : row.plan.state == RowPlan::State::changed   ? out_.changed
                                 : row.plan.state == RowPlan::State::unchanged ? out_.unchanged
                                                                               : out_.wrong;
            ++count;
            out_.rows.push_back(std::move(row.plan));
        }
        std::string all(text(sheet_));
        for (const Write& write : out_.writes) all += fmt::format("\n{} {} {}", write.reference, write.present, write.body);
        out_.basis = message::stable_id(sender, "basis", all);
    }
};

}  // namespace

Result<Preview> preview(const Registry& registry, Sheet sheet, std::string_view bytes, const Words& words) {
    return Import(registry, sheet, words).run(bytes);
}

}  // namespace xinglin::registry
