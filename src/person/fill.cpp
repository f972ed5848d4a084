// SPDX-License-Identifier: Apache-2.0
// The first filling: every Patient of one position matched at once by the batch engine, what people decided before laid over it.
#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "person/keeper.h"
#include "person/ruling.h"

namespace xinglin::person {

namespace {

constexpr std::size_t rows_a_commit = 100'000;
constexpr double least_same_number = 0.5;  // of one person's pairs that have identity numbers, those with one number
constexpr double least_matches = 200;      // pairs of one person; of fewer the weights are still the first guess
constexpr double usual_share = 0.05;       // of the weights kept, what content says
constexpr std::size_t most_holders = 8;    // of one identity number; what more persons have is nobody's
constexpr std::int64_t print_mask = (std::int64_t{1} << 60) - 1;

const std::vector<identity::ColumnName>& columns() {
    using identity::Role;
    static const std::vector<identity::ColumnName> all{{"name", Role::name_full},        {"sex", Role::sex},
                                                       {"birth_date", Role::birth_date}, {"national_id", Role::national_id},
                                                       {"phone", Role::phone},           {"address", Role::address}};
    return all;
}

}  // namespace

class Keeper::Filling {
public:
    Filling(Keeper& keeper, record::Position at)
        : keeper_(keeper), connection_(*keeper.connection_), at_(at), records_(columns(), keeper.settings_.wording) {}

    void run() {
        mark(true);
        read_patients();
        identity::Matches matches = identity::match(records_, {.threshold = 0.5, .doubtful = keeper_.settings_.review});
        sql::transaction(connection_, [&] { learn(matches); });
        sql::transaction(connection_, [&] { write_links(matches); });
        write_keys();
        sql::transaction(connection_, [&] { replay_rulings(); });
        sql::transaction(connection_, [&] {
            for (const identity::Pair& pair : matches.doubtful) question(pair.a + 1, pair.b + 1, "doubt");
            lent_numbers();
        });
        sql::transaction(connection_, [&] { keeper_.counts_->anew(); });
        keeper_.position_ = keeper_.filled_at_ = at_;
        mark(false);
    }

private:
    Keeper& keeper_;
    sql::Connection& connection_;
    record::Position at_;
    identity::Records records_;
    std::vector<std::int64_t> updated_ms_;
    std::vector<std::pair<std::int64_t, std::uint32_t>> keys_, numbers_, values_;
    std::vector<std::int64_t> own_numbers_;  // of each record; 0: none that is sound and fits the rest

    void mark(bool filling) {
        keeper_.filling_ = filling;
        sql::transaction(connection_, [&] {
            if (filling) {
                for (const char* table : {"person_record", "person_link", "person_cut", "person_apart", "person_key",
                                          "person_value", "person_ruling", "person_spoken", "person_task", "person_source",
                                          "person_born", "person_open", "person_reviewer", "person_change"})
                    connection_.run(fmt::format("DELETE FROM {}", table));
                keeper_.people_ = keeper_.records_ = 0;
                keeper_.last_ = 0;
            }
            keeper_.save();
        });
        keeper_.show();
    }

    void read_patients() {
        const fhir::Type* patient = fhir::find_resource("Patient");
        record::Reader reader = keeper_.store_.reader(access::Viewer::program("persons"));
        json::Arena arena;
        connection_.begin();
        try {
            reader.scan(
                {.as_of = at_}, [&](const record::Sight& sight) { return sight.type == patient && !sight.deleted; },
                [&](const record::Sight& sight, std::string_view body) {
                    arena.clear();
                    const auto parsed = json::parse(body, arena, {.depth = 1'000, .bytes = body.size() + 1});
                    if (parsed.ok() && !sight.deleted) take(*parsed, sight);
                    if (records_.size() % rows_a_commit == 0) {
                        connection_.commit();
                        connection_.begin();
                    }
                    return true;
                });
            connection_.commit();
        } catch (...) {
            if (connection_.in_transaction()) connection_.rollback();
            throw;
        }
    }

    void take(json::Value patient, const record::Sight& sight) {
        const Facts facts = facts_of(patient, keeper_.settings_.wording.get());
        const std::string_view id = patient["id"].string();
        std::array<std::string, 6> kept;
        records_.add(row_of(facts, nullptr, kept));
        const std::uint32_t number = records_.size();
        const std::string text = packed(facts);
        connection_
            .prepare(
                "INSERT INTO person_record (number, id, print, person, live, source, facts, position, at_ms) VALUES (?, ?, ?, ?, "
                "1, ?, ?, ?, ?)")
            .bind(1, std::int64_t{number})
            .bind(2, id)
            .bind(3, print_of(id) & print_mask)
            .bind(4, std::int64_t{number})
            .bind(5, std::string_view(facts.source))
            .bind(6, std::string_view(text))
            .bind(7, sight.position)
            .bind(8, sight.updated_ms)
            .run();
        updated_ms_.push_back(sight.updated_ms);
        for (const std::int64_t key : keys_of(facts)) keys_.emplace_back(key, number);
        for (const std::string& each : facts.residents)
            if (identity::is_sound_identity(each)) numbers_.emplace_back(print_of(each), number);
        for (const auto& [role, print] : counted_values(facts)) values_.emplace_back(print, static_cast<std::uint32_t>(role));
        const bool own = !facts.residents.empty() && identity::is_sound_identity(facts.residents.front()) && is_own_number(facts);
        own_numbers_.push_back(own ? print_of(facts.residents.front()) : 0);
        keeper_.last_ = number;
    }

    void learn(const identity::Matches& matches) {
        if (matches.learned.size() != columns().size()) return;  // fewer than two records
        if (matches.figures.matches < least_matches) return;     // a register of residents, nobody told twice
        identity::Model model = identity::Model::of(matches);
        // Where hardly anybody is told twice, what it takes for one person is kin: it has learned nothing then.
        const identity::LearnedField& number = model.fields[3];
        if (number.same.back() < least_same_number) return;
        // What this record has never shown (an address that differs, say) stays as possible as content holds it.
        for (std::size_t i = 0; i < model.fields.size(); ++i) {
            const identity::LearnedField& usual = keeper_.settings_.model.fields[i];
            for (auto of : {&identity::LearnedField::same, &identity::LearnedField::kin, &identity::LearnedField::strangers})
                for (std::size_t level = 0; level < (usual.*of).size(); ++level)
                    (model.fields[i].*of)[level] =
                        (1 - usual_share) * (model.fields[i].*of)[level] + usual_share * (usual.*of)[level];
        }
        const std::string text = model.text();
        connection_.prepare("UPDATE person_state SET model = ? WHERE only = 1").bind(1, std::string_view(text)).run();
        keeper_.take_model(std::move(model));
    }

    /// Of every cluster the likeliest pairs that hold it together (Kruskal).
    void write_links(const identity::Matches& matches) {
        std::vector<identity::Pair> pairs;
        for (const identity::Pair& pair : matches.pairs)
            if (matches.cluster[pair.a] == matches.cluster[pair.b]) pairs.push_back(pair);
        std::stable_sort(pairs.begin(), pairs.end(), [](const auto& x, const auto& y) { return x.probability > y.probability; });
        std::vector<std::uint32_t> root(records_.size());
        std::iota(root.begin(), root.end(), 0u);
        const auto find = [&](std::uint32_t at) {
            while (root[at] != at) at = root[at] = root[root[at]];
            return at;
        };
        auto& insert = connection_.prepare(
            "INSERT INTO person_link (a, b, seq, by_hand, log_odds, agreement, at_ms, off) VALUES (?, ?, 0, 0, ?, ?, ?, 0)");
        for (const identity::Pair& pair : pairs) {
            const std::uint32_t one = find(pair.a), other = find(pair.b);
            if (one == other) continue;
            // Two numbers, each right for whoever has it, are two people; whatever else is alike, somebody is asked.
            if (own_numbers_[one] != 0 && own_numbers_[other] != 0 && own_numbers_[one] != own_numbers_[other]) continue;
            root[std::max(one, other)] = std::min(one, other);
            own_numbers_[std::min(one, other)] = own_numbers_[one] ? own_numbers_[one] : own_numbers_[other];
            const double probability = std::clamp(pair.probability, 1e-9, 1 - 1e-9);
            insert.bind(1, std::int64_t{pair.a} + 1)
                .bind(2, std::int64_t{pair.b} + 1)
                .bind(3, odds_of(probability))
                .bind(4, static_cast<std::int64_t>(identity::agreement_of(records_, pair.a, pair.b)))
                .bind(5, std::max(updated_ms_[pair.a], updated_ms_[pair.b]))
                .run();
        }
        auto& person = connection_.prepare("UPDATE person_record SET person = ? WHERE number = ?");
        std::uint64_t people = 0;
        for (std::uint32_t i = 0; i < records_.size(); ++i) {
            const std::uint32_t first = find(i);
            if (first == i) ++people;
            else person.bind(1, std::int64_t{first} + 1).bind(2, std::int64_t{i} + 1).run();
        }
        keeper_.people_ = people;
        keeper_.records_ = records_.size();
    }

    void write_keys() {
        std::sort(keys_.begin(), keys_.end());
        for (std::size_t at = 0; at < keys_.size();) {
            sql::transaction(connection_, [&] {
                auto& insert = connection_.prepare("INSERT OR IGNORE INTO person_key (key, record) VALUES (?, ?)");
                for (const std::size_t end = std::min(keys_.size(), at + 4 * rows_a_commit); at < end; ++at)
                    insert.bind(1, keys_[at].first).bind(2, std::int64_t{keys_[at].second}).run();
            });
        }
        std::sort(values_.begin(), values_.end());
        sql::transaction(connection_, [&] {
            auto& insert = connection_.prepare("INSERT INTO person_value (role, print, n) VALUES (?, ?, ?)");
            std::map<std::uint32_t, std::int64_t> present;
            for (std::size_t i = 0, k; i < values_.size(); i = k) {
                for (k = i; k < values_.size() && values_[k] == values_[i]; ++k) {}
                present[values_[i].second] += static_cast<std::int64_t>(k - i);
                if (k - i > 1)  // what one record has is as rare as anything can be
                    insert.bind(1, std::int64_t{values_[i].second})
                        .bind(2, values_[i].first)
                        .bind(3, static_cast<std::int64_t>(k - i))
                        .run();
            }
            for (const auto& [role, n] : present) insert.bind(1, std::int64_t{role}).bind(2, std::int64_t{0}).bind(3, n).run();
        });
    }

    /// Everything decided before, in its order; what people kept apart comes apart again at its weakest link.
    void replay_rulings() {
        static const fhir::Type* const types[] = {fhir::find_resource("Basic")};
        record::Reader reader = keeper_.store_.reader(access::Viewer::program("persons"));
        json::Arena arena;
        reader.changes(0, at_, types, [&](const record::Change& change) {
            if (change.version != 1 || change.text.empty()) return true;
            arena.clear();
            const auto parsed = json::parse(change.text, arena, {.depth = 1'000, .bytes = change.text.size() + 1});
            if (parsed.ok()) keeper_.take_ruling(change, *parsed);
            return true;
        });
        std::vector<std::pair<Record, Record>> apart;
        auto& query = connection_.prepare("SELECT a, b FROM person_apart WHERE off = 0 ORDER BY number");
        query.reset();
        while (query.step()) apart.emplace_back(query.integer(0), query.integer(1));
        for (const auto& [a, b] : apart) come_apart(a, b);
    }

    void come_apart(Record a, Record b) {
        Groups& groups = *keeper_.groups_;
        while (groups.person_of(a) == groups.person_of(b)) {
            // The way from a to b; a tree of the program's links and what people linked.
            std::map<Record, Link> by;
            std::vector<Record> front{a};
            for (std::size_t i = 0; i < front.size() && !by.count(b); ++i) {
                for (const Link& link : groups.links_of({front[i]})) {
                    const Record other = link.a == front[i] ? link.b : link.a;
                    if (other == a || by.count(other) || !groups.holds(link)) continue;
                    by.emplace(other, link);
                    front.push_back(other);
                }
            }
            const Link* weakest = nullptr;
            for (Record at = b; at != a;) {
                const Link& link = by.at(at);
                if (!link.by_hand && (!weakest || link.log_odds < weakest->log_odds)) weakest = &link;
                at = link.a == at ? link.b : link.a;
            }
            if (!weakest) return;  // people linked them, later than they kept them apart
            connection_.prepare("UPDATE person_link SET off = 1 WHERE number = ?").bind(1, weakest->number).run();
            keeper_.regrouped(groups.regroup({a, b}));
        }
    }

    void question(Record a, Record b, std::string_view kind) {
        Groups& groups = *keeper_.groups_;
        const Record one = groups.person_of(a), other = groups.person_of(b);
        if (one == other || groups.are_apart(one, other)) return;
        const std::vector<Known> left = keeper_.decider_->living(one), right = keeper_.decider_->living(other);
        if (left.empty() || right.empty()) return;
        const Option both = keeper_.decider_->between(left, right);
        if (both.never || (kind == "doubt" && both.mean < odds_of(keeper_.settings_.review))) return;
        std::string_view named = both.named.empty() || both.named == "newborn" || both.named == "two_ids" ? kind : both.named;
        keeper_.ask(named, a, b, both.mean, both.agreement,
                    std::max(updated_ms_[static_cast<std::size_t>(a) - 1], updated_ms_[static_cast<std::size_t>(b) - 1]));
    }

    /// One sound number, several persons: lent, unless the record that has it wrongly is at home elsewhere.
    void lent_numbers() {
        std::sort(numbers_.begin(), numbers_.end());
        for (std::size_t i = 0, k; i < numbers_.size(); i = k) {
            for (k = i; k < numbers_.size() && numbers_[k].first == numbers_[i].first; ++k) {}
            if (k - i < 2) continue;
            std::map<Record, Record> holders;  // person, a record that has the number and nobody else vouches for
            for (std::size_t at = i; at < k; ++at) {
                const Record record = numbers_[at].second, person = keeper_.groups_->person_of(record);
                const auto known = keeper_.decider_->known(record);
                const bool explained = known && !is_own_number(known->facts) && !keeper_.decider_->living(person, record).empty();
                if (!explained) holders.emplace(person, record);
            }
            if (holders.size() < 2 || holders.size() > most_holders) continue;
            const Record first = holders.begin()->second;
            for (auto each = std::next(holders.begin()); each != holders.end(); ++each) question(first, each->second, "lent_id");
        }
    }
};

std::optional<record::Position> Keeper::last_filling(record::Reader& reader, record::Position upto) {
    static const fhir::Type* const types[] = {fhir::find_resource("Basic")};
    std::optional<record::Position> found;
    json::Arena arena;
    reader.changes(0, upto, types, [&](const record::Change& change) {
        if (change.version != 1 || change.text.empty()) return true;
        arena.clear();
        const auto parsed = json::parse(change.text, arena, {.depth = 1'000, .bytes = change.text.size() + 1});
        if (!parsed.ok()) return true;
        const auto ruling = ruling_of(*parsed);
        if (ruling && ruling->kind == "fill") found = change.position;
        return true;
    });
    return found;
}

/// With many Patients and no index: that it is filled, and of which position, is a fact of the record, so that every process, and an
/// index made anew, fills it alike.
void Keeper::ask_for_filling() {
    asked_for_filling_ = false;
    const fhir::Type* patient = fhir::find_resource("Patient");
    std::uint64_t patients = 0;
    {
        record::Reader reader = store_.reader(access::Viewer::program("persons"));
        for (const record::TypeCount& each : reader.type_counts())
            if (each.type == patient) patients = each.count;
    }
    if (patients < settings_.fill_from) return;
    const fhir::Type& basic = *fhir::find_resource("Basic");
    constexpr std::string_view id = "person-index-filling";
    json::Arena arena;
    const std::string text = basic_of({.kind = "fill", .who = "xinglin"}, id);
    const auto parsed = json::parse(text, arena);
    if (!parsed.ok()) return;
    const record::Prepared prepared = store_.prepare(basic, id, *parsed);
    const auto done = store_.submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
        if (!transaction.state(basic, id)) transaction.put(prepared, false, false);
        return Done{};
    });
    asked_for_filling_ = done.ok();
}

void Keeper::fill(record::Position at) { Filling(*this, at).run(); }

}  // namespace xinglin::person
