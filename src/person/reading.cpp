// SPDX-License-Identifier: Apache-2.0
// Persons, the queue and its figures, out of the tables.
#include "person/reading.h"

#include <algorithm>
#include <set>

#include "text/text.h"

namespace xinglin::person {

namespace {

constexpr std::string_view task_columns =
    "SELECT number, kind, a, b, log_odds, agreement, opened_ms, closed_ms, later_ms, state, claimed_by, claimed_ms, proposal, "
    "proposed_by "
    "FROM person_task ";
constexpr std::int64_t day_ms = 86'400'000;
constexpr std::size_t most_lines = 200;

Result<Done> refused(std::string_view where, std::string_view what) {
    return refuse(IssueCode::conflict, std::string(where), std::string(what));
}

}  // namespace

std::int64_t Reading::number(std::string_view sql, Record a, Record b) const {
    auto& query = connection_.prepare(sql);
    query.reset();
    if (a) query.bind(1, a);
    if (b) query.bind(2, b);
    const std::int64_t number = query.step() ? query.integer(0) : 0;
    query.reset();
    return number;
}

Record Reading::record_of(std::string_view id) const {
    auto& query = connection_.prepare("SELECT number FROM person_record WHERE id = ?");
    query.bind(1, id);
    const Record record = query.step() ? query.integer(0) : 0;
    query.reset();
    return record;
}

std::string Reading::id_of(Record record) const {
    auto& query = connection_.prepare("SELECT id FROM person_record WHERE number = ?");
    query.bind(1, record);
    std::string id = query.step() ? std::string(query.text(0)) : "";
    query.reset();
    return id;
}

Record Reading::named(std::string_view id) const {
    if (const Record record = record_of(id)) return record;
    const std::int64_t print = print_in(id);
    if (print == 0) return 0;
    auto& query = connection_.prepare("SELECT number FROM person_record WHERE print = ?");
    query.bind(1, print);
    const Record record = query.step() ? query.integer(0) : 0;
    query.reset();
    return record;
}

std::string Reading::enterprise_of(std::string_view patient_id) const {
    const Record record = record_of(patient_id);
    if (record == 0) return {};
    auto& query = connection_.prepare("SELECT print FROM person_record WHERE number = ?");
    query.bind(1, groups_.person_of(record));
    std::string id = query.step() ? enterprise_id(query.integer(0)) : "";
    query.reset();
    return id;
}

std::vector<std::string> Reading::patients(std::string_view patient_id) const {
    std::vector<std::string> all;
    const Record record = record_of(patient_id);
    if (record == 0) return all;
    auto& query = connection_.prepare("SELECT id FROM person_record WHERE person = ? AND live = 1 ORDER BY number");
    query.bind(1, groups_.person_of(record));
    while (query.step()) all.emplace_back(query.text(0));
    return all;
}

Task Reading::task_at(sql::Statement& row) const {
    Task task;
    task.number = row.integer(0);
    task.kind = row.text(1);
    const Record a = row.integer(2), b = row.integer(3);
    task.probability = probability_of(row.real(4));
    task.weights = identity::explain(model_, static_cast<std::uint64_t>(row.integer(5)));
    task.opened_ms = row.integer(6);
    task.closed_ms = row.integer(7);
    task.later_ms = row.integer(8);
    task.state = row.text(9);
    task.claimed_by = row.text(10);
    task.claimed_ms = row.integer(11);
    task.proposal = row.text(12);
    task.proposed_by = row.text(13);
    task.a = id_of(a);
    task.b = id_of(b);
    return task;
}

std::optional<Task> Reading::task(std::int64_t number) const {
    static const std::string sql = std::string(task_columns) + "WHERE number = ?";
    auto& query = connection_.prepare(sql);
    query.bind(1, number);
    std::optional<Task> found;
    if (query.step()) found = task_at(query);
    query.reset();
    return found;
}

std::uint64_t Reading::open_tasks() const {
    return static_cast<std::uint64_t>(number("SELECT coalesce(sum(n), 0) FROM person_open"));
}

Queue Reading::queue(const QueueAsked& asked) const {
    const bool later = asked.state == "later";
    std::string where = "WHERE state = ?1";
    if (asked.state == "open" || later) where += later ? " AND later_ms > ?2" : " AND later_ms <= ?2";
    else where += " AND ?2 > 0";
    if (!asked.kind.empty()) where += " AND kind = ?3";
    if (!asked.reviewer.empty()) where += " AND claimed_by = ?4";
    if (!asked.age.empty()) where += asked.age == "older" ? " AND opened_ms <= ?8" : " AND opened_ms > ?8 AND opened_ms <= ?7";
    const auto bind = [&](sql::Statement& query) -> sql::Statement& {
        query.bind(1, std::string_view(later ? "open" : asked.state)).bind(2, now_ms_);
        if (!asked.kind.empty()) query.bind(3, std::string_view(asked.kind));
        if (!asked.reviewer.empty()) query.bind(4, std::string_view(asked.reviewer));
        if (asked.age == "day") query.bind(7, INT64_MAX).bind(8, now_ms_ - day_ms);
        if (asked.age == "week") query.bind(7, now_ms_ - day_ms).bind(8, now_ms_ - 7 * day_ms);
        if (asked.age == "older") query.bind(8, now_ms_ - 7 * day_ms);
        return query;
    };
    Queue queue;
    {
        auto& query = bind(connection_.prepare("SELECT count(*) FROM person_task " + where));
        if (query.step()) queue.total = static_cast<std::uint64_t>(query.integer(0));
        query.reset();
    }
    auto& query = bind(connection_.prepare(std::string(task_columns) + where + " AND number < ?5 ORDER BY number DESC LIMIT ?6"));
    query.bind(5, asked.before > 0 ? asked.before : INT64_MAX).bind(6, std::int64_t{asked.count});
    while (query.step()) queue.tasks.push_back(task_at(query));
    return queue;
}

std::vector<Line> Reading::lines_of(const std::vector<Record>& records) const {
    std::set<Seq> about;
    for (const Record record : records) {
        for (const std::string_view sql :
             {"SELECT seq FROM person_ruling WHERE a = ?", "SELECT seq FROM person_ruling WHERE b = ?",
              "SELECT seq FROM person_spoken WHERE record = ?"}) {
            auto& query = connection_.prepare(sql);
            query.bind(1, record);
            while (query.step()) about.insert(query.integer(0));
        }
    }
    std::vector<Line> lines;
    for (auto seq = about.rbegin(); seq != about.rend() && lines.size() < most_lines; ++seq) {
        auto& query = connection_.prepare(
            "SELECT r.id, r.kind, r.a, r.b, r.members, coalesce((SELECT t.id FROM person_ruling t WHERE t.seq = r.target), ''), "
            "r.who, r.why, "
            "r.at_ms, r.off, r.void FROM person_ruling r WHERE r.seq = ?");
        query.bind(1, *seq);
        if (!query.step()) continue;
        Line line{*seq, std::string(query.text(0)), std::string(query.text(1))};
        const Record a = query.integer(2), b = query.integer(3);
        for (const std::string_view member : text::split(query.text(4), '\n'))
            if (!member.empty()) line.members.emplace_back(member);
        line.target = query.text(5);
        line.who = query.text(6);
        line.why = query.text(7);
        line.at_ms = query.integer(8);
        line.off = query.integer(9) != 0;
        line.void_ = query.integer(10) != 0;
        query.reset();
        line.a = id_of(a);
        line.b = id_of(b);
        lines.push_back(std::move(line));
    }
    return lines;
}

std::optional<Person> Reading::person(std::string_view id) const {
    const Record record = named(id);
    if (record == 0) return std::nullopt;
    Person person;
    const Record first = groups_.person_of(record);
    person.enterprise_id = enterprise_of(id_of(first));
    std::vector<Record> records;
    {
        auto& query =
            connection_.prepare("SELECT number, id, source, live, at_ms FROM person_record WHERE person = ? ORDER BY number");
        query.bind(1, first);
        while (query.step()) {
            records.push_back(query.integer(0));
            person.members.push_back(
                {std::string(query.text(1)), std::string(query.text(2)), query.integer(3) != 0, query.integer(4)});
        }
    }
    for (const Link& link : groups_.links_of(records)) {
        person.links.push_back({id_of(link.a), id_of(link.b), link.by_hand, groups_.holds(link), probability_of(link.log_odds),
                                link.at_ms, identity::explain(model_, link.agreement)});
    }
    person.lines = lines_of(records);
    std::set<std::int64_t> tasks;
    for (const Record each : records) {
        auto& query = connection_.prepare("SELECT number FROM person_task WHERE (a = ?1 OR b = ?1) AND state = 'open'");
        query.bind(1, each);
        while (query.step()) tasks.insert(query.integer(0));
    }
    for (const std::int64_t number : tasks) person.tasks.push_back(*task(number));
    return person;
}

Statistics Reading::statistics() const {
    Statistics all;
    const auto whole = [](sql::Statement& row, int at) { return static_cast<std::uint64_t>(row.integer(at)); };
    auto& sources = connection_.prepare(
        "SELECT source, records, linked, with_id, duplicates FROM person_source WHERE records > 0 ORDER BY records DESC, source");
    sources.reset();
    while (sources.step())
        all.sources.push_back(
            {std::string(sources.text(0)), whole(sources, 1), whole(sources, 2), whole(sources, 3), whole(sources, 4)});
    std::map<int, AgeShare> ages;
    const std::int64_t this_year = 1970 + now_ms_ / 31'556'952'000;
    auto& born = connection_.prepare("SELECT year, records, with_id FROM person_born WHERE records > 0");
    born.reset();
    while (born.step()) {
        const std::int64_t year = born.integer(0);
        const int age = year > 1850 && year <= this_year ? static_cast<int>((this_year - year) / 10 * 10) : -1;
        AgeShare& share = ages[age];
        share.from_age = age;
        share.records += whole(born, 1);
        share.with_id += whole(born, 2);
    }
    for (const auto& [age, share] : ages) all.ages.push_back(share);
    auto& open = connection_.prepare("SELECT kind, n FROM person_open WHERE n > 0 ORDER BY n DESC, kind");
    open.reset();
    while (open.step()) all.open.emplace_back(open.text(0), whole(open, 1));
    queue_ages(all);
    auto& work = connection_.prepare(
        "SELECT who, sum(decided), sum(claimed) FROM (SELECT who, decided, 0 AS claimed FROM person_reviewer UNION ALL SELECT "
        "claimed_by, 0, count(*) FROM person_task WHERE state = 'open' AND claimed_by <> '' GROUP BY claimed_by) GROUP BY who "
        "ORDER BY 2 DESC, 1");
    work.reset();
    while (work.step()) all.reviewers.push_back({std::string(work.text(0)), whole(work, 1), whole(work, 2)});
    return all;
}

void Reading::queue_ages(Statistics& all) const {
    auto& query = connection_.prepare(
        "SELECT coalesce(sum(opened_ms > ?1), 0), coalesce(sum(opened_ms <= ?1 AND opened_ms > ?2), 0), coalesce(sum(opened_ms "
        "<= ?2), 0), coalesce(min(opened_ms), 0) FROM person_task WHERE state = 'open'");
    query.bind(1, now_ms_ - day_ms).bind(2, now_ms_ - 7 * day_ms);
    if (query.step()) {
        all.open_day = static_cast<std::uint64_t>(query.integer(0));
        all.open_week = static_cast<std::uint64_t>(query.integer(1));
        all.open_older = static_cast<std::uint64_t>(query.integer(2));
        all.oldest_ms = query.integer(3);
    }
    query.reset();
}

/// Is it asked whether b still fits its person? Then "link" says that it does.
bool Reading::is_contradiction_open(Record a, Record b) const {
    auto& query = connection_.prepare(
        "SELECT 1 FROM person_task WHERE state = 'open' AND kind = 'contradiction' AND ((a = ?1 AND b = ?2) OR (a = ?2 AND b = "
        "?1))");
    query.bind(1, a).bind(2, b);
    const bool open = query.step();
    query.reset();
    return open;
}

Result<Done> Reading::check(Ruling& ruling, const Settings& settings) const {
    if (ruling.kind == "fill") return Done{};
    if (ruling.kind == "undo") {
        auto& query = connection_.prepare("SELECT kind, off, void FROM person_ruling WHERE id = ?");
        query.bind(1, std::string_view(ruling.target));
        const bool there = query.step();
        const std::string kind = there ? std::string(query.text(0)) : "";
        const bool off = there && query.integer(1) != 0, is_void = there && query.integer(2) != 0;
        query.reset();
        if (!there) return refuse(IssueCode::not_found, "target", "there is no such decision; the person's history lists them");
        if (off) return refused("target", "is undone already");
        if (is_void || (kind != "link" && kind != "apart" && kind != "split" && kind != "undo"))
            return refused("target", "changed nothing, so there is nothing to undo");
        return Done{};
    }
    if (ruling.kind == "split") {
        if (ruling.members.empty()) return refuse(IssueCode::required, "members", "must name the Patients that leave the person");
        std::set<Record> leaving, persons;
        for (const std::string& id : ruling.members) {
            const Record record = record_of(id);
            if (record == 0) return refuse(IssueCode::not_found, "members", "a Patient among them is not known");
            leaving.insert(record);
            persons.insert(groups_.person_of(record));
        }
        if (persons.size() != 1) return refused("members", "are of several persons; split one at a time");
        if (leaving.size() == groups_.members(*persons.begin()).size())
            return refused("members", "are all there are; leave at least one behind");
        return Done{};
    }
    const Record a = record_of(ruling.a), b = record_of(ruling.b);
    if (a == 0) return refuse(IssueCode::not_found, "a", "there is no such Patient");
    if (b == 0) return refuse(IssueCode::not_found, "b", "there is no such Patient");
    if (ruling.kind == "link" && groups_.person_of(a) == groups_.person_of(b) && !is_contradiction_open(a, b))
        return refused("b", "is the same person as a already");
    if (ruling.kind != "link" && ruling.kind != "apart") return Done{};
    if (!settings.four_eyes) return Done{};
    auto& query = connection_.prepare(
        "SELECT proposal, proposed_by FROM person_task WHERE state = 'open' AND ((a = ?1 AND b = ?2) OR (a = ?2 AND b = ?1))");
    query.bind(1, a).bind(2, b);
    const bool there = query.step();
    const std::string proposal = there ? std::string(query.text(0)) : "", by = there ? std::string(query.text(1)) : "";
    query.reset();
    if (!there) return refused("a", "is in no open task with b; with four eyes only tasks are decided");
    if (proposal != ruling.kind) {  // the first pair of eyes, or another opinion
        ruling.proposal = ruling.kind;
        ruling.kind = "propose";
        return Done{};
    }
    if (by == ruling.who) return refuse(IssueCode::forbidden, "who", "proposed it; somebody else must confirm");
    return Done{};
}

std::vector<std::string> Reading::dump() const {
    std::vector<std::string> lines;
    const auto add = [&](std::string_view sql) {
        auto& query = connection_.prepare(sql);
        query.reset();
        while (query.step()) lines.emplace_back(query.text(0));
    };
    add("SELECT 'record ' || number || ' ' || id || ' ' || person || ' ' || live || ' ' || source || ' ' || facts FROM "
        "person_record");
    add("SELECT 'link ' || a || ' ' || b || ' ' || seq || ' ' || by_hand || ' ' || round(log_odds, 6) || ' ' || agreement || ' ' "
        "|| off FROM person_link");
    add("SELECT 'cut ' || record || ' ' || seq || ' ' || off FROM person_cut");
    add("SELECT 'apart ' || a || ' ' || b || ' ' || seq || ' ' || off FROM person_apart");
    add("SELECT 'key ' || key || ' ' || record FROM person_key");
    add("SELECT 'value ' || role || ' ' || print || ' ' || n FROM person_value WHERE n <> 0");
    add("SELECT 'ruling ' || seq || ' ' || id || ' ' || kind || ' ' || a || ' ' || b || ' ' || target || ' ' || off || ' ' || "
        "void FROM person_ruling");
    add("SELECT 'task ' || kind || ' ' || a || ' ' || b || ' ' || round(log_odds, 6) || ' ' || state || ' ' || closed_by || ' ' "
        "|| claimed_by FROM person_task");
    add("SELECT 'source ' || source || ' ' || records || ' ' || linked || ' ' || with_id || ' ' || duplicates FROM person_source "
        "WHERE records > 0");
    add("SELECT 'born ' || year || ' ' || records || ' ' || with_id FROM person_born WHERE records > 0");
    add("SELECT 'open ' || kind || ' ' || n FROM person_open WHERE n > 0");
    add("SELECT 'change ' || position || ' ' || line || ' ' || record || ' ' || before || ' ' || now || ' ' || kind FROM "
        "person_change");
    add("SELECT 'state ' || position || ' ' || people || ' ' || records FROM person_state");
    std::sort(lines.begin(), lines.end());
    return lines;
}

}  // namespace xinglin::person
