// SPDX-License-Identifier: Apache-2.0
// /api/v1/documents: what the record has of a visit, as a national shared document.
#include <algorithm>

#include "cda/cda.h"
#include "message/message.h"
#include "server/house.h"
#include "server/route.h"

namespace xinglin::server {

namespace {

/// Whoever reads a document reads all of that.
bool may_read(const access::Viewer& viewer) {
    if (!viewer.may_read()) return false;
    return viewer.role != access::Role::system ||
           std::all_of(cda::types_of_visit().begin(), cda::types_of_visit().end(),
                       [&](std::string_view type) { return access::scope_allows(viewer.scope, type, 'r'); });
}

/// "Patient/7" → "7"; "" for another type.
std::string id_of(json::Value reference, std::string_view type) {
    const std::string_view text = reference["reference"].string();
    if (!text.starts_with(type) || text.size() <= type.size() || text[type.size()] != '/') return {};
    return std::string(text.substr(type.size() + 1));
}

/// One visit of one person: the patient first, then the visit, who kept it and who was there, and what was found and done.
class Gathering {
public:
    Gathering(record::Reader reader, json::Arena& arena) : reader_(std::move(reader)), arena_(arena) {}

    Result<Done> visit(const std::string& id) {
        XINGLIN_TRY(encounter_, read("Encounter", id));
        patient_ = id_of(encounter_["subject"], "Patient");
        if (patient_.empty())
            return refuse(IssueCode::invalid, "encounter", "names no patient of this record, a shared document needs one");
        XINGLIN_TRY(const json::Value patient, read("Patient", patient_));
        all_ = {patient, encounter_};
        add("Organization", id_of(encounter_["serviceProvider"], "Organization"));
        add("Practitioner", id_of(encounter_["participant"][std::size_t{0}]["individual"], "Practitioner"));
        record::EverythingRequest request{.patient_id = patient_};
        for (const std::string_view type : cda::types_of_visit()) request.types.push_back(fhir::find_resource(type));
        XINGLIN_TRY(const record::Found found, reader_.everything(request));
        for (const record::Found::Entry& entry : found.entries) take(entry.version.body, "Encounter/" + id);
        return Done{};
    }

    json::Value resources() const { return arena_.array(all_); }
    json::Value encounter() const { return encounter_; }
    const std::string& patient() const { return patient_; }

private:
    record::Reader reader_;
    json::Arena& arena_;
    json::Value encounter_;
    std::string patient_;
    std::vector<json::Value> all_;

    Result<json::Value> read(std::string_view type, const std::string& id) {
        XINGLIN_TRY(const record::Version version, reader_.read(*fhir::find_resource(type), id));
        return json::parse(arena_.keep(version.body), arena_);
    }
    void add(std::string_view type, const std::string& id) {
        if (id.empty()) return;
        if (auto one = read(type, id); one.ok()) all_.push_back(*one);
    }
    void take(std::string_view body, std::string_view visit) {
        const auto one = json::parse(arena_.keep(body), arena_);
        if (one.ok() && cda::is_of_visit(*one, visit)) all_.push_back(*one);
    }
};

void answer_document(Visit& visit, const cda::Written& written, cda::Kind kind, const std::string& id) {
    json::Arena arena;
    std::vector<json::Value> left_out;
    for (const std::string& each : written.left_out) left_out.push_back(arena.string(each));
    if (visit.parameter("format") == "json")
        return visit.answer(200, arena.object({{"id", arena.string(id)},
                                               {"kind", arena.string(cda::text(kind))},
                                               {"document", arena.string(written.xml)},
                                               {"left_out", arena.array(left_out)}}));
    auto response = http::Response::text(200, "application/xml; charset=utf-8", written.xml);
    response.headers.set("Cache-Control", "no-store");
    response.headers.set("Content-Disposition", "attachment; filename=\"" + id + ".xml\"");
    response.headers.set("X-Xinglin-Left-Out", std::to_string(left_out.size()));
    visit.respond(std::move(response));
}

void write_document(Visit& visit) {
    House& house = visit.house;
    if (!may_read(visit.viewer))
        return visit.refuse(
            refuse(IssueCode::forbidden, "role", "your account may not read the records that a document is made of"));
    const std::string encounter = visit.parameter("encounter"), wanted = visit.parameter("kind");
    if (encounter.empty())
        return visit.refuse(refuse(IssueCode::required, "encounter", "name the visit, the id of its Encounter"));
    auto kind = cda::parse_kind(wanted);
    if (!wanted.empty() && !kind)
        return visit.refuse(
            refuse(IssueCode::value, "kind", "must be outpatient-summary, inpatient-summary or laboratory-report"));
    json::Arena arena;
    Gathering gathering(house.store->reader(visit.viewer), arena);
    const auto gathered = gathering.visit(encounter);
    const auto written_down = [&](int status, std::string_view detail) {
        house.write_down(visit.viewer, visit.request, "document", status, "Patient", gathering.patient(), detail);
    };
    if (!gathered.ok()) {
        written_down(http_status(gathered.outcome().code()), encounter);
        return visit.refuse(gathered.outcome());
    }
    if (!kind) kind = cda::kind_of_visit(gathering.encounter());
    const auto knowledge = cda::Knowledge::read(*house.content);
    if (!knowledge.ok()) return visit.refuse(knowledge.outcome());
    const std::string id = message::stable_id("xinglin", cda::text(*kind), encounter);
    const auto written = cda::write(*kind, gathering.resources(), id, calendar::instant_text(house.clock.now_ms()), *knowledge);
    written_down(written.ok() ? 200 : 422, fmt::format("{} Encounter/{}", cda::text(*kind), encounter));
    if (!written.ok()) return visit.refuse(written.outcome());
    answer_document(visit, *written, *kind, id);
}

constexpr Route routes[] = {
    {"GET", "/api/v1/documents", Who::logged_in,
     "A visit as a national shared document (CDA R2 by WS/T 482): ?encounter=ID, kind=outpatient-summary (WS/T 483.17), "
     "inpatient-summary (483.18) or laboratory-report (WS/T 500.7), by the class of the visit when not said. XML; with "
     "format=json also what the "
     "document has no place for. Audited.",
     "", R"({"id":"…","kind":"inpatient-summary","document":"<ClinicalDocument …","left_out":["Immunization/…"]})",
     write_document},
};

}  // namespace

std::span<const Route> document_routes() { return routes; }

}  // namespace xinglin::server
