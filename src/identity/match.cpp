// SPDX-License-Identifier: Apache-2.0
// The stages of matching: pairs worth comparing, a sample of them learned from, all of them weighed, people made of them.
#include "identity/match.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <iterator>
#include <thread>

#include "identity/candidates.h"
#include "identity/clusters.h"
#include "identity/weights.h"

namespace xinglin::identity {

namespace {

constexpr std::uint32_t pairs_a_record = 24;
constexpr std::size_t learned_from = 3'000'000;  // candidate pairs at most, and as many at random
constexpr std::size_t random_a_record = 60;      // pairs at random, of small tables; all of very small ones
constexpr std::size_t least_random = 300'000;
constexpr std::size_t stretch = 1u << 16;  // pairs a thread takes at a time
constexpr double least_kept = -3;          // log odds; what is less likely cannot help a cluster

class Matching {
public:
    Matching(const Records& records, const MatchOptions& options)
        : records_(records),
          columns_(records.inside().columns),
          comparer_(records),
          options_(options),
          threads_(options.threads ? options.threads : std::max(1u, std::thread::hardware_concurrency())),
          least_(std::log(options.threshold / (1 - options.threshold))) {}

    Matches run() {
        Matches matches;
        matches.figures.records = records_.size();
        matches.cluster.resize(records_.size());
        for (std::uint32_t i = 0; i < records_.size(); ++i) matches.cluster[i] = i;
        if (records_.size() < 2 || options_.first_of_other >= records_.size()) return matches;
        const Candidates candidates = identity::candidates(records_, options_.first_of_other, pairs_a_record, threads_);
        learn(candidates.pairs);
        std::vector<Edge> edges = weigh(candidates.pairs);
        const auto odds = [this](std::uint32_t a, std::uint32_t b) { return log_odds(a, b); };
        std::vector<Edge> doubtful;
        if (options_.doubtful < 1) {
            const double least = std::log(options_.doubtful / (1 - options_.doubtful));
            std::copy_if(edges.begin(), edges.end(), std::back_inserter(doubtful),
                         [least](const Edge& edge) { return edge.log_odds >= least; });
        }
        Clusters clusters = clusters_of(records_.size(), std::move(edges), least_, odds);
        matches.figures = {.candidates = candidates.pairs.size(),
                           .compared = candidates.pairs.size() + clusters.compared,
                           .clusters = clusters.members.size(),
                           .rules = candidates.rules,
                           .matches = weights_.matches,
                           .kin = weights_.kin};
        pairs_of(clusters, matches);
        matches.figures.records = records_.size();
        matches.figures.pairs = matches.pairs.size();
        matches.cluster = std::move(clusters.of);
        for (const Edge& each : doubtful) {
            if (matches.cluster[each.a] != matches.cluster[each.b])
                matches.doubtful.push_back({each.a, each.b, 1 / (1 + std::exp(-static_cast<double>(each.log_odds)))});
        }
        std::sort(matches.doubtful.begin(), matches.doubtful.end(),
                  [](const Pair& x, const Pair& y) { return x.a != y.a ? x.a < y.a : x.b < y.b; });
        tell(matches);
        return matches;
    }

private:
    double log_odds(std::uint32_t a, std::uint32_t b) const { return weights_.log_odds(columns_, comparer_.compare(a, b), a); }

    template <typename Work>
    void in_stretches(std::size_t size, Work&& work) const {
        std::atomic<std::size_t> next = 0;
        const auto run = [&](unsigned thread) {
            for (std::size_t from = next.fetch_add(stretch); from < size; from = next.fetch_add(stretch))
                work(thread, from, std::min(size, from + stretch));
        };
        std::vector<std::jthread> others;
        for (unsigned i = 1; i < threads_; ++i) others.emplace_back(run, i);
        run(0);
    }

    template <typename PairAt>
    Patterns count(std::size_t size, double weight, PairAt&& pair_at) const {
        std::vector<Patterns> each(threads_);
        in_stretches(size, [&](unsigned thread, std::size_t from, std::size_t to) {
            for (std::size_t i = from; i < to; ++i) {
                const auto [a, b] = pair_at(i);
                if (a != b) each[thread][comparer_.compare(a, b)] += weight;
            }
        });
        for (unsigned i = 1; i < threads_; ++i)
            for (const auto& [pattern, number] : each[i]) each[0][pattern] += number;
        return std::move(each[0]);
    }

    void learn(const std::vector<std::uint64_t>& pairs) {
        const std::uint64_t all = records_.size(), first = options_.first_of_other;
        const double all_pairs = first ? double(first) * double(all - first) : double(all) * double(all - 1) / 2;
        const std::size_t step = pairs.size() / learned_from + 1;
        const Patterns found = count(pairs.size() / step, double(step), [&](std::size_t i) {
            const std::uint64_t pair = pairs[i * step];
            return std::pair(static_cast<std::uint32_t>(pair >> 32), static_cast<std::uint32_t>(pair));
        });
        const std::size_t wanted = std::min(learned_from, std::max<std::size_t>(least_random, random_a_record * all));
        const auto random_size = static_cast<std::size_t>(std::min<double>(static_cast<double>(wanted), all_pairs));
        const Patterns random = count(random_size, 1, [&](std::size_t i) {
            const std::uint64_t one = mixed(2 * i + 1), other = mixed(2 * i + 2);
            const std::uint64_t a = first ? one % first : one % all, b = first ? first + other % (all - first) : other % all;
            return std::pair(static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b));
        });
        weights_ = Weights::learned(records_, found, random, all_pairs);
    }

    std::vector<Edge> weigh(const std::vector<std::uint64_t>& pairs) const {
        std::vector<std::vector<Edge>> each(threads_);
        const double least = std::min(least_kept, least_);
        in_stretches(pairs.size(), [&](unsigned thread, std::size_t from, std::size_t to) {
            for (std::size_t i = from; i < to; ++i) {
                const auto a = static_cast<std::uint32_t>(pairs[i] >> 32), b = static_cast<std::uint32_t>(pairs[i]);
                const double odds = log_odds(a, b);
                if (odds >= least) each[thread].push_back({a, b, static_cast<float>(odds)});
            }
        });
        for (unsigned i = 1; i < threads_; ++i) each[0].insert(each[0].end(), each[i].begin(), each[i].end());
        return std::move(each[0]);
    }

    /// Within a cluster a pair is as likely as its own evidence or the best way over a third record says.
    void pairs_of(const Clusters& clusters, Matches& matches) const {
        for (const auto& members : clusters.members) {
            const std::size_t size = members.size();
            matches.figures.largest_cluster = std::max(matches.figures.largest_cluster, static_cast<std::uint32_t>(size));
            std::vector<double> direct(size * size, 1);
            for (std::size_t i = 0; i < size; ++i)
                for (std::size_t k = i + 1; k < size; ++k)
                    direct[i * size + k] = direct[k * size + i] = 1 / (1 + std::exp(-log_odds(members[i], members[k])));
            for (std::size_t i = 0; i < size; ++i) {
                for (std::size_t k = i + 1; k < size; ++k) {
                    double best = direct[i * size + k];
                    for (std::size_t over = 0; over < size; ++over)
                        best = std::max(best, direct[i * size + over] * direct[over * size + k]);
                    add(matches, members[i], members[k], best);
                }
            }
        }
        std::sort(matches.pairs.begin(), matches.pairs.end(),
                  [](const Pair& x, const Pair& y) { return x.a != y.a ? x.a < y.a : x.b < y.b; });
    }

    void add(Matches& matches, std::uint32_t a, std::uint32_t b, double probability) const {
        if (probability < options_.threshold) return;
        const std::uint32_t first = options_.first_of_other;
        if (first && (a >= first || b < first)) return;
        matches.pairs.push_back({a, b, probability});
    }

    void tell(Matches& matches) const {
        matches.prior = std::log2(weights_.same_share / (1 - weights_.same_share));
        matches.same_share = weights_.same_share;
        matches.kin_share = weights_.kin_share;
        for (std::size_t field = 0; field < columns_.size(); ++field) {
            const FieldWeights& each = weights_.fields[field];
            matches.learned.push_back({records_.columns()[field].name, columns_[field].role(),
                                       std::vector(each.same.begin() + differs, each.same.end()),
                                       std::vector(each.kin.begin() + differs, each.kin.end()),
                                       std::vector(each.strangers.begin() + differs, each.strangers.end())});
        }
    }

    const Records& records_;
    const std::vector<Column>& columns_;
    Comparer comparer_;
    MatchOptions options_;
    unsigned threads_;
    double least_;
    Weights weights_;
};

}  // namespace

Matches match(const Records& records, const MatchOptions& options) { return Matching(records, options).run(); }

std::vector<Weight> Matches::explain(const Records& records, std::uint32_t a, std::uint32_t b) const {
    const Pattern pattern = Comparer(records).compare(a, b);
    const std::vector<Column>& columns = records.inside().columns;
    std::vector<Weight> weights;
    for (std::size_t field = 0; field < columns.size(); ++field) {
        const Level level = level_of(pattern, field);
        if (level == missing) continue;
        const double chance =
            level == exact ? columns[field].frequency(columns[field].of(a)) : learned[field].strangers[level - differs];
        weights.push_back({learned[field].name, std::string(name_of(level)),
                           std::log2(learned[field].same[level - differs] / std::max(chance, 1e-12))});
    }
    return weights;
}

}  // namespace xinglin::identity
