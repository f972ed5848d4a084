// SPDX-License-Identifier: Apache-2.0
// Questions for people: opened once for two persons, closed when they are answered.
#include "person/keeper.h"

namespace xinglin::person {

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

/// Somebody answered the same question so, and nobody took it back.
bool Keeper::is_said_to_fit(Record a, Record b) const {
    auto& query = connection_->prepare(
        "SELECT 1 FROM person_task t JOIN person_ruling r ON r.seq = t.closed_by WHERE t.kind = 'contradiction' AND t.state = "
        "'done' "
        "AND r.kind = 'link' AND r.off = 0 AND ((t.a = ?1 AND t.b = ?2) OR (t.a = ?2 AND t.b = ?1)) LIMIT 1");
    query.bind(1, a).bind(2, b);
    const bool said = query.step();
    query.reset();
    return said;
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
