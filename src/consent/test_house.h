// SPDX-License-Identifier: Apache-2.0
// For tests: a record, a person index and what residents decided, with helpers to write and to ask.
#pragma once

#include <gmock/gmock.h>

#include <fmt/format.h>

#include "consent/consent.h"
#include "consent/settings.h"
#include "testing/postgres.h"
#include "testing/testing.h"
#include "testing/told_people.h"

namespace xinglin::consent {

constexpr std::int64_t day_ms = 86'400'000;

class ConsentTest : public ::testing::Test {
protected:
    testing::ScratchFolder folder;
    testing::StoppedClock clock;
    std::unique_ptr<record::Store> store = open_store();
    std::unique_ptr<person::Persons> persons = index();
    Settings settings = *Settings::read(content::Files());
    std::unique_ptr<Consents> consents = open();

    std::unique_ptr<record::Store> open_store() {
        auto opened = record::Store::open(
            folder.path(), clock,
            {.readers = 4, .offset_minutes = std::int16_t{480}, .store = testing::store_beside(folder.path())});
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        return std::move(opened).value();
    }
    std::unique_ptr<person::Persons> index() {
        return std::make_unique<person::Persons>(*store, clock, *person::Settings::read(content::Files()),
                                                 person::Options{.file = folder.path() / "person.db", .follow = false});
    }
    std::unique_ptr<Consents> open() {
        return std::make_unique<Consents>(*store, *persons, clock, settings, Options{.follow = false});
    }
    void put_text(const std::string& type, const std::string& id, const std::string& text) {
        json::Arena arena;
        const auto value = json::parse(text, arena, {.depth = 2'000});
        ASSERT_TRUE(value.ok()) << value.outcome().line() << "\n" << text.substr(0, 2'000);
        const fhir::Type& of = *fhir::find_resource(type);
        const record::Prepared prepared = store->prepare(of, id, *value);
        clock.move(1'000);
        ASSERT_TRUE(store
                        ->submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
                            transaction.put(prepared, false, false);
                            return Done{};
                        })
                        .ok());
        follow();
    }
    void put(const std::string& type, const std::string& id, const std::string& members) {
        put_text(type, id, fmt::format(R"({{"resourceType":"{}","id":"{}"{}}})", type, id, members));
    }
    void erase(const std::string& type, const std::string& id) {
        const fhir::Type& of = *fhir::find_resource(type);
        ASSERT_TRUE(store
                        ->submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
                            transaction.erase(of, id);
                            return Done{};
                        })
                        .ok());
        follow();
    }
    void follow() {
        persons->catch_up();
        if (consents) consents->catch_up();
    }
    void person(const std::string& id, const std::string& name, const std::string& birth, int order) {
        std::string digits = birth;
        std::erase(digits, '-');
        put("Patient", id,
            fmt::format(
                R"(,"name":[{{"text":"{}"}}],"gender":"female","birthDate":"{}","identifier":[{{"system":"urn:oid:2.16.156.10011.1.3","value":"{}"}}])",
                name, birth, testing::sound_number("130399", digits, order)));
    }
    static std::string consent_text(const std::string& id, const std::string& patient, const std::string& provision,
                                    const std::string& more = "") {
        return fmt::format(
            R"({{"resourceType":"Consent","id":"{}","status":"active","scope":{{"coding":[{{"system":"{}","code":"patient-privacy"}}]}},)"
            R"("category":[{{"text":"privacy"}}],"patient":{{"reference":"Patient/{}"}}{}{}}})",
            id, "http://terminology.hl7.org/CodeSystem/consentscope", patient, more,
            provision.empty() ? "" : R"(,"provision":)" + provision);
    }
    void consent(const std::string& id, const std::string& patient, const std::string& provision, const std::string& more = "") {
        put_text("Consent", id, consent_text(id, patient, provision, more));
    }
    static access::Viewer doctor(const std::string& practitioner = "li", const std::string& institution = "hospital") {
        access::Viewer viewer;
        viewer.account = 7;
        viewer.name = "doctor-" + practitioner;
        viewer.role = access::Role::clinician;
        viewer.practitioner = practitioner;
        viewer.institution = institution;
        return viewer;
    }
    /// "+consent" opens, "-consent" closes, with what it speaks of.
    std::vector<std::string> seen(const std::string& patient, const access::Viewer& viewer) const {
        std::vector<std::string> out;
        for (const Provision& each : consents->of_patient(patient, viewer, clock.now_ms())) {
            std::string text = (each.permit ? "+" : "-") + each.consent;
            for (const Label& label : each.labels) text += " " + label.code;
            for (const fhir::Type* type : each.types) text += " " + std::string(type->name);
            out.push_back(std::move(text));
        }
        return out;
    }
    static std::string actor(const std::string& reference) {
        return fmt::format(R"("actor":[{{"role":{{"text":"x"}},"reference":{{"reference":"{}"}}}}])", reference);
    }
    static std::string label(const std::string& code) {
        return fmt::format(R"("securityLabel":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"{}"}}])",
                           code);
    }
};

}  // namespace xinglin::consent
