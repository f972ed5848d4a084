// SPDX-License-Identifier: Apache-2.0
// What guards are made from: who the patients of a query are; and what a guard says of one resource.
#include "record/sentry.h"
#include "record/store_inside.h"
#include "search/units.h"

namespace xinglin::record {

std::vector<std::string> units_in_use(sql::Connection& connection) {
    constexpr std::string_view in_use =
        "SELECT norm FROM record_term WHERE space = ? AND extra = 'http://unitsofmeasure.org' LIMIT 10000";
    std::vector<std::string> units;
    auto& query = connection.prepare(in_use);
    query.bind(1, unit_space);
    while (query.step()) units.emplace_back(query.text(0));
    return units;
}

Result<std::vector<std::int64_t>> Reader::patients_of(const search::Query& query) {
    inside_->hold();
    const Context context = inside_->context();
    const std::shared_ptr<const Owners> owners = inside_->store.owners.of(*inside_->connection);
    Finder finder(context);
    finder.read_all(true);
    search::Query ready = query;
    XINGLIN_CHECK(search::resolve_codes(ready, inside_->store.options.terminology));
    XINGLIN_TRY(const CursorPtr cursor, finder.cursor(ready));
    std::vector<std::int64_t> ordinals;
    std::int64_t key = 0;
    for (;;) {
        const Word word = cursor->seek(key);
        if (word.key == no_more) return ordinals;
        key = word.key + 1;
        bool by_place = false;
        for (std::uint64_t bits = word.bits; bits != 0; bits &= bits - 1) {
            const std::int64_t rid = word.key * 64 + std::countr_zero(bits);
            if (!cursor->exact() && !cursor->keep(rid)) continue;
            const OwnerList* stated = owners->find(rid);
            if (stated) ordinals.insert(ordinals.end(), stated->begin(), stated->end());
            else if (patient_of(rid) != 0) {
                ordinals.push_back(ordinal_of(rid));
                by_place = true;
                break;
            }
        }
        if (!by_place) continue;
        // One is enough: on to the next patient, unless something here is another's.
        const std::int64_t end = (ordinal_of(word.key * 64) + 1) << rid_bits;
        const std::int64_t exception = owners->next(word.key * 64);
        if (exception >= end) key = key_of(end);
    }
}

std::vector<std::int64_t> Reader::ordinals_of(std::span<const std::string> patient_ids) {
    Shelf shelf(inside_->context());
    const std::int64_t tid = inside_->store.numbers.tid(*fhir::find_resource("Patient"));
    std::vector<Shelf::Named> names;
    for (const std::string& id : patient_ids) names.push_back({tid, id});
    shelf.expect_names(names);
    std::vector<std::int64_t> ordinals;
    for (const std::string& id : patient_ids) {
        if (const std::int64_t rid = shelf.find(tid, id)) ordinals.push_back(ordinal_of(rid));
    }
    return ordinals;
}

Reader::Decision Reader::decide(const fhir::Type& type, std::string_view id) {
    inside_->hold();
    Finder finder(inside_->context("r"));
    const std::int64_t rid = finder.shelf().find(inside_->store.numbers.tid(type), id);
    const auto stored = rid ? finder.shelf().current(rid, false) : std::nullopt;
    if (!stored || stored->deleted() || (inside_->viewer.guard && !finder.grants(type, rid))) return {};
    if (!inside_->viewer.guard) return {true, true, ""};
    const GuardRule* rule = finder.decides(type, rid);
    return {true, finder.sees(type, rid), rule ? rule->name : ""};
}

}  // namespace xinglin::record
