// SPDX-License-Identifier: Apache-2.0
// Following the feed: what becomes of a Patient that is new, changed or deleted.
#include "person/keeper.h"

#include <algorithm>

#include "person/changes.h"
#include "person/ruling.h"

namespace xinglin::person {

namespace {

constexpr std::size_t step_changes = 2'000;
constexpr std::size_t most_asked = 3;  // tasks that one change may open
constexpr std::int64_t print_mask = (std::int64_t{1} << 60) - 1;

/// Pages are written whole; one that is not reads as zeros, which SQLite takes for values.
bool is_cut_short(const std::string& file) {
    constexpr std::uintmax_t page = 4'096;
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(file, error);
    if (error) return false;
    const std::uintmax_t log = std::filesystem::file_size(file + "-wal", error);
    return (error || log == 0) && size % page != 0;
}

}  // namespace

Keeper::Keeper(record::Store& store, const calendar::Clock& clock, const Settings& settings, Options options)
    : store_(store), clock_(clock), settings_(settings), options_(std::move(options)) {
    if (options_.file.empty()) options_.file = store_.folder() / "person.db";
    place_ = options_.file.string();
    open();
}

void Keeper::open() {
    const auto try_open = [this] {
        // Without an fsync a commit: what a power cut takes is followed from the record again.
        auto made = sql::open_sqlite(place_, {.bulk = true, .cache_bytes = 64ll << 20});
        make_tables(*made);
        connection_ = options_.wrap ? options_.wrap(std::move(made)) : std::move(made);
        load();
    };
    try {
        if (is_cut_short(place_)) remove_files();
        try_open();
    } catch (const sql::Broken& broken) {
        if (broken.why != sql::Broken::Why::corrupt && broken.why != sql::Broken::Why::other) throw;
        remove_files();  // only a view
        try_open();
    }
    if (!filling_) return;
    remove_files();  // a filling that was interrupted begins again
    try_open();
}

void Keeper::remove_files() {
    forget_connection();
    for (const char* end : {"", "-wal", "-shm"}) {
        std::error_code ignored;
        std::filesystem::remove(place_ + end, ignored);
    }
    const std::lock_guard lock(shared_.lock);
    ++shared_.times_made;
    shared_.damaged = false;
}

void Keeper::forget_connection() {
    decider_.reset();
    groups_.reset();
    counts_.reset();
    connection_.reset();
}

void Keeper::load() {
    groups_ = std::make_unique<Groups>(*connection_);
    counts_ = std::make_unique<Counts>(*connection_);
    count_once();
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

/// An index of a program that did not count yet.
void Keeper::count_once() {
    auto& query = connection_->prepare("SELECT counted FROM person_state WHERE only = 1");
    query.reset();
    const bool counted = query.step() && query.integer(0) != 0;
    query.reset();
    if (counted) return;
    sql::transaction(*connection_, [&] {
        counts_->anew();
        connection_->run("UPDATE person_state SET counted = 1");
    });
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
    bool damaged = false;
    {
        const std::lock_guard lock(shared_.lock);
        damaged = shared_.damaged;  // a reader has found out
    }
    if (damaged) remove_files();
    if (!connection_) open();
    try {
        const bool more = follow();
        show();
        made_anew_ = false;
        return more && !is_stopping();
    } catch (const sql::Broken& broken) {
        if (broken.why != sql::Broken::Why::corrupt || made_anew_) throw;
        made_anew_ = true;  // once; if that is damaged too it is the disk
        remove_files();
        return true;
    }
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
                taking_ = change.position;
                taking_ms_ = change.updated_ms;
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
    const Facts facts = facts_of(patient, settings_.wording.get());
    const bool is_new = record == 0;
    if (is_new) record = add(change.id, change.updated_ms);
    std::optional<Known> before = is_new ? std::nullopt : decider_->known(record);
    if (before && before->facts == facts) return;
    if (before) unindex(record, before->facts), counts_->record(before->facts, -1);
    const Record own = groups_->person_of(record);
    if (!is_new) counts_->person(own, -1);
    if (!is_new && !before) {  // deleted once, and here again
        const std::vector<Record> persons{groups_->person_of(record)};
        const std::int64_t were = people_among(persons);
        write_facts(record, facts, change);
        people_ += static_cast<std::uint64_t>(people_among(persons) - were);
        ++records_;
    } else {
        write_facts(record, facts, change);
    }
    counts_->record(facts, 1);
    counts_->person(own, 1);
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
    counts_->record(known->facts, -1);
    counts_->person(known->person, -1);
    const std::vector<Record> persons{known->person};
    const std::int64_t were = people_among(persons);
    connection_->prepare("UPDATE person_record SET live = 0, facts = '', position = ? WHERE number = ?")
        .bind(1, change.position)
        .bind(2, record)
        .run();
    people_ += static_cast<std::uint64_t>(people_among(persons) - were);
    counts_->person(known->person, 1);
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
    people_ += static_cast<std::uint64_t>(counts_->moved(moved));
    if (!filling_) write_changes(*connection_, moved, taking_, taking_ms_);
}

void Keeper::link(Record record, const Option& option, Seq seq, std::int64_t at_ms) {
    const Link link{
        .a = option.best, .b = record, .seq = seq, .log_odds = option.mean, .agreement = option.agreement, .at_ms = at_ms};
    regrouped(groups_->link(link));
    settle_tasks({record, option.best}, 0, at_ms);
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
    if (fit.mean < odds_of(settings_.contradiction) || fit.named == "lent_id") {
        const Record best = fit.best ? fit.best : mates.front().record;
        if (is_said_to_fit(record, best)) return;
        ask("contradiction", record, best, fit.mean, fit.agreement, change.updated_ms);
    } else {
        consider_joining(record, options, change);
    }
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

}  // namespace xinglin::person
