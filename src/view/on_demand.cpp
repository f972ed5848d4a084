// SPDX-License-Identifier: Apache-2.0
// Running over the record.
#include "view/on_demand.h"

namespace xinglin::view {

OnDemand::OnDemand(record::Reader reader, Question question)
    : reader_(std::move(reader)), question_(std::move(question)), runner_(question_.definition, question_.environment) {}

/// Rows of one resource; false when no more are wanted.
Result<bool> OnDemand::show(const record::Version& version, const Sink& sink) {
    if (question_.since_ms > 0 && version.updated_ms < question_.since_ms) return true;
    if (question_.most_resources > 0 && resources_read_ >= question_.most_resources) {
        truncated_ = true;
        return false;
    }
    ++resources_read_;
    if (!question_.definition.may_have_rows(version.body)) return true;
    arena_.clear();
    XINGLIN_TRY(const json::Value resource, json::parse(version.body, arena_));
    XINGLIN_CHECK(runner_.run(resource, [&](Row row) {
        if (question_.limit > 0 && rows_ >= question_.limit) {
            truncated_ = true;
            return;
        }
        ++rows_;
        sink(row);
    }));
    return !truncated_;
}

Result<Done> OnDemand::go(const Sink& sink, const std::function<bool()>& enough) {
    if (over_) return Done{};
    if (question_.of_patients) return go_patients(sink, enough);
    Result<bool> more = true;
    bool paused = false;
    reader_.scan(&question_.definition.resource(), place_, [&](const record::Version& version) {
        more = show(version, sink);
        if (!more.ok() || !*more) return false;
        paused = enough();
        return !paused;
    });
    over_ = !paused;
    if (!more.ok()) return std::move(more).outcome();
    return Done{};
}

Result<Done> OnDemand::go_patients(const Sink& sink, const std::function<bool()>& enough) {
    const fhir::Type& type = question_.definition.resource();
    for (; patient_ < question_.patients.size(); ++patient_) {
        if (enough()) return Done{};
        record::EverythingRequest request{.patient_id = question_.patients[patient_], .types = {&type}};
        request.count = 500;
        do {
            const auto found = reader_.everything(request);
            if (!found.ok() && found.outcome().code() == IssueCode::not_found) break;  // a member that is not here
            if (!found.ok()) return found.outcome();
            for (const auto& entry : found->entries) {
                if (entry.version.type != &type) continue;
                XINGLIN_TRY(const bool more, show(entry.version, sink));
                if (!more) {
                    over_ = true;
                    return Done{};
                }
            }
            request.page = found->next;
        } while (!request.page.empty());
    }
    over_ = true;
    return Done{};
}

}  // namespace xinglin::view
