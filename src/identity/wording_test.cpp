// SPDX-License-Identifier: Apache-2.0
// Lunar dates against ICU's calendar and published New Years; characters and places written in several ways.
#include "identity/wording.h"

#include <gtest/gtest.h>
#include <unicode/calendar.h>
#include <unicode/gregocal.h>

#include "content/content.h"
#include "identity/judge.h"
#include "identity/lunar.h"

namespace xinglin::identity {
namespace {

TEST(Lunar, IsAsThePublishedNewYears) {
    for (const auto& [lunar, solar] :
         {std::pair(19490101u, 19490129u), std::pair(19560101u, 19560212u), std::pair(19780101u, 19780207u),
          std::pair(19850101u, 19850220u), std::pair(20000101u, 20000205u), std::pair(20240101u, 20240210u),
          std::pair(20260101u, 20260217u)})
        EXPECT_EQ(solar_of_lunar(lunar, false), solar);
    EXPECT_EQ(solar_of_lunar(20250815, false), 20251006u);  // Mid-autumn
    EXPECT_EQ(solar_of_lunar(20230201, true), 20230322u);   // the leap second month
    EXPECT_EQ(solar_of_lunar(20230201, false), 20230220u);
    EXPECT_EQ(solar_of_lunar(20240201, true), 0u);
    EXPECT_EQ(solar_of_lunar(20240230, false), 20240408u);
    for (const std::uint32_t none : {0u, 18991212u, 20240132u, 20241301u, 20240001u, 20240131u, 99999999u})
        EXPECT_EQ(solar_of_lunar(none, false), 0u) << none;
    EXPECT_TRUE(are_one_day_told_lunar(19850101, 19850220));
}

TEST(Lunar, IsAsIcuReckonsIt) {
    UErrorCode error = U_ZERO_ERROR;
    const std::unique_ptr<icu::TimeZone> zone(icu::TimeZone::createTimeZone("Asia/Shanghai"));
    icu::GregorianCalendar solar(*zone, error);
    const std::unique_ptr<icu::Calendar> lunar(
        icu::Calendar::createInstance(*zone, icu::Locale("zh_CN@calendar=chinese"), error));
    ASSERT_TRUE(U_SUCCESS(error));
    solar.clear();
    solar.set(1930, 0, 1, 12, 0);
    constexpr double day = 86'400'000;
    for (double at = solar.getTime(error);; at += 11 * day) {
        lunar->setTime(at, error);
        solar.setTime(at, error);
        if (solar.get(UCAL_YEAR, error) > 2060) break;
        const auto told =
            static_cast<std::uint32_t>((lunar->get(UCAL_ERA, error) * 60 + lunar->get(UCAL_YEAR, error) - 2697) * 10'000 +
                                       (lunar->get(UCAL_MONTH, error) + 1) * 100 + lunar->get(UCAL_DATE, error));
        const auto is = static_cast<std::uint32_t>(solar.get(UCAL_YEAR, error) * 10'000 +
                                                   (solar.get(UCAL_MONTH, error) + 1) * 100 + solar.get(UCAL_DATE, error));
        ASSERT_EQ(solar_of_lunar(told, lunar->get(UCAL_IS_LEAP_MONTH, error) != 0), is) << told;
    }
}

Wording shipped() {
    const content::Files files;
    return Wording::read(files.read("persons/characters.csv").value(), files.read("persons/shapes.csv").value(),
                         files.read("persons/places.csv").value())
        .value();
}

TEST(Wording, MakesVariantsOne) {
    const Wording wording = shipped();
    for (const auto& [written, meant] : {std::pair("劉國華", "刘国华"), std::pair("張麗", "张丽"), std::pair("王喆", "王哲"),
                                         std::pair("李昇", "李升"), std::pair("髙峯", "高峰")})
        EXPECT_EQ(normalised(Role::name_full, written, &wording), meant);
    EXPECT_EQ(wording.plain(wording.plain("龍鳳")), wording.plain("龍鳳"));
    EXPECT_TRUE(wording.look_alike("未", "末"));
    EXPECT_FALSE(wording.look_alike("未", "来"));
}

TEST(Wording, KnowsPlacesByTheirNewNames) {
    const Wording wording = shipped();
    EXPECT_EQ(wording.address("秦皇岛市抚宁县留守营镇3号"), wording.address("秦皇岛市抚宁区留守营镇3号"));
    EXPECT_EQ(wording.address("北京市崇文区天坛路1号"), "北京市东城区天坛路1号");
    EXPECT_EQ(wording.address("景德镇市崇文区1号"), "景德镇市崇文区1号") << "another place of that name";
    EXPECT_EQ(wording.address("滦州市滦河街道"), "滦州市滦河街道");
}

TEST(Wording, RefusesByLineWhatIsWrong) {
    const auto refused = [](std::string_view a, std::string_view b, std::string_view c) {
        const auto read = Wording::read(a, b, c);
        return read.ok() ? std::string("taken") : read.outcome().line();
    };
    EXPECT_NE(refused("written,meant\n劉,刘\n麗丽\n", "", "").find("characters.csv, line 3"), std::string::npos);
    EXPECT_NE(refused("written,meant\n劉,劉\n", "", "").find("line 2"), std::string::npos);
    EXPECT_NE(refused("w,m\n甲,乙\n乙,丙\n", "", "").find("means another"), std::string::npos);
    EXPECT_NE(refused("", "alike\n未\n", "").find("shapes.csv, line 2"), std::string::npos);
    EXPECT_NE(refused("", "", "o,n,s,of\n抚宁县,抚宁区,2015,\n").find("since"), std::string::npos);
    EXPECT_EQ(refused("", "", ""), "taken");
}

TEST(Names, WithDotsInAnyEncodingAreOne) {
    for (const std::string_view dot : {"·", "•", "‧", "・", "．", ".", "●", "･", "∙", "⋅", " ", "-"}) {
        const std::string name = std::string("买买提") + std::string(dot) + "吐尔逊";
        EXPECT_EQ(normalised(Role::name_full, name), "买买提吐尔逊") << dot;
    }
}

TEST(Names, OfUnwrittenCharactersSayNothingAlone) {
    EXPECT_EQ(normalised(Role::name_full, "???"), "");
    EXPECT_EQ(normalised(Role::name_full, "？？"), "");
    EXPECT_EQ(normalised(Role::name_full, "\xEE\xA0\x81"), "");
    EXPECT_EQ(normalised(Role::name_full, "马?桐"), "马?桐");
}

}  // namespace
}  // namespace xinglin::identity
