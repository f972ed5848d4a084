// SPDX-License-Identifier: Apache-2.0
// Reading tables by a column map, and writing what was found.
#include "identity/linkage.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

#include "json/json.h"
#include "table/table.h"

namespace xinglin::identity {

namespace {

constexpr std::size_t longest_map = 1u << 20;
constexpr std::size_t most_records = 100'000'000;

struct ColumnMap {
    std::string id;
    std::vector<ColumnName> columns;
};

Outcome refusal(const std::string& where, const std::string& what) { return refuse(IssueCode::invalid, where, what); }

std::string roles() {
    std::string all;
    for (int role = 0; role <= static_cast<int>(Role::text); ++role)
        all += (all.empty() ? "" : " ") + std::string(name_of(static_cast<Role>(role)));
    return all;
}

Result<ColumnMap> read_map(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return refusal(file.string(), "cannot be read; name the JSON file that says what each column is");
    std::string text(longest_map, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    json::Arena arena;
    const auto parsed = json::parse(text, arena);
    if (!parsed.ok()) return refusal(file.string(), "is not JSON: " + parsed.outcome().line());
    ColumnMap map;
    map.id = (*parsed)["id"].string();
    if (map.id.empty()) return refusal(file.string(), "\"id\" names no column; give the one that tells records apart");
    for (const json::Member& member : (*parsed)["columns"].members()) {
        const std::string_view said = member.value().string();
        const auto role = role_of(said);
        const std::string name(member.key());
        if (!role) return refusal(file.string(), "column '" + name + "' has no role known here; the roles are " + roles());
        map.columns.push_back({name, *role});
    }
    if (map.columns.empty()) return refusal(file.string(), "\"columns\" is empty; give each column its role: " + roles());
    if (map.columns.size() > most_columns)
        return refusal(file.string(), "has more than " + std::to_string(most_columns) + " columns; leave out what tells least");
    return map;
}

/// The records of one file after another.
class Reading {
public:
    Reading(const ColumnMap& map, std::shared_ptr<const Wording> wording)
        : map_(map), records_(map.columns, std::move(wording)) {}

    Result<Done> read(const std::filesystem::path& file) {
        auto rows = table::read(table::Source::file(file));
        if (!rows.ok()) return rows.outcome();
        table::Row row;
        auto more = (*rows)->next(row);
        if (!more.ok()) return more.outcome();
        if (!*more) return refusal(file.string(), "is empty; its first row must name the columns");
        if (auto found = find_columns(file, row); !found.ok()) return found;
        std::unordered_set<std::string> seen;
        std::vector<std::string_view> values(map_.columns.size());
        for (more = (*rows)->next(row); more.ok() && *more; more = (*rows)->next(row)) {
            const std::string where = file.string() + ", row " + std::to_string(row.number);
            if (!row.trouble.empty()) return refusal(where, std::string(row.trouble));
            const auto cell = [&row](std::size_t at) {
                return at < row.cells.size() ? trimmed(row.cells[at]) : std::string_view();
            };
            const std::string id(cell(id_at_));
            if (id.empty()) return refusal(where, "column '" + map_.id + "' is empty; every record needs an id");
            if (!seen.insert(id).second)
                return refusal(where, "column '" + map_.id + "' holds an id that stands further up already; ids must differ");
            for (std::size_t i = 0; i < at_.size(); ++i) values[i] = cell(at_[i]);
            records_.add(values);
            ids_.push_back(id);
            if (ids_.size() > most_records) return refusal(where, "is one record too many; split the table");
        }
        return more.ok() ? Result<Done>(Done{}) : Result<Done>(more.outcome());
    }

    const Records& records() const { return records_; }
    const std::string& id(std::uint32_t record) const { return ids_[record]; }

private:
    static std::string_view trimmed(std::string_view text) {
        while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
        while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
        return text;
    }

    Result<Done> find_columns(const std::filesystem::path& file, const table::Row& header) {
        const auto find = [&](const std::string& name) -> std::optional<std::size_t> {
            for (std::size_t i = 0; i < header.cells.size(); ++i)
                if (trimmed(header.cells[i]) == name) return i;
            return std::nullopt;
        };
        const auto missing = [&](const std::string& name) {
            return refusal(file.string(), "has no column '" + name + "'; name the columns as its first row does");
        };
        at_.clear();
        for (const ColumnName& each : map_.columns) {
            const auto at = find(each.name);
            if (!at) return missing(each.name);
            at_.push_back(*at);
        }
        const auto id = find(map_.id);
        if (!id) return missing(map_.id);
        id_at_ = *id;
        return Done{};
    }

    const ColumnMap& map_;
    Records records_;
    std::vector<std::string> ids_;
    std::vector<std::size_t> at_;
    std::size_t id_at_ = 0;
};

std::string cell(std::string_view text) {  // RFC 4180
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
    std::string quoted = "\"";
    for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
    return quoted + '"';
}

std::string explanation(const Matches& matches, const Records& records, const Pair& pair) {
    std::string text = fmt::format("{{\"prior\":{:.2f},\"fields\":[", matches.prior);
    bool first = true;
    for (const Weight& each : matches.explain(records, pair.a, pair.b)) {
        text += first ? "{\"field\":" : ",{\"field\":";
        json::write_string(each.field, text);
        text += fmt::format(",\"level\":\"{}\",\"weight\":{:.2f}}}", each.level, each.weight);
        first = false;
    }
    return text + "]}";
}

/// Beside the target first, so that a full disk leaves no half of a file that looks whole.
class Output {
public:
    explicit Output(const std::filesystem::path& file) : file_(file), part_(file.string() + ".part") {
        out_.open(part_, std::ios::binary | std::ios::trunc);
    }
    std::ofstream& out() { return out_; }
    Result<Done> finish() {
        out_.close();
        std::error_code error;
        if (!out_.fail()) std::filesystem::rename(part_, file_, error);
        if (!out_.fail() && !error) return Done{};
        std::filesystem::remove(part_, error);
        return refusal(file_.string(), "cannot be written; make room, or name a folder that may be written to");
    }

private:
    std::filesystem::path file_, part_;
    std::ofstream out_;
};

Result<Done> write_pairs(const Linkage& linkage, const Reading& reading, const Matches& matches) {
    Output output(linkage.pairs);
    output.out() << "id_a,id_b,probability" << (linkage.explain ? ",explanation\n" : "\n");
    for (const Pair& pair : matches.pairs) {
        const std::string *a = &reading.id(pair.a), *b = &reading.id(pair.b);
        if (linkage.other.empty() && *b < *a) std::swap(a, b);
        output.out() << cell(*a) << ',' << cell(*b) << ',' << fmt::format("{:.6f}", pair.probability);
        if (linkage.explain) output.out() << ',' << cell(explanation(matches, reading.records(), pair));
        output.out() << '\n';
    }
    return output.finish();
}

Result<Done> write_clusters(const Linkage& linkage, const Reading& reading, const Matches& matches) {
    if (linkage.clusters.empty()) return Done{};
    Output output(linkage.clusters);
    output.out() << "id,cluster\n";
    std::vector<std::uint32_t> number(matches.cluster.size());
    std::uint32_t last = 0;
    for (std::uint32_t record = 0; record < matches.cluster.size(); ++record) {
        std::uint32_t& cluster = number[matches.cluster[record]];
        if (cluster == 0) cluster = ++last;
        output.out() << cell(reading.id(record)) << ',' << cluster << '\n';
    }
    return output.finish();
}

}  // namespace

Result<MatchFigures> link(const Linkage& linkage) {
    const auto map = read_map(linkage.columns);
    if (!map.ok()) return map.outcome();
    Reading reading(*map, linkage.wording);
    if (auto read = reading.read(linkage.input); !read.ok()) return read.outcome();
    MatchOptions options{.threshold = linkage.threshold};
    if (!linkage.other.empty()) {
        options.first_of_other = reading.records().size();
        if (options.first_of_other == 0) return refusal(linkage.input.string(), "has no records; there is nothing to link");
        if (auto read = reading.read(linkage.other); !read.ok()) return read.outcome();
    }
    const Matches matches = match(reading.records(), options);
    if (auto written = write_pairs(linkage, reading, matches); !written.ok()) return written.outcome();
    if (auto written = write_clusters(linkage, reading, matches); !written.ok()) return written.outcome();
    return matches.figures;
}

}  // namespace xinglin::identity
