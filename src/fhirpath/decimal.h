// SPDX-License-Identifier: Apache-2.0
// Exact decimal numbers: sign, digits, and how many of them stand after the point.
//
// FHIRPath asks for at least 28 digits with 8 after the point; we keep every digit of sums and products and round only
// quotients and roots, to 28 significant digits. Trailing zeros are kept, as FHIR keeps them ("1.50" is not "1.5" when
// printed, though they are equal).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xinglin::fhirpath {

enum class Rounding : std::uint8_t { half_away_from_zero, floor, ceiling, toward_zero };

class Decimal {
public:
    Decimal() = default;
    explicit Decimal(std::int64_t value);

    /// "-12.50", "+1", "1e-3"; nothing for anything else, or when it has more than `max_digits` digits.
    static std::optional<Decimal> parse(std::string_view text);
    static constexpr std::size_t max_digits = 400;

    std::string text() const;
    bool is_zero() const { return limbs_.empty(); }
    bool is_negative() const { return negative_; }
    bool is_integer() const;
    /// Digits after the point.
    int scale() const { return scale_; }
    /// Digits in all, without leading zeros.
    std::size_t digits() const;
    double to_double() const;
    /// Nothing unless whole and within 64 bits.
    std::optional<std::int64_t> to_integer() const;

    Decimal operator-() const;
    Decimal abs() const;
    friend Decimal operator+(const Decimal& a, const Decimal& b);
    friend Decimal operator-(const Decimal& a, const Decimal& b) { return a + -b; }
    friend Decimal operator*(const Decimal& a, const Decimal& b);
    /// -1, 0 or 1.
    static int compare(const Decimal& a, const Decimal& b);
    friend bool operator==(const Decimal& a, const Decimal& b) { return compare(a, b) == 0; }
    friend bool operator<(const Decimal& a, const Decimal& b) { return compare(a, b) < 0; }

    /// a / b rounded half away from zero to `significant` digits, trailing zeros dropped; nothing when b is 0.
    static std::optional<Decimal> quotient(const Decimal& a, const Decimal& b, int significant = 28);
    /// The whole part of a / b (toward zero), and a - b * that. Nothing when b is 0.
    static std::optional<Decimal> whole_quotient(const Decimal& a, const Decimal& b);
    static std::optional<Decimal> remainder(const Decimal& a, const Decimal& b);

    /// With exactly `places` digits after the point.
    Decimal rounded(int places, Rounding rounding) const;
    /// To at most `significant` digits in all, half away from zero.
    Decimal shortened(int significant) const;
    /// Without trailing zeros after the point.
    Decimal trimmed() const;
    /// Times 10^power; exact.
    Decimal shifted(int power) const;

private:
    using Limbs = std::vector<std::uint32_t>;  // base 10^9, least first, no leading zeros
    Limbs limbs_;
    int scale_ = 0;
    bool negative_ = false;

    static int compare_limbs(const Limbs& a, const Limbs& b);
    static Limbs add_limbs(const Limbs& a, const Limbs& b);
    static Limbs subtract_limbs(const Limbs& a, const Limbs& b);  // a >= b
    static Limbs multiply_limbs(const Limbs& a, const Limbs& b);
    static Limbs divide_limbs(const Limbs& a, const Limbs& b, Limbs& rest);
    static std::uint32_t subtract_multiple(Limbs& dividend, const Limbs& divisor, std::size_t at);
    static Limbs power_of_ten(int power);
    static void trim(Limbs& limbs);
    Decimal with_scale(int scale) const;  // scale >= scale_
};

/// Real functions, right to 28 significant digits. Nothing where no real answer exists, or it would be absurdly large.
std::optional<Decimal> square_root(const Decimal& x);
std::optional<Decimal> exponential(const Decimal& x);
std::optional<Decimal> natural_logarithm(const Decimal& x);
std::optional<Decimal> logarithm(const Decimal& x, const Decimal& base);
std::optional<Decimal> power(const Decimal& base, const Decimal& exponent);

}  // namespace xinglin::fhirpath
