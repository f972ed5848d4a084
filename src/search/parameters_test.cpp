// SPDX-License-Identifier: Apache-2.0
// The table of parameters against R4's own rows.
#include <gtest/gtest.h>

#include <set>

#include "search/catalogue.h"

namespace xinglin::search {
namespace {

const fhir::Type& type(std::string_view name) {
    const fhir::Type* found = fhir::find_resource(name);
    EXPECT_TRUE(found) << name;
    return *found;
}

std::set<std::string_view> codes(std::span<const Parameter* const> parameters) {
    std::set<std::string_view> codes;
    for (const Parameter* parameter : parameters) codes.insert(parameter->code);
    return codes;
}

TEST(Parameters, every_expression_of_r4_fits_its_type) {
    for (const Parameter* parameter : all_parameters()) {
        const auto paths = parse_paths(parameter->expression);
        ASSERT_TRUE(paths) << parameter->expression;
        for (const Path& path : *paths) {
            Grower grower;
            EXPECT_TRUE(grower.grow(grower.root(), *parameter->resource, path, *parameter, *parameter->resource))
                << parameter->resource->name << " " << parameter->code << " (" << text(parameter->type)
                << "): " << parameter->expression;
        }
    }
}

TEST(Parameters, every_type_has_those_of_resource) {
    for (const fhir::Type* each : fhir::resources()) {
        for (const std::string_view code : {"_id", "_lastUpdated", "_tag", "_profile", "_security", "_source"}) {
            EXPECT_TRUE(find_parameter(*each, code)) << each->name << " " << code;
        }
        EXPECT_FALSE(find_parameter(*each, "_text"));
    }
}

TEST(Parameters, every_row_of_r4_is_found_by_its_types) {
    for (const fhir::SearchParameterRow& row : fhir::search_parameter_rows()) {
        if (row.expression.empty()) continue;
        for (const std::string_view base : row.bases) {
            const fhir::Type* found = fhir::find_resource(base);
            ASSERT_TRUE(found);
            EXPECT_TRUE(found->is_abstract || find_parameter(*found, row.code)) << base << " " << row.code;
        }
    }
}

TEST(Parameters, are_dense_by_index_and_by_bit) {
    std::size_t index = 0;
    for (const Parameter* parameter : all_parameters()) EXPECT_EQ(parameter->index, index++);
    for (const fhir::Type* each : fhir::resources()) {
        std::size_t bit = 0;
        for (const Parameter* parameter : parameters(*each)) EXPECT_EQ(parameter->bit, bit++);
    }
}

TEST(Parameters, a_union_includes_its_parts) {
    const Parameter* combo = find_parameter(type("Observation"), "combo-code");
    ASSERT_TRUE(combo);
    EXPECT_EQ(codes(combo->includes), (std::set<std::string_view>{"code", "component-code"}));
    EXPECT_TRUE(Catalogue::the().details(*combo).residual.empty());
}

TEST(Parameters, patient_includes_subject_where_it_names_a_patient) {
    const Parameter* patient = find_parameter(type("Observation"), "patient");
    ASSERT_TRUE(patient);
    EXPECT_EQ(codes(patient->includes), (std::set<std::string_view>{"subject"}));
    ASSERT_EQ(patient->targets.size(), 1u);
    EXPECT_EQ(patient->targets[0], "Patient");
    EXPECT_TRUE(Catalogue::the().details(*patient).restricted);
    EXPECT_TRUE(find_parameter(type("Observation"), "subject")->includes.empty());
}

TEST(Parameters, composites_name_their_components) {
    const Parameter* composite = find_parameter(type("Observation"), "code-value-quantity");
    ASSERT_TRUE(composite);
    ASSERT_EQ(composite->components.size(), 2u);
    EXPECT_EQ(composite->components[0].parameter, find_parameter(type("Observation"), "code"));
    EXPECT_EQ(composite->components[1].parameter, find_parameter(type("Observation"), "value-quantity"));
}

TEST(Parameters, expressions_beyond_us_are_refused_not_misread) {
    for (const std::string_view text :
         {"", "Patient.", "Patient.name.first()", "Patient.a.exists()", "Patient.a and Patient.b", "a | ", "(a",
          "Patient.where(a > 'b')", "Patient.where(a = b)", "a b", "Patient.x.exists() and Patient.y != false"}) {
        EXPECT_FALSE(parse_paths(text)) << text;
    }
}

}  // namespace
}  // namespace xinglin::search
