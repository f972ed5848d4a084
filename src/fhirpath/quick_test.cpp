// SPDX-License-Identifier: Apache-2.0
// Quick paths give what the evaluator gives: fixed paths and random ones, over resources good and broken.
#include "fhirpath/quick.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <random>

#include "testing/testing.h"

namespace xinglin::fhirpath {
namespace {

std::string text_of_spot(const Spot& spot) {
    switch (spot.kind) {
        case Spot::Kind::boolean: return spot.boolean ? "true" : "false";
        case Spot::Kind::integer: return std::to_string(spot.integer);
        case Spot::Kind::text: return "'" + std::string(spot.text) + "'";
        case Spot::Kind::element: break;
    }
    return (spot.value ? json::write(spot.value) : "-") + "/" + (spot.sidecar ? json::write(spot.sidecar) : "-");
}

std::string text_of_item(const Item& item) {
    switch (item.kind) {
        case Item::Kind::boolean: return item.boolean ? "true" : "false";
        case Item::Kind::integer: return std::to_string(item.integer);
        case Item::Kind::node:
            return (item.value ? json::write(item.value) : "-") + "/" + (item.sidecar ? json::write(item.sidecar) : "-");
        default: return "'" + item.text + "'";
    }
}

struct Counts {
    int quick = 0, slow = 0;
};

/// Compares both ways on one resource.
void compare(const std::string& path, json::Value resource, Counts& counts) {
    const Item context = item_of(resource);
    const auto compiled = Expression::compile(path, {.context_type = context.type});
    if (!compiled.ok()) return;
    Environment environment;
    Item text;
    text.kind = Item::Kind::string;
    text.text = "official";
    environment.variables = {{"k", {text}}};
    const auto quick =
        Quick::compile(*compiled, {.context = context.type, .resource = context.type, .constants = environment.variables});
    if (!quick) {
        ++counts.slow;
        return;
    }
    ++counts.quick;
    json::Arena arena;
    std::vector<Spot> spots;
    quick->run({.value = resource}, {.resource = resource, .arena = &arena}, spots);
    const auto items = compiled->evaluate(context, environment);
    ASSERT_TRUE(items.ok()) << path << ": " << items.outcome().line();
    std::vector<std::string> got, wanted;
    for (const Spot& spot : spots) got.push_back(text_of_spot(spot));
    for (const Item& item : *items) wanted.push_back(text_of_item(item));
    ASSERT_EQ(got, wanted) << path << " on " << json::write(resource).substr(0, 2'000);
    for (const Item& item : *items) {
        if (item.kind != Item::Kind::node) continue;
        ASSERT_EQ(item.type, quick->type()) << path;
    }
}

/// A random path from a type, by its own elements.
class Paths {
public:
    explicit Paths(std::uint64_t seed) : random_(seed) {}

    std::string path(const fhir::Type* type, int depth = 0) {
        std::string out;
        const auto add = [&out](const std::string& step) { out += (out.empty() ? "" : ".") + step; };
        for (int steps = 1 + pick(4); steps > 0 && type; --steps) {
            if (type->kind == fhir::TypeKind::primitive) {
                if (pick(3) > 0) break;
                add(pick(2) ? "extension" : "id");
                type = out.ends_with("id") ? nullptr : fhir::find_type("Extension");
            } else {
                const fhir::Element& element =
                    type->elements[static_cast<std::size_t>(pick(static_cast<int>(type->elements.size())))];
                if (element.types.empty()) break;
                const auto& ref = element.types[static_cast<std::size_t>(pick(static_cast<int>(element.types.size())))];
                add(std::string(element.name));
                if (element.is_choice && pick(8) > 0 && ref.type) add(fmt::format("ofType({})", ref.type->name));
                type = ref.type;
            }
            if (!type) break;
            if (const std::string call = step_after(type, depth); !call.empty()) out += call;
        }
        if (out.empty()) out = "$this";
        return out + ending(depth);
    }

private:
    std::mt19937_64 random_;
    int pick(int below) { return below <= 1 ? 0 : static_cast<int>(random_() % static_cast<std::uint64_t>(below)); }

    std::string step_after(const fhir::Type* type, int depth) {
        switch (pick(12)) {
            case 0: return ".first()";
            case 1: return ".last()";
            case 2: return fmt::format("[{}]", pick(3));
            case 3:
            case 4: return depth < 2 ? fmt::format(".where({})", criterion(type, depth + 1)) : "";
            case 5: return pick(4) == 0 ? ".extension('http://hl7.org/fhir/us/core/StructureDefinition/us-core-race')" : "";
            default: return "";
        }
    }
    std::string ending(int depth) {
        switch (pick(10)) {
            case 0: return ".exists()";
            case 1: return ".empty()";
            case 2: return ".count()";
            case 3: return ".getReferenceKey()";
            case 4: return ".getReferenceKey(Patient)";
            case 5: return depth == 0 ? ".getResourceKey()" : "";
            case 6: return " = " + literal();
            case 7: return " != " + literal();
            default: return "";
        }
    }
    std::string literal() {
        static const char* const texts[] = {"'official'", "'home'",    "'phone'", "'final'",
                                            "true",       "'Patient'", "%k",      "'http://loinc.org'"};
        return texts[pick(8)];
    }
    std::string criterion(const fhir::Type* type, int depth) {
        const std::string one = path(type, depth);
        const bool compares = one.find('=') != std::string::npos || one.ends_with("exists()") || one.ends_with("empty()");
        const std::string test = compares ? one : pick(2) ? one + ".exists()" : one + " = " + literal();
        switch (pick(6)) {
            case 0: return fmt::format("{} and {}", test, criterion(type, depth));
            case 1: return fmt::format("{} or {}", test, criterion(type, depth));
            case 2: return fmt::format("({}).not()", test);
            default: return test;
        }
    }
};

/// Copies the resource with members dropped, made null, or doubled into lists: what strangers send.
json::Value broken(json::Value value, std::mt19937_64& random, json::Arena& arena) {
    if (random() % 24 == 0) return arena.null();
    if (value.is_array()) {
        std::vector<json::Value> items;
        for (const json::Node& node : value.items()) items.push_back(broken(json::Value(&node), random, arena));
        return arena.array(items);
    }
    if (!value.is_object()) return random() % 24 == 0 ? arena.array({value, value}) : value;
    std::vector<std::pair<std::string_view, json::Value>> members;
    for (const json::Member& member : value.members()) {
        if (member.key() == "resourceType") members.emplace_back(member.key(), member.value());
        else if (random() % 16 > 0) members.emplace_back(member.key(), broken(member.value(), random, arena));
    }
    return arena.object(members);
}

TEST(Quick, GivesWhatTheEvaluatorGives) {
    const std::uint64_t seed = testing::seed();
    SCOPED_TRACE(fmt::format("XINGLIN_SEED={}", seed));
    std::mt19937_64 random(seed);
    Paths paths(seed);
    const auto files = testing::files_below(std::filesystem::path(XINGLIN_SOURCE_DIR) / "content/samples", ".json.gz");
    ASSERT_FALSE(files.empty());
    json::Arena arena;
    const auto bundle = json::parse(testing::read_packed(files[random() % files.size()]), arena);
    ASSERT_TRUE(bundle.ok());
    const auto entries = (*bundle)["entry"].items();
    Counts counts;
    for (int i = 0; i < 6'000 && !::testing::Test::HasFatalFailure(); ++i) {
        json::Arena scratch;
        json::Value resource = json::Value(&entries[random() % entries.size()])["resource"];
        if (resource["resourceType"].string().empty()) continue;
        if (i % 3 == 0) resource = broken(resource, random, scratch);
        const fhir::Type* type = fhir::find_resource(resource["resourceType"].string());
        if (!type || !resource.is_object()) continue;
        compare(paths.path(type), resource, counts);
    }
    EXPECT_GT(counts.quick, 2'000) << counts.slow;
}

TEST(Quick, TakesThePathsOfViews) {
    const char* const paths[] = {"id",
                                 "Patient.id",
                                 "name.where(use = %k).family.first()",
                                 "birthDate.extension('x').value.ofType(time)",
                                 "deceased.ofType(boolean)",
                                 "telecom.where(system = 'phone' and use != 'old').value",
                                 "getResourceKey()",
                                 "managingOrganization.getReferenceKey(Organization)",
                                 "name.exists(use = 'usual')",
                                 "name[0].given[1]",
                                 "active.exists() and active = true",
                                 "identifier.first().type.coding.first().code"};
    const fhir::Type* type = fhir::find_resource("Patient");
    Item text;
    text.kind = Item::Kind::string;
    text.text = "official";
    const std::pair<std::string, Collection> constants[] = {{"k", {text}}};
    for (const char* path : paths) {
        const auto compiled = Expression::compile(path, {.context_type = type, .strict = true});
        ASSERT_TRUE(compiled.ok()) << path;
        EXPECT_TRUE(Quick::compile(*compiled, {.context = type, .resource = type, .constants = constants})) << path;
    }
}

TEST(Quick, ReadsKeysOutOfReferences) {
    EXPECT_EQ(reference_key("Patient/1", ""), "Patient/1");
    EXPECT_EQ(reference_key("http://h/fhir/Patient/1/_history/2", "Patient"), "Patient/1");
    EXPECT_EQ(reference_key("Patient/1", "Group"), "");
    EXPECT_EQ(reference_key("#x", ""), "");
    EXPECT_EQ(reference_key("Patient?identifier=1", ""), "");
    EXPECT_EQ(reference_key("urn:uuid:5", ""), "urn:uuid:5");
    EXPECT_EQ(reference_key("urn:uuid:5", "Patient"), "");
    EXPECT_EQ(reference_key("/", ""), "/");
    EXPECT_EQ(reference_key("Patient/", "Patient"), "");
    EXPECT_EQ(reference_key("", ""), "");
}

}  // namespace
}  // namespace xinglin::fhirpath
