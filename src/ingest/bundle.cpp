// SPDX-License-Identifier: Apache-2.0
// Batches and transactions. Order of a transaction (http.html#trules): DELETE, POST, PUT, then the entries whose
// conditional references can only be settled when the others are written.
#include <algorithm>
#include <atomic>
#include <map>
#include <unordered_set>

#include "ingest/bundle_entry.h"
#include "ingest/ingest.h"
#include "ingest/links.h"
#include "ingest/ready.h"

namespace xinglin::ingest {
namespace {

constexpr std::size_t batch_chunk = 200;  // entries of a batch carried out in one submission
constexpr std::size_t most_issues = 50;

void gather(Outcome& all, Outcome one) {
    for (Issue& issue : one.issues) {
        if (all.issues.size() < most_issues) all.issues.push_back(std::move(issue));
    }
}

std::string address(const Step& step) { return std::string(step.change.type->name) + "/" + step.target; }

char action(Change::Kind kind) {
    switch (kind) {
        case Change::Kind::create: return 'c';
        case Change::Kind::update: return 'u';
        case Change::Kind::erase: return 'd';
    }
    return 'u';
}

/// A transaction on its way.
class Whole {
public:
    /// The options outlive it.
    Whole(record::Store& store, std::shared_ptr<json::Arena> arena, const Options& options)
        : store_(store), arena_(std::move(arena)), options_(options), steps_(store, *arena_, options) {}

    std::vector<Entry> entries;

    Result<Done> make_ready();
    Result<Done> carry_out(record::Transaction& transaction);
    /// Updates for which this is true of the present version are not carried out.
    void leave_out(const Unless& unless);

private:
    struct Sought {  // one conditional reference: "Patient?identifier=a|b"
        search::Query query;
        const fhir::Type* type;
        std::string guess;  // "Patient/1", or "" for no match yet
        std::size_t first_entry;
    };
    record::Store& store_;
    std::shared_ptr<json::Arena> arena_;
    const Options& options_;
    Steps steps_;
    Links links_;
    std::map<std::string, Sought, std::less<>> sought_;

    bool writes(const Entry& entry) const { return !entry.read && entry.step.change.kind != Change::Kind::erase; }
    Result<Done> find_sought(Entry& entry);
    void make_links();
    void prepare(Entry& entry);
    Result<Done> no_overlap() const;
    Result<Done> settle_references(record::Transaction& transaction);
    template <typename Chosen>
    Result<Done> pass(record::Transaction& transaction, Chosen&& chosen);
};

Result<Done> Whole::find_sought(Entry& entry) {
    std::optional<Outcome> refused;
    each_conditional_reference(entry.step.change.resource, [&](std::string_view reference) {
        entry.has_conditional_references = true;
        if (refused || sought_.contains(reference)) return;
        const std::size_t question = reference.find('?');
        const fhir::Type* type = fhir::find_resource(reference.substr(0, question));
        auto query = parse_condition(*type, reference.substr(question + 1), store_.offset_minutes());
        if (!query.ok()) {
            refused = std::move(query).outcome();
            return;
        }
        Sought sought{.query = std::move(query).value(), .type = type, .first_entry = entry.index};
        if (const auto found = find_ids(store_, sought.query); found.ok() && found->size() == 1) {
            sought.guess = std::string(type->name) + "/" + found->front();
        }
        sought_.emplace(reference, std::move(sought));
    });
    if (refused) return std::move(*refused);
    return Done{};
}

void Whole::make_links() {
    links_.clear();
    for (const Entry& entry : entries) {
        if (!writes(entry) || entry.full_url.empty()) continue;
        const std::string to = address(entry.step);
        if (entry.full_url != to) links_[entry.full_url] = to;
        // A fullUrl that is itself an address ("http://there/Patient/7") is also meant by the relative "Patient/7".
        const std::string_view url = entry.full_url;
        const std::size_t id_at = url.rfind('/');
        if (id_at == std::string_view::npos || !url.starts_with("http")) continue;
        const std::size_t type_at = url.rfind('/', id_at - 1);
        if (type_at == std::string_view::npos || url.substr(type_at + 1, id_at - type_at - 1) != entry.step.change.type->name)
            continue;
        if (const std::string relative(url.substr(type_at + 1)); relative != to) links_.emplace(relative, to);
    }
    for (const auto& [reference, sought] : sought_) {
        if (!sought.guess.empty()) links_[reference] = sought.guess;
    }
}

void Whole::prepare(Entry& entry) {
    entry.step.resource = rewrite_links(entry.step.change.resource, links_, *arena_);
    steps_.prepare(entry.step);
}

Result<Done> Whole::no_overlap() const {
    std::unordered_set<std::string> seen;
    for (const Entry& entry : entries) {
        if (entry.read || entry.step.target.empty()) continue;
        if (entry.step.change.kind == Change::Kind::create && !entry.step.creates) continue;  // found, not written
        if (!seen.insert(address(entry.step)).second) {
            return refuse(IssueCode::invalid, "Bundle.entry[" + std::to_string(entry.index) + "].request.url",
                          "another entry of this transaction writes the same resource");
        }
    }
    return Done{};
}

Result<Done> Whole::make_ready() {
    Outcome all;
    std::unordered_set<std::string_view> full_urls;
    for (Entry& entry : entries) {
        if (entry.read) continue;
        const auto examine = [&]() -> Result<Done> {
            XINGLIN_CHECK(steps_.examine(entry.step));
            XINGLIN_CHECK(steps_.guess(entry.step));
            return find_sought(entry);
        };
        if (auto examined = examine(); !examined.ok()) gather(all, within_entry(std::move(examined).outcome(), entry.index));
        if (!entry.full_url.empty() && !full_urls.insert(entry.full_url).second) {
            gather(all, refuse(IssueCode::invalid, "Bundle.entry[" + std::to_string(entry.index) + "].fullUrl",
                               "another entry has the same"));
        }
    }
    if (!all.ok()) return all;
    XINGLIN_CHECK(no_overlap());
    make_links();
    std::vector<json::Value> written;
    for (Entry& entry : entries) {
        if (!writes(entry)) continue;
        prepare(entry);
        written.push_back(entry.step.resource);
    }
    if (options_.together) {
        if (Outcome outcome = options_.together(written); !outcome.ok()) return outcome;
    }
    return Done{};
}

template <typename Chosen>
Result<Done> Whole::pass(record::Transaction& transaction, Chosen&& chosen) {
    for (Entry& entry : entries) {
        if (entry.read || !chosen(entry)) continue;
        if (auto done = steps_.carry_out(entry.step, transaction); !done.ok())
            return within_entry(std::move(done).outcome(), entry.index);
    }
    return Done{};
}

/// Asks the conditional references again, now that the other entries are written; prepares anew what was guessed wrong.
Result<Done> Whole::settle_references(record::Transaction& transaction) {
    bool again = false;
    for (auto& [reference, sought] : sought_) {
        XINGLIN_TRY(const std::vector<std::string> found, transaction.search(sought.query, 2));
        if (found.size() != 1) {
            return refuse(
                IssueCode::precondition, "Bundle.entry[" + std::to_string(sought.first_entry) + "].resource",
                found.empty() ? "a conditional reference matches nothing" : "a conditional reference matches several resources");
        }
        std::string target = std::string(sought.type->name) + "/" + found.front();
        if (target == sought.guess) continue;
        sought.guess = std::move(target);
        again = true;
    }
    if (!again) return Done{};
    make_links();
    for (Entry& entry : entries) {
        if (entry.has_conditional_references) prepare(entry);
    }
    return Done{};
}

void Whole::leave_out(const Unless& unless) {
    for (Entry& entry : entries) {
        if (entry.read || entry.step.change.kind != Change::Kind::update) continue;
        entry.step.unless = [unless, index = entry.index](std::string_view present) { return unless(index, present); };
    }
}

Result<Done> Whole::carry_out(record::Transaction& transaction) {
    bool again = false;
    for (Entry& entry : entries) {
        if (entry.read) continue;
        auto settled = steps_.settle(entry.step, transaction);
        if (!settled.ok()) return within_entry(std::move(settled).outcome(), entry.index);
        again |= *settled;
    }
    if (again) {
        XINGLIN_CHECK(no_overlap());
        make_links();
        for (Entry& entry : entries) {
            if (writes(entry)) prepare(entry);
        }
    }
    using Kind = Change::Kind;
    const auto plain = [](Kind kind) {
        return [kind](const Entry& entry) { return entry.step.change.kind == kind && !entry.has_conditional_references; };
    };
    const auto late = [](Kind kind) {
        return [kind](const Entry& entry) { return entry.step.change.kind == kind && entry.has_conditional_references; };
    };
    XINGLIN_CHECK(pass(transaction, plain(Kind::erase)));
    XINGLIN_CHECK(pass(transaction, plain(Kind::create)));
    XINGLIN_CHECK(pass(transaction, plain(Kind::update)));
    if (sought_.empty()) return Done{};
    XINGLIN_CHECK(settle_references(transaction));
    XINGLIN_CHECK(pass(transaction, late(Kind::create)));
    return pass(transaction, late(Kind::update));
}

BundleAnswer answer_of(std::vector<Entry>& entries) {
    BundleAnswer answer{.is_transaction = true};
    for (Entry& entry : entries) answer.entries.push_back({std::move(entry.read), std::move(entry.step.written)});
    return answer;
}

Result<Submit> ready_transaction(record::Store& store, std::shared_ptr<json::Arena> arena, const Options& options,
                                 std::vector<Entry> entries) {
    const std::size_t weight = arena->bytes() / 2 + 512;
    auto whole = std::make_shared<Whole>(store, std::move(arena), options);
    whole->entries = std::move(entries);
    XINGLIN_CHECK(whole->make_ready());
    return Submit([&store, whole, weight](const Unless& unless, BundleBack finished) {
        if (unless) whole->leave_out(unless);
        const bool only_reads =
            std::all_of(whole->entries.begin(), whole->entries.end(), [](const Entry& entry) { return entry.read.has_value(); });
        if (only_reads) return finished(answer_of(whole->entries));
        std::vector<record::Prepared> puts;
        for (const Entry& entry : whole->entries) {
            if (entry.step.prepared) puts.push_back(*entry.step.prepared);
        }
        store.submit([whole](record::Transaction& transaction) { return whole->carry_out(transaction); },
                     [whole, finished = std::move(finished)](Result<Done> done) {
                         if (!done.ok()) return finished(std::move(done).outcome());
                         finished(answer_of(whole->entries));
                     },
                     weight, std::move(puts));
    });
}

void run_transaction(record::Store& store, std::shared_ptr<json::Arena> arena, const Options& options, std::vector<Entry> entries,
                     BundleBack finished) {
    auto submit = ready_transaction(store, std::move(arena), options, std::move(entries));
    if (!submit.ok()) return finished(std::move(submit).outcome());
    (*submit)({}, std::move(finished));
}

/// A batch on its way: chunks of entries, each chunk one submission; inside it each entry stands or falls alone.
struct Parts {
    std::shared_ptr<json::Arena> arena;
    Steps steps;
    std::vector<Entry> entries;
    std::vector<std::optional<Outcome>> refused;
    std::atomic<std::size_t> chunks_left{1};
    BundleBack finished;

    Parts(record::Store& store, std::shared_ptr<json::Arena> given, const Options& options)
        : arena(std::move(given)), steps(store, *arena, options) {}

    void make_ready(std::size_t i) {
        Entry& entry = entries[i];
        const auto ready = [&]() -> Result<Done> {
            XINGLIN_CHECK(steps.examine(entry.step));
            XINGLIN_CHECK(steps.guess(entry.step));
            steps.prepare(entry.step);
            return Done{};
        };
        if (auto done = ready(); !done.ok()) refused[i] = within_entry(std::move(done).outcome(), entry.index);
    }
    void carry_out(std::size_t i, record::Transaction& transaction) {
        Entry& entry = entries[i];
        const auto work = [&]() -> Result<Done> {
            XINGLIN_TRY(const bool again, steps.settle(entry.step, transaction));
            if (again) steps.prepare(entry.step);
            return steps.carry_out(entry.step, transaction);
        };
        if (auto done = work(); !done.ok()) refused[i] = within_entry(std::move(done).outcome(), entry.index);
    }
    void chunk_done() {
        if (--chunks_left > 0) return;
        BundleAnswer answer;
        for (std::size_t i = 0; i < entries.size(); ++i) {
            EntryAnswer one{.read = std::move(entries[i].read), .written = std::move(entries[i].step.written)};
            if (refused[i]) one.written = std::move(*refused[i]);
            answer.entries.push_back(std::move(one));
        }
        finished(std::move(answer));
    }
};

void run_batch(record::Store& store, std::shared_ptr<Parts> parts) {
    const std::size_t count = parts->entries.size();
    std::vector<std::vector<std::size_t>> chunks;
    for (std::size_t i = 0; i < count; ++i) {
        if (parts->entries[i].read || parts->refused[i]) continue;
        parts->make_ready(i);
        if (parts->refused[i]) continue;
        if (chunks.empty() || chunks.back().size() >= batch_chunk) chunks.emplace_back();
        chunks.back().push_back(i);
    }
    parts->chunks_left = chunks.size() + 1;
    const std::size_t weight = parts->arena->bytes() / (2 * std::max<std::size_t>(1, chunks.size())) + 512;
    for (auto& chunk : chunks) {
        auto shared = std::make_shared<std::vector<std::size_t>>(std::move(chunk));
        std::vector<record::Prepared> puts;
        for (const std::size_t i : *shared) {
            if (parts->entries[i].step.prepared) puts.push_back(*parts->entries[i].step.prepared);
        }
        store.submit(
            [parts, shared](record::Transaction& transaction) -> Result<Done> {
                for (const std::size_t i : *shared) parts->carry_out(i, transaction);
                return Done{};
            },
            [parts, shared](Result<Done> done) {
                if (!done.ok()) {  // the disk, or a full queue: of every entry of the chunk
                    for (const std::size_t i : *shared) parts->refused[i] = done.outcome();
                }
                parts->chunk_done();
            },
            weight, std::move(puts));
    }
    parts->chunk_done();
}

}  // namespace

namespace {

/// The entries as asked for. Of a transaction one that may not be refuses all; of a batch `refused` says which.
Result<std::vector<Entry>> read_entries(json::Value bundle, bool is_transaction, std::size_t most, std::string_view base_url,
                                        bool want_body, const Allowed& allowed,
                                        std::vector<std::optional<Outcome>>& all_refused) {
    const json::Value list = bundle.find("entry");
    if (list && !list.is_array()) return refuse(IssueCode::structure, "Bundle.entry", "must be an array");
    if (list.size() > most)
        return refuse(IssueCode::too_costly, "Bundle.entry", "has more than " + std::to_string(most) + " entries; send several");
    std::vector<Entry> entries;
    Outcome all;
    std::size_t index = 0;
    for (const json::Node& item : list.items()) {
        auto entry = read_entry(json::Value(&item), index, base_url, want_body);
        std::optional<Outcome> refused;
        if (!entry.ok()) {
            refused = std::move(entry).outcome();
            entry = Entry{.index = index};
        } else if (!entry->read) {
            if (auto may = allowed(*entry->step.change.type, action(entry->step.change.kind)); !may.ok())
                refused = std::move(may).outcome();
        }
        if (refused && is_transaction) gather(all, within_entry(*refused, index));
        all_refused.push_back(std::move(refused));
        entries.push_back(std::move(entry).value());
        ++index;
    }
    if (!all.ok()) return all;
    return entries;
}

}  // namespace

void Ingest::bundle(std::shared_ptr<json::Arena> arena, json::Value bundle, std::string_view base_url, bool want_body,
                    const Allowed& allowed, BundleBack finished, const Held& held) {
    const std::string_view type = bundle.find("type").string();
    if (bundle.find("resourceType").string() != "Bundle" || (type != "batch" && type != "transaction")) {
        return finished(refuse(IssueCode::invalid, "Bundle.type", "must be a Bundle of type batch or transaction"));
    }
    const bool is_transaction = type == "transaction";
    std::vector<std::optional<Outcome>> refused;
    auto entries = read_entries(bundle, is_transaction, options_.bundle_entries, base_url, want_body, allowed, refused);
    if (!entries.ok()) return finished(std::move(entries).outcome());
    for (Entry& entry : *entries) entry.step.change.held = held;
    if (is_transaction) {
        return run_transaction(store_, std::move(arena), options_, std::move(entries).value(), std::move(finished));
    }
    auto parts = std::make_shared<Parts>(store_, arena, options_);
    parts->finished = std::move(finished);
    parts->entries = std::move(entries).value();
    parts->refused = std::move(refused);
    run_batch(store_, std::move(parts));
}

Result<Submit> Transactions::ready(std::shared_ptr<json::Arena> arena, json::Value bundle, const Allowed& allowed,
                                   std::span<const std::string> lesser) {
    if (bundle.find("resourceType").string() != "Bundle" || bundle.find("type").string() != "transaction")
        return refuse(IssueCode::invalid, "Bundle.type", "must be a Bundle of type transaction");
    std::vector<std::optional<Outcome>> refused;
    XINGLIN_TRY(std::vector<Entry> entries, read_entries(bundle, true, options_.bundle_entries, {}, false, allowed, refused));
    const std::unordered_set<std::string_view> lessers(lesser.begin(), lesser.end());
    for (Entry& entry : entries) {
        if (entry.read || entry.step.change.kind != Change::Kind::update || lessers.empty()) continue;
        entry.step.only_if_absent = lessers.contains(std::string(entry.step.change.type->name) + "/" + entry.step.change.id);
    }
    return ready_transaction(store_, std::move(arena), options_, std::move(entries));
}

}  // namespace xinglin::ingest
