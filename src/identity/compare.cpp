// SPDX-License-Identifier: Apache-2.0
// The levels of each role.
#include "identity/compare.h"

#include "identity/lunar.h"
#include "identity/similarity.h"
#include "identity/wording.h"

namespace xinglin::identity {

namespace {

/// Syllables that differ, of names of as many; both sounds are pinyin, syllables apart.
int differing_syllables(std::string_view a, std::string_view b, bool& same_first) {
    int differ = 0;
    for (bool first = true; !a.empty() || !b.empty(); first = false) {
        const std::string_view left = a.substr(0, a.find(' ')), right = b.substr(0, b.find(' '));
        if (left != right) ++differ;
        if (first) same_first = left == right;
        a.remove_prefix(std::min(left.size() + 1, a.size()));
        b.remove_prefix(std::min(right.size() + 1, b.size()));
    }
    return differ;
}

/// Names that are one but for characters that a system could not write ("马?桐"), or that look alike.
bool are_alike_by_sight(const Column& column, std::string_view a, std::string_view b) {
    int unwritten = 0, alike = 0, same = 0;
    for (; !a.empty() && !b.empty();) {
        const std::string_view x = character_at(a, 0), y = character_at(b, 0);
        a.remove_prefix(std::min(x.size(), a.size()));
        b.remove_prefix(std::min(y.size(), b.size()));
        if (x == y) ++same;
        else if (is_unwritten(x) || is_unwritten(y)) ++unwritten;
        else if (column.wording() && column.wording()->look_alike(x, y)) ++alike;
        else return false;
    }
    return a.empty() && b.empty() && same > 0 && alike <= 1 && unwritten <= same;
}

/// Homophones are close, one character of three or more near, one surname far.
Level han_names(const Column& column, std::uint32_t a, std::uint32_t b, bool full) {
    const std::string_view text_a = column.text(a), text_b = column.text(b);
    const std::string_view sound_a = column.sound(a), sound_b = column.sound(b);
    if (sound_a == sound_b || are_alike_by_sight(column, text_a, text_b)) return close;
    const std::size_t longer = std::max(text_a.size(), text_b.size()) / 3;
    bool same_first = false;
    const int differ = differing_syllables(sound_a, sound_b, same_first);
    const int changed = edits(text_a, text_b, 2);
    if (longer >= 3 && (changed == 1 || differ == 1)) return near;
    if (longer == 2 && full && changed <= 2 && edits(sound_a, sound_b, 1) == 1) return near;  // "li na", "li ma"
    if (edits(sound_a, sound_b, 2) <= 2 && sound_a.size() >= 6) return loose;
    return same_first && full ? far : differs;
}

Level latin_names(const Column& column, std::uint32_t a, std::uint32_t b) {
    const std::string_view text_a = column.text(a), text_b = column.text(b);
    const std::size_t shorter = std::min(text_a.size(), text_b.size());
    const double alike = jaro_winkler(text_a, text_b);
    if (alike >= 0.8 || shorter <= 5) {
        const int changed = edits(text_a, text_b, 2);
        if (changed == 1 && shorter >= 3) return close;
        if (alike >= 0.92 || (changed == 2 && shorter >= 6)) return near;
    }
    const bool initial = shorter == 1 && text_a[0] == text_b[0];
    if (alike >= 0.85 || initial || (shared_words(text_a, text_b) == 1)) return loose;
    if (alike >= 0.75 || column.sound(a) == column.sound(b)) return far;
    return differs;
}

Level names(const Column& column, std::uint32_t a, std::uint32_t b) {
    const Value &x = column.value(a), &y = column.value(b);
    const bool full = column.role() == Role::name_full;
    if (x.han && y.han) return han_names(column, a, b, full);
    if (x.han == y.han) return latin_names(column, a, b);
    // One typed as pinyin, or with a "?" for a character the system did not have.
    const auto together = [](std::string_view text) {
        std::string out;
        for (const char c : text)
            if (c != ' ') out += c;
        return out;
    };
    const std::string sound = together(x.han ? column.sound(a) : column.sound(b));
    const std::string typed = together(x.han ? column.text(b) : column.text(a));
    return sound == typed ? close : edits(sound, typed, 1) <= 1 ? near : differs;
}

Level dates(const Value& a, const Value& b, std::string_view text_a, std::string_view text_b) {
    if (a.date == 0 || b.date == 0) return edits(text_a, text_b, 1) <= 1 ? near : differs;
    const std::uint32_t year_a = a.date / 10000, year_b = b.date / 10000;
    const std::uint32_t month_a = a.date / 100 % 100, month_b = b.date / 100 % 100;
    const std::uint32_t day_a = a.date % 100, day_b = b.date % 100;
    if (year_a == year_b && (month_a == 0 || month_b == 0)) return loose;  // only the year is told
    if (year_a == year_b && month_a == month_b && (day_a == 0 || day_b == 0)) return near;
    if (year_a == year_b && month_a == day_b && day_a == month_b) return close;
    const int changed = edits(text_a, text_b, 2);
    if (changed == 1 || are_one_day_told_lunar(a.date, b.date)) return close;
    const auto begins_year = [](std::uint32_t month, std::uint32_t day) { return month == 1 && day == 1; };
    if (year_a == year_b && (begins_year(month_a, day_a) || begins_year(month_b, day_b)))
        return loose;  // only the year was known
    if (changed == 2 || (month_a == month_b && day_a == day_b)) return near;
    if (year_a == year_b) return far;
    return differs;
}

Level identities(const Column& column, std::uint32_t a, std::uint32_t b) {
    const Value &x = column.value(a), &y = column.value(b);
    if (x.is_sound && y.is_sound) return differs;  // a typing error does not leave the check digit right
    const int changed = edits(column.text(a), column.text(b), 2);
    if (changed == 1) return close;
    if (changed == 2 && x.size >= 7) return near;
    return x.is_sound || y.is_sound || x.size != y.size ? far : differs;
}

Level codes(std::string_view a, std::string_view b) {
    const int changed = edits(a, b, 2);
    if (changed == 1 && a.size() >= 2) return close;
    if (changed == 2 && std::min(a.size(), b.size()) >= 7) return near;
    return differs;
}

Level places(std::string_view a, std::string_view b) {
    const std::size_t shorter = std::min(a.size(), b.size());
    const double alike = jaro_winkler(a, b);
    if (alike >= 0.8) {
        const int changed = edits(a, b, 2);
        if ((changed == 1 && shorter >= 4) || (changed == 2 && shorter >= 8)) return close;
        if (alike >= 0.92) return near;
    }
    if (shorter >= 6 && (a.find(b) != std::string_view::npos || b.find(a) != std::string_view::npos)) return near;
    if (alike >= 0.85 || shared_words(a, b) >= 0.6) return loose;
    if (alike >= 0.75) return far;
    return differs;
}

Level addresses(const Column& column, std::uint32_t a, std::uint32_t b) {
    if (!column.value(a).door || !column.value(b).door) return places(column.text(a), column.text(b));
    switch (compare_doors(column.door(a), column.door(b))) {
        case Doors::one: return close;
        case Doors::one_house: return near;
        case Doors::one_street: return loose;
        case Doors::one_town: return far;
        case Doors::two: return differs;
    }
    return differs;
}

Level compare_values(const Column& column, std::uint32_t a, std::uint32_t b) {
    if (a == 0 || b == 0) return missing;
    if (a == b) return exact;
    switch (column.role()) {
        case Role::name_full:
        case Role::name_given:
        case Role::name_family: return names(column, a, b);
        case Role::birth_date: return dates(column.value(a), column.value(b), column.text(a), column.text(b));
        case Role::sex: return differs;
        case Role::national_id: return identities(column, a, b);
        case Role::phone:
        case Role::postcode:
        case Role::address_number: return codes(column.text(a), column.text(b));
        case Role::address: return addresses(column, a, b);
        case Role::place:
        case Role::occupation:
        case Role::text: return places(column.text(a), column.text(b));
    }
    return missing;
}

/// Two newborns of one mother: 之女大, 之女小.
bool are_born_together(const Column& column, std::uint32_t a, std::uint32_t b) {
    if (a == 0 || b == 0 || a == b || !column.value(a).newborn || !column.value(b).newborn) return false;
    const std::string_view one = birth_order(column.text(a)), other = birth_order(column.text(b));
    return !one.empty() && !other.empty() && one != other;
}

}  // namespace

std::string_view name_of(Level level) {
    static constexpr std::array<std::string_view, level_count> names{"missing", "differs", "far",  "loose",
                                                                     "near",    "close",   "exact"};
    return names[level];
}

Comparer::Comparer(const Records& records) : columns_(records.inside().columns) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (columns_[i].role() == Role::name_given) given_ = i;
        if (columns_[i].role() == Role::name_family) family_ = i;
        if (columns_[i].role() == Role::birth_date) birth_ = i;
        if (columns_[i].role() == Role::national_id) national_ = i;
    }
}

/// Given and family name in each other's place are loose, both of them.
Pattern Comparer::with_swapped_names(Pattern pattern, std::uint32_t a, std::uint32_t b) const {
    const Column &given = columns_[*given_], &family = columns_[*family_];
    const std::uint32_t given_a = given.of(a), given_b = given.of(b), family_a = family.of(a), family_b = family.of(b);
    const auto same = [&](std::uint32_t one, std::uint32_t other) {
        return one != 0 && other != 0 &&
               (given.text(one) == family.text(other) || edits(given.text(one), family.text(other), 1) <= 1);
    };
    if (!same(given_a, family_b) || !same(given_b, family_a)) return pattern;
    const Pattern mask = Pattern{15} << (4 * *given_) | Pattern{15} << (4 * *family_);
    return (pattern & ~mask) | Pattern{loose} << (4 * *given_) | Pattern{loose} << (4 * *family_);
}

/// Two sound numbers, each with the birth date of the record it stands in: neither is mistyped or lent.
bool Comparer::have_own_numbers(std::uint32_t a, std::uint32_t b) const {
    const Column &numbers = columns_[*national_], &births = columns_[*birth_];
    const std::uint32_t number_a = numbers.of(a), number_b = numbers.of(b);
    if (number_a == 0 || number_b == 0 || number_a == number_b) return false;
    const Value &x = numbers.value(number_a), &y = numbers.value(number_b);
    return x.is_sound && y.is_sound && x.date == births.value(births.of(a)).date && y.date == births.value(births.of(b)).date;
}

/// One tells no birth date but a number that holds it, the other a birth date and no number.
Level Comparer::birth_in_number(std::uint32_t a, std::uint32_t b) const {
    const Column &numbers = columns_[*national_], &births = columns_[*birth_];
    if (numbers.of(a) && numbers.of(b)) return missing;  // the numbers say it themselves
    const auto date = [&](std::uint32_t record) {
        return births.of(record) ? births.value(births.of(record)).date : numbers.value(numbers.of(record)).date;
    };
    const std::uint32_t one = date(a), other = date(b);
    if (one == 0 || other == 0) return missing;
    return one == other ? exact : one / 100 == other / 100 ? near : one / 10000 == other / 10000 ? far : differs;
}

Pattern Comparer::compare(std::uint32_t a, std::uint32_t b) const {
    Pattern pattern = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const Column& column = columns_[i];
        pattern |= Pattern{compare_values(column, column.of(a), column.of(b))} << (4 * i);
        if (column.role() == Role::name_full && are_born_together(column, column.of(a), column.of(b))) pattern |= contradiction;
    }
    if (birth_ && national_) {
        if (have_own_numbers(a, b)) pattern |= contradiction;
        if (level_of(pattern, *birth_) == missing) pattern |= Pattern{birth_in_number(a, b)} << (4 * *birth_);
    }
    if (given_ && family_) {
        const Level given = level_of(pattern, *given_), family = level_of(pattern, *family_);
        if (given != missing && family != missing && given <= far && family <= far) return with_swapped_names(pattern, a, b);
    }
    return pattern;
}

}  // namespace xinglin::identity
