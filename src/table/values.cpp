// SPDX-License-Identifier: Apache-2.0
// Texts, numbers, resident ids and telephone numbers as they stand in cells.
#include "table/values.h"

#include <fmt/format.h>

#include <algorithm>

#include "calendar/calendar.h"
#include "text/text.h"

namespace xinglin::table {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

constexpr std::string_view wide_blanks[] = {"\xC2\xA0", "\xE3\x80\x80", "\xEF\xBB\xBF", "\xE2\x80\x8B"};

void trim(std::string_view& text) {
    for (bool again = true; again;) {
        again = false;
        while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
        while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
        for (const std::string_view blank : wide_blanks) {
            if (text.starts_with(blank)) text.remove_prefix(blank.size()), again = true;
            if (text.ends_with(blank)) text.remove_suffix(blank.size()), again = true;
        }
    }
}

bool is_day(int year, int month, int day) {
    return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= calendar::days_in_month(year, month);
}

}  // namespace

std::string tidy(std::string_view cell) {
    trim(cell);
    if (cell.size() > 1 && cell.front() == '\'') {
        cell.remove_prefix(1);
        trim(cell);
    }
    std::string out(cell);
    std::erase_if(out, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F; });
    return out;
}

std::string half_width(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const auto a = static_cast<unsigned char>(text[i]);
        if (a == 0xEF && i + 2 < text.size()) {  // U+FF01 to U+FF5E stand 0xFEE0 above ASCII
            const auto b = static_cast<unsigned char>(text[i + 1]), c = static_cast<unsigned char>(text[i + 2]);
            const unsigned code = (a & 15u) << 12 | (b & 63u) << 6 | (c & 63u);
            if (code >= 0xFF01 && code <= 0xFF5E) {
                out += static_cast<char>(code - 0xFEE0);
                i += 3;
                continue;
            }
        }
        if (text.substr(i).starts_with("\xE3\x80\x80")) {
            out += ' ';
            i += 3;
            continue;
        }
        out += text[i++];
    }
    return out;
}

bool is_excel_error(std::string_view text) {
    if (text.empty() || text.front() != '#') return false;
    for (const std::string_view error : {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"})
        if (text == error) return true;
    return text.find_first_not_of('#') == std::string_view::npos && text.size() >= 3;  // a column too narrow for its number
}

std::optional<Number> read_number(std::string_view text) {
    const std::string plain = half_width(text);
    std::string_view rest = plain;
    Number number;
    for (const auto& [sign, meaning] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
             {"<=", "<="}, {">=", ">="}, {"≤", "<="}, {"≥", ">="}, {"<", "<"}, {">", ">"}}) {
        if (!rest.starts_with(sign)) continue;
        number.comparator = meaning;
        rest.remove_prefix(sign.size());
        break;
    }
    trim(rest);
    std::string& digits = number.digits;
    if (rest.starts_with('-') || rest.starts_with('+')) {
        if (rest.front() == '-') digits = "-";
        rest.remove_prefix(1);
    }
    const std::size_t point = std::min(rest.find('.'), rest.size());
    std::string whole(rest.substr(0, point));
    if (whole.find(',') != std::string::npos) {  // thousands: groups of three, nothing else
        const auto groups = text::split(whole, ',');
        for (std::size_t i = 0; i < groups.size(); ++i)
            if (!all_digits(groups[i]) || (i == 0 ? groups[i].size() > 3 : groups[i].size() != 3)) return std::nullopt;
        std::erase(whole, ',');
    }
    const std::string_view fraction = point < rest.size() ? rest.substr(point + 1) : std::string_view();
    if (whole.empty() && fraction.empty()) return std::nullopt;
    if ((!whole.empty() && !all_digits(whole)) || (!fraction.empty() && !all_digits(fraction))) return std::nullopt;
    if (whole.size() + fraction.size() > 18) return std::nullopt;
    const std::size_t first = std::min(whole.find_first_not_of('0'), whole.size());
    whole.erase(0, first);
    digits += whole.empty() ? "0" : whole;
    if (!fraction.empty()) digits += "." + std::string(fraction);
    return number;
}

bool is_whole(std::string_view digits) { return digits.find('.') == std::string_view::npos; }

namespace {

/// Sign, digits without point, places behind the point.
struct Plain {
    bool negative = false;
    std::string digits;
    std::size_t places = 0;
};
Plain plain_of(std::string_view text) {
    Plain plain;
    if (text.starts_with('-')) plain.negative = true, text.remove_prefix(1);
    const std::size_t point = text.find('.');
    plain.digits = text.substr(0, point);
    if (point != std::string_view::npos) {
        plain.digits += text.substr(point + 1);
        plain.places = text.size() - point - 1;
    }
    return plain;
}

__extension__ using Wide = unsigned __int128;
Wide value_of(std::string_view digits) {
    Wide value = 0;
    for (const char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
    return value;
}

}  // namespace

std::optional<std::string> multiplied(std::string_view a, std::string_view b) {
    const Plain x = plain_of(a), y = plain_of(b);
    if (x.digits.size() + y.digits.size() > 36) return std::nullopt;
    Wide product = value_of(x.digits) * value_of(y.digits);
    std::size_t places = x.places + y.places;
    while (places > 0 && product % 10 == 0) product /= 10, --places;
    std::string digits;
    for (; product > 0 || digits.size() <= places; product /= 10)
        digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(product % 10)));
    if (places > 0) digits.insert(digits.size() - places, ".");
    return x.negative != y.negative ? "-" + digits : digits;
}

int compared(std::string_view a, std::string_view b) {
    Plain x = plain_of(a), y = plain_of(b);
    while (x.places < y.places) x.digits += '0', ++x.places;
    while (y.places < x.places) y.digits += '0', ++y.places;
    if (x.digits.size() > 38 || y.digits.size() > 38) return 0;
    const Wide left = value_of(x.digits), right = value_of(y.digits);
    if (left == 0 && right == 0) return 0;
    if (x.negative != y.negative) return x.negative ? -1 : 1;
    const int order = left < right ? -1 : left > right ? 1 : 0;
    return x.negative ? -order : order;
}

std::string ResidentId::birth_date() const {
    if (number.size() != 18 || !problem.empty()) return "";  // of a number with a slip nothing is concluded
    return fmt::format("{}-{}-{}", number.substr(6, 4), number.substr(10, 2), number.substr(12, 2));
}

std::string ResidentId::sex() const {
    if (number.size() != 18 || !problem.empty()) return "";
    return (number[16] - '0') % 2 == 1 ? "male" : "female";
}

namespace {
char check_character(std::string_view body) {
    constexpr int weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (std::size_t i = 0; i < 17; ++i) sum += (body[i] - '0') * weights[i];
    return "10X98765432"[sum % 11];
}
}  // namespace

ResidentId read_resident_id(std::string_view text) {
    std::string number = half_width(text);
    std::erase_if(number, [](char c) { return c == ' ' || c == '-'; });
    for (char& c : number)
        if (c == 'x') c = 'X';
    if (number.size() == 15 && all_digits(number)) {
        number.insert(6, "19");
        number += check_character(number);
    }
    ResidentId id{number, ""};
    if (number.size() != 18) {
        id.problem = "length";
    } else if (!all_digits(std::string_view(number).substr(0, 17)) || !(is_digit(number[17]) || number[17] == 'X')) {
        id.problem = "character";
    } else if (!is_day(std::stoi(number.substr(6, 4)), std::stoi(number.substr(10, 2)), std::stoi(number.substr(12, 2))) ||
               number[6] == '0') {
        id.problem = "birth date";
    } else if (check_character(number) != number[17]) {
        id.problem = "check digit";
    }
    return id;
}

std::optional<std::string> read_phone(std::string_view text) {
    std::string number = half_width(text);
    std::erase_if(number, [](char c) { return c == ' ' || c == '-' || c == '(' || c == ')'; });
    std::string_view rest = number;
    if (rest.starts_with("+86")) rest.remove_prefix(3);
    else if (rest.starts_with("0086")) rest.remove_prefix(4);
    if (!all_digits(rest)) return std::nullopt;
    const bool mobile = rest.size() == 11 && rest[0] == '1' && rest[1] >= '3';
    const bool landline = rest[0] == '0' && rest.size() >= 10 && rest.size() <= 12;
    const bool local = rest[0] >= '2' && (rest.size() == 7 || rest.size() == 8);
    if (!mobile && !landline && !local) return std::nullopt;
    return std::string(rest);
}

std::optional<bool> read_boolean(std::string_view text) {
    const std::string plain = text::lower_ascii(half_width(text));
    for (const std::string_view yes : {"是", "有", "y", "yes", "true", "1", "√", "阳性", "对", "已", "真", "t"})
        if (plain == yes) return true;
    for (const std::string_view no : {"否", "无", "没有", "n", "no", "false", "0", "×", "阴性", "不是", "未", "假", "f"})
        if (plain == no) return false;
    return std::nullopt;
}

}  // namespace xinglin::table
