// SPDX-License-Identifier: Apache-2.0
// Cases and findings as they are stored.
#include "access/desk.h"

#include <mutex>

#include "access/audit_table.h"
#include "sql/sql.h"

namespace xinglin::access {

namespace {

constexpr sql::Migration migrations[] = {{1, R"sql(
    CREATE TABLE audit_case (
        number INTEGER PRIMARY KEY,
        opened_ms INTEGER NOT NULL,
        moved_ms INTEGER NOT NULL,    -- the last step
        state TEXT NOT NULL,          -- open asked answered closed
        row INTEGER NOT NULL,         -- the line of the audit
        patient TEXT NOT NULL,        -- id of the Patient whose record it is
        opened_by TEXT NOT NULL,      -- account
        question TEXT NOT NULL,
        answer TEXT NOT NULL          -- the last one, '' for none yet
    );
    CREATE INDEX audit_case_patient ON audit_case (patient, number);
    CREATE INDEX audit_case_state ON audit_case (state, number);
    CREATE TABLE audit_case_step (
        number INTEGER PRIMARY KEY,
        of_case INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        by_whom TEXT NOT NULL,        -- account
        step TEXT NOT NULL,           -- open ask answer again close
        words TEXT NOT NULL
    );
    CREATE INDEX audit_case_step_case ON audit_case_step (of_case, number);
    CREATE TABLE audit_finding (
        number INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,     -- rule, who, day, and whom when the rule is about one
        row INTEGER NOT NULL,         -- the line of the audit
        at_ms INTEGER NOT NULL,       -- its time
        rule TEXT NOT NULL,
        facts TEXT NOT NULL,          -- JSON
        who TEXT NOT NULL,
        patient TEXT NOT NULL,
        reviewed_ms INTEGER NOT NULL, -- 0: not yet
        reviewed_by TEXT NOT NULL,
        note TEXT NOT NULL
    );
    CREATE INDEX audit_finding_waiting ON audit_finding (reviewed_ms, number);
    CREATE TABLE audit_judged (one INTEGER PRIMARY KEY, row INTEGER NOT NULL);  -- the last line that the rules saw
)sql"}};

#define XINGLIN_CASE_COLUMNS "number, opened_ms, moved_ms, state, row, patient, opened_by, question, answer"
#define XINGLIN_FINDING_COLUMNS "number, row, at_ms, rule, facts, who, patient, key, reviewed_ms, reviewed_by, note"

constexpr std::int64_t looked_back = 20'000;  // lines

struct Move {
    Case::State from;
    Case::Step step;
    Case::State to;
};
constexpr Move moves[] = {
    {Case::State::open, Case::Step::ask, Case::State::asked},
    {Case::State::open, Case::Step::answer, Case::State::answered},
    {Case::State::asked, Case::Step::answer, Case::State::answered},
    {Case::State::answered, Case::Step::again, Case::State::open},
    {Case::State::answered, Case::Step::close, Case::State::closed},
};
constexpr std::pair<Case::Step, std::string_view> steps[] = {
    {Case::Step::ask, "ask"}, {Case::Step::answer, "answer"}, {Case::Step::again, "again"}, {Case::Step::close, "close"}};
std::string_view text_of(Case::Step step) {
    for (const auto& [each, text] : steps) {
        if (each == step) return text;
    }
    return "";
}

Case read_case(const sql::Statement& row) {
    Case one;
    one.number = row.integer(0);
    one.opened_ms = row.integer(1);
    one.moved_ms = row.integer(2);
    one.state = parse_case_state(row.text(3)).value_or(Case::State::open);
    one.row = row.integer(4);
    one.patient = row.text(5);
    one.opened_by = row.text(6);
    one.question = row.text(7);
    one.answer = row.text(8);
    return one;
}

Finding read_finding(const sql::Statement& row) {
    Finding one;
    one.number = row.integer(0);
    one.row = row.integer(1);
    one.at_ms = row.integer(2);
    one.rule = row.text(3);
    one.facts = row.text(4);
    one.who = row.text(5);
    one.patient = row.text(6);
    one.key = row.text(7);
    one.reviewed_ms = row.integer(8);
    one.reviewed_by = row.text(9);
    one.note = row.text(10);
    return one;
}

std::int64_t number(sql::Statement& row) {
    const std::int64_t value = row.step() ? row.integer(0) : 0;
    row.reset();
    return value;
}

std::optional<Case> case_of(sql::Connection& connection, std::int64_t number) {
    auto& row = connection.prepare("SELECT " XINGLIN_CASE_COLUMNS " FROM audit_case WHERE number = ?");
    row.bind(1, number);
    std::optional<Case> one;
    if (row.step()) one = read_case(row);
    row.reset();
    return one;
}

void add_step(sql::Connection& connection, const Case& one, std::string_view step, std::string_view by, std::string_view words) {
    auto& newest = connection.prepare("SELECT coalesce(max(number), 0) FROM audit_case_step");
    newest.reset();
    const std::int64_t last = number(newest);
    connection.prepare("INSERT INTO audit_case_step (number, of_case, at_ms, by_whom, step, words) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(1, last + 1)
        .bind(2, one.number)
        .bind(3, one.moved_ms)
        .bind(4, by)
        .bind(5, step)
        .bind(6, words)
        .run();
}

Result<Done> sound_words(std::string_view words, std::string_view where) {
    if (words.empty()) return refuse(IssueCode::invalid, std::string(where), "say it in a few words");
    if (words.size() > Desk::most_words)
        return refuse(IssueCode::invalid, std::string(where),
                      "at most " + std::to_string(Desk::most_words) + " bytes, make it shorter");
    return Done{};
}

}  // namespace

std::string_view text(Case::State state) {
    switch (state) {
        case Case::State::open: return "open";
        case Case::State::asked: return "asked";
        case Case::State::answered: return "answered";
        case Case::State::closed: return "closed";
    }
    return "open";
}
std::optional<Case::State> parse_case_state(std::string_view word) {
    for (const auto state : {Case::State::open, Case::State::asked, Case::State::answered, Case::State::closed}) {
        if (text(state) == word) return state;
    }
    return std::nullopt;
}
std::optional<Case::Step> parse_case_step(std::string_view word) {
    for (const auto& [each, text] : steps) {
        if (text == word) return each;
    }
    return std::nullopt;
}

struct Desk::Inside {
    explicit Inside(const std::string& place) : connection(sql::open(place, {.cache_bytes = 1 << 20, .lane = "audit desk"})) {
        sql::migrate(*connection, "audit_desk", migrations);
    }
    std::mutex mutex;  // guards the connection
    std::unique_ptr<sql::Connection> connection;
};

Desk::Desk(const std::filesystem::path& folder, const std::string& store) {
    const std::string place = audit_place(folder, store);
    open_audit(place);  // whose lines it reads
    inside_ = std::make_unique<Inside>(place);
}
Desk::~Desk() = default;

Result<Case> Desk::open_case(std::int64_t row, std::string_view patient, std::string_view by, std::string_view question,
                             std::int64_t now_ms) {
    XINGLIN_CHECK(sound_words(question, "question"));
    const std::lock_guard lock(inside_->mutex);
    sql::Connection& connection = *inside_->connection;
    return sql::transaction(connection, [&]() -> Result<Case> {
        auto& same = connection.prepare("SELECT count(*) FROM audit_case WHERE patient = ? AND row = ? AND state <> 'closed'");
        if (number(same.bind(1, patient).bind(2, row)) > 0)
            return refuse(IssueCode::conflict, "row", "there is a question about this access already, wait for its answer");
        auto& newest = connection.prepare("SELECT coalesce(max(number), 0) FROM audit_case");
        newest.reset();
        Case one;
        one.number = number(newest) + 1;
        one.opened_ms = one.moved_ms = now_ms;
        one.row = row;
        one.patient = patient;
        one.opened_by = by;
        one.question = question;
        auto& add = connection.prepare("INSERT INTO audit_case (" XINGLIN_CASE_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
        add.bind(1, one.number).bind(2, now_ms).bind(3, now_ms).bind(4, text(one.state)).bind(5, row).bind(6, patient);
        add.bind(7, by).bind(8, question).bind(9, std::string_view()).run();
        add_step(connection, one, "open", by, question);
        return one;
    });
}

Result<Case> Desk::move(std::int64_t which, Case::Step step, std::string_view by, std::string_view words, std::int64_t now_ms) {
    if (step != Case::Step::close) XINGLIN_CHECK(sound_words(words, "words"));
    const std::lock_guard lock(inside_->mutex);
    sql::Connection& connection = *inside_->connection;
    return sql::transaction(connection, [&]() -> Result<Case> {
        auto one = case_of(connection, which);
        if (!one) return refuse(IssueCode::not_found, "number", "there is no such case");
        for (const Move& each : moves) {
            if (each.from != one->state || each.step != step) continue;
            one->state = each.to;
            one->moved_ms = now_ms;
            if (step == Case::Step::answer) one->answer = words;
            connection.prepare("UPDATE audit_case SET state = ?, moved_ms = ?, answer = ? WHERE number = ?")
                .bind(1, text(one->state))
                .bind(2, now_ms)
                .bind(3, one->answer)
                .bind(4, which)
                .run();
            add_step(connection, *one, text_of(step), by, words);
            return *one;
        }
        return refuse(IssueCode::conflict, "step", "this step is not open from the present state of the case");
    });
}

std::optional<Case> Desk::find(std::int64_t which) const {
    const std::lock_guard lock(inside_->mutex);
    auto one = case_of(*inside_->connection, which);
    if (!one) return one;
    auto& rows =
        inside_->connection->prepare("SELECT at_ms, by_whom, step, words FROM audit_case_step WHERE of_case = ? ORDER BY number");
    rows.bind(1, which);
    while (rows.step())
        one->steps.push_back({rows.integer(0), std::string(rows.text(1)), std::string(rows.text(2)), std::string(rows.text(3))});
    return one;
}

std::vector<Case> Desk::cases(std::span<const std::string> patients, std::optional<Case::State> state,
                              std::uint32_t count) const {
    const std::lock_guard lock(inside_->mutex);
    std::string query = "SELECT " XINGLIN_CASE_COLUMNS " FROM audit_case WHERE number > 0";
    if (!patients.empty()) {
        query += " AND patient IN (?";
        for (std::size_t i = 1; i < patients.size(); ++i) query += ", ?";
        query += ")";
    }
    if (state) query += " AND state = ?";
    auto& rows = inside_->connection->prepare(query + " ORDER BY number DESC LIMIT ?");
    int at = 1;
    for (const std::string& patient : patients) rows.bind(at++, patient);
    if (state) rows.bind(at++, text(*state));
    rows.bind(at, std::int64_t{count});
    std::vector<Case> all;
    while (rows.step()) all.push_back(read_case(rows));
    return all;
}

std::uint64_t Desk::waiting_cases() const {
    const std::lock_guard lock(inside_->mutex);
    auto& row = inside_->connection->prepare("SELECT count(*) FROM audit_case WHERE state IN ('open', 'asked')");
    row.reset();
    return static_cast<std::uint64_t>(number(row));
}

std::int64_t Desk::judged() const {
    const std::lock_guard lock(inside_->mutex);
    auto& row = inside_->connection->prepare("SELECT row FROM audit_judged WHERE one = 1");
    row.reset();
    return number(row);
}

void Desk::keep(std::span<const Finding> findings, std::int64_t judged_row) {
    const std::lock_guard lock(inside_->mutex);
    sql::Connection& connection = *inside_->connection;
    sql::transaction(connection, [&] {
        auto& newest = connection.prepare("SELECT coalesce(max(number), 0) FROM audit_finding");
        newest.reset();
        std::int64_t last = number(newest);
        for (const Finding& one : findings) {
            auto& same = connection.prepare("SELECT count(*) FROM audit_finding WHERE key = ?");
            if (number(same.bind(1, one.key)) > 0) continue;
            auto& add = connection.prepare("INSERT INTO audit_finding (" XINGLIN_FINDING_COLUMNS
                                           ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '', '')");
            add.bind(1, ++last).bind(2, one.row).bind(3, one.at_ms).bind(4, one.rule).bind(5, one.facts);
            add.bind(6, one.who).bind(7, one.patient).bind(8, one.key).run();
        }
        connection.prepare("INSERT INTO audit_judged (one, row) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET row = excluded.row")
            .bind(1, judged_row)
            .run();
    });
}

std::vector<Finding> Desk::findings(bool reviewed, std::uint32_t count) const {
    const std::lock_guard lock(inside_->mutex);
    auto& rows = inside_->connection->prepare(
        reviewed ? "SELECT " XINGLIN_FINDING_COLUMNS " FROM audit_finding WHERE reviewed_ms > 0 ORDER BY number DESC LIMIT ?"
                 : "SELECT " XINGLIN_FINDING_COLUMNS " FROM audit_finding WHERE reviewed_ms = 0 ORDER BY number DESC LIMIT ?");
    rows.bind(1, std::int64_t{count});
    std::vector<Finding> all;
    while (rows.step()) all.push_back(read_finding(rows));
    return all;
}

std::uint64_t Desk::waiting_findings() const {
    const std::lock_guard lock(inside_->mutex);
    auto& row = inside_->connection->prepare("SELECT count(*) FROM audit_finding WHERE reviewed_ms = 0");
    row.reset();
    return static_cast<std::uint64_t>(number(row));
}

Result<Done> Desk::review(std::int64_t finding, std::string_view by, std::string_view note, std::int64_t now_ms) {
    XINGLIN_CHECK(sound_words(note, "note"));
    const std::lock_guard lock(inside_->mutex);
    sql::Connection& connection = *inside_->connection;
    const std::int64_t changed = sql::transaction(connection, [&] {
        connection
            .prepare("UPDATE audit_finding SET reviewed_ms = ?, reviewed_by = ?, note = ? WHERE number = ? AND reviewed_ms = 0")
            .bind(1, now_ms)
            .bind(2, by)
            .bind(3, note)
            .bind(4, finding)
            .run();
        return connection.changes();
    });
    if (changed == 0) return refuse(IssueCode::conflict, "number", "there is no such finding, or it was reviewed already");
    return Done{};
}

Desk::Seen Desk::seen(std::string_view who, std::int64_t from_ms, std::int64_t until_ms, std::int64_t offset_ms) const {
    const std::lock_guard lock(inside_->mutex);
    auto& row = inside_->connection->prepare(R"sql(
        SELECT count(*), count(DISTINCT day)
          FROM (SELECT DISTINCT (at_ms + ?) / 86400000 AS day, patient
                  FROM audit_access
                 WHERE who = ? AND at_ms >= ? AND at_ms < ? AND patient <> '' AND status < 400) AS each_day
    )sql");
    row.bind(1, offset_ms).bind(2, who).bind(3, from_ms).bind(4, until_ms);
    Seen seen;
    if (row.step()) seen = {row.integer(0), row.integer(1)};
    row.reset();
    return seen;
}

std::int64_t Desk::refused_in_a_row(std::string_view who, std::int64_t last, std::int64_t most) const {
    const std::lock_guard lock(inside_->mutex);
    auto& rows = inside_->connection->prepare(
        "SELECT status FROM audit_access WHERE who = ? AND row <= ? AND row > ? ORDER BY row DESC LIMIT ?");
    rows.bind(1, who).bind(2, last).bind(3, last - looked_back).bind(4, most);
    std::int64_t refused = 0;
    while (rows.step() && rows.integer(0) >= 400) ++refused;
    rows.reset();
    return refused;
}

}  // namespace xinglin::access
