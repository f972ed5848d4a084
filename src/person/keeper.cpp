// SPDX-License-Identifier: Apache-2.0
// Following the feed: what becomes of a Patient that is new, changed or deleted.
#include "person/keeper.h"

#include <algorithm>

#include "person/ruling.h"

namespace xinglin::person {

namespace {

// Everything here can be had again from the record.
constexpr sql::Migration migrations[] = {{1, R"sql(
    CREATE TABLE person_key (
        key    INTEGER NOT NULL,         -- print of what two records of one person are likely to share
        record INTEGER NOT NULL,
        PRIMARY KEY (key, record)
    ) WITHOUT ROWID;
    CREATE TABLE person_value (
        role  INTEGER NOT NULL,
        print INTEGER NOT NULL,          -- 0: all that have any
        n     INTEGER NOT NULL,
        PRIMARY KEY (role, print)
    ) WITHOUT ROWID;
    CREATE TABLE person_ruling (
        seq      INTEGER PRIMARY KEY,    -- its feed position
        id       TEXT NOT NULL,          -- of the Basic
        kind     TEXT NOT NULL,
        a        INTEGER NOT NULL,       -- records; 0: none
        b        INTEGER NOT NULL,
        members  TEXT NOT NULL,          -- Patient ids, one a line
        target   INTEGER NOT NULL,       -- seq of what is undone
        proposal TEXT NOT NULL,
        who      TEXT NOT NULL,
        why      TEXT NOT NULL,
        at_ms    INTEGER NOT NULL,
        off      INTEGER NOT NULL,       -- undone
        void     INTEGER NOT NULL        -- had no effect
    );
    CREATE UNIQUE INDEX person_ruling_id ON person_ruling (id);
    CREATE INDEX person_ruling_a ON person_ruling (a);
    CREATE INDEX person_ruling_b ON person_ruling (b);
    CREATE INDEX person_ruling_target ON person_ruling (target) WHERE target > 0;
    CREATE TABLE person_spoken (         -- which records a ruling is about, beside a and b
        record INTEGER NOT NULL,
        seq    INTEGER NOT NULL,
        PRIMARY KEY (record, seq)
    ) WITHOUT ROWID;
    CREATE TABLE person_task (
        number      INTEGER PRIMARY KEY,
        kind        TEXT NOT NULL,
        a           INTEGER NOT NULL,
        b           INTEGER NOT NULL,
        log_odds    REAL NOT NULL,
        agreement   INTEGER NOT NULL,
        opened_ms   INTEGER NOT NULL,
        closed_ms   INTEGER NOT NULL,
        closed_by   INTEGER NOT NULL,    -- seq of the ruling that answered it; 0: none
        later_ms    INTEGER NOT NULL,
        state       TEXT NOT NULL,       -- open, done, gone
        claimed_by  TEXT NOT NULL,
        claimed_ms  INTEGER NOT NULL,
        proposal    TEXT NOT NULL,
        proposed_by TEXT NOT NULL
    );
    CREATE INDEX person_task_a ON person_task (a);
    CREATE INDEX person_task_b ON person_task (b);
    CREATE INDEX person_task_state ON person_task (state, number);
    CREATE INDEX person_task_closed ON person_task (closed_by) WHERE closed_by > 0;
    CREATE TABLE person_state (
        only      INTEGER PRIMARY KEY,
        position  INTEGER NOT NULL,      -- of the feed
        filled_at INTEGER NOT NULL,      -- position the first filling is of; 0: none was
        filling   INTEGER NOT NULL,
        people    INTEGER NOT NULL,      -- persons with a record that is not deleted
        records   INTEGER NOT NULL,      -- not deleted
        model     TEXT NOT NULL          -- learned by the filling; '' before
    );
    INSERT INTO person_state VALUES (1, 0, 0, 0, 0, 0, '');
)sql"}};

constexpr std::size_t step_changes = 2'000;
constexpr std::size_t most_asked = 3;  // tasks that one change may open
constexpr std::int64_t print_mask = (std::int64_t{1} << 60) - 1;

}  // namespace

void make_tables(sql::Connection& connection) {
    auto& known = connection.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'person_record'");
    known.step();
    const bool there = known.integer(0) > 0;
    known.reset();
    if (!there) sql::transaction(connection, [&] { Groups::make_tables(connection); });
    sql::migrate(connection, "person", migrations);
}

Keeper::Keeper(record::Store& store, const calendar::Clock& clock, const Settings& settings, Options options)
    : store_(store), clock_(clock), settings_(settings), options_(std::move(options)) {
    if (options_.file.empty()) options_.file = store_.folder() / "person.db";
    place_ = options_.file.string();
    open();
}

void Keeper::open() {
    const auto try_open = [this] {
        auto made = sql::open_sqlite(place_, {.cache_bytes = 64ll << 20});
        make_tables(*made);
        connection_ = options_.wrap ? options_.wrap(std::move(made)) : std::move(made);
        load();
    };
    const auto anew = [this] {
        groups_.reset();
        decider_.reset();
        connection_.reset();
        for (const char* end : {"", "-wal", "-shm"}) {
            std::error_code ignored;
            std::filesystem::remove(place_ + end, ignored);
        }
    };
    try {
        try_open();
    } catch (const sql::Broken& broken) {
        if (broken.why != sql::Broken::Why::corrupt && broken.why != sql::Broken::Why::other) throw;
        anew();  // only a view
        try_open();
    }
    if (!filling_) return;
    anew();  // a filling that was interrupted begins again
    try_open();
}

void Keeper::forget_connection() {
    decider_.reset();
    groups_.reset();
    connection_.reset();
}

void Keeper::load() {
    groups_ = std::make_unique<Groups>(*connection_);
    auto& row =
        connection_->prepare("SELECT position, filled_at, filling, people, records, model FROM person_state WHERE only = 1");
    row.reset();
    if (!row.step()) throw sql::Broken(sql::Broken::Why::corrupt, "person_state is empty");
    position_ = row.integer(0);
    filled_at_ = row.integer(1);
    filling_ = row.integer(2) != 0;
    people_ = static_cast<std::uint64_t>(row.integer(3));
    records_ = static_cast<std::uint64_t>(row.integer(4));
    auto model = row.text(5).empty() ? Result<identity::Model>(settings_.model) : identity::Model::parse(row.text(5));
    row.reset();
    take_model(model.ok() ? std::move(*model) : settings_.model);
    auto& greatest = connection_->prepare("SELECT coalesce(max(number), 0) FROM person_record");
    greatest.reset();
    last_ = greatest.step() ? greatest.integer(0) : 0;
    greatest.reset();
    show();
}

void Keeper::take_model(identity::Model model) {
    model_ = std::move(model);
    decider_ = std::make_unique<Decider>(*connection_, model_, settings_);
    const std::lock_guard lock(shared_.lock);
    shared_.model = std::make_shared<const identity::Model>(model_);
}

void Keeper::save() {
    connection_
        ->prepare("UPDATE person_state SET position = ?, filled_at = ?, filling = ?, people = ?, records = ? WHERE only = 1")
        .bind(1, position_)
        .bind(2, filled_at_)
        .bind(3, std::int64_t{filling_})
        .bind(4, static_cast<std::int64_t>(people_))
        .bind(5, static_cast<std::int64_t>(records_))
        .run();
}

void Keeper::show() {
    const std::lock_guard lock(shared_.lock);
    State& state = shared_.state;
    state.position = position_;
    state.filled_at = filled_at_;
    state.filling = filling_;
    state.people = people_;
    state.records = records_;
    state.error.clear();
    shared_.changed.notify_all();
}

bool Keeper::is_stopping() const {
    const std::lock_guard lock(shared_.lock);
    return shared_.stopping;
}

bool Keeper::step() {
    if (is_stopping()) return false;
    if (!connection_) open();
    const bool more = follow();
    show();
    return more && !is_stopping();
}

bool Keeper::follow() {
    static const fhir::Type* const types[] = {fhir::find_resource("Patient"), fhir::find_resource("Basic")};
    record::Reader reader = store_.reader(access::Viewer::program("persons"));
    const record::Position now = reader.position();
    {
        const std::lock_guard lock(shared_.lock);
        shared_.state.record_position = now;
    }
    if (now <= position_) return false;
    if (position_ == 0) {
        if (const auto filled = last_filling(reader, now)) {
            fill(*filled);
            return true;
        }
        ask_for_filling();
        if (asked_for_filling_) return true;
    }
    std::size_t taken = 0;
    std::optional<record::Position> fill_at;
    const record::Position before = position_;
    const auto kept = std::tuple(people_, records_, last_);
    try {
        sql::transaction(*connection_, [&] {
            record::Position end = now;
            reader.changes(position_, now, types, [&](const record::Change& change) {
                arena_.clear();
                const auto parsed = change.text.empty()
                                        ? Result<json::Value>(json::Value{})
                                        : json::parse(change.text, arena_, {.depth = 1'000, .bytes = change.text.size() + 1});
                const json::Value resource = parsed.ok() ? *parsed : json::Value{};
                if (change.type == types[0]) {
                    take_patient(change, resource);
                } else if (const auto ruling = change.version == 1 ? ruling_of(resource) : std::nullopt) {
                    if (ruling->kind == "fill") {
                        fill_at = change.position;
                        return false;
                    }
                    take_ruling(change, resource);
                }
                end = change.position;
                return ++taken < step_changes;
            });
            position_ = fill_at ? position_ : taken < step_changes ? now : end;
            save();
        });
    } catch (...) {
        position_ = before;
        std::tie(people_, records_, last_) = kept;
        throw;
    }
    if (fill_at) fill(*fill_at);
    return position_ < now;
}

Record Keeper::record_of(std::string_view id) const {
    auto& query = connection_->prepare("SELECT number FROM person_record WHERE id = ?");
    query.bind(1, id);
    const Record record = query.step() ? query.integer(0) : 0;
    query.reset();
    return record;
}

Record Keeper::add(std::string_view id, std::int64_t at_ms) {
    groups_->add(++last_, id, print_of(id) & print_mask);
    connection_->prepare("UPDATE person_record SET at_ms = ? WHERE number = ?").bind(1, at_ms).bind(2, last_).run();
    ++people_;
    ++records_;
    return last_;
}

void Keeper::write_facts(Record record, const Facts& facts, const record::Change& change) {
    const std::string text = packed(facts);
    connection_->prepare("UPDATE person_record SET source = ?, facts = ?, position = ?, live = 1 WHERE number = ?")
        .bind(1, std::string_view(facts.source))
        .bind(2, std::string_view(text))
        .bind(3, change.position)
        .bind(4, record)
        .run();
}

void Keeper::index(Record record, const Facts& facts) {
    auto& insert = connection_->prepare("INSERT OR IGNORE INTO person_key (key, record) VALUES (?, ?)");
    for (const std::int64_t key : keys_of(facts)) insert.bind(1, key).bind(2, record).run();
    count_values(facts, 1);
}

void Keeper::unindex(Record record, const Facts& facts) {
    auto& remove = connection_->prepare("DELETE FROM person_key WHERE key = ? AND record = ?");
    for (const std::int64_t key : keys_of(facts)) remove.bind(1, key).bind(2, record).run();
    count_values(facts, -1);
}

void Keeper::count_values(const Facts& facts, int by) {
    auto& count = connection_->prepare(
        "INSERT INTO person_value (role, print, n) VALUES (?, ?, ?) ON CONFLICT (role, print) DO UPDATE SET n = n + excluded.n");
    for (const auto& [role, print] : counted_values(facts)) {
        for (const std::int64_t each : {std::int64_t{0}, print})
            count.bind(1, std::int64_t{role}).bind(2, each).bind(3, std::int64_t{by}).run();
    }
}

void Keeper::take_patient(const record::Change& change, json::Value patient) {
    Record record = record_of(change.id);
    if (change.deleted) {
        if (record != 0) remove(record, change);
        return;
    }
    if (!patient.is_object()) return;
    const Facts facts = facts_of(patient);
    const bool is_new = record == 0;
    if (is_new) record = add(change.id, change.updated_ms);
    std::optional<Known> before = is_new ? std::nullopt : decider_->known(record);
    if (before && before->facts == facts) return;
    if (before) unindex(record, before->facts);
    if (!is_new && !before) {  // deleted once, and here again
        const std::vector<Record> persons{groups_->person_of(record)};
        const std::int64_t were = people_among(persons);
        write_facts(record, facts, change);
        people_ += static_cast<std::uint64_t>(people_among(persons) - were);
        ++records_;
    } else {
        write_facts(record, facts, change);
    }
    index(record, facts);
    decide(record, facts, change);
    if (!before) return;
    // What was one person's is now another's: the number in the source was given anew, or two were swapped.
    const bool named = !before->facts.name.empty() && !before->facts.newborn && !facts.name.empty();
    if (!named || !decider_->living(groups_->person_of(record), record).empty()) return;
    const Option self = decider_->fit(facts, {{record, record, before->facts}});
    if (self.mean < odds_of(settings_.contradiction))
        ask("changed", record, record, self.log_odds, self.agreement, change.updated_ms);
}

void Keeper::remove(Record record, const record::Change& change) {
    const auto known = decider_->known(record);
    if (!known) return;
    unindex(record, known->facts);
    const std::vector<Record> persons{known->person};
    const std::int64_t were = people_among(persons);
    connection_->prepare("UPDATE person_record SET live = 0, facts = '', position = ? WHERE number = ?")
        .bind(1, change.position)
        .bind(2, record)
        .run();
    people_ += static_cast<std::uint64_t>(people_among(persons) - were);
    --records_;
    connection_->prepare("UPDATE person_task SET state = 'gone', closed_ms = ? WHERE state = 'open' AND (a = ? OR b = ?)")
        .bind(1, change.updated_ms)
        .bind(2, record)
        .bind(3, record)
        .run();
}

// ---- decisions ------------------------------------------------------------------------------------------------------

std::int64_t Keeper::people_among(const std::vector<Record>& persons) const {
    auto& query = connection_->prepare("SELECT 1 FROM person_record WHERE person = ? AND live = 1 LIMIT 1");
    std::set<Record> once(persons.begin(), persons.end());
    std::int64_t count = 0;
    for (const Record person : once) {
        query.bind(1, person);
        count += query.step();
        query.reset();
    }
    return count;
}

void Keeper::regrouped(const std::vector<Moved>& moved) {
    auto& query = connection_->prepare("SELECT live FROM person_record WHERE number = ?");
    std::set<Record> before, now;
    for (const Moved& each : moved) {
        query.bind(1, each.record);
        const bool live = query.step() && query.integer(0) != 0;
        query.reset();
        if (!live) continue;
        before.insert(each.before);
        now.insert(each.now);
    }
    people_ += now.size() - before.size();
}

void Keeper::link(Record record, const Option& option, Seq seq, std::int64_t at_ms) {
    const Link link{
        .a = option.best, .b = record, .seq = seq, .log_odds = option.mean, .agreement = option.agreement, .at_ms = at_ms};
    regrouped(groups_->link(link));
    settle_tasks({record, option.best}, 0, at_ms);
}

void Keeper::ask_of(Record record, const Option& option, std::string_view kind, std::int64_t at_ms) {
    if (!option.named.empty() && option.named != "newborn" && option.named != "two_ids") kind = option.named;
    ask(kind, record, option.best, option.mean, option.agreement, at_ms);
}

void Keeper::ask(std::string_view kind, Record a, Record b, double log_odds, identity::Agreement agreement, std::int64_t at_ms) {
    const Record one = groups_->person_of(a), other = groups_->person_of(b);
    // One question about two persons, until it is answered.
    for (const Record member : groups_->members(one)) {
        std::vector<std::pair<Record, bool>> open;  // the other one; of this kind?
        auto& query = connection_->prepare("SELECT a, b, kind FROM person_task WHERE (a = ?1 OR b = ?1) AND state = 'open'");
        query.bind(1, member);
        while (query.step())
            open.emplace_back(query.integer(0) == member ? query.integer(1) : query.integer(0), query.text(2) == kind);
        for (const auto& [of, same_kind] : open)
            if ((one != other || same_kind) && groups_->person_of(of) == other) return;
    }
    connection_
        ->prepare(
            "INSERT INTO person_task (kind, a, b, log_odds, agreement, opened_ms, closed_ms, closed_by, later_ms, state, "
            "claimed_by, "
            "claimed_ms, proposal, proposed_by) VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, 'open', '', 0, '', '')")
        .bind(1, kind)
        .bind(2, a)
        .bind(3, b)
        .bind(4, log_odds)
        .bind(5, static_cast<std::int64_t>(agreement))
        .bind(6, at_ms)
        .run();
}

void Keeper::decide(Record record, const Facts& facts, const record::Change& change) {
    const Record own = groups_->person_of(record);
    const std::vector<Known> mates = decider_->living(own, record);
    std::vector<Option> options;
    for (Option& option : decider_->options(facts, record, {own}))
        if (!groups_->are_apart(own, option.person)) options.push_back(option);
    close_own_tasks(record, change.updated_ms);
    if (mates.empty()) return decide_alone(record, facts, options, change);
    const Option fit = decider_->fit(facts, mates);
    if (fit.mean < odds_of(settings_.contradiction) || fit.named == "lent_id")
        ask("contradiction", record, fit.best ? fit.best : mates.front().record, fit.mean, fit.agreement, change.updated_ms);
    else consider_joining(record, options, change);
}

void Keeper::decide_alone(Record record, const Facts&, const std::vector<Option>& options, const record::Change& change) {
    const double least = odds_of(settings_.link), doubtful = odds_of(settings_.review);
    if (!options.empty() && !options.front().never && !options.front().ask && options.front().mean >= least) {
        link(record, options.front(), change.position, change.updated_ms);
        consider_joining(record, {options.begin() + 1, options.end()}, change);
        return;
    }
    std::size_t asked = 0;
    for (const Option& option : options) {
        if (option.never || asked == most_asked) continue;
        if (option.mean < doubtful && option.named != "lent_id") continue;
        ask_of(record, option, "doubt", change.updated_ms);
        ++asked;
    }
}

/// The record belongs to one person and may belong to another as well: then those may be one.
void Keeper::consider_joining(Record record, const std::vector<Option>& options, const record::Change& change) {
    std::size_t asked = 0;
    for (const Option& option : options) {
        if (option.never || option.mean < odds_of(settings_.review) || asked == most_asked) continue;
        const Record own = groups_->person_of(record);
        if (own == groups_->person_of(option.best)) continue;
        const Option both = decider_->between(decider_->living(own), decider_->living(groups_->person_of(option.best)));
        if (!both.never && !both.ask && !option.ask && both.mean >= odds_of(settings_.join) &&
            !groups_->are_apart(own, option.person)) {
            link(record, option, change.position, change.updated_ms);
        } else if (!both.never && both.mean >= odds_of(settings_.review)) {
            ask_of(record, option, "join", change.updated_ms);
            ++asked;
        }
    }
}

void Keeper::close_own_tasks(Record record, std::int64_t at_ms) {
    connection_
        ->prepare(
            "UPDATE person_task SET state = 'gone', closed_ms = ? WHERE a = ? AND state = 'open' AND proposal = '' AND "
            "claimed_by = ''")
        .bind(1, at_ms)
        .bind(2, record)
        .run();
}

void Keeper::settle_tasks(const std::vector<Record>& touched, Seq seq, std::int64_t at_ms) {
    struct Open {
        std::int64_t number, a, b;
        std::string kind;
    };
    std::set<Record> records;
    for (const Record record : touched)
        for (const Record member : groups_->members(groups_->person_of(record))) records.insert(member);
    std::map<std::int64_t, Open> open;
    for (const Record record : records) {
        auto& query =
            connection_->prepare("SELECT number, a, b, kind FROM person_task WHERE (a = ?1 OR b = ?1) AND state = 'open'");
        query.bind(1, record);
        while (query.step())
            open[query.integer(0)] = {query.integer(0), query.integer(1), query.integer(2), std::string(query.text(3))};
    }
    for (const auto& [number, task] : open) {
        if (task.kind == "changed") continue;
        const Record one = groups_->person_of(task.a), other = groups_->person_of(task.b);
        const bool answered = task.kind == "contradiction" ? one != other : one == other || groups_->are_apart(one, other);
        if (!answered) continue;
        connection_->prepare("UPDATE person_task SET state = ?, closed_ms = ?, closed_by = ? WHERE number = ?")
            .bind(1, std::string_view(seq ? "done" : "gone"))
            .bind(2, at_ms)
            .bind(3, seq)
            .bind(4, number)
            .run();
    }
}

}  // namespace xinglin::person
