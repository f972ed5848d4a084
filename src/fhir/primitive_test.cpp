// SPDX-License-Identifier: Apache-2.0
// The formats written by hand against the regular expressions of the specification, on random texts near the valid ones.
#include "fhir/primitive.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12 with sanitizers, in the library's own code
#include <regex>

#include "calendar/calendar.h"
#include "fhir/fhir.h"
#include "testing/testing.h"

namespace xinglin::fhir {
namespace {

struct Sample {
    const char* type;
    std::vector<std::string> texts;
};

const Sample samples[] = {
    {"boolean", {"true", "false"}},
    {"integer", {"0", "-1", "17", "2147483647", "-2147483648", "-0"}},
    {"positiveInt", {"1", "20", "2147483647"}},
    {"unsignedInt", {"0", "1", "20"}},
    {"decimal", {"0", "-0.00", "12.50", "1e10", "-1.5E-7", "100"}},
    {"code", {"a", "a b", "final", "<=", "a-b.c d"}},
    {"id", {"a", "A-1.b", std::string(64, 'x'), "0"}},
    {"uri", {"http://a.b/c?d=e#f", "urn:oid:1.2", "a"}},
    {"url", {"http://a.b/c"}},
    {"canonical", {"http://a.b/c|1.0"}},
    {"oid", {"urn:oid:1.2.840.10008", "urn:oid:0.0", "urn:oid:2.16"}},
    {"uuid", {"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}},
    {"date", {"2020", "1999-12", "2020-02-28", "0001-01-01"}},
    {"dateTime",
     {"2020", "1999-12", "2020-02-28", "2020-02-28T23:59:59Z", "2015-02-07T13:28:17.239+02:00", "2015-02-07T13:28:17-14:00"}},
    {"instant", {"2020-02-28T23:59:59Z", "2015-02-07T13:28:17.239+02:00"}},
    {"time", {"00:00:00", "23:59:59.001"}},
    {"string", {"a", " a\tb\r\nc "}},
};

/// What we refuse although the regular expression allows it: days and seconds that are not, numbers beyond 32 bits,
/// control characters.
bool stricter(Check check, const std::string& text) {
    if (check == Check::date || check == Check::date_time || check == Check::instant) {
        if (text.size() >= 10) {
            const auto month = calendar::parse_date(text.substr(0, 7));
            if (month && std::stoi(text.substr(8, 2)) > calendar::days_in_month(month->year, month->month)) return true;
        }
        return text.find(":60") != std::string::npos;
    }
    if (check == Check::time) return text.find(":60") != std::string::npos;
    if (check == Check::integer || check == Check::positive_int || check == Check::unsigned_int) {
        return text.size() >= 10 && std::abs(std::stod(text)) > 2147483647;
    }
    return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

std::string mutated(std::string text, std::mt19937_64& random) {
    constexpr std::string_view characters = "0123456789aAfFzZ-+.:TeEZ _/ \t\n\x01|urn";
    for (auto changes = random() % 3; changes > 0; --changes) {
        const char c = characters[random() % characters.size()];
        const std::size_t at = random() % (text.size() + 1);
        switch (random() % 3) {
            case 0: text.insert(at, 1, c); break;
            case 1:
                if (at < text.size()) text[at] = c;
                break;
            default:
                if (at < text.size()) text.erase(at, 1);
        }
    }
    return text;
}

TEST(Primitive, AgreesWithTheRegularExpressionsOfTheSpecification) {
    const std::uint64_t seed = testing::seed();
    std::mt19937_64 random(seed);
    for (const Sample& sample : samples) {
        const Check check = check_named(sample.type);
        const std::regex pattern(std::string(find_type(sample.type)->pattern));
        for (const std::string& text : sample.texts) EXPECT_EQ(format_fault(check, text), "") << sample.type << " " << text;
        for (int round = 0; round < 3000; ++round) {
            const std::string text = mutated(sample.texts[random() % sample.texts.size()], random);
            const bool ours = format_fault(check, text).empty();
            const bool theirs = !text.empty() && std::regex_match(text, pattern);
            EXPECT_TRUE(!ours || theirs) << sample.type << " '" << text << "' seed " << seed;
            EXPECT_TRUE(ours || !theirs || stricter(check, text)) << sample.type << " '" << text << "' seed " << seed;
        }
    }
}

TEST(Primitive, Base64MayBeBrokenIntoLinesAndEndsInItsPadding) {
    for (const char* good : {"AAAA", "AAA=", "AA==", "AAAA\nBBB=", " AAAA ", "A+/9"})
        EXPECT_EQ(format_fault(Check::base64, good), "") << good;
    for (const char* bad : {"", "A", "AAA", "A===", "AA=A", "====", "AAA-", "AAAAA", " "})
        EXPECT_NE(format_fault(Check::base64, bad), "") << bad;
}

TEST(Primitive, StringsMayBeAMebibyteLong) {
    EXPECT_EQ(format_fault(Check::string, std::string(1u << 20, 'a')), "");
    EXPECT_NE(format_fault(Check::string, std::string((1u << 20) + 1, 'a')), "");
    EXPECT_EQ(format_fault(Check::string, "山，海关 \xEF\xBC\x8C"), "");
}

}  // namespace
}  // namespace xinglin::fhir
