// SPDX-License-Identifier: Apache-2.0
// Ids that stay the same, and the transaction a message becomes.
#include "message/message.h"

#include <gtest/gtest.h>

namespace xinglin::message {
namespace {

TEST(StableId, IsTheSameForTheSameAndADifferentOneForEachOther) {
    const std::string id = stable_id("a", "Patient", "MRN^1");
    EXPECT_EQ(id.size(), 32u);
    EXPECT_EQ(id, stable_id("a", "Patient", "MRN^1"));
    EXPECT_NE(id, stable_id("aP", "atient", "MRN^1"));
    EXPECT_NE(id, stable_id("a", "Patient", "MRN^2"));
}

TEST(Draft, GivesEveryResourceItsIdItsOriginAndOneEntry) {
    json::Arena arena;
    const Sender sender{.id = "clinic"};
    Draft draft(arena, sender, {.control_id = "7 号"});
    const auto patient = [&](std::string_view sex) {
        return arena.object({{"resourceType", arena.string("Patient")},
                             {"meta", arena.object({{"profile", arena.array({arena.string("urn:p")})}})},
                             {"gender", arena.string(sex)}});
    };
    EXPECT_EQ(draft.put("p1", patient("male")), "Patient/p1");
    draft.put("e1", arena.object({{"resourceType", arena.string("Encounter")}}));
    draft.put("p1", patient("female"));
    EXPECT_TRUE(draft.has("Patient", "p1"));
    EXPECT_FALSE(draft.has("Encounter", "p1"));
    EXPECT_EQ(
        draft.bundle(),
        R"({"resourceType":"Bundle","type":"transaction","entry":[)"
        R"({"resource":{"resourceType":"Patient","id":"p1","meta":{"profile":["urn:p"],"source":"urn:xinglin:source:clinic#7%20%E5%8F%B7"},"gender":"female"},)"
        R"("request":{"method":"PUT","url":"Patient/p1"}},)"
        R"({"resource":{"resourceType":"Encounter","id":"e1","meta":{"source":"urn:xinglin:source:clinic#7%20%E5%8F%B7"}},)"
        R"("request":{"method":"PUT","url":"Encounter/e1"}}]})");
    EXPECT_EQ(json::write(draft.tree()), draft.bundle());
}

}  // namespace
}  // namespace xinglin::message
