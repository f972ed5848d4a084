// SPDX-License-Identifier: Apache-2.0
// Decimal arithmetic on limbs of nine digits: schoolbook methods, since numbers here have tens of digits, not thousands.
#include "fhirpath/decimal.h"

#include <algorithm>
#include <cstdlib>

namespace xinglin::fhirpath {

namespace {
constexpr std::uint32_t base = 1'000'000'000;
constexpr int limb_digits = 9;
}  // namespace

Decimal::Decimal(std::int64_t value) : negative_(value < 0) {
    std::uint64_t rest = negative_ ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    for (; rest != 0; rest /= base) limbs_.push_back(static_cast<std::uint32_t>(rest % base));
}

std::optional<Decimal> Decimal::parse(std::string_view text) {
    Decimal result;
    std::size_t at = 0;
    bool negative = false;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) negative = text[at++] == '-';
    std::string digits;
    int scale = 0;
    bool point = false;
    bool any = false;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '.' && !point && any) {
            point = true;
            if (at + 1 >= text.size() || text[at + 1] < '0' || text[at + 1] > '9') return std::nullopt;
        } else if (c >= '0' && c <= '9') {
            any = true;
            digits += c;
            if (point) ++scale;
        } else {
            break;
        }
        if (digits.size() > max_digits) return std::nullopt;
    }
    if (!any) return std::nullopt;
    int exponent = 0;
    if (at < text.size()) {
        if (text[at] != 'e' && text[at] != 'E') return std::nullopt;
        ++at;
        bool down = false;
        if (at < text.size() && (text[at] == '-' || text[at] == '+')) down = text[at++] == '-';
        if (at == text.size() || text.size() - at > 4) return std::nullopt;
        for (; at < text.size(); ++at) {
            if (text[at] < '0' || text[at] > '9') return std::nullopt;
            exponent = exponent * 10 + (text[at] - '0');
        }
        if (down) exponent = -exponent;
        if (std::abs(exponent) > static_cast<int>(max_digits)) return std::nullopt;
    }
    for (std::size_t end = digits.size(); end > 0;) {
        const std::size_t begin = end >= limb_digits ? end - limb_digits : 0;
        std::uint32_t limb = 0;
        for (std::size_t i = begin; i < end; ++i) limb = limb * 10 + static_cast<std::uint32_t>(digits[i] - '0');
        result.limbs_.push_back(limb);
        end = begin;
    }
    trim(result.limbs_);
    result.scale_ = scale;
    result.negative_ = negative && !result.limbs_.empty();
    return exponent == 0 ? result : result.shifted(exponent);
}

std::string Decimal::text() const {
    std::string digits;
    for (std::size_t i = limbs_.size(); i-- > 0;) {
        std::string limb = std::to_string(limbs_[i]);
        if (!digits.empty()) digits.append(limb_digits - limb.size(), '0');
        digits += limb;
    }
    const auto scale = static_cast<std::size_t>(scale_);
    if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
    if (scale > 0) digits.insert(digits.size() - scale, 1, '.');
    return negative_ ? "-" + digits : digits;
}

std::size_t Decimal::digits() const {
    return limbs_.empty() ? 0 : (limbs_.size() - 1) * limb_digits + std::to_string(limbs_.back()).size();
}

bool Decimal::is_integer() const { return trimmed().scale_ == 0; }

double Decimal::to_double() const { return std::strtod(text().c_str(), nullptr); }

std::optional<std::int64_t> Decimal::to_integer() const {
    const Decimal whole = trimmed();
    if (whole.scale_ != 0 || whole.digits() > 19) return std::nullopt;
    unsigned __int128 value = 0;
    for (std::size_t i = whole.limbs_.size(); i-- > 0;) value = value * base + whole.limbs_[i];
    constexpr unsigned __int128 top = static_cast<std::uint64_t>(INT64_MAX);
    if (value > top + (negative_ ? 1 : 0)) return std::nullopt;
    const auto magnitude = static_cast<std::uint64_t>(value);
    return static_cast<std::int64_t>(negative_ ? 0 - magnitude : magnitude);
}

Decimal Decimal::operator-() const {
    Decimal result = *this;
    result.negative_ = !negative_ && !limbs_.empty();
    return result;
}

Decimal Decimal::abs() const { return negative_ ? -*this : *this; }

void Decimal::trim(Limbs& limbs) {
    while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
}

int Decimal::compare_limbs(const Limbs& a, const Limbs& b) {
    if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
    for (std::size_t i = a.size(); i-- > 0;) {
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

Decimal::Limbs Decimal::add_limbs(const Limbs& a, const Limbs& b) {
    Limbs sum;
    sum.reserve(std::max(a.size(), b.size()) + 1);
    std::uint32_t carry = 0;
    for (std::size_t i = 0; i < std::max(a.size(), b.size()) || carry; ++i) {
        const std::uint32_t total = (i < a.size() ? a[i] : 0) + (i < b.size() ? b[i] : 0) + carry;
        sum.push_back(total % base);
        carry = total / base;
    }
    return sum;
}

Decimal::Limbs Decimal::subtract_limbs(const Limbs& a, const Limbs& b) {
    Limbs difference = a;
    std::int64_t borrow = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::int64_t limb = static_cast<std::int64_t>(a[i]) - (i < b.size() ? b[i] : 0) - borrow;
        borrow = limb < 0 ? 1 : 0;
        if (limb < 0) limb += base;
        difference[i] = static_cast<std::uint32_t>(limb);
    }
    trim(difference);
    return difference;
}

Decimal::Limbs Decimal::multiply_limbs(const Limbs& a, const Limbs& b) {
    Limbs product(a.size() + b.size(), 0);
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::uint64_t carry = 0;
        for (std::size_t j = 0; j < b.size() || carry; ++j) {
            const std::uint64_t total = product[i + j] + carry + (j < b.size() ? std::uint64_t{a[i]} * b[j] : 0);
            product[i + j] = static_cast<std::uint32_t>(total % base);
            carry = total / base;
        }
    }
    trim(product);
    return product;
}

// Long division as by hand, a limb at a time. Each limb of the quotient is guessed from the leading limbs and is at most
// two too large when the divisor's first limb is large, which scaling both sees to (Knuth, TAOCP 4.3.1, algorithm D).
Decimal::Limbs Decimal::divide_limbs(const Limbs& a, const Limbs& b, Limbs& rest) {
    rest.clear();
    if (compare_limbs(a, b) < 0) {
        rest = a;
        return {};
    }
    if (b.size() == 1) {
        Limbs quotient(a.size(), 0);
        std::uint64_t carry = 0;
        for (std::size_t i = a.size(); i-- > 0;) {
            carry = carry * base + a[i];
            quotient[i] = static_cast<std::uint32_t>(carry / b[0]);
            carry %= b[0];
        }
        if (carry != 0) rest.push_back(static_cast<std::uint32_t>(carry));
        trim(quotient);
        return quotient;
    }
    const std::uint32_t scale = base / (b.back() + 1);
    Limbs dividend = multiply_limbs(a, {scale});
    const Limbs divisor = multiply_limbs(b, {scale});
    const std::size_t n = divisor.size();
    dividend.resize(std::max(a.size(), dividend.size()) + 1, 0);
    Limbs quotient(dividend.size() - n, 0);
    for (std::size_t j = quotient.size(); j-- > 0;) quotient[j] = subtract_multiple(dividend, divisor, j);
    trim(dividend);
    trim(quotient);
    Limbs nothing;
    rest = divide_limbs(dividend, {scale}, nothing);
    return quotient;
}

/// How often the divisor, moved `at` limbs up, goes into the dividend; takes that away from it.
std::uint32_t Decimal::subtract_multiple(Limbs& dividend, const Limbs& divisor, std::size_t at) {
    const std::size_t n = divisor.size();
    const std::uint64_t top = std::uint64_t{dividend[at + n]} * base + dividend[at + n - 1];
    std::uint64_t guess = std::min<std::uint64_t>(top / divisor[n - 1], base - 1);
    std::int64_t borrow = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t product = guess * divisor[i] + static_cast<std::uint64_t>(borrow);
        std::int64_t limb = static_cast<std::int64_t>(dividend[at + i]) - static_cast<std::int64_t>(product % base);
        borrow = static_cast<std::int64_t>(product / base);
        if (limb < 0) {
            limb += base;
            ++borrow;
        }
        dividend[at + i] = static_cast<std::uint32_t>(limb);
    }
    std::int64_t last = static_cast<std::int64_t>(dividend[at + n]) - borrow;
    for (; last < 0; --guess) {  // guessed too large: add the divisor back
        std::uint32_t carry = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const std::uint32_t total = dividend[at + i] + divisor[i] + carry;
            carry = total >= base ? 1 : 0;
            dividend[at + i] = total - carry * base;
        }
        last += carry;
    }
    dividend[at + n] = static_cast<std::uint32_t>(last);
    return static_cast<std::uint32_t>(guess);
}

Decimal::Limbs Decimal::power_of_ten(int power) {
    Limbs limbs(static_cast<std::size_t>(power / limb_digits), 0);
    std::uint32_t top = 1;
    for (int i = 0; i < power % limb_digits; ++i) top *= 10;
    limbs.push_back(top);
    return limbs;
}

Decimal Decimal::with_scale(int scale) const {
    Decimal result = *this;
    if (scale > scale_) result.limbs_ = multiply_limbs(limbs_, power_of_ten(scale - scale_));
    result.scale_ = scale;
    return result;
}

Decimal operator+(const Decimal& a, const Decimal& b) {
    const int scale = std::max(a.scale_, b.scale_);
    const Decimal left = a.with_scale(scale), right = b.with_scale(scale);
    Decimal sum;
    sum.scale_ = scale;
    if (left.negative_ == right.negative_) {
        sum.limbs_ = Decimal::add_limbs(left.limbs_, right.limbs_);
        sum.negative_ = left.negative_;
    } else {
        const bool left_larger = Decimal::compare_limbs(left.limbs_, right.limbs_) >= 0;
        const Decimal& larger = left_larger ? left : right;
        const Decimal& smaller = left_larger ? right : left;
        sum.limbs_ = Decimal::subtract_limbs(larger.limbs_, smaller.limbs_);
        sum.negative_ = larger.negative_;
    }
    if (sum.limbs_.empty()) sum.negative_ = false;
    return sum;
}

Decimal operator*(const Decimal& a, const Decimal& b) {
    Decimal product;
    product.limbs_ = Decimal::multiply_limbs(a.limbs_, b.limbs_);
    product.scale_ = a.scale_ + b.scale_;
    product.negative_ = a.negative_ != b.negative_ && !product.limbs_.empty();
    return product;
}

int Decimal::compare(const Decimal& a, const Decimal& b) {
    if (a.negative_ != b.negative_) return a.negative_ ? -1 : 1;
    const int scale = std::max(a.scale_, b.scale_);
    const int order = a.scale_ == b.scale_ ? compare_limbs(a.limbs_, b.limbs_)
                                           : compare_limbs(a.with_scale(scale).limbs_, b.with_scale(scale).limbs_);
    return a.negative_ ? -order : order;
}

std::optional<Decimal> Decimal::quotient(const Decimal& a, const Decimal& b, int significant) {
    if (b.is_zero()) return std::nullopt;
    if (a.is_zero()) return Decimal();
    // Enough digits that the whole quotient has `significant` + 2 or more of them.
    const int wanted = significant + 2 + static_cast<int>(b.digits()) - static_cast<int>(a.digits());
    const int extra = std::max({wanted, b.scale_ - a.scale_, 0});
    Limbs rest;
    Decimal result;
    result.limbs_ = divide_limbs(multiply_limbs(a.limbs_, power_of_ten(extra)), b.limbs_, rest);
    result.scale_ = a.scale_ + extra - b.scale_;
    result.negative_ = a.negative_ != b.negative_ && !result.limbs_.empty();
    return result.shortened(significant).trimmed();
}

std::optional<Decimal> Decimal::whole_quotient(const Decimal& a, const Decimal& b) {
    if (b.is_zero()) return std::nullopt;
    const int scale = std::max(a.scale_, b.scale_);
    Limbs rest;
    Decimal result;
    result.limbs_ = divide_limbs(a.with_scale(scale).limbs_, b.with_scale(scale).limbs_, rest);
    result.negative_ = a.negative_ != b.negative_ && !result.limbs_.empty();
    return result;
}

std::optional<Decimal> Decimal::remainder(const Decimal& a, const Decimal& b) {
    const auto whole = whole_quotient(a, b);
    if (!whole) return std::nullopt;
    return a - b * *whole;
}

Decimal Decimal::rounded(int places, Rounding rounding) const {
    if (places >= scale_) return with_scale(places);
    Limbs rest;
    Decimal result;
    const Limbs unit = power_of_ten(scale_ - places);
    result.limbs_ = divide_limbs(limbs_, unit, rest);
    result.scale_ = places;
    bool away = false;
    switch (rounding) {
        case Rounding::toward_zero: break;
        case Rounding::floor: away = negative_ && !rest.empty(); break;
        case Rounding::ceiling: away = !negative_ && !rest.empty(); break;
        case Rounding::half_away_from_zero: away = compare_limbs(multiply_limbs(rest, {2}), unit) >= 0; break;
    }
    if (away) result.limbs_ = add_limbs(result.limbs_, {1});
    result.negative_ = negative_ && !result.limbs_.empty();
    return result;
}

Decimal Decimal::shortened(int significant) const {
    const int surplus = static_cast<int>(digits()) - significant;
    if (surplus <= 0) return *this;
    if (surplus <= scale_) return rounded(scale_ - surplus, Rounding::half_away_from_zero);
    // Digits before the point go too: round as if they stood after it, then move back.
    const int down = surplus - scale_;
    return shifted(-down).rounded(0, Rounding::half_away_from_zero).shifted(down);
}

Decimal Decimal::trimmed() const {
    if (limbs_.empty()) return Decimal();
    Decimal result = *this;
    while (result.scale_ > 0 && result.limbs_[0] % 10 == 0) {
        Limbs rest;
        const int step = result.scale_ >= limb_digits && result.limbs_[0] == 0 ? limb_digits : 1;
        result.limbs_ = divide_limbs(result.limbs_, power_of_ten(step), rest);
        result.scale_ -= step;
    }
    return result;
}

Decimal Decimal::shifted(int power) const {
    Decimal result = *this;
    result.scale_ -= power;
    if (result.scale_ < 0) {
        result.limbs_ = multiply_limbs(result.limbs_, power_of_ten(-result.scale_));
        result.scale_ = 0;
    }
    return result;
}

}  // namespace xinglin::fhirpath
