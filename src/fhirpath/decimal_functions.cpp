// SPDX-License-Identifier: Apache-2.0
// Roots, exponentials and logarithms of decimals.
//
// Worked out with 45 digits and cut to 28, so that exact answers (log 16 to the base 2) come out exact.
#include <cmath>

#include "fhirpath/decimal.h"

namespace xinglin::fhirpath {

namespace {

constexpr int inner_digits = 45;
constexpr int outer_digits = 28;
constexpr std::size_t largest_result = 100;  // digits

Decimal cut(const Decimal& x) { return x.shortened(inner_digits); }
Decimal result_of(const Decimal& x) { return x.shortened(outer_digits).trimmed(); }
Decimal divided(const Decimal& a, const Decimal& b) { return Decimal::quotient(a, b, inner_digits).value_or(Decimal()); }
/// Size of a number as a power of ten: 1 to 9.99 gives 1.
int magnitude(const Decimal& x) { return static_cast<int>(x.digits()) - x.scale(); }

/// sum of x^n / n! for |x| < 0.5
Decimal exponential_series(const Decimal& x) {
    Decimal sum(1), term(1);
    for (int n = 1; n < 60; ++n) {
        term = cut(divided(term * x, Decimal(n)));
        if (term.is_zero() || magnitude(term) < -inner_digits) break;
        sum = cut(sum + term);
    }
    return sum;
}

std::optional<Decimal> exponential_inner(const Decimal& x) {
    if (magnitude(x) > 3 || x.abs().to_double() > 230) {
        if (x.is_negative()) return Decimal();
        return std::nullopt;
    }
    int halvings = 0;
    Decimal small = cut(x);
    const Decimal half = Decimal(5).shifted(-1);
    while (half < small.abs()) {
        small = cut(small * half);
        ++halvings;
    }
    Decimal result = exponential_series(small);
    for (int i = 0; i < halvings; ++i) result = cut(result * result);
    return result;
}

/// Newton's method on e^y = x, from the processor's own logarithm.
std::optional<Decimal> logarithm_inner(const Decimal& x) {
    if (x.is_zero() || x.is_negative()) return std::nullopt;
    // x = m * 10^k with m between 0.1 and 1, ln x = ln m + k ln 10
    const int k = magnitude(x);
    const Decimal m = cut(x.shifted(-k));
    const auto newton = [](const Decimal& target) {
        const auto start = static_cast<std::int64_t>(std::llround(std::log(target.to_double()) * 1e12));
        Decimal y = Decimal(start).shifted(-12);
        for (int i = 0; i < 3; ++i) {
            const Decimal e = exponential_inner(-y).value_or(Decimal(1));
            const Decimal error = cut(target * e) - Decimal(1);  // about ln(target) - y
            // ln(1 + t) = t - t²/2 + t³/3
            const Decimal square = cut(error * error);
            y = cut(y + error - divided(square, Decimal(2)) + divided(cut(square * error), Decimal(3)));
        }
        return y;
    };
    Decimal result = newton(m);
    if (k != 0) result = cut(result + newton(Decimal(10)) * Decimal(k));
    // Results within the noise of the sum (ln 1) are zero.
    if (magnitude(result) < -(inner_digits - 8)) return Decimal();
    return result;
}

std::optional<Decimal> whole_power(const Decimal& base, std::int64_t exponent) {
    Decimal result(1), factor = base;
    for (std::uint64_t rest = static_cast<std::uint64_t>(exponent); rest != 0; rest >>= 1) {
        if (rest & 1) result = result * factor;
        if (result.digits() > 4 * largest_result) return std::nullopt;
        if (rest > 1) factor = factor * factor;
        if (factor.digits() > 4 * largest_result) return std::nullopt;
    }
    return result;
}

}  // namespace

std::optional<Decimal> square_root(const Decimal& x) {
    if (x.is_negative()) return std::nullopt;
    if (x.is_zero()) return Decimal();
    const Decimal half = Decimal(5).shifted(-1);
    const int k = magnitude(x) / 2;
    const Decimal m = cut(x.shifted(-2 * k));
    Decimal y = Decimal(static_cast<std::int64_t>(std::llround(std::sqrt(m.to_double()) * 1e12))).shifted(-12);
    for (int i = 0; i < 4; ++i) y = cut((y + divided(m, y)) * half);
    return result_of(y.shifted(k));
}

std::optional<Decimal> exponential(const Decimal& x) {
    const auto result = exponential_inner(x);
    if (!result) return std::nullopt;
    return result_of(*result);
}

std::optional<Decimal> natural_logarithm(const Decimal& x) {
    const auto result = logarithm_inner(x);
    if (!result) return std::nullopt;
    return result_of(*result);
}

std::optional<Decimal> logarithm(const Decimal& x, const Decimal& base) {
    const auto top = logarithm_inner(x);
    const auto bottom = logarithm_inner(base);
    if (!top || !bottom || bottom->is_zero()) return std::nullopt;
    return result_of(divided(*top, *bottom));
}

std::optional<Decimal> power(const Decimal& base, const Decimal& exponent) {
    if (const auto whole = exponent.to_integer(); whole && *whole >= -10'000 && *whole <= 10'000) {
        auto result = whole_power(base, *whole < 0 ? -*whole : *whole);
        if (!result || magnitude(*result) > static_cast<int>(largest_result)) return std::nullopt;
        if (*whole < 0) return Decimal::quotient(Decimal(1), *result);
        return result;
    }
    if (base.is_zero()) return exponent.is_negative() ? std::nullopt : std::optional(Decimal());
    if (base == Decimal(1)) return Decimal(1);
    const auto logarithm = logarithm_inner(base);
    if (!logarithm) return std::nullopt;
    const auto result = exponential_inner(cut(*logarithm * exponent));
    if (!result) return std::nullopt;
    return result_of(*result);
}

}  // namespace xinglin::fhirpath
