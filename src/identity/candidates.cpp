// SPDX-License-Identifier: Apache-2.0
// Blocks by radix sort of (key, record), one rule at a time on each thread.
#include "identity/candidates.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

namespace xinglin::identity {

namespace {

constexpr std::size_t largest_block = 60;
constexpr std::size_t least_budget = 4'000'000;  // pairs; a small table is compared nearly whole
constexpr double most_in_large_blocks = 0.5;     // a rule that leaves more records in blocks too large is no rule

/// A part of a field that two records of one person are likely to share.
struct Atom {
    std::size_t column;
    std::size_t also;  // another column it is made of; else the same
    std::vector<std::uint32_t> of;
    bool alone = false;   // telling enough without a second one
    int implied_by = -1;  // whoever agrees in that atom agrees in this one
};

std::uint32_t part_hash(std::string_view text, std::size_t from, std::size_t size) {
    return text.size() <= from ? 0 : hash_of(text.substr(from, size));
}

/// Among Han names one that is typed in Latin letters is taken for pinyin.
std::uint32_t sound_hash(const Column& column, std::uint32_t value) {
    std::string letters;
    const bool pinyin = column.value(value).han || column.is_han();
    for (const char c : column.value(value).han || !pinyin ? column.sound(value) : column.text(value))
        if (c != ' ') letters += c;
    return letters.empty() ? 0 : hash_of(letters);
}

std::uint32_t street_hash(const Column& column, std::uint32_t value) {
    if (!column.value(value).door) return part_hash(column.text(value), 0, 6);
    const Door& door = column.door(value);
    return door.road ? door.road : door.place;
}

std::uint32_t numbers_hash(const Column& column, std::uint32_t value) {
    if (!column.value(value).door || column.door(value).count == 0) return 0;
    const Door& door = column.door(value);
    std::uint64_t hash = door.count;
    for (std::size_t i = 0; i < door.count; ++i) hash = mixed(hash + door.numbers[i]);
    return static_cast<std::uint32_t>(hash) | 1u;
}

class Atoms {
public:
    explicit Atoms(const Records& records) : columns_(records.inside().columns) {
        for (std::size_t column = 0; column < columns_.size(); ++column) of_column(column);
        names_in_any_order();
    }
    std::vector<Atom> all;

private:
    using Hash = std::function<std::uint32_t(std::uint32_t value)>;

    void add(std::size_t column, const Hash& hash, bool alone = false, int implied_by = -1) {
        const Column& values = columns_[column];
        std::vector<std::uint32_t> hashes(values.values());
        for (std::uint32_t number = 1; number < values.values(); ++number) hashes[number] = hash(number);
        Atom atom{column, column, {}, alone, implied_by};
        atom.of.resize(values.size());
        for (std::uint32_t record = 0; record < values.size(); ++record) atom.of[record] = hashes[values.of(record)];
        all.push_back(std::move(atom));
    }

    void of_column(std::size_t at) {
        const Column& column = columns_[at];
        const auto text = [&column](std::uint32_t value) { return column.text(value); };
        const auto whole = [text](std::uint32_t value) { return hash_of(text(value)); };
        const int exact = static_cast<int>(all.size());
        switch (column.role()) {
            case Role::name_full:
            case Role::name_given:
            case Role::name_family:
                add(at, whole, column.role() == Role::name_full);
                add(
                    at, [&column](std::uint32_t value) { return sound_hash(column, value); }, false, exact);
                break;
            case Role::birth_date:
                add(at, whole);
                add(at, [text](std::uint32_t value) { return part_hash(text(value), 0, 6); });
                add(at, [text](std::uint32_t value) { return part_hash(text(value), 4, 4); });
                add(at, [text](std::uint32_t value) {
                    const std::string_view date = text(value);
                    return date.size() == 8 ? hash_of(std::string(date.substr(0, 4)) + std::string(date.substr(6))) : 0;
                });
                break;
            case Role::national_id:
                add(at, whole, true);
                add(at, [text](std::uint32_t value) { return part_hash(text(value), 0, text(value).size() / 2); });
                add(at, [text](std::uint32_t value) { return part_hash(text(value), text(value).size() / 2, 40); });
                break;
            case Role::phone: add(at, whole, true); break;
            case Role::address:
                add(at, whole);
                add(
                    at, [&column](std::uint32_t value) { return street_hash(column, value); }, false, exact);
                add(
                    at, [&column](std::uint32_t value) { return numbers_hash(column, value); }, false, exact);
                break;
            case Role::place:
                add(at, whole);
                add(
                    at, [text](std::uint32_t value) { return part_hash(text(value), 0, 6); }, false, exact);
                break;
            case Role::sex: break;
            default: add(at, whole);
        }
    }

    void names_in_any_order() {
        const auto find = [&](Role role) {
            return std::find_if(columns_.begin(), columns_.end(), [&](const Column& each) { return each.role() == role; });
        };
        const auto given = find(Role::name_given), family = find(Role::name_family);
        if (given == columns_.end() || family == columns_.end()) return;
        Atom atom{static_cast<std::size_t>(given - columns_.begin()), static_cast<std::size_t>(family - columns_.begin()), {}};
        atom.of.resize(given->size());
        for (std::uint32_t record = 0; record < given->size(); ++record) {
            const std::uint32_t one = given->of(record), other = family->of(record);
            if (one && other) atom.of[record] = (hash_of(given->text(one)) + hash_of(family->text(other))) | 1u;
        }
        all.push_back(std::move(atom));
    }

    const std::vector<Column>& columns_;
};

using Keyed = std::uint64_t;  // key << 32 | record

/// Least significant digit first, the upper half only: records stay in order within a key.
void sort_by_key(std::vector<Keyed>& keyed, std::vector<Keyed>& spare) {
    if (keyed.size() < 4'000) {
        std::sort(keyed.begin(), keyed.end());
        return;
    }
    spare.resize(keyed.size());
    for (int shift = 32; shift < 64; shift += 11) {
        std::array<std::uint32_t, 2048> starts{};
        for (const Keyed each : keyed) ++starts[each >> shift & 2047];
        std::uint32_t sum = 0;
        for (std::uint32_t& start : starts) sum += std::exchange(start, sum);
        for (const Keyed each : keyed) spare[starts[each >> shift & 2047]++] = each;
        keyed.swap(spare);
    }
}

struct Rule {
    std::size_t first, second;  // atoms; the same one when it stands alone
    std::uint64_t cost = 0;
    bool usable = false, chosen = false;
};

class Blocking {
public:
    Blocking(const Records& records, std::uint32_t first_of_other)
        : atoms_(Atoms(records).all), records_(records.size()), first_of_other_(first_of_other) {
        for (std::size_t i = 0; i < atoms_.size(); ++i) {
            if (atoms_[i].alone) rules_.push_back({i, i});
            for (std::size_t k = i + 1; k < atoms_.size(); ++k)
                if (!share_a_column(atoms_[i], atoms_[k])) rules_.push_back({i, k});
        }
    }

    Candidates run(std::uint32_t per_record, unsigned threads) {
        each_rule(threads, [&](Rule& rule, Space& space) { count(rule, space); });
        choose(std::max<std::uint64_t>(least_budget, std::uint64_t{per_record} * records_));
        std::vector<std::vector<std::uint64_t>> found(rules_.size());
        each_rule(threads, [&](Rule& rule, Space& space) {
            if (rule.chosen) pairs_of(rule, space, found[static_cast<std::size_t>(&rule - rules_.data())]);
        });
        Candidates all;
        std::size_t size = 0;
        for (const auto& some : found) size += some.size();
        all.pairs.reserve(size);
        for (auto& some : found) {
            all.pairs.insert(all.pairs.end(), some.begin(), some.end());
            std::vector<std::uint64_t>().swap(some);
        }
        std::sort(all.pairs.begin(), all.pairs.end());
        all.pairs.erase(std::unique(all.pairs.begin(), all.pairs.end()), all.pairs.end());
        for (const Rule& rule : rules_) all.rules += rule.chosen;
        return all;
    }

private:
    struct Space {
        std::vector<Keyed> keyed, spare, part;
    };

    static bool share_a_column(const Atom& a, const Atom& b) {
        return a.column == b.column || a.column == b.also || a.also == b.column || a.also == b.also;
    }

    template <typename Work>
    void each_rule(unsigned threads, Work&& work) {
        std::atomic<std::size_t> next = 0;
        const auto run = [&] {
            Space space;
            for (std::size_t i = next++; i < rules_.size(); i = next++) work(rules_[i], space);
        };
        std::vector<std::jthread> others;
        for (unsigned i = 1; i < threads; ++i) others.emplace_back(run);
        run();
    }

    void sort(const Rule& rule, Space& space) const {
        const auto &first = atoms_[rule.first].of, &second = atoms_[rule.second].of;
        space.keyed.clear();
        for (std::uint32_t record = 0; record < records_; ++record) {
            if (first[record] == 0 || second[record] == 0) continue;
            const std::uint64_t key = mixed(std::uint64_t{first[record]} << 32 | second[record]) >> 32;
            space.keyed.push_back(key << 32 | record);
        }
        sort_by_key(space.keyed, space.spare);
    }

    template <typename Each>
    static void blocks(std::span<const Keyed> keyed, Each&& each) {
        for (std::size_t begin = 0, end; begin < keyed.size(); begin = end) {
            for (end = begin + 1; end < keyed.size() && keyed[end] >> 32 == keyed[begin] >> 32; ++end) {}
            if (end - begin > 1) each(keyed.subspan(begin, end - begin));
        }
    }

    void count(Rule& rule, Space& space) const {
        sort(rule, space);
        std::uint64_t in_large = 0;
        blocks(space.keyed, [&](std::span<const Keyed> block) {
            const std::uint64_t size = block.size();
            if (size > largest_block) in_large += size, rule.cost += size * 20;
            else rule.cost += size * (size - 1) / 2;
        });
        rule.usable = static_cast<double>(in_large) <= most_in_large_blocks * records_;
    }

    /// Does whoever agrees by `strict` agree by `wide` too?
    bool covers(const Rule& wide, const Rule& strict) const {
        const auto fits = [&](std::size_t one, std::size_t other) {
            return one == other || atoms_[one].implied_by == static_cast<int>(other);
        };
        return fits(wide.first, strict.first) && fits(wide.second, strict.second);
    }

    void choose(std::uint64_t budget) {
        std::vector<Rule*> order;
        for (Rule& rule : rules_)
            if (rule.usable && rule.cost <= budget / 3) order.push_back(&rule);
        std::stable_sort(order.begin(), order.end(), [](const Rule* a, const Rule* b) { return a->cost < b->cost; });
        std::uint64_t spent = 0;
        for (Rule* rule : order) {
            std::uint64_t saved = 0;
            for (Rule* other : order)
                if (other->chosen && covers(*rule, *other)) saved += other->cost;
            if (spent - saved + rule->cost > budget) continue;
            for (Rule* other : order)
                if (other->chosen && covers(*rule, *other)) other->chosen = false;
            rule->chosen = true;
            spent += rule->cost - saved;
        }
    }

    void add_pairs(std::span<const Keyed> block, std::vector<std::uint64_t>& found) const {
        for (std::size_t i = 0; i < block.size(); ++i) {
            const std::uint64_t a = block[i] & 0xffffffffu;
            for (std::size_t k = i + 1; k < block.size(); ++k) {
                const std::uint64_t b = block[k] & 0xffffffffu;
                if (first_of_other_ && (a >= first_of_other_ || b < first_of_other_)) continue;  // in order within a block
                found.push_back(a << 32 | b);
            }
        }
    }

    void pairs_of(const Rule& rule, Space& space, std::vector<std::uint64_t>& found) const {
        sort(rule, space);
        blocks(space.keyed, [&](std::span<const Keyed> block) {
            if (block.size() <= largest_block) add_pairs(block, found);
            else cut(rule, block, space, found);
        });
    }

    void cut(const Rule& rule, std::span<const Keyed> block, Space& space, std::vector<std::uint64_t>& found) const {
        for (const Atom& third : atoms_) {
            if (share_a_column(third, atoms_[rule.first]) || share_a_column(third, atoms_[rule.second])) continue;
            space.part.clear();
            for (const Keyed each : block) {
                const auto record = static_cast<std::uint32_t>(each);
                if (third.of[record]) space.part.push_back(std::uint64_t{third.of[record]} << 32 | record);
            }
            std::sort(space.part.begin(), space.part.end());
            blocks(space.part, [&](std::span<const Keyed> part) {
                if (part.size() <= largest_block / 4) add_pairs(part, found);
            });
        }
    }

    std::vector<Atom> atoms_;
    std::vector<Rule> rules_;
    std::uint32_t records_, first_of_other_;
};

}  // namespace

Candidates candidates(const Records& records, std::uint32_t first_of_other, std::uint32_t per_record, unsigned threads) {
    return Blocking(records, first_of_other).run(per_record, threads);
}

}  // namespace xinglin::identity
