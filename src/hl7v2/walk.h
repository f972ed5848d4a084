// SPDX-License-Identifier: Apache-2.0
// Inside the room: where in a message we are. Groups are recognised by the order of segments, not by the grammar of a trigger
// event, so that events nobody listed and segments out of place are understood as far as they can be.
#pragma once

#include <string>

#include "hl7v2/conversion.h"

namespace xinglin::hl7v2 {

struct Walk {
    explicit Walk(Conversion& c) : c(c) {}
    Conversion& c;
    std::string type, event;  // "ADT", "A01"
    std::size_t at = 0;       // index of the segment
    Seg header, recorded;     // MSH, EVN

    Thing* patient = nullptr;
    std::string patient_key;
    Thing* encounter = nullptr;
    std::string encounter_key;
    Thing* account = nullptr;
    Seg orc;                  // waits for the order it speaks of
    Seg pending_timing;       // TQ1 before its RXO, RXE or OBR
    Thing* order = nullptr;   // ServiceRequest
    Thing* report = nullptr;  // DiagnosticReport
    std::string report_key;
    Thing* specimen = nullptr;
    Thing* medication = nullptr;  // MedicationRequest, MedicationDispense, MedicationAdministration
    std::optional<Object> dosage;
    Thing* immunization = nullptr;
    std::vector<std::pair<std::string, Object>> education;  // of the vaccination, by OBX-4
    Thing* appointment = nullptr;
    Thing* document = nullptr;
    std::string document_text;
    Thing* coverage = nullptr;
    Thing* referral = nullptr;
    Thing* charge = nullptr;
    Thing* last = nullptr;                         // what NTE and PRT speak of
    std::map<std::string, int, std::less<>> seen;  // for keys: how often this was said in its group

    bool is_result() const { return type == "ORU" || type == "OUL" || type == "OPU" || type == "ORA"; }
    bool is_imaging() const;  // the report at hand is of pictures
    bool is_admission() const { return type == "ADT"; }
    /// Whose organization sends, as a reference; nothing when the message doesn't say.
    json::Value home();
    json::Value subject() const { return patient ? patient->reference() : json::Value{}; }
    void place(Thing& thing, std::string_view subject_key = "subject", std::string_view encounter_key = "encounter");
    /// The same text twice is told apart.
    std::string once(std::string key);
    /// A dosage ends where its order ends.
    void end_dosage();
    void end_order();
    void end_vaccination();
    /// True when a segment of this name comes before the next order.
    bool has_ahead(std::string_view name) const;
};

using Handler = void (*)(Walk&, Seg);

void on_header(Walk&, Seg);
void on_event(Walk&, Seg);
void on_patient(Walk&, Seg);
void on_more_patient(Walk&, Seg);
void on_next_of_kin(Walk&, Seg);
void on_merge(Walk&, Seg);
void on_visit(Walk&, Seg);
void on_more_visit(Walk&, Seg);
void on_role(Walk&, Seg);
void on_participation(Walk&, Seg);
void on_allergy(Walk&, Seg);
void on_adverse(Walk&, Seg);
void on_diagnosis(Walk&, Seg);
void on_procedure(Walk&, Seg);
void on_problem(Walk&, Seg);
void on_goal(Walk&, Seg);
void on_order(Walk&, Seg);
void on_request(Walk&, Seg);
void on_timing(Walk&, Seg);
void on_specimen(Walk&, Seg);
void on_comment(Walk&, Seg);
void on_result(Walk&, Seg);
void on_pharmacy_order(Walk&, Seg);
void on_encoded_order(Walk&, Seg);
void on_route(Walk&, Seg);
void on_dispense(Walk&, Seg);
void on_administration(Walk&, Seg);
void on_schedule(Walk&, Seg);
void on_service(Walk&, Seg);
void on_resource(Walk&, Seg);
void on_place(Walk&, Seg);
void on_person(Walk&, Seg);
void on_document(Walk&, Seg);
void on_guarantor(Walk&, Seg);
void on_insurance(Walk&, Seg);
void on_charge(Walk&, Seg);
void on_referral(Walk&, Seg);
void on_provider(Walk&, Seg);
void on_staff(Walk&, Seg);

/// Ends what must know the whole message: the status of an appointment, a document without text, who recorded it.
void end_appointment(Walk&);
void end_document(Walk&);
void end_event(Walk&);

/// Fields that say nothing of the record: set ids, action codes that were heeded.
void pass_over(Seg segment, std::initializer_list<std::uint32_t> fields);
/// From a list of identifiers the one that is the sender's own name for the thing.
std::string best_key(Field identifiers);
/// An attachment of ED or RP; nothing when it holds none.
json::Value attachment_of(Conversion& c, std::string_view kind, Part value);
bool result_into_immunization(Walk& w, Seg obx);
bool result_into_document(Walk& w, Seg obx);

}  // namespace xinglin::hl7v2
