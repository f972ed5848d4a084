// SPDX-License-Identifier: Apache-2.0
// Records by source and year of birth, linked ones among them.
#include "person/counts.h"

#include <algorithm>

#include "identity/judge.h"

namespace xinglin::person {

int birth_year(const Facts& facts) {
    if (facts.birth.size() != 8) return 0;
    int year = 0;
    for (const char c : facts.birth.substr(0, 4)) {
        if (c < '0' || c > '9') return 0;
        year = year * 10 + (c - '0');
    }
    return year;
}

bool has_sound_number(const Facts& facts) {
    return !facts.residents.empty() && identity::is_sound_identity(facts.residents.front());
}

void Counts::add_source(std::string_view source, std::int64_t records, std::int64_t linked, std::int64_t with_id,
                        std::int64_t twice) {
    connection_
        .prepare(
            "INSERT INTO person_source (source, records, linked, with_id, duplicates) VALUES (?, ?, ?, ?, ?) ON CONFLICT "
            "(source) "
            "DO UPDATE SET records = records + excluded.records, linked = linked + excluded.linked, with_id = with_id + "
            "excluded.with_id, duplicates = duplicates + excluded.duplicates")
        .bind(1, source)
        .bind(2, records)
        .bind(3, linked)
        .bind(4, with_id)
        .bind(5, twice)
        .run();
}

void Counts::record(const Facts& facts, int by) {
    const std::int64_t with_id = has_sound_number(facts) ? by : 0;
    add_source(facts.source, by, 0, with_id, 0);
    connection_
        .prepare(
            "INSERT INTO person_born (year, records, with_id) VALUES (?, ?, ?) ON CONFLICT (year) DO UPDATE SET records = "
            "records "
            "+ excluded.records, with_id = with_id + excluded.with_id")
        .bind(1, std::int64_t{birth_year(facts)})
        .bind(2, std::int64_t{by})
        .bind(3, with_id)
        .run();
}

void Counts::add(const Sources& of_one_person, int by) {
    std::int64_t all = 0;
    for (const auto& [source, n] : of_one_person) all += n;
    if (all < 2) return;
    for (const auto& [source, n] : of_one_person) add_source(source, 0, by * n, 0, by * (n - 1));
}

void Counts::person(Record person, int by) {
    Sources sources;
    auto& query = connection_.prepare("SELECT source FROM person_record WHERE person = ? AND live = 1");
    query.bind(1, person);
    while (query.step()) ++sources[std::string(query.text(0))];
    add(sources, by);
}

std::int64_t Counts::moved(const std::vector<Moved>& moved) {
    std::map<Record, Sources> before, now;
    auto& query = connection_.prepare("SELECT source FROM person_record WHERE number = ? AND live = 1");
    for (const Moved& each : moved) {
        query.bind(1, each.record);
        if (query.step()) {
            const std::string source(query.text(0));
            ++before[each.before][source];
            ++now[each.now][source];
        }
        query.reset();
    }
    for (const auto& [person, sources] : before) add(sources, -1);
    for (const auto& [person, sources] : now) add(sources, 1);
    return static_cast<std::int64_t>(now.size()) - static_cast<std::int64_t>(before.size());
}

void Counts::anew() {
    struct Source {
        std::int64_t records = 0, linked = 0, with_id = 0, twice = 0;
    };
    std::vector<std::string> names;
    std::map<std::string, std::uint32_t, std::less<>> numbers;
    std::vector<Source> sources;
    std::map<int, std::pair<std::int64_t, std::int64_t>> born;
    std::vector<std::pair<Record, std::uint32_t>> of_person;
    auto& query = connection_.prepare("SELECT person, facts FROM person_record WHERE live = 1");
    query.reset();
    while (query.step()) {
        const Facts facts = unpacked(query.text(1));
        const auto [at, is_new] = numbers.emplace(facts.source, static_cast<std::uint32_t>(sources.size()));
        if (is_new) sources.emplace_back(), names.push_back(facts.source);
        const bool has = has_sound_number(facts);
        ++sources[at->second].records;
        sources[at->second].with_id += has;
        auto& year = born[birth_year(facts)];
        ++year.first;
        year.second += has;
        of_person.emplace_back(query.integer(0), at->second);
    }
    std::sort(of_person.begin(), of_person.end());
    for (std::size_t i = 0, k; i < of_person.size(); i = k) {
        for (k = i; k < of_person.size() && of_person[k].first == of_person[i].first; ++k) {}
        if (k - i < 2) continue;
        for (std::size_t at = i; at < k; ++at) {
            ++sources[of_person[at].second].linked;
            sources[of_person[at].second].twice += at > i && of_person[at].second == of_person[at - 1].second;
        }
    }
    connection_.run("DELETE FROM person_source");
    connection_.run("DELETE FROM person_born");
    for (std::size_t i = 0; i < sources.size(); ++i)
        add_source(names[i], sources[i].records, sources[i].linked, sources[i].with_id, sources[i].twice);
    auto& insert = connection_.prepare("INSERT INTO person_born (year, records, with_id) VALUES (?, ?, ?)");
    for (const auto& [year, n] : born) insert.bind(1, std::int64_t{year}).bind(2, n.first).bind(3, n.second).run();
}

}  // namespace xinglin::person
