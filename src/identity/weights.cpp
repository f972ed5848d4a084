// SPDX-License-Identifier: Apache-2.0
// EM with three classes: one person, kin of one household, strangers.
#include "identity/weights.h"

#include <algorithm>
#include <cmath>

namespace xinglin::identity {

namespace {

constexpr int rounds = 60;
constexpr double settled = 1e-6;
constexpr double contradicted = 60;       // log odds taken off: no cluster has both
constexpr double usual_twins = 1.0 / 80;  // of siblings, who share a birth date: about one birth in eighty is of twins
constexpr double usual_weighs = 200;      // pairs of kin; what is learned of a table's own twins needs more than that
/// How alike the names of twins are, who often share a character; from differs to exact.
using Shares = std::array<double, level_count>;
constexpr Shares han_twins{0, 0.30, 0.25, 0.08, 0.32, 0.04, 0.01};
constexpr Shares latin_twins{0, 0.62, 0.20, 0.12, 0.03, 0.02, 0.01};
/// How often kin stand under one identity number: it was lent, or written into the wrong line.
constexpr double lent_share = 0.003, most_lent = 0.1;

/// What kin have in common; the rest they have like strangers.
bool is_shared_by_kin(Role role) {
    return role == Role::name_family || role == Role::phone || role == Role::address || role == Role::address_number ||
           role == Role::postcode || role == Role::place || role == Role::name_full;
}

std::array<double, level_count> first_guess(bool agree) {
    if (agree) return {0, 0.06, 0.02, 0.03, 0.04, 0.10, 0.75};
    return {0, 0.90, 0.05, 0.02, 0.01, 0.01, 0.01};
}

struct Sums {
    std::vector<std::array<double, level_count>> of;
    explicit Sums(std::size_t fields) : of(fields) {}
    void add(Pattern pattern, double weight) {
        for (std::size_t field = 0; field < of.size(); ++field) of[field][level_of(pattern, field)] += weight;
    }
    /// Shares of the levels; a little of `before` keeps what was never seen possible.
    std::array<double, level_count> shares(std::size_t field, const std::array<double, level_count>& before,
                                           double weight) const {
        std::array<double, level_count> result{};
        double sum = 0;
        for (std::size_t level = differs; level < level_count; ++level) sum += of[field][level];
        for (std::size_t level = differs; level < level_count; ++level)
            result[level] = (of[field][level] + weight * before[level]) / (sum + weight);
        return result;
    }
};

double likelihood(const std::vector<FieldWeights>& fields, Pattern pattern, std::array<double, level_count> FieldWeights::*of) {
    double product = 1;
    for (std::size_t field = 0; field < fields.size(); ++field) {
        const Level level = level_of(pattern, field);
        if (level != missing) product *= (fields[field].*of)[level];
    }
    return product;
}

const Shares& twin_names(const Weights& weights) { return weights.han ? han_twins : latin_twins; }

double likelihood_of_kin(const Weights& weights, Pattern pattern) {
    const bool twins = weights.birth && level_of(pattern, *weights.birth) == exact;
    double product = 1;
    for (std::size_t field = 0; field < weights.fields.size(); ++field) {
        const Level level = level_of(pattern, field);
        if (level == missing) continue;
        product *= twins && weights.name == field ? twin_names(weights)[level] : weights.fields[field].kin[level];
    }
    return product;
}

struct Posterior {
    double same, kin;
};

Posterior posterior(const Weights& weights, Pattern pattern) {
    const double same =
        (pattern & contradiction) ? 0 : weights.same_share * likelihood(weights.fields, pattern, &FieldWeights::same);
    const double kin = weights.kin_share * likelihood_of_kin(weights, pattern);
    const double strangers =
        (1 - weights.same_share - weights.kin_share) * likelihood(weights.fields, pattern, &FieldWeights::strangers);
    const double sum = std::max(same + kin + strangers, 1e-300);
    return {same / sum, kin / sum};
}

void keep_kin_apart(const std::vector<Column>& columns, std::vector<FieldWeights>& fields, double twin_share) {
    for (std::size_t field = 0; field < fields.size(); ++field) {
        FieldWeights& each = fields[field];
        const Role role = columns[field].role();
        const Shares learned = each.kin;
        if (!is_shared_by_kin(role)) each.kin = each.strangers;
        if (role == Role::national_id) {
            const double lent = std::clamp(learned[exact], lent_share, most_lent);
            for (double& share : each.kin) share *= 1 - lent;
            each.kin[exact] += lent;
        }
        if (role == Role::name_full) {  // one surname, another name
            for (std::size_t level = loose; level < level_count; ++level) each.kin[level] = each.strangers[level];
            const double rest = each.kin[differs] + each.kin[far];
            double same_name = 0;
            for (std::size_t level = loose; level < level_count; ++level) same_name += each.kin[level];
            for (std::size_t level = differs; level <= far; ++level) each.kin[level] *= rest > 0 ? (1 - same_name) / rest : 1;
        }
        if (role == Role::birth_date) {
            for (double& share : each.kin) share *= 1 - twin_share;
            each.kin[exact] += twin_share;
        }
    }
}

/// What agrees more cannot speak less for one person: neighbouring levels that say otherwise are pooled (pool adjacent
/// violators, Ayer et al. 1955), which leaves their sums as they were seen.
void put_in_order(FieldWeights& field) {
    struct Pool {
        double same, strangers;
        std::size_t end;
        double ratio() const { return same / strangers; }
    };
    std::vector<Pool> pools;
    for (std::size_t level = differs; level < level_count; ++level) {
        pools.push_back({field.same[level], std::max(field.strangers[level], 1e-12), level + 1});
        while (pools.size() > 1 && pools[pools.size() - 2].ratio() > pools.back().ratio()) {
            Pool& below = pools[pools.size() - 2];
            below = {below.same + pools.back().same, below.strangers + pools.back().strangers, level + 1};
            pools.pop_back();
        }
    }
    std::size_t level = differs;
    for (const Pool& pool : pools)
        for (; level < pool.end; ++level) field.same[level] = pool.ratio() * std::max(field.strangers[level], 1e-12);
}

}  // namespace

Weights Weights::learned(const Records& records, const Patterns& candidates, const Patterns& random, double all_pairs) {
    const std::vector<Column>& columns = records.inside().columns;
    Weights now;
    now.fields.resize(columns.size());
    for (std::size_t field = 0; field < columns.size(); ++field) {
        if (columns[field].role() == Role::birth_date) now.birth = field;
        if (columns[field].role() == Role::name_given || columns[field].role() == Role::name_full) now.name = field;
    }
    now.han = now.name && columns[*now.name].is_han();
    now.same_share = std::min(0.1, 0.1 * records.size() / all_pairs);
    now.kin_share = now.same_share / 2;
    for (std::size_t field = 0; field < columns.size(); ++field) {
        now.fields[field].same = first_guess(true);
        now.fields[field].strangers = first_guess(false);
        now.fields[field].kin = first_guess(is_shared_by_kin(columns[field].role()));
    }
    for (int round = 0; round < rounds; ++round) {
        Sums same(columns.size()), kin(columns.size()), strangers(columns.size());
        double matches = 0, relatives = 0;
        double two = usual_weighs, twins = usual_twins * usual_weighs;  // kin who are plainly two; born on one day
        for (const auto& [pattern, count] : random) {
            const Posterior p = posterior(now, pattern);
            strangers.add(pattern, count * (1 - p.same - p.kin));
        }
        for (const auto& [pattern, count] : candidates) {
            const Posterior p = posterior(now, pattern);
            same.add(pattern, count * p.same);
            kin.add(pattern, count * p.kin);
            matches += count * p.same;
            relatives += count * p.kin;
            if (!(pattern & contradiction) || !now.birth || level_of(pattern, *now.birth) == missing) continue;
            two += count * p.kin;
            if (level_of(pattern, *now.birth) == exact) twins += count * p.kin;
        }
        Weights next = now;
        next.matches = matches;
        next.kin = relatives;
        next.same_share = std::max(matches, 0.5) / all_pairs;
        next.kin_share = std::max(relatives, 0.5) / all_pairs;
        for (std::size_t field = 0; field < columns.size(); ++field) {
            next.fields[field].strangers = strangers.shares(field, first_guess(false), 2);
            next.fields[field].same = same.shares(field, first_guess(true), 5);
            next.fields[field].kin = kin.shares(field, first_guess(is_shared_by_kin(columns[field].role())), 5);
            put_in_order(next.fields[field]);
        }
        keep_kin_apart(columns, next.fields, twins / two);
        const double change = std::abs(next.matches - now.matches) / std::max(1.0, now.matches);
        now = std::move(next);
        if (round > 5 && change < settled) break;
    }
    now.take_logarithms();
    return now;
}

Weights Weights::kept(const std::vector<ColumnName>& columns, std::vector<FieldWeights> fields, double same_share,
                      double kin_share) {
    Weights weights;
    weights.fields = std::move(fields);
    weights.same_share = same_share;
    weights.kin_share = kin_share;
    for (std::size_t field = 0; field < columns.size(); ++field) {
        if (columns[field].role == Role::birth_date) weights.birth = field;
        if (columns[field].role == Role::name_given || columns[field].role == Role::name_full) weights.name = field;
    }
    weights.take_logarithms();
    return weights;
}

double Weights::log_weight(const Column& column, std::size_t field, Level level, std::uint32_t value) const {
    const FieldWeights& weights = fields[field];
    if (level == missing) return 0;
    const double chance = level == exact ? column.frequency(value) : weights.strangers[level];
    return std::log(weights.same[level] / std::max(chance, 1e-12));
}

void Weights::take_logarithms() {
    logarithms_.resize(fields.size());
    const auto each = [](const std::array<double, level_count>& from, std::array<double, level_count>& to) {
        for (std::size_t level = 0; level < level_count; ++level) to[level] = std::log(std::max(from[level], 1e-12));
    };
    for (std::size_t field = 0; field < fields.size(); ++field) {
        each(fields[field].same, logarithms_[field].same);
        each(fields[field].kin, logarithms_[field].kin);
        each(fields[field].strangers, logarithms_[field].strangers);
    }
}

double Weights::log_odds(const std::vector<Column>& columns, Pattern pattern, std::uint32_t a) const {
    double same = std::log(same_share), relatives = std::log(kin_share);
    double strangers = std::log1p(-same_share - kin_share);
    const bool twins = birth && level_of(pattern, *birth) == exact;
    for (std::size_t field = 0; field < fields.size(); ++field) {
        const Level level = level_of(pattern, field);
        if (level == missing) continue;
        const FieldWeights& weights = logarithms_[field];
        const bool of_twins = twins && name == field;
        same += weights.same[level];
        relatives += of_twins ? std::log(twin_names(*this)[level]) : weights.kin[level];
        strangers += weights.strangers[level];
        if (level != exact) continue;
        const Role role = columns[field].role();
        const double rarity = std::log(columns[field].frequency(columns[field].of(a))) - weights.strangers[level];
        strangers += rarity;
        const bool shared =
            (is_shared_by_kin(role) && role != Role::name_full) || role == Role::birth_date || role == Role::national_id;
        if (!of_twins && !shared) relatives += rarity;
    }
    const double larger = std::max(relatives, strangers), smaller = std::min(relatives, strangers);
    const double odds = same - (larger + std::log1p(std::exp(smaller - larger)));
    return pattern & contradiction ? odds - contradicted : odds;
}

}  // namespace xinglin::identity
