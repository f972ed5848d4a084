// SPDX-License-Identifier: Apache-2.0
// How values are made alike before they are compared.
//
// Sources: GB 11643-1999 (identity numbers), GB/T 2261.1 (sex), US National Archives (Soundex).
#include "identity/records.h"

#include <algorithm>

#include "identity/wording.h"
#include "text/text.h"

namespace xinglin::identity {

namespace {

constexpr std::array<std::pair<Role, std::string_view>, 13> role_names{{
    {Role::name_full, "name.full"},
    {Role::name_given, "name.given"},
    {Role::name_family, "name.family"},
    {Role::birth_date, "birth_date"},
    {Role::sex, "sex"},
    {Role::national_id, "national_id"},
    {Role::phone, "phone"},
    {Role::address, "address"},
    {Role::address_number, "address.number"},
    {Role::postcode, "postcode"},
    {Role::place, "place"},
    {Role::occupation, "occupation"},
    {Role::text, "text"},
}};

constexpr std::size_t longest_value = 400;
constexpr std::uint32_t few = 4, least_population = 10'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
bool says_nothing(std::string_view text) {
    static constexpr std::array<std::string_view, 16> empty{"null", "none", "nan",  "n/a", "na",   "-",  "--",     "unknown",
                                                            "nil",  "不详", "未知", "无",  "不明", "空", "无名氏", "未说明"};
    return text.empty() || std::find(empty.begin(), empty.end(), text) != empty.end();
}

std::string digits_of(std::string_view text) {
    std::string digits;
    for (const char c : text)
        if (is_digit(c)) digits += c;
    return digits;
}

/// Fifteen digits become eighteen: the century is the twentieth, as GB 11643-1989 had it.
std::string identity_of(std::string_view folded) {
    std::string id;
    for (const char c : folded) {
        if (is_digit(c) || is_letter(c)) id += c == 'o' ? '0' : c == 'l' ? '1' : c;
    }
    if (id.size() == 15 && digits_of(id).size() == 15) {
        id.insert(6, "19");
        for (const char check : std::string_view("0123456789x")) {
            if (is_sound_identity(id + check)) return id + check;
        }
    }
    if (id.size() == 17 && digits_of(id).size() == 17 && is_sound_identity(id + "x")) return id + "x";
    return id;
}

std::string phone_of(std::string_view folded) {
    std::string digits = digits_of(folded);
    if (digits.size() == 13 && digits.starts_with("86")) digits.erase(0, 2);
    return digits;
}

std::string sex_of(std::string_view folded) {
    if (folded == "1" || folded.starts_with("m") || folded == "男" || folded == "男性") return "m";
    if (folded == "2" || folded.starts_with("f") || folded == "女" || folded == "女性" || folded == "w") return "f";
    if (folded == "0" || folded == "9" || folded == "u" || folded == "o" || folded == "other") return "";
    return std::string(folded);
}

/// Names: dots between the parts of minorities' names in all their encodings, hyphens and points are blanks; blanks beside
/// Han characters go.
std::string name_text(std::string_view folded) {
    std::string out;
    for (std::size_t i = 0; i < folded.size();) {
        const std::string_view rest = folded.substr(i);
        bool blank = false;
        for (const std::string_view dot : {"·", "•", "‧", "・", "．", "。", "∙", "⋅", "●", "᛫", "⸱", ".", "-", "'", ","}) {
            if (!rest.starts_with(dot)) continue;
            blank = true;
            i += dot.size();
            break;
        }
        if (blank) {
            if (!out.empty() && out.back() != ' ') out += ' ';
        } else {
            out += folded[i++];
        }
    }
    while (out.ends_with(' ')) out.pop_back();
    bool written = false;
    for (std::size_t i = 0; i < out.size() && !written; i += character_at(out, i).size())
        written = !is_unwritten(character_at(out, i));
    if (!written) return {};  // "???"
    if (text::has_han(out)) std::erase(out, ' ');
    return out;
}

std::size_t end_of_mothers_name(std::string_view name) {
    for (const std::string_view child : {"之子", "之女", "之婴"}) {
        const std::size_t at = name.rfind(child);
        if (at != std::string_view::npos && at > 0) return at + child.size();
    }
    return 0;
}

}  // namespace

bool is_newborn(std::string_view name) { return end_of_mothers_name(name) > 0; }

std::string_view birth_order(std::string_view name) {
    const std::size_t end = end_of_mothers_name(name);
    return end ? name.substr(end) : std::string_view();
}

std::optional<Role> role_of(std::string_view name) {
    for (const auto& [role, text] : role_names)
        if (text == name) return role;
    return std::nullopt;
}

std::string_view name_of(Role role) {
    for (const auto& [each, text] : role_names)
        if (each == role) return text;
    return "";
}

bool is_sound_identity(std::string_view id) {
    static constexpr std::array<int, 17> weights{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    if (id.size() != 18) return false;
    int sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (!is_digit(id[i])) return false;
        sum += weights[i] * (id[i] - '0');
    }
    const int month = (id[10] - '0') * 10 + id[11] - '0', day = (id[12] - '0') * 10 + id[13] - '0';
    return id[17] == "10x98765432"[sum % 11] && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

std::uint32_t date_of(std::string_view text) {
    std::array<std::string_view, 3> parts;
    std::size_t count = 0;
    for (std::size_t i = 0; i < text.size();) {
        if (!is_digit(text[i])) {
            ++i;
            continue;
        }
        const std::size_t begin = i;
        while (i < text.size() && is_digit(text[i])) ++i;
        if (count < parts.size()) parts[count++] = text.substr(begin, i - begin);
    }
    if (count == 0) return 0;
    const auto number = [](std::string_view digits) {
        std::uint32_t value = 0;
        for (const char c : digits.substr(0, 9)) value = value * 10 + static_cast<std::uint32_t>(c - '0');
        return value;
    };
    std::uint32_t year = 0, month = 0, day = 0;
    if (parts[0].size() >= 8) {  // 19800503, with a time or without
        const std::uint32_t all = number(parts[0].substr(0, 8));
        year = all / 10000, month = all / 100 % 100, day = all % 100;
    } else if (parts[0].size() == 6 && count == 1) {
        year = number(parts[0]) / 100, month = number(parts[0]) % 100;
    } else if (parts[0].size() == 4) {
        year = number(parts[0]), month = count > 1 ? number(parts[1]) : 0, day = count > 2 ? number(parts[2]) : 0;
    } else if (count == 3 && parts[2].size() == 4) {  // 3.5.1980
        year = number(parts[2]), month = number(parts[1]), day = number(parts[0]);
        if (month > 12 && day <= 12) std::swap(month, day);
    }
    return year >= 1000 && year <= 2999 && month <= 99 && day <= 99 ? year * 10000 + month * 100 + day : 0;
}

std::string normalised(Role role, std::string_view raw, const Wording* wording) {
    std::string folded = text::fold(raw.substr(0, longest_value));
    if (says_nothing(folded)) return {};
    switch (role) {
        case Role::name_full:
        case Role::name_given:
        case Role::name_family: return name_text(wording ? wording->plain(folded) : folded);
        case Role::birth_date: {
            const std::uint32_t date = date_of(folded);
            return date ? fmt::format("{:08}", date) : folded;
        }
        case Role::sex: return sex_of(folded);
        case Role::national_id: return identity_of(folded);
        case Role::phone: return phone_of(folded);
        case Role::postcode: std::erase(folded, ' '); return folded;
        case Role::address:
        case Role::place: return wording ? wording->address(folded) : folded;
        default: return folded;
    }
}

std::string sound_of(std::string_view name) {
    if (text::has_han(name)) {
        std::string sound;
        for (const std::string& syllable : text::pinyin_syllables(name)) sound += (sound.empty() ? "" : " ") + syllable;
        return sound;
    }
    static constexpr std::string_view codes = "01230120022455012623010202";  // a to z
    std::string sound;
    char last = 0;
    for (const char c : name) {
        if (!is_letter(c)) {
            last = 0;
            continue;
        }
        const char code = codes[static_cast<std::size_t>(c - 'a')];
        if (sound.empty()) sound += c;
        else if (code != '0' && code != last) sound += code;
        if (c != 'h' && c != 'w') last = code;
        if (sound.size() == 4) break;
    }
    return sound;
}

std::uint32_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325ull;  // FNV-1a
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
    const auto folded = static_cast<std::uint32_t>(mixed(hash));
    return folded ? folded : 1;
}

Column::Column(Role role, const Wording* wording) : role_(role), wording_(wording), values_(1), slots_(1u << 10) {}

double Column::frequency(std::uint32_t number) const {
    if (number == 0) return 1.0 / std::max(values(), 2u);  // a value told by another column
    // A small table does not show how rare a value is that a few records have: they may well be of one person.
    const std::uint32_t count = values_[number].count, others = std::max<std::uint32_t>(count, 2) - 1;
    return static_cast<double>(others) / std::max(present_, count <= few ? least_population : 2);
}

std::uint32_t Column::keep(std::string_view text, std::uint16_t& size) {
    const auto at = static_cast<std::uint32_t>(characters_.size());
    characters_ += text;
    size = static_cast<std::uint16_t>(text.size());
    return at;
}

void Column::grow() {
    std::vector<std::uint32_t> wider(slots_.size() * 2);
    for (std::uint32_t number = 1; number < values(); ++number) {
        std::size_t slot = hash_of(text(number)) & (wider.size() - 1);
        while (wider[slot]) slot = (slot + 1) & (wider.size() - 1);
        wider[slot] = number;
    }
    slots_ = std::move(wider);
}

std::uint32_t Column::find(std::string_view wanted) {
    std::size_t slot = hash_of(wanted) & (slots_.size() - 1);
    for (; slots_[slot]; slot = (slot + 1) & (slots_.size() - 1)) {
        if (text(slots_[slot]) == wanted) return slots_[slot];
    }
    Value value;
    value.at = keep(wanted, value.size);
    if (role_ == Role::name_full || role_ == Role::name_given || role_ == Role::name_family) {
        value.han = text::has_han(wanted);
        han_ += value.han;
        value.newborn = value.han && is_newborn(wanted);
        const std::string sound = sound_of(wanted);
        value.sound_at = keep(sound, value.sound_size);
    }
    if (role_ == Role::address && text::has_han(wanted)) {
        if (const Door door = door_of(wanted); door.tells_anything()) {
            doors_.push_back(door);
            value.door = static_cast<std::uint32_t>(doors_.size());
        }
    }
    if (role_ == Role::birth_date) value.date = date_of(wanted);
    if (role_ == Role::national_id && is_sound_identity(wanted)) {
        value.is_sound = true;
        value.date = date_of(wanted.substr(6, 8));
    }
    const std::uint32_t number = values();
    slots_[slot] = number;
    values_.push_back(value);
    if (values_.size() * 2 > slots_.size()) grow();
    return number;
}

void Column::add(std::string_view raw) {
    const std::string text = raw.empty() ? std::string() : normalised(role_, raw, wording_);
    if (text.empty()) return of_.push_back(0);
    const std::uint32_t number = find(text);
    ++values_[number].count;
    ++present_;
    of_.push_back(number);
}

Records::Records(std::vector<ColumnName> columns, std::shared_ptr<const Wording> wording)
    : columns_(std::move(columns)), inside_(std::make_unique<Inside>()) {
    inside_->wording = std::move(wording);
    XINGLIN_ASSERT(columns_.size() <= most_columns);
    for (const ColumnName& each : columns_) inside_->columns.emplace_back(each.role, inside_->wording.get());
}
Records::~Records() = default;
Records::Records(Records&&) noexcept = default;

void Records::add(std::span<const std::string_view> values) {
    for (std::size_t i = 0; i < columns_.size(); ++i) inside_->columns[i].add(i < values.size() ? values[i] : std::string_view());
}

std::uint32_t Records::size() const { return inside_->columns.empty() ? 0 : inside_->columns.front().size(); }

}  // namespace xinglin::identity
