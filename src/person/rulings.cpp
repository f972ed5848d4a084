// SPDX-License-Identifier: Apache-2.0
// What people decided, taken from the feed into the index.
#include <algorithm>

#include "person/keeper.h"
#include "person/ruling.h"
#include "text/text.h"

namespace xinglin::person {

namespace {

struct Told {
    Seq seq = 0;
    std::string kind;
    Seq target = 0;
    bool off = false, is_void = false;
};

std::optional<Told> told(sql::Connection& connection, std::string_view sql, std::string_view id, Seq seq) {
    auto& query = connection.prepare(sql);
    if (id.empty()) query.bind(1, seq);
    else query.bind(1, id);
    std::optional<Told> found;
    if (query.step())
        found =
            Told{query.integer(0), std::string(query.text(1)), query.integer(2), query.integer(3) != 0, query.integer(4) != 0};
    query.reset();
    return found;
}

std::optional<Told> told_by_id(sql::Connection& connection, std::string_view id) {
    return told(connection, "SELECT seq, kind, target, off, void FROM person_ruling WHERE id = ?", id, 0);
}
std::optional<Told> told_by_seq(sql::Connection& connection, Seq seq) {
    return told(connection, "SELECT seq, kind, target, off, void FROM person_ruling WHERE seq = ?", "", seq);
}

}  // namespace

void Keeper::take_ruling(const record::Change& change, json::Value basic) {
    const auto ruling = ruling_of(basic);
    if (!ruling) return;
    std::vector<Record> left;
    if (ruling->kind == "split" && !ruling->members.empty()) {
        const Record first = record_of(ruling->members.front());
        if (first != 0) left = groups_->members(groups_->person_of(first));
    }
    const bool effect = apply(*ruling, change.position, change.updated_ms);
    write_line(*ruling, change, effect, left);
}

bool Keeper::apply(const Ruling& ruling, Seq seq, std::int64_t at_ms) {
    if (ruling.kind == "fill") return true;
    const Record a = ruling.a.empty() ? 0 : record_of(ruling.a), b = ruling.b.empty() ? 0 : record_of(ruling.b);
    if (ruling.kind == "split") return rule_split(ruling, seq, at_ms);
    if (ruling.kind == "undo") return rule_undo(ruling, seq, at_ms);
    if (a == 0 || b == 0) return false;
    if (ruling.kind == "link") return rule_link(a, b, seq, at_ms);
    if (ruling.kind == "apart") return rule_apart(a, b, seq, at_ms);
    return rule_task(ruling, a, b, at_ms);
}

bool Keeper::rule_link(Record a, Record b, Seq seq, std::int64_t at_ms) {
    if (a == b) return false;
    identity::Agreement agreement = 0;
    double log_odds = 0;
    const auto one = decider_->known(a), other = decider_->known(b);
    if (one && other) {
        const Option option = decider_->fit(one->facts, {*other});
        agreement = option.agreement;
        log_odds = option.log_odds;
    }
    regrouped(groups_->link({.a = std::min(a, b),
                             .b = std::max(a, b),
                             .seq = seq,
                             .by_hand = true,
                             .log_odds = log_odds,
                             .agreement = agreement,
                             .at_ms = at_ms}));
    settle_tasks({a, b}, seq, at_ms);
    connection_  // it fits its person after all
        ->prepare(
            "UPDATE person_task SET state = 'done', closed_ms = ?1, closed_by = ?2 WHERE kind = 'contradiction' AND state = "
            "'open' "
            "AND ((a = ?3 AND b = ?4) OR (a = ?4 AND b = ?3))")
        .bind(1, at_ms)
        .bind(2, seq)
        .bind(3, a)
        .bind(4, b)
        .run();
    return true;
}

bool Keeper::rule_apart(Record a, Record b, Seq seq, std::int64_t at_ms) {
    if (a == b) {  // "no other person after all": a task about one record alone is answered
        connection_
            ->prepare(
                "UPDATE person_task SET state = 'done', closed_ms = ?, closed_by = ? WHERE a = ? AND b = ? AND state = 'open'")
            .bind(1, at_ms)
            .bind(2, seq)
            .bind(3, a)
            .bind(4, b)
            .run();
        return connection_->changes() > 0;
    }
    if (groups_->person_of(a) == groups_->person_of(b)) regrouped(groups_->divide(seq, {a}));
    else groups_->keep_apart(seq, a, b);
    settle_tasks({a, b}, seq, at_ms);
    return true;
}

bool Keeper::rule_split(const Ruling& ruling, Seq seq, std::int64_t at_ms) {
    std::vector<Record> members;
    for (const std::string& id : ruling.members) {
        const Record record = record_of(id);
        if (record == 0) return false;
        members.push_back(record);
    }
    std::sort(members.begin(), members.end());
    members.erase(std::unique(members.begin(), members.end()), members.end());
    if (members.empty()) return false;
    const Record person = groups_->person_of(members.front());
    for (const Record record : members)
        if (groups_->person_of(record) != person) return false;
    std::vector<Record> touched = groups_->members(person);
    if (touched.size() == members.size()) return false;
    regrouped(groups_->divide(seq, members));
    settle_tasks(touched, seq, at_ms);
    return true;
}

bool Keeper::rule_undo(const Ruling& ruling, Seq seq, std::int64_t at_ms) {
    const auto target = told_by_id(*connection_, ruling.target);
    if (!target || target->off || target->is_void || target->seq >= seq) return false;
    if (target->kind != "link" && target->kind != "apart" && target->kind != "split" && target->kind != "undo") return false;
    set_off(target->seq, true, at_ms);
    return true;
}

/// Of an undo it is what was undone that comes back, unless something else undoes it too.
void Keeper::set_off(Seq seq, bool off, std::int64_t at_ms) {
    const auto ruling = told_by_seq(*connection_, seq);
    if (!ruling || ruling->off == off) return;
    connection_->prepare("UPDATE person_ruling SET off = ? WHERE seq = ?").bind(1, std::int64_t{off}).bind(2, seq).run();
    if (ruling->kind == "undo") {
        auto& others = connection_->prepare(
            "SELECT 1 FROM person_ruling WHERE target = ? AND kind = 'undo' AND off = 0 AND void = 0 LIMIT 1");
        others.bind(1, ruling->target);
        const bool undone = others.step();
        others.reset();
        return set_off(ruling->target, undone, at_ms);
    }
    const std::vector<Moved> moved = groups_->set_off(seq, off);
    regrouped(moved);
    if (off) {  // what it answered is a question again
        connection_->prepare("UPDATE person_task SET state = 'open', closed_ms = 0, closed_by = 0 WHERE closed_by = ?")
            .bind(1, seq)
            .run();
        return;
    }
    std::vector<Record> touched;
    for (const Moved& each : moved) touched.push_back(each.record);
    auto& query = connection_->prepare("SELECT a, b FROM person_apart WHERE seq = ?");
    query.bind(1, seq);
    while (query.step()) {
        touched.push_back(query.integer(0));
        touched.push_back(query.integer(1));
    }
    settle_tasks(touched, seq, at_ms);
}

bool Keeper::rule_task(const Ruling& ruling, Record a, Record b, std::int64_t at_ms) {
    std::string_view set;
    if (ruling.kind == "claim") set = "claimed_by = ?1, claimed_ms = ?2";
    if (ruling.kind == "release") set = "claimed_by = '', claimed_ms = 0 * ?2 + 0 * length(?1)";
    if (ruling.kind == "later") set = "later_ms = ?2, claimed_by = substr(?1, 1, 0), claimed_ms = 0";
    if (ruling.kind == "propose") set = "proposed_by = ?1, claimed_by = substr(?1, 1, 0), claimed_ms = 0 * ?2, proposal = ?5";
    if (set.empty()) return false;
    const bool proposes = ruling.kind == "propose";
    if (proposes && ruling.proposal != "link" && ruling.proposal != "apart") return false;
    auto& update = connection_->prepare(
        fmt::format("UPDATE person_task SET {} WHERE state = 'open' AND ((a = ?3 AND b = ?4) OR (a = ?4 AND b = ?3))", set));
    const std::int64_t until = ruling.kind == "later" ? at_ms + settings_.later_days * 86'400'000 : at_ms;
    update.bind(1, std::string_view(ruling.who)).bind(2, until).bind(3, a).bind(4, b);
    if (proposes) update.bind(5, std::string_view(ruling.proposal));
    update.run();
    return connection_->changes() > 0;
}

void Keeper::write_line(const Ruling& ruling, const record::Change& change, bool had_effect, const std::vector<Record>& left) {
    std::string members;
    for (const std::string& each : ruling.members) members += (members.empty() ? "" : "\n") + each;
    const auto target = ruling.target.empty() ? std::nullopt : told_by_id(*connection_, ruling.target);
    connection_
        ->prepare(
            "INSERT OR IGNORE INTO person_ruling (seq, id, kind, a, b, members, target, proposal, who, why, at_ms, off, void) "
            "VALUES (?, ?, ?, ?, ?, ?, "
            "?, ?, ?, ?, ?, 0, ?)")
        .bind(1, change.position)
        .bind(2, std::string_view(change.id))
        .bind(3, std::string_view(ruling.kind))
        .bind(4, ruling.a.empty() ? 0 : record_of(ruling.a))
        .bind(5, ruling.b.empty() ? 0 : record_of(ruling.b))
        .bind(6, std::string_view(members))
        .bind(7, target ? target->seq : 0)
        .bind(8, std::string_view(ruling.proposal))
        .bind(9, std::string_view(ruling.who))
        .bind(10, std::string_view(ruling.why))
        .bind(11, change.updated_ms)
        .bind(12, std::int64_t{!had_effect})
        .run();
    // Whose history it stands in: of a split every member and who stays behind, of an undo whoever that was about.
    std::set<Record> about(left.begin(), left.end());
    for (const std::string& each : ruling.members)
        if (const Record record = record_of(each)) about.insert(record);
    if (target) {
        for (const std::string_view sql :
             {"SELECT a, b FROM person_ruling WHERE seq = ?", "SELECT record, record FROM person_spoken WHERE seq = ?"}) {
            auto& query = connection_->prepare(sql);
            query.bind(1, target->seq);
            while (query.step()) {
                about.insert(query.integer(0));
                about.insert(query.integer(1));
            }
        }
    }
    about.erase(0);
    auto& insert = connection_->prepare("INSERT OR IGNORE INTO person_spoken (record, seq) VALUES (?, ?)");
    for (const Record record : about) insert.bind(1, record).bind(2, change.position).run();
}

}  // namespace xinglin::person
