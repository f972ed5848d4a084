// SPDX-License-Identifier: Apache-2.0
// What finding a person promises: every way a clerk may ask, kept up with the record.
#include "people/people.h"

#include <gtest/gtest.h>

#include "people/keys.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::people {
namespace {

class PeopleTest : public ::testing::Test {
protected:
    xinglin::testing::ScratchFolder folder;
    xinglin::testing::StoppedClock clock;
    std::unique_ptr<record::Store> store = open();
    std::unique_ptr<People> people = std::make_unique<People>(*store);
    const fhir::Type& type = *fhir::find_resource("Patient");

    std::unique_ptr<record::Store> open() {
        auto opened = record::Store::open(
            folder.path(), clock, {.readers = 2, .offset_minutes = 480, .store = xinglin::testing::store_beside(folder.path())});
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        return std::move(opened).value();
    }
    void put(std::string_view id, std::string_view rest) {
        json::Arena arena;
        const auto value =
            json::parse(R"({"resourceType":"Patient","id":")" + std::string(id) + "\"," + std::string(rest) + "}", arena);
        if (!value.ok()) throw std::runtime_error(value.outcome().line());
        auto prepared = std::make_shared<record::Prepared>(store->prepare(type, id, *value));
        clock.move(1'000);
        const auto done = store->submit_and_wait([prepared](record::Transaction& transaction) -> Result<Done> {
            transaction.put(*prepared, false, false);
            return Done{};
        });
        if (!done.ok()) throw std::runtime_error(done.outcome().line());
    }
    void erase(std::string_view id) {
        clock.move(1'000);
        const auto done = store->submit_and_wait([this, id](record::Transaction& transaction) -> Result<Done> {
            transaction.erase(type, id);
            return Done{};
        });
        if (!done.ok()) throw std::runtime_error(done.outcome().line());
    }
    /// "id:matched id:matched …"
    std::string found(std::string_view q) {
        people->catch_up();
        const auto page = people->find(access::Viewer::program("test"), {.q = std::string(q)});
        if (!page.ok()) return "refused: " + page.outcome().line();
        std::string out;
        for (const Person& person : page->people) out += (out.empty() ? "" : " ") + person.id + ":" + person.matched;
        EXPECT_EQ(page->total.value_or(0), page->people.size()) << q;
        return out;
    }
    void SetUp() override {
        put("shan",
            R"("name":[{"text":"单雄信"}],"gender":"male","birthDate":"1959-03-12","identifier":[{"system":"urn:id","value":"219901195903120428"}],"telecom":[{"system":"phone","value":"138 0013 5207"}])");
        put("wang", R"("name":[{"family":"王","given":["小明"]}],"birthDate":"1988-08")");
        put("zhang", R"("name":[{"text":"张小明"}],"identifier":[{"value":"S99945678"}])");
        put("jane",
            R"("name":[{"use":"maiden","family":"Müller"},{"use":"official","family":"van der Berg","given":["Jane","Élise"]}],"telecom":[{"system":"email","value":"13800135207@x.cn"}])");
    }
};

TEST_F(PeopleTest, FindsByNameAndPartsOfIt) {
    EXPECT_EQ(found("单雄信"), "shan:name");
    EXPECT_EQ(found("雄信"), "shan:name");
    const std::string both = found("小明");  // which comes first depends on whether they were taken up in one step
    EXPECT_TRUE(both == "wang:name zhang:name" || both == "zhang:name wang:name") << both;
    EXPECT_EQ(found("王"), "wang:name");
    EXPECT_EQ(found("berg"), "jane:name");
    EXPECT_EQ(found("jane elise"), "jane:name");
    EXPECT_EQ(found("BERG jane"), "jane:name");
    EXPECT_EQ(found("muller"), "jane:name");
    EXPECT_EQ(found("nobody"), "");
}

TEST_F(PeopleTest, FindsByPinyinAndInitials) {
    EXPECT_EQ(found("shanxiongxin"), "shan:pinyin");
    EXPECT_EQ(found("shan xiong xin"), "shan:pinyin");
    EXPECT_EQ(found("shanx"), "shan:pinyin");
    EXPECT_EQ(found("sxx"), "shan:initials");
    const std::string both = found("xiaoming");  // in either order, as by name
    EXPECT_TRUE(both == "wang:pinyin zhang:pinyin" || both == "zhang:pinyin wang:pinyin") << both;
    EXPECT_EQ(found("wxm"), "wang:initials");
}

TEST_F(PeopleTest, FindsByNumbers) {
    EXPECT_EQ(found("219901195903120428"), "shan:identifier");
    EXPECT_EQ(found("0428"), "shan:identifier");
    EXPECT_EQ(found("s999"), "zhang:identifier");
    EXPECT_EQ(found("13800135207"), "shan:phone");
    EXPECT_EQ(found("5207"), "shan:phone");
    EXPECT_EQ(found("19590312"), "shan:birth_date");
    EXPECT_EQ(found("1959-03-12"), "shan:birth_date");
    EXPECT_EQ(found("1959-3-12"), "shan:birth_date");
    EXPECT_EQ(found("1988-08"), "wang:birth_date");
    EXPECT_EQ(found("428"), "") << "too short to mean anything";
}

TEST_F(PeopleTest, AllWordsMustFit) {
    EXPECT_EQ(found("小明 1988-08"), "wang:birth_date");
    EXPECT_EQ(found("单 0428"), "shan:identifier");
    EXPECT_EQ(found("王 0428"), "");
    put("lina", R"("name":[{"text":"李娜"}])");
    put("nali", R"("name":[{"text":"那丽"}])");
    EXPECT_EQ(found("li na"), "lina:pinyin nali:pinyin") << "as written before turned round";
    EXPECT_EQ(found("单 雄信"), "shan:name");
}

TEST_F(PeopleTest, FollowsUpdatesAndDeletions) {
    put("wang", R"("name":[{"text":"李大明"}])");
    EXPECT_EQ(found("小明"), "zhang:name");
    EXPECT_EQ(found("大明"), "wang:name");
    erase("wang");
    EXPECT_EQ(found("大明"), "");
    put("wang", R"("name":[{"text":"王五"}])");
    EXPECT_EQ(found("王五"), "wang:name");
    EXPECT_EQ(people->find(access::Viewer::program("test"), {})->population, 4u);
}

TEST_F(PeopleTest, ADeletedOrDamagedFileIsBuiltAgain) {
    people->catch_up();
    people.reset();
    std::filesystem::remove(folder.path() / "people.db");
    people = std::make_unique<People>(*store);
    EXPECT_EQ(found("sxx"), "shan:initials");
    people.reset();
    for (const char* end : {"-wal", "-shm"}) std::filesystem::remove((folder.path() / "people.db").string() + end);
    std::filesystem::resize_file(folder.path() / "people.db", 5'000);
    people = std::make_unique<People>(*store);
    EXPECT_EQ(found("sxx"), "shan:initials");
}

TEST_F(PeopleTest, WithoutAQuestionShowsEveryoneInPages) {
    people->catch_up();
    std::string seen, after;
    for (int pages = 0; pages < 4; ++pages) {
        const auto page = people->find(access::Viewer::program("test"), {.count = 3, .after = after});
        ASSERT_TRUE(page.ok());
        EXPECT_EQ(page->total, 4u);
        for (const Person& person : page->people) seen += person.id + " ";
        after = page->next;
        if (after.empty()) break;
    }
    EXPECT_EQ(seen, "jane shan zhang wang ");
}

TEST_F(PeopleTest, HidesIdentifiersAndPhones) {
    people->catch_up();
    const auto page = people->find(access::Viewer::program("test"), {.q = "单雄信"});
    ASSERT_TRUE(page.ok());
    const Person& person = page->people.at(0);
    EXPECT_EQ(person.identifier.find("19590312"), std::string::npos);
    EXPECT_NE(person.identifier.find('*'), std::string::npos);
    EXPECT_NE(person.phone.find('*'), std::string::npos);
    EXPECT_EQ(person.name, "单雄信");
    EXPECT_EQ(person.pinyin, "Shàn Xióngxìn");
    EXPECT_EQ(person.sex, "male");
}

TEST_F(PeopleTest, PagesThroughManyHitsAndSaysWhenThereAreTooMany) {
    json::Arena arena;
    std::vector<record::Prepared> many;
    for (int i = 0; i < 1'500; ++i) {
        const std::string id = "m" + std::to_string(i);
        const auto value = json::parse(
            arena.keep(R"({"resourceType":"Patient","id":")" + id + R"(","name":[{"text":"赵)" + std::to_string(i) + "\"}]}"),
            arena);
        many.push_back(store->prepare(type, id, *value));
    }
    ASSERT_TRUE(store->load(std::move(many)).ok());
    people->catch_up();
    const auto page = people->find(access::Viewer::program("test"), {.q = "赵", .count = 100, .after = "100"});
    ASSERT_TRUE(page.ok());
    EXPECT_FALSE(page->total.has_value());
    EXPECT_EQ(page->people.size(), 100u);
    EXPECT_EQ(page->next, "200");
    EXPECT_EQ(people->find(access::Viewer::program("test"), {.q = "赵149"})->total, 11u);
}

TEST(Address, IsCoveredBelowTheTown) {
    for (const auto& [whole, shown] :
         {std::pair{"浙江省杭州市西湖区转塘街道望江山路8号3幢201室", "浙江省杭州市西湖区转塘街道****"},
          {"河北省海港县杜庄镇", "河北省海港县杜庄镇"},
          {"海港县杜庄镇西村12号", "海港县杜庄镇****"},
          {"北京市朝阳区建国路1号", "北京市朝阳区****"},
          {"杭州市文三路5号", "杭州市****"},
          {"文三路5号", "****"},
          {"8 Main Street, Springfield, MA", "****, Springfield, MA"},
          {"somewhere", "****"},
          {"", ""}})
        EXPECT_EQ(masked_address(whole), shown) << whole;
}

TEST(PeopleKeys, HostileNamesMakeBoundedKeys) {
    json::Arena arena;
    std::string given = "[";
    for (int i = 0; i < 3'000; ++i) given += (i ? ",\"" : "\"") + std::string("abc def") + std::to_string(i) + '"';
    const auto value = json::parse(R"({"resourceType":"Patient","name":[{"given":)" + given + "]}]}", arena);
    ASSERT_TRUE(value.ok());
    EXPECT_LT(keys_of(entry_of(*value)).size(), 100u);
}

}  // namespace
}  // namespace xinglin::people
