// SPDX-License-Identifier: Apache-2.0
// Inside the room: the tables of content/mappings/cda, looked up.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "content/content.h"
#include "outcome/outcome.h"

namespace xinglin::cda {

struct Template {
    std::string root, standard, code, title, encounter_class;  // "2.16.…​.1.27", "WS/T 500.7", "C0007", "检验报告", "AMB"
};

/// What a data element is used for.
struct Element {
    std::string code, name, use;  // use: diagnosis_code, diagnosis_name, vital, lab_item, … or "" (kept as it is)
    std::string loinc, display, unit, category;
};

struct Section {
    std::string code, title, use;  // LOINC; use: discharge, admission, immunization, …
};

class Tables {
public:
    static Result<Tables> read(const content::Files& files);

    /// nullptr where nothing is known.
    const Template* find_template(std::string_view root) const;
    const Template* template_of(std::string_view standard) const;
    const Element* element(std::string_view code) const;
    const Element* element_for(std::string_view use) const;
    const Section* section(std::string_view code) const;
    /// UCUM for a unit as it is written; "" when it is not known.
    std::string unit(std::string_view written) const;
    /// As people write a unit of UCUM.
    std::string written_unit(std::string_view ucum) const;
    /// The data element of a LOINC code; nullptr when there is none.
    const Element* element_of_loinc(std::string_view loinc) const;
    /// What a system of codes is in FHIR: ICD-10 wherever its leaf; otherwise "urn:oid:…".
    static std::string system(std::string_view oid);

private:
    std::vector<Template> templates_;
    std::map<std::string, Element, std::less<>> elements_;
    std::map<std::string, Section, std::less<>> sections_;
    std::vector<std::pair<std::string, std::string>> units_;
};

}  // namespace xinglin::cda
