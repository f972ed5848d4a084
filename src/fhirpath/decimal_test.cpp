// SPDX-License-Identifier: Apache-2.0
// Decimals against Boost.Multiprecision, which we did not write.
#include "fhirpath/decimal.h"

#include <random>

#include <gtest/gtest.h>
#include <boost/multiprecision/cpp_dec_float.hpp>
#include <boost/multiprecision/cpp_int.hpp>

#include "testing/testing.h"

namespace xinglin::fhirpath {
namespace {

using Integer = boost::multiprecision::cpp_int;
using Real = boost::multiprecision::number<boost::multiprecision::cpp_dec_float<120>>;

struct Sample {
    std::string text;
    Integer digits;  // value * 10^scale
    int scale;
};

class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}
    int below(int n) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(n)); }
    Sample decimal(int longest) {
        std::string digits;
        const int size = 1 + below(longest);
        for (int i = 0; i < size; ++i) digits += static_cast<char>('0' + (below(4) == 0 ? 9 * below(2) : below(10)));
        const int scale = below(size + 1);
        std::string text = digits;
        if (scale == size) text.insert(0, "0"), text.insert(1, ".");
        else if (scale > 0) text.insert(static_cast<std::size_t>(size - scale), ".");
        const bool negative = below(2) == 0;
        digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));  // a leading 0 would mean octal
        Integer value(digits);
        return {(negative ? "-" : "") + text, negative ? Integer(-value) : value, scale};
    }

private:
    std::mt19937_64 engine_;
};

Integer ten_to(int power) { return boost::multiprecision::pow(Integer(10), static_cast<unsigned>(power)); }
Integer digits_of(const Decimal& d, int scale) {
    return Integer(d.rounded(scale, Rounding::toward_zero).shifted(scale).rounded(0, Rounding::toward_zero).text());
}
Decimal parsed(const std::string& text) { return Decimal::parse(text).value(); }

TEST(Decimal, PrintsWhatItRead) {
    for (const char* text :
         {"0", "1", "-1", "0.0", "1.50", "-0.001", "123456789.987654321", "1000000000", "999999999999999999999999999.999"}) {
        EXPECT_EQ(parsed(text).text(), text);
    }
    EXPECT_EQ(parsed("-0.0").text(), "0.0");
    EXPECT_EQ(parsed("+1").text(), "1");
    EXPECT_EQ(parsed("1e3").text(), "1000");
    EXPECT_EQ(parsed("1.5E-3").text(), "0.0015");
    for (const char* text : {"", "-", ".", ".5", "5.", "1.2.3", "1e", "1e99999", "a", "1 ", " 1", "0x1", "--1"})
        EXPECT_FALSE(Decimal::parse(text)) << text;
    EXPECT_FALSE(Decimal::parse(std::string(401, '9')));
}

TEST(Decimal, AgreesWithBigIntegers) {
    const auto seed = testing::seed();
    SCOPED_TRACE(fmt::format("XINGLIN_SEED={}", seed));
    Random random(seed);
    for (int i = 0; i < 1500; ++i) {
        const Sample x = random.decimal(60), y = random.decimal(45);
        const Decimal a = parsed(x.text), b = parsed(y.text);
        const int scale = std::max(x.scale, y.scale);
        const Integer left = x.digits * ten_to(scale - x.scale), right = y.digits * ten_to(scale - y.scale);
        SCOPED_TRACE(x.text + " and " + y.text);
        ASSERT_EQ(digits_of(a + b, scale), left + right);
        ASSERT_EQ(digits_of(a - b, scale), left - right);
        ASSERT_EQ(digits_of(a * b, x.scale + y.scale), x.digits * y.digits);
        ASSERT_EQ(Decimal::compare(a, b), left < right ? -1 : left > right ? 1 : 0);
        if (right == 0) {
            ASSERT_FALSE(Decimal::quotient(a, b) || Decimal::whole_quotient(a, b) || Decimal::remainder(a, b));
            continue;
        }
        ASSERT_EQ(digits_of(*Decimal::whole_quotient(a, b), 0), left / right);
        ASSERT_EQ(digits_of(*Decimal::remainder(a, b), scale), left % right);
        const Real exact = Real(left) / Real(right);
        ASSERT_LE(abs(Real(Decimal::quotient(a, b)->text()) - exact), abs(exact) * Real("5.1e-28"));
    }
}

TEST(Decimal, RoundsAsAsked) {
    const auto seed = testing::seed();
    SCOPED_TRACE(fmt::format("XINGLIN_SEED={}", seed));
    Random random(seed);
    for (int i = 0; i < 1500; ++i) {
        const Sample x = random.decimal(30);
        const int places = random.below(12);
        if (places > x.scale) continue;
        const Integer unit = ten_to(x.scale - places);
        const Integer down = x.digits / unit, rest = x.digits % unit;
        const Decimal a = parsed(x.text);
        SCOPED_TRACE(fmt::format("{} to {}", x.text, places));
        ASSERT_EQ(digits_of(a.rounded(places, Rounding::toward_zero), places), down);
        ASSERT_EQ(digits_of(a.rounded(places, Rounding::floor), places), rest < 0 ? Integer(down - 1) : down);
        ASSERT_EQ(digits_of(a.rounded(places, Rounding::ceiling), places), rest > 0 ? Integer(down + 1) : down);
        const bool away = abs(rest) * 2 >= unit;
        ASSERT_EQ(digits_of(a.rounded(places, Rounding::half_away_from_zero), places),
                  away ? (x.digits < 0 ? Integer(down - 1) : Integer(down + 1)) : down);
        ASSERT_TRUE(a.trimmed() == a);
    }
}

TEST(Decimal, ComputesRealFunctionsTo28Digits) {
    const auto seed = testing::seed();
    SCOPED_TRACE(fmt::format("XINGLIN_SEED={}", seed));
    Random random(seed);
    const Real tolerance("1e-26");
    for (int i = 0; i < 40; ++i) {
        const Sample x = random.decimal(12);
        const Decimal a = parsed(x.text).abs();
        if (a.is_zero()) continue;
        const Real real(a.text());
        SCOPED_TRACE(a.text());
        const auto near = [&](const std::optional<Decimal>& mine, const Real& theirs) {
            return mine && abs(Real(mine->text()) - theirs) <= (abs(theirs) + Real("1e-20")) * tolerance;
        };
        ASSERT_TRUE(near(square_root(a), sqrt(real)));
        ASSERT_TRUE(near(natural_logarithm(a), log(real)));
        if (a < Decimal(100)) {
            ASSERT_TRUE(near(exponential(a), exp(real)));
            ASSERT_TRUE(near(power(a, parsed("1.25")), pow(real, Real("1.25"))));
        }
    }
    EXPECT_FALSE(exponential(Decimal(100000)));
    EXPECT_FALSE(natural_logarithm(Decimal(0)));
    EXPECT_FALSE(power(Decimal(10), Decimal(9999)));
    EXPECT_FALSE(logarithm(Decimal(10), Decimal(1)));
    EXPECT_EQ(square_root(parsed("1e-100"))->trimmed(), parsed("1e-50"));
}

TEST(Decimal, BecomesAnIntegerOnlyWithin64Bits) {
    EXPECT_EQ(parsed("9223372036854775807").to_integer(), INT64_MAX);
    EXPECT_EQ(parsed("-9223372036854775808").to_integer(), INT64_MIN);
    EXPECT_FALSE(parsed("9223372036854775808").to_integer());
    EXPECT_FALSE(parsed("1.5").to_integer());
    EXPECT_EQ(parsed("2.000").to_integer(), 2);
}

}  // namespace
}  // namespace xinglin::fhirpath
