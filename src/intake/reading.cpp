// SPDX-License-Identifier: Apache-2.0
// What the tables say.
#include <variant>

#include <fmt/format.h>

#include "intake/ledger.h"

namespace xinglin::intake {

namespace {

#define XINGLIN_BELIEVED "CASE WHEN sent_ms > received_ms + 3600000 THEN received_ms ELSE sent_ms END"
#define XINGLIN_LINE \
    "number, of, source, kind, control_id, state, received_ms, sent_ms, settled_ms, bytes, place, reason, versions"
constexpr std::int64_t counted_at_most = 10'000;  // of the total of a page

Line line_of(const sql::Statement& row) {
    Line line;
    line.number = row.integer(0);
    line.of = row.integer(1);
    line.source = row.text(2);
    line.kind = row.text(3);
    line.control_id = row.text(4);
    line.state = static_cast<State>(row.integer(5));
    line.received_ms = row.integer(6);
    line.sent_ms = row.integer(7);
    line.settled_ms = row.integer(8);
    line.bytes = row.integer(9);
    line.where = row.text(10);
    line.reason = row.text(11);
    line.versions = row.text(12);
    return line;
}

Counts counts_of(const sql::Statement& row, int first) {
    return {.received = row.integer(first),
            .stored = row.integer(first + 1),
            .rejected = row.integer(first + 2),
            .duplicate = row.integer(first + 3),
            .ignored = row.integer(first + 4)};
}

Waiting waiting_of(const sql::Statement& row) {
    return {.number = row.integer(0),
            .source = std::string(row.text(1)),
            .print = {row.integer(2), row.integer(3)},
            .received_ms = row.integer(4),
            .sent_ms = row.integer(5),
            .control_id = std::string(row.text(6)),
            .state = static_cast<State>(row.integer(7))};
}
#define XINGLIN_WAITING "number, source, print, print_more, received_ms, sent_ms, control_id, state"

/// What LIKE must find as it stands.
std::string like(std::string_view text) {
    std::string out = "%";
    for (const char c : text) {
        if (c == '%' || c == '_' || c == '\\') out += '\\';
        out += c;
    }
    return out + "%";
}

/// A condition with what stands for its question marks.
struct Clauses {
    std::string sql = "1 = 1";
    std::vector<std::variant<std::int64_t, std::string>> values;
    void add(std::string_view clause, std::int64_t value) {
        sql += fmt::format(" AND {}", clause);
        values.emplace_back(value);
    }
    void add(std::string_view clause, std::string value) {
        sql += fmt::format(" AND {}", clause);
        values.emplace_back(std::move(value));
    }
    int bind(sql::Statement& statement) const {
        int index = 0;
        for (const auto& value : values) {
            ++index;
            if (const auto* number = std::get_if<std::int64_t>(&value)) statement.bind(index, *number);
            else statement.bind(index, std::string_view(std::get<std::string>(value)));
        }
        return index;
    }
};

}  // namespace

std::vector<Waiting> Ledger::waiting(Number after, std::size_t count) {
    auto& query = connection_->prepare("SELECT " XINGLIN_WAITING
                                       " FROM intake_message WHERE state = 0 AND number > ? ORDER BY number LIMIT ?");
    query.reset();
    query.bind(1, after).bind(2, static_cast<std::int64_t>(count));
    std::vector<Waiting> all;
    while (query.step()) all.push_back(waiting_of(query));
    return all;
}

std::vector<Waiting> Ledger::received(const std::string& source, std::int64_t from_ms, std::int64_t to_ms, Number after,
                                      std::size_t count) {
    const auto [first, last] = numbers_between(from_ms, to_ms, source);
    Clauses clauses;
    if (!source.empty()) clauses.add("source = ?", source);
    clauses.add("number > ?", std::max(after, first - 1));
    clauses.add("number <= ?", last);
    clauses.add("received_ms >= ?", from_ms);
    clauses.add("received_ms < ?", to_ms);
    auto& query = connection_->prepare(
        fmt::format("SELECT " XINGLIN_WAITING " FROM intake_message WHERE {} ORDER BY number LIMIT ?", clauses.sql));
    query.reset();
    query.bind(clauses.bind(query) + 1, static_cast<std::int64_t>(count));
    std::vector<Waiting> all;
    while (query.step()) all.push_back(waiting_of(query));
    return all;
}

std::optional<Line> Ledger::line(Number number) {
    auto& query = connection_->prepare("SELECT " XINGLIN_LINE " FROM intake_message WHERE number = ?");
    query.reset();
    query.bind(1, number);
    std::optional<Line> line;
    if (query.step()) line = line_of(query);
    query.reset();
    return line;
}

std::optional<std::string> Ledger::raw(Number number) {
    const auto line = this->line(number);
    if (!line) return std::nullopt;
    if (line->state == State::duplicate && line->of != 0 && line->of < number) return raw(line->of);
    auto& query = connection_->prepare("SELECT packed FROM intake_raw WHERE number = ?");
    query.reset();
    query.bind(1, number);
    std::optional<std::string> raw;
    if (query.step()) raw = unpack(sql::opened(values_, about_raw(number), query.text(0)), line->bytes);
    query.reset();
    return raw;
}

std::pair<Number, Number> Ledger::numbers_between(std::int64_t from_ms, std::int64_t to_ms, const std::string& source) {
    auto& query = connection_->prepare(
        source.empty() ? "SELECT min(first), max(last) FROM intake_hour WHERE hour >= ? AND hour <= ?"
                       : "SELECT min(first), max(last) FROM intake_hour WHERE hour >= ? AND hour <= ? AND source = ?");
    query.reset();
    query.bind(1, hour_of(from_ms)).bind(2, hour_of(to_ms));
    if (!source.empty()) query.bind(3, source);
    std::pair<Number, Number> between{0, -1};
    if (query.step() && !query.is_null(0)) between = {query.integer(0), query.integer(1)};
    query.reset();
    return between;
}

Page Ledger::find(const Wanted& wanted) {
    Clauses clauses;
    if (!wanted.source.empty()) clauses.add("source = ?", wanted.source);
    if (wanted.state == State::rejected || wanted.state == State::waiting)  // literal, so that the index of these is used
        clauses.sql += wanted.state == State::rejected ? " AND state = 2" : " AND state = 0";
    else if (wanted.state) clauses.add("state = ?", static_cast<std::int64_t>(*wanted.state));
    if (!wanted.kind.empty()) clauses.add("kind = ?", wanted.kind);
    if (!wanted.control_id.empty()) clauses.add("control_id = ?", wanted.control_id);
    if (!wanted.patient.empty()) {
        clauses.sql += " AND patient <> 0";
        clauses.add("patient = ?", patient_key(wanted.source, wanted.patient));
    }
    if (!wanted.text.empty()) {
        clauses.add("(control_id LIKE ? ESCAPE '\\'", like(wanted.text));
        clauses.sql += " OR kind LIKE ? ESCAPE '\\' OR place LIKE ? ESCAPE '\\' OR reason LIKE ? ESCAPE '\\')";
        for (int i = 0; i < 3; ++i) clauses.values.emplace_back(like(wanted.text));
    }
    if (wanted.from_ms != 0 || wanted.to_ms != 0) {
        const std::int64_t to_ms = wanted.to_ms == 0 ? calendar::end_of_time_ms : wanted.to_ms;
        const auto [first, last] = numbers_between(wanted.from_ms, to_ms, wanted.source);
        clauses.add("number >= ?", first);
        clauses.add("number <= ?", last);
        clauses.add("received_ms >= ?", wanted.from_ms);
        clauses.add("received_ms < ?", to_ms);
    }
    Page page;
    auto& total = connection_->prepare(
        fmt::format("SELECT count(*) FROM (SELECT number FROM intake_message WHERE {} LIMIT ?) counted", clauses.sql));
    total.reset();
    total.bind(clauses.bind(total) + 1, counted_at_most + 1);
    if (total.step()) page.total = total.integer(0);
    total.reset();
    page.total_is_least = page.total > counted_at_most;
    if (page.total_is_least) page.total = counted_at_most;
    if (wanted.before > 0) clauses.add("number < ?", wanted.before);
    auto& query = connection_->prepare(
        fmt::format("SELECT " XINGLIN_LINE " FROM intake_message WHERE {} ORDER BY number DESC LIMIT ?", clauses.sql));
    query.reset();
    query.bind(clauses.bind(query) + 1, static_cast<std::int64_t>(wanted.count) + 1);
    while (query.step()) page.lines.push_back(line_of(query));
    if (page.lines.size() > wanted.count) {
        page.lines.pop_back();
        page.next = page.lines.back().number;
    }
    return page;
}

std::vector<Event> Ledger::events(Number number) {
    auto& query = connection_->prepare("SELECT at_ms, what, detail FROM intake_event WHERE number = ? ORDER BY at_ms");
    query.reset();
    query.bind(1, number);
    std::vector<Event> all;
    while (query.step()) all.push_back({query.integer(0), std::string(query.text(1)), std::string(query.text(2))});
    return all;
}

std::vector<ErrorGroup> Ledger::errors(const std::string& source) {
    auto& query = connection_->prepare(
        "SELECT source, spot, reason, count(*), min(received_ms), max(received_ms), max(number) FROM intake_message"
        " WHERE state = 2 AND (? = '' OR source = ?) GROUP BY source, spot, reason ORDER BY count(*) DESC, source, spot LIMIT "
        "1000");
    query.reset();
    query.bind(1, source).bind(2, source);
    std::vector<ErrorGroup> all;
    while (query.step()) {
        all.push_back({std::string(query.text(0)), std::string(query.text(1)), std::string(query.text(2)), query.integer(3),
                       query.integer(4), query.integer(5), query.integer(6)});
    }
    return all;
}

std::vector<Number> Ledger::rejected(const std::string& source, const std::string& spot, const std::string& reason) {
    auto& query = connection_->prepare(
        "SELECT number FROM intake_message WHERE state = 2 AND (? = '' OR source = ?) AND (? = '' OR spot = ?)"
        " AND (? = '' OR reason = ?) ORDER BY number LIMIT 100000");
    query.reset();
    query.bind(1, source).bind(2, source).bind(3, spot).bind(4, spot).bind(5, reason).bind(6, reason);
    std::vector<Number> all;
    while (query.step()) all.push_back(query.integer(0));
    return all;
}

std::vector<std::pair<std::string, Counts>> Ledger::totals(std::int64_t from_hour, std::int64_t to_hour) {
    auto& query = connection_->prepare(
        "SELECT source, CAST(sum(received) AS BIGINT), CAST(sum(stored) AS BIGINT), CAST(sum(rejected) AS BIGINT),"
        " CAST(sum(duplicate) AS BIGINT), CAST(sum(ignored) AS BIGINT)"
        " FROM intake_hour WHERE hour >= ? AND hour < ? GROUP BY source ORDER BY source");
    query.reset();
    query.bind(1, from_hour).bind(2, to_hour);
    std::vector<std::pair<std::string, Counts>> all;
    while (query.step()) all.emplace_back(query.text(0), counts_of(query, 1));
    return all;
}

Hours Ledger::hours(const std::string& source, std::int64_t from_hour, std::int64_t to_hour) {
    auto& query = connection_->prepare(
        "SELECT hour, received, stored, rejected, duplicate, ignored FROM intake_hour"
        " WHERE source = ? AND hour >= ? AND hour < ? ORDER BY hour");
    query.reset();
    query.bind(1, source).bind(2, from_hour).bind(3, to_hour);
    Hours all;
    while (query.step()) all.emplace_back(query.integer(0), counts_of(query, 1));
    return all;
}

std::map<std::string, Hours> Ledger::hours_of_all(std::int64_t from_hour, std::int64_t to_hour) {
    auto& query = connection_->prepare(
        "SELECT hour, received, stored, rejected, duplicate, ignored, source FROM intake_hour"
        " WHERE hour >= ? AND hour < ? ORDER BY hour");
    query.reset();
    query.bind(1, from_hour).bind(2, to_hour);
    std::map<std::string, Hours> all;
    while (query.step()) all[std::string(query.text(6))].emplace_back(query.integer(0), counts_of(query, 1));
    return all;
}

std::map<std::string, std::int64_t> Ledger::received_since(std::int64_t from_ms) {
    // Numbers follow the time of receiving but for moments, so the first one is found by halving what lies between.
    constexpr std::int64_t moments_ms = 5'000;
    const auto [first, last] = numbers_between(from_ms - moments_ms, from_ms + 24 * hour_ms, "");
    if (last < first) return {};
    auto& at = connection_->prepare("SELECT received_ms FROM intake_message WHERE number >= ? ORDER BY number LIMIT 1");
    Number low = first, high = last + 1;
    while (low < high) {
        const Number middle = low + (high - low) / 2;
        at.reset();
        at.bind(1, middle);
        if (at.step() && at.integer(0) < from_ms - moments_ms) low = middle + 1;
        else high = middle;
        at.reset();
    }
    auto& query = connection_->prepare(
        "SELECT source, count(*) FROM intake_message WHERE number >= ? AND received_ms >= ? GROUP BY source");
    query.reset();
    query.bind(1, low).bind(2, from_ms);
    std::map<std::string, std::int64_t> all;
    while (query.step()) all.emplace(query.text(0), query.integer(1));
    return all;
}

std::map<std::string, std::array<std::int64_t, 5>> Ledger::counted(std::int64_t from_ms, std::int64_t to_ms,
                                                                   const std::string& source) {
    const auto [first, last] = numbers_between(from_ms, to_ms, source);
    Clauses clauses;
    if (!source.empty()) clauses.add("source = ?", source);
    clauses.add("number >= ?", first);
    clauses.add("number <= ?", last);
    clauses.add("received_ms >= ?", from_ms);
    clauses.add("received_ms < ?", to_ms);
    auto& query = connection_->prepare(
        fmt::format("SELECT source, state, count(*) FROM intake_message WHERE {} GROUP BY source, state", clauses.sql));
    query.reset();
    clauses.bind(query);
    std::map<std::string, std::array<std::int64_t, 5>> all;
    while (query.step()) {
        auto& states = all.try_emplace(std::string(query.text(0))).first->second;
        states[static_cast<std::size_t>(std::clamp<std::int64_t>(query.integer(1), 0, 4))] = query.integer(2);
    }
    return all;
}

std::int64_t Ledger::last_received(const std::string& source) {
    auto& query = connection_->prepare("SELECT received_ms FROM intake_message WHERE source = ? ORDER BY number DESC LIMIT 1");
    query.reset();
    query.bind(1, source);
    const std::int64_t last = query.step() ? query.integer(0) : 0;
    query.reset();
    return last;
}

std::vector<Source> Ledger::sources(const Source& base) {
    auto& query = connection_->prepare("SELECT definition FROM intake_source ORDER BY id");
    query.reset();
    std::vector<Source> all;
    while (query.step()) {
        json::Arena arena;
        const auto value = json::parse(query.text(0), arena);
        if (!value.ok()) continue;
        auto source = read_source(*value, base);
        if (source.ok()) all.push_back(std::move(*source));
    }
    return all;
}

FileState Ledger::file(const std::string& source, const std::string& file) {
    auto& query = connection_->prepare("SELECT items, done FROM intake_file WHERE source = ? AND file = ?");
    query.reset();
    query.bind(1, source).bind(2, file);
    FileState state;
    if (query.step()) state = {query.integer(0), query.integer(1) != 0};
    query.reset();
    return state;
}

std::pair<std::int64_t, Number> Ledger::writer_of(const std::string& source, const std::string& control_id) {
    auto& query = connection_->prepare("SELECT " XINGLIN_BELIEVED
                                       ", number FROM intake_message WHERE source = ? AND control_id = ? AND state < 2"
                                       " ORDER BY 1 DESC, number DESC LIMIT 1");
    query.reset();
    query.bind(1, source).bind(2, control_id);
    std::pair<std::int64_t, Number> writer{0, 0};
    if (query.step()) writer = {query.integer(0), query.integer(1)};
    query.reset();
    return writer;
}

std::optional<Times> Ledger::first_with(const std::string& source, const std::string& control_id) {
    auto& query = connection_->prepare(
        "SELECT number, received_ms, sent_ms FROM intake_message WHERE source = ? AND control_id = ?"
        " AND state < 2 ORDER BY number LIMIT 1");
    query.reset();
    query.bind(1, source).bind(2, control_id);
    std::optional<Times> out;
    if (query.step()) out = {query.integer(0), query.integer(1), query.integer(2)};
    query.reset();
    return out;
}

std::int64_t Ledger::newest_sent(std::int64_t patient, Number before) {
    auto& query =
        connection_->prepare("SELECT coalesce(max(" XINGLIN_BELIEVED
                             "), 0) FROM intake_message WHERE patient <> 0 AND patient = ? AND number < ? AND state < 2");
    query.reset();
    query.bind(1, patient).bind(2, before);
    const std::int64_t newest = query.step() ? query.integer(0) : 0;
    query.reset();
    return newest;
}

}  // namespace xinglin::intake
