// SPDX-License-Identifier: Apache-2.0
// Broken and hostile definitions: refused or harmless, never a crash or a hang.
#include <random>

#include "profile/profile_fixture.h"
#include "testing/testing.h"

namespace xinglin::profile {
namespace {

class Mutator {
public:
    Mutator(std::uint32_t seed, json::Arena& arena) : random_(seed), arena_(arena) {}

    /// The value with a few members or items left out, doubled, exchanged or replaced.
    json::Value mutated(json::Value value, int depth = 0) {
        if (value.is_object()) {
            std::vector<std::pair<std::string_view, json::Value>> members;
            for (const json::Member& member : value.members()) {
                if (one_in(60)) continue;
                members.emplace_back(member.key(), one_in(60) ? other() : mutated(member.value(), depth + 1));
            }
            return arena_.object(members);
        }
        if (value.is_array()) {
            std::vector<json::Value> items;
            for (const json::Node& node : value.items()) {
                if (one_in(40)) continue;
                items.push_back(mutated(json::Value(&node), depth + 1));
                if (one_in(40)) items.push_back(items.back());
            }
            if (one_in(20)) std::shuffle(items.begin(), items.end(), random_);
            return arena_.array(items);
        }
        if (one_in(50)) return other();
        if (value.is_string() && one_in(20)) {
            std::string text(value.string());
            if (!text.empty()) text[random_() % text.size()] = ".:/[x]*1a'"[random_() % 10];
            return arena_.string(text);
        }
        return value;
    }

private:
    std::mt19937 random_;
    json::Arena& arena_;
    bool one_in(std::uint32_t n) { return random_() % n == 0; }
    json::Value other() {
        switch (random_() % 8) {
            case 0: return arena_.null();
            case 1: return arena_.boolean(true);
            case 2: return arena_.number("-1");
            case 3: return arena_.number("99999999999999999999");
            case 4: return arena_.string("");
            case 5: return arena_.string("Patient.identifier:a/b.value[x]:valueString");
            case 6: return arena_.array({});
            default: return arena_.object({});
        }
    }
};

TEST(Hostile, MutatedDefinitionsAreRefusedOrHarmless) {
    const std::filesystem::path folder = std::filesystem::path(XINGLIN_SOURCE_DIR) / "content/profiles";
    std::uint32_t seed = 1;
    std::size_t compiled = 0, refused = 0;
    for (const std::string_view name : {"patient", "observation", "condition", "encounter"}) {
        json::Arena kept;
        const auto definition = json::parse(testing::read_file(folder / (std::string(name) + ".json")), kept);
        const auto resource = json::parse(testing::read_file(folder / "cases" / name / "valid/usual.json"), kept);
        ASSERT_TRUE(definition.ok() && resource.ok());
        for (int round = 0; round < 150; ++round) {
            json::Arena arena;
            Mutator mutator(++seed, arena);
            const json::Value changed = mutator.mutated(*definition);
            Book book;
            if (!book.add(changed, "test").ok()) continue;
            (book.test(changed).ok() ? compiled : refused) += 1;
            (void)book.cards();
            Ask ask;
            ask.profiles = {std::string(changed["url"].string())};
            (void)book.check(mutator.mutated(*resource), ask);
            (void)book.check(*resource, ask);
        }
    }
    EXPECT_GT(compiled, 50u);
    EXPECT_GT(refused, 50u);
}

TEST(Hostile, DeepAndWideDefinitionsAreRefused) {
    Desk desk;
    std::string path = "Questionnaire";
    for (int i = 0; i < 60; ++i) path += ".item";
    EXPECT_EQ(desk.fault(profile_text("deep", "Questionnaire", "{'path':'" + path + "','min':1}")).substr(0, 12), "profile-path");
    std::string many = "{'path':'Patient'}";
    for (int i = 0; i < 10'001; ++i) many += ",{'path':'Patient.name'}";
    EXPECT_EQ(desk.fault(profile_text("wide", "Patient", many)), "profile-size StructureDefinition");
}

TEST(Hostile, ManySlicesOverManyItemsAreGivenUpByName) {
    Desk desk;
    std::string elements =
        "{'path':'Patient.identifier','slicing':{'discriminator':[{'type':'value','path':'system'}],'rules':'open'}}";
    std::string identifiers;
    for (int i = 0; i < 1'500; ++i) {
        const std::string number = std::to_string(i);
        elements += ",{'path':'Patient.identifier','sliceName':'s" + number + "'}";
        elements += ",{'path':'Patient.identifier.system','fixedUri':'urn:" + number + "'}";
        identifiers += std::string(i ? "," : "") + "{'system':'urn:none'}";
    }
    desk.add("p", "Patient", elements);
    EXPECT_EQ(desk.issues("p", "{'resourceType':'Patient','identifier':[" + identifiers + "]}"), Issues{"too-costly Patient"});
}

}  // namespace
}  // namespace xinglin::profile
