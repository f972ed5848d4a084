// SPDX-License-Identifier: Apache-2.0
// Who is one person, told to a receiver: from the index's decision to the receiver's receipt, on both engines.
#include "outbound/test_outbound.h"
#include "person/notices.h"

namespace xinglin::outbound {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class PersonNotices : public ::testing::TestWithParam<std::string> {
protected:
    PersonNotices() : house(GetParam()) {}
    void SetUp() override {
        if (GetParam() == "postgres" && testing::fresh_postgres().empty()) GTEST_SKIP() << testing::no_postgres;
        house.open();
    }
    void ma(const std::string& id) {
        house.put(
            R"({"resourceType":"Patient","id":")" + id +
            R"(","name":[{"text":"马雨桐"}],"gender":"female","birthDate":"1985-08-17","identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":"130399198508170427"}]})");
    }
    TestOutbound house;
};
INSTANTIATE_TEST_SUITE_P(Outbound, PersonNotices, ::testing::ValuesIn(testing::engines()),
                         [](const auto& info) { return info.param; });

TEST_P(PersonNotices, AReceiverHearsOfLinksAndPartingsAndGivesItsReceipt) {
    Receiver receiver([](const http::Request& request, int) { return Receiver::accept(request); });
    house.add(fmt::format(
        R"({{"id":"clinic","name":"社区卫生服务中心","target":{{"kind":"fhir","url":"http://127.0.0.1:{}/fhir"}},"format":"transaction",
            "filter":{{"types":[{{"type":"Linkage"}}]}},"retry":{{"timeout_seconds":2,"attempts":3}}}})",
        receiver.port()));
    person::Persons persons(*house.record, house.clock, person::Settings::read(house.content).value(), {.follow = false});
    person::Notices notices(*house.record, persons, {.follow = false});
    const auto tell = [&] {
        persons.catch_up();
        ASSERT_TRUE(notices.catch_up().ok());
        ASSERT_TRUE(house.outbound->settle(30));
    };
    ma("a");
    tell();
    EXPECT_THAT(receiver.all(), IsEmpty()) << "alone, nothing to tell";
    ma("b");
    tell();
    ASSERT_EQ(receiver.all().size(), 1u);
    EXPECT_THAT(receiver.all().back().body,
                AllOf(HasSubstr("Linkage/person-" + persons.enterprise_of("a")), HasSubstr("Patient/a"), HasSubstr("Patient/b")));
    ASSERT_TRUE(persons.rule({.kind = "split", .members = {"b"}, .who = "desk"}).ok());
    tell();
    std::string later;
    const auto all = receiver.all();
    for (std::size_t i = 1; i < all.size(); ++i) later += all[i].body;
    EXPECT_THAT(later, AllOf(HasSubstr("Linkage/person-" + persons.enterprise_of("a")),
                             HasSubstr("Linkage/person-" + persons.enterprise_of("b"))));
    EXPECT_THAT(later, Not(HasSubstr("alternate"))) << "nobody has two records any more";
    for (const Delivery& one : house.deliveries("clinic")) EXPECT_EQ(one.state, State::acknowledged) << one.reason;
}

}  // namespace

}  // namespace xinglin::outbound
