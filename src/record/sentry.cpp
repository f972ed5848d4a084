// SPDX-License-Identifier: Apache-2.0
// Rules met 64 resources at a time: one patient's resources lie together, so whole words are decided by one look at a set.
#include "record/sentry.h"

#include <algorithm>
#include <bit>

#include "search/search.h"

namespace xinglin::record {

namespace {
constexpr int key_bits = rid_bits - 6;  // of a key within an ordinal
constexpr std::uint64_t per_patient = 8;
constexpr std::int64_t first_key(std::int64_t ordinal) {
    return ordinal >= (no_more >> key_bits) ? no_more : ordinal << key_bits;
}

}  // namespace

Standing standing_of(Shelf& shelf, const fhir::Type& type, const Stored& stored) {
    Standing standing;
    const Numbers& numbers = shelf.context().numbers;
    const fhir::Type& patient = *fhir::find_resource("Patient");
    json::Arena arena;
    const auto resource = json::parse(stored.text, arena);
    if (!resource.ok()) return standing;
    search::Entries entries;
    search::extract(type, *resource, shelf.context().offset_minutes, entries);
    if (&type == &patient) standing.owners = {ordinal_of(stored.rid)};
    for (const search::Reference& reference : entries.references) {
        if (&type == &patient || reference.type != patient.name ||
            !numbers.owner_pids.contains(numbers.pid(*reference.parameter)))
            continue;
        if (const std::int64_t rid = shelf.find(numbers.tid(patient), reference.id)) standing.owners.push_back(ordinal_of(rid));
    }
    std::sort(standing.owners.begin(), standing.owners.end());
    standing.owners.erase(std::unique(standing.owners.begin(), standing.owners.end()), standing.owners.end());
    for (const search::Token& token : entries.tokens) {
        if (token.parameter->code == "_security") standing.labels.emplace_back(token.system, token.code);
    }
    for (const search::Uri& uri : entries.uris) {
        if (uri.parameter->code == "_source") standing.source = uri.value;
    }
    for (const search::Date& date : entries.dates) {
        if (!date.parameter->code.starts_with('_')) standing.dates.push_back({date.low_ms, date.high_ms});
    }
    return standing;
}

Sentry::Sentry(const Context& context, const fhir::Type& type, std::function<bool(std::int64_t)> confirm)
    : context_(context), confirm_(std::move(confirm)) {
    for (const GuardRule& rule : context.guard->rules) {
        if (!concerns(rule, type)) continue;
        parts_.push_back({&rule, has_terms(rule) ? terms_of(rule, type) : nullptr, {-1, 0}, rule.period.has_value()});
        timed_ = timed_ || rule.period;
        if (!rule.permit) continue;
        if (rule.whose == GuardRule::Whose::members) estimate_ += rule.patients ? rule.patients->size() * per_patient : 0;
        else if (parts_.back().terms) estimate_ += parts_.back().terms->estimate();
        else if (rule.whose != GuardRule::Whose::nobodys) estimate_ += many * many;
    }
    // What belongs to nobody lies among what was named before it came: how much of it is of this type is not known.
    open_to_nobodys_ = is_open(nobody_);
    if (open_to_nobodys_) estimate_ += many * many;
    estimate_ += context.owners->size();
}

CursorPtr Sentry::terms_of(const GuardRule& rule, const fhir::Type& type) const {
    std::vector<CursorPtr> found;
    const auto add = [&](std::string_view code, std::string_view norm, std::string_view extra, bool whatever_extra) {
        const search::Parameter* parameter = search::find_parameter(type, code);
        if (!parameter) return;
        const std::int64_t where = space(context_.numbers.pid(*parameter), Space::value);
        auto& query = context_.connection.prepare(
            whatever_extra
                ? "SELECT term FROM record_term WHERE space = ? AND norm = ? /*pg AND substr(norm, 1, 480) = substr(?2, 1, 480)*/"
                : same_term);
        query.bind(1, where).bind(2, norm);
        if (!whatever_extra) query.bind(3, extra);
        std::vector<std::int64_t> terms;
        while (query.step()) terms.push_back(query.integer(0));
        query.reset();
        for (const std::int64_t term : terms) found.push_back(posting_cursor(context_.connection, term));
    };
    for (const auto& [system, code] : rule.labels) add("_security", code, system, system.empty());
    for (const std::string& source : rule.sources) add("_source", source, "", false);
    return found.empty() ? list_cursor({}) : either_cursor(std::move(found));
}

std::uint64_t Sentry::bits(Part& part, std::int64_t key) {
    if (!part.terms) return ~std::uint64_t{0};
    if (part.head.key < key) part.head = part.terms->seek(key);
    return part.head.key == key ? part.head.bits : 0;
}

// Where a date decides, a permit counts and a refusal does not: confirmed later, one by one.
std::uint64_t Sentry::mask(const OwnerList& owners, std::int64_t key) {
    std::uint64_t open = ~std::uint64_t{0}, seen = 0;
    for (Part& part : parts_) {
        if (!concerns(*part.rule, owners)) continue;
        const std::uint64_t these = bits(part, key) & open;
        if (part.timed) {
            if (part.rule->permit) seen |= these;
            continue;
        }
        if (part.rule->permit) seen |= these;
        open &= ~these;
        if (open == 0) break;
    }
    return seen;
}

/// May a resource be seen that has no label and no source that a rule speaks of?
bool Sentry::is_open(const OwnerList& owners) const {
    for (const Part& part : parts_) {
        if (part.terms || !concerns(*part.rule, owners)) continue;
        if (part.rule->permit) return true;
        if (!part.timed) return false;
    }
    return false;
}

std::int64_t Sentry::next_open(std::int64_t ordinal) {
    if (asked_ >= 0 && asked_ <= ordinal && ordinal <= open_) return open_;
    asked_ = ordinal;
    open_ = std::max(ordinal, first_patient_ordinal);
    while (first_key(open_) != no_more) {
        const std::int64_t next = next_change(open_);
        if (next == open_) return open_;
        open_ = next;
    }
    return open_ = no_more;
}

// The ordinal itself when it is open; else the first at which that can be otherwise.
std::int64_t Sentry::next_change(std::int64_t ordinal) const {
    using Whose = GuardRule::Whose;
    const OwnerList owner{ordinal};
    std::int64_t next = no_more;
    const auto next_member = [&](const GuardRule& rule) { return rule.patients ? rule.patients->next(ordinal + 1) : no_more; };
    for (const Part& part : parts_) {
        const GuardRule& rule = *part.rule;
        if (part.terms || rule.whose == Whose::nobodys) continue;
        if (!concerns(rule, owner)) {
            if (rule.permit) next = std::min(next, rule.whose == Whose::members ? next_member(rule) : ordinal + 1);
            continue;
        }
        if (rule.permit) return ordinal;
        if (part.timed) continue;
        if (rule.whose == Whose::members) return std::min(next, ordinal + 1);
        return rule.whose == Whose::others ? std::min(next, next_member(rule)) : next;
    }
    return next;
}

const OwnerList& Sentry::by_place(std::int64_t rid) {
    if (ordinal_of(rid) < first_patient_ordinal) return nobody_;
    place_.assign(1, ordinal_of(rid));
    return place_;
}

Word Sentry::seek(std::int64_t key) {
    while (key != no_more) {
        const std::int64_t first = key * 64, ordinal = ordinal_of(first);
        const bool theirs = ordinal >= first_patient_ordinal;
        std::uint64_t seen = mask(by_place(first), key);
        for (std::int64_t rid = context_.owners->next(first); rid < first + 64; rid = context_.owners->next(rid + 1)) {
            ++touched;
            const std::uint64_t bit = bit_of(rid);
            seen = (mask(*context_.owners->find(rid), key) & bit) != 0 ? seen | bit : seen & ~bit;
        }
        if (seen != 0) return {key, seen};
        // Nothing here. The next place where there may be something: an open patient, a label or source that opens, an exception.
        const bool open_here = theirs ? next_open(ordinal) == ordinal : open_to_nobodys_;
        std::int64_t next = open_here ? key + 1 : first_key(theirs ? next_open(ordinal + 1) : next_open(first_patient_ordinal));
        for (Part& part : parts_) {
            if (!part.terms || !part.rule->permit) continue;
            if (part.head.key <= key) part.head = part.terms->seek(key + 1);
            next = std::min(next, part.head.key);
        }
        const std::int64_t exception = context_.owners->next(first + 64);
        if (exception != no_more) next = std::min(next, key_of(exception));
        key = next;
    }
    return no_word;
}

bool Sentry::verdict(const OwnerList& owners, std::int64_t rid) {
    for (Part& part : parts_) {
        if (!concerns(*part.rule, owners)) continue;
        if (part.timed) return confirm_(rid);
        if (!part.terms || part.terms->has(rid)) return part.rule->permit;
    }
    return false;
}

bool Sentry::has(std::int64_t rid) {
    const OwnerList* stated = context_.owners->find(rid);
    return verdict(stated ? *stated : by_place(rid), rid);
}

}  // namespace xinglin::record
