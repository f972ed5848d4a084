// SPDX-License-Identifier: Apache-2.0
// Lines as AuditEvents: sound R4, in the shape of IHE BALP.
#include "access/audit_event.h"

#include <gtest/gtest.h>

#include "fhir/fhir.h"

namespace xinglin::access {
namespace {

Access line(std::string what, std::string patient = "p1", int status = 200) {
    Access line;
    line.row = 12;
    line.at_ms = 1'795'334'100'123;
    line.who = "doctor";
    line.display = "李医生";
    line.role = "clinician";
    line.practitioner = "prac-1";
    line.institution = "hospital-1";
    line.what = std::move(what);
    line.type = "Observation";
    line.id = "o1";
    line.patient = std::move(patient);
    line.purpose = "TREAT";
    line.peer = "10.0.0.7";
    line.trace_id = "0af7651916cd43dd8448eb211c80319c";
    line.status = status;
    return line;
}

TEST(AuditEvent, OfEveryKindOfLineIsSoundR4) {
    for (const char* what : {"read", "vread", "history", "search", "everything", "create", "update", "patch", "delete", "login",
                             "logout", "export", "print", "import", "reveal", "break-glass", "refused", "case", "anything"}) {
        for (const char* patient : {"p1", ""}) {
            for (const int status : {200, 403, 500}) {
                Access one = line(what, patient, status);
                if (status == 500) {  // as little as a line can say
                    one.who = one.display = one.role = one.practitioner = one.institution = one.type = one.id = one.purpose =
                        one.peer = "";
                    one.trace_id = "";
                }
                json::Arena arena;
                const json::Value event = audit_event(arena, one, std::string(32, 'h'), std::string(32, 'b'), {"青禾县人民医院"});
                const Outcome outcome = fhir::validate(event);
                EXPECT_TRUE(outcome.ok()) << what << ": " << outcome.line() << "\n" << json::write(event);
            }
        }
    }
}

TEST(AuditEvent, OfAReadIsAPatientReadOfBalp) {
    json::Arena arena;
    const json::Value event = audit_event(arena, line("read"), std::string(32, '\1'), std::string(32, '\2'), {"青禾县人民医院"});
    EXPECT_EQ(event["meta"]["profile"][0].string(),
              "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead");
    EXPECT_EQ(event["type"]["code"].string(), "rest");
    EXPECT_EQ(event["subtype"][0]["code"].string(), "read");
    EXPECT_EQ(event["action"].string(), "R");
    EXPECT_EQ(event["recorded"].string().substr(0, 10), "2026-11-22");
    EXPECT_EQ(event["outcome"].string(), "0");
    EXPECT_EQ(event["agent"][0]["who"]["reference"].string(), "Practitioner/prac-1");
    EXPECT_EQ(event["agent"][0]["purposeOfUse"][0]["coding"][0]["code"].string(), "TREAT");
    EXPECT_EQ(event["agent"][1]["network"]["address"].string(), "10.0.0.7");
    EXPECT_EQ(event["entity"][0]["what"]["reference"].string(), "Patient/p1");
    EXPECT_EQ(event["entity"][1]["what"]["reference"].string(), "Observation/o1");
    EXPECT_EQ(event["entity"][2]["what"]["identifier"]["value"].string(), "0af7651916cd43dd8448eb211c80319c");
    const json::Value chain = event["extension"][0];
    EXPECT_EQ(chain["url"].string(), chain_extension);
    EXPECT_EQ(chain["extension"][0]["valueString"].string(), "12");
    EXPECT_EQ(chain["extension"][1]["valueString"].string().size(), 64u);
}

TEST(AuditEvent, OfARefusalSaysWhy) {
    json::Arena arena;
    Access refused = line("read", "", 403);
    refused.reason = "role: your role may not read";
    const json::Value event = audit_event(arena, refused, "", "");
    EXPECT_EQ(event["outcome"].string(), "4");
    EXPECT_EQ(event["outcomeDesc"].string(), "role: your role may not read");
    EXPECT_FALSE(event["extension"]) << "without a chain nothing is said of one";
    EXPECT_EQ(event["meta"]["profile"][0].string(), "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.Read");
}

TEST(AuditEvent, OfASearchTellsNamesOfParametersNeverTheirValues) {
    json::Arena arena;
    Access search = line("search", "");
    search.detail = "name birthdate";
    const json::Value event = audit_event(arena, search, "", "");
    EXPECT_EQ(event["entity"][0]["query"].string(), "bmFtZSBiaXJ0aGRhdGU=");
}

}  // namespace
}  // namespace xinglin::access
