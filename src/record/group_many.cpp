// SPDX-License-Identifier: Apache-2.0
// A group looks up what it will need together, on PostgreSQL.
#include "record/writer.h"

namespace xinglin::record {

// Before the group's submissions run: who they are about, and what is there of them now.
void Group::expect(std::span<const Prepared> puts) {
    if (!ahead_.looks_ahead() || puts.empty()) return;
    const std::int64_t patient_tid = numbers_.tid(*fhir::find_resource("Patient"));
    std::vector<Names::AskedName> names;
    for (const Prepared& put : puts) {
        const Prepared::Inside& inside = *put.inside;
        names.push_back({inside.tid, inside.id});
        if (inside.draft.patient.size != 0) names.push_back({patient_tid, inside.draft.view(inside.draft.patient)});
    }
    names_.expect(names);
    std::vector<std::int64_t> rids, patients;
    for (const Prepared& put : puts) {
        const Prepared::Inside& inside = *put.inside;
        if (const std::int64_t rid = names_.find(inside.tid, inside.id)) {
            rids.push_back(rid);
        } else if (inside.draft.patient.size != 0) {
            const std::int64_t patient = names_.find(patient_tid, inside.draft.view(inside.draft.patient));
            if (patient != 0) patients.push_back(patient);
        }
    }
    ahead_.expect(rids);
    names_.expect_new(patients);
}

// Before their index rows are made: whom they mention, their terms, and the versions that they replace.
void Group::expect_rows(std::span<const Pending* const> pending) {
    if (!ahead_.looks_ahead()) return;
    std::vector<Names::AskedName> names;
    std::vector<Names::AskedTerm> terms;
    std::vector<std::int64_t> replaced;
    for (const Pending* each : pending) {
        if (each->has_previous) replaced.push_back(each->rid);
        if (!each->prepared) continue;
        const Draft& draft = each->prepared->draft;
        for (const DraftReference& reference : draft.references) names.push_back({reference.tid, draft.view(reference.id)});
        for (const DraftTerm& term : draft.terms) terms.push_back({term.space, draft.view(term.norm), draft.view(term.extra)});
    }
    names_.expect(names);
    names_.expect(terms);
    ahead_.expect(replaced);
}

}  // namespace xinglin::record
