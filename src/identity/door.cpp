// SPDX-License-Identifier: Apache-2.0
// Reading an address from left to right: a name ends at the word for its kind, numbers stand between words for their units.
//
// Kinds of names: 中华人民共和国行政区划 (省 市 县 乡), GB/T 23705-2009 (digital city: parts of an address).
#include "identity/door.h"

#include <algorithm>
#include <string>
#include <vector>

#include "identity/records.h"

namespace xinglin::identity {

namespace {

enum class Kind { region, district, town, place, road };

struct Suffix {
    std::string_view text;
    Kind kind;
};

// Longer ones first: 街道 before 街, 社区 before 区.
constexpr std::array<Suffix, 32> suffixes{{
    {"街道办事处", Kind::town}, {"居民委员会", Kind::place}, {"村民委员会", Kind::place}, {"自治区", Kind::region},
    {"自治州", Kind::region},   {"居委会", Kind::place},     {"村委会", Kind::place},     {"自治县", Kind::district},
    {"街道", Kind::town},       {"社区", Kind::place},       {"小区", Kind::place},       {"新村", Kind::place},
    {"花园", Kind::place},      {"公寓", Kind::place},       {"苏木", Kind::town},        {"嘎查", Kind::place},
    {"大街", Kind::road},       {"大道", Kind::road},        {"胡同", Kind::road},        {"省", Kind::region},
    {"市", Kind::region},       {"区", Kind::district},      {"县", Kind::district},      {"旗", Kind::district},
    {"镇", Kind::town},         {"乡", Kind::town},          {"村", Kind::place},         {"屯", Kind::place},
    {"路", Kind::road},         {"街", Kind::road},          {"巷", Kind::road},          {"道", Kind::road},
}};

/// A road's word is part of a longer name when one of these follows: 人民路社区.
constexpr std::array<std::string_view, 9> continues{"社区", "小区", "新村", "街道", "居委会", "居民委员会", "村", "镇", "乡"};
constexpr std::array<std::string_view, 17> units{"号", "楼", "栋", "幢", "座", "单元", "室", "层", "组",
                                                 "队", "户", "院", "弄", "门", "之",   "#",  "-"};
constexpr std::array<std::string_view, 10> counted{"一", "二", "三", "四", "五", "六", "七", "八", "九", "十"};

template <std::size_t N>
std::string_view begin_of(std::string_view text, const std::array<std::string_view, N>& words) {
    for (const std::string_view word : words)
        if (text.starts_with(word)) return word;
    return {};
}

std::size_t length_at(std::string_view text, std::size_t at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return std::min(length, text.size() - at);
}

class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    Door read() {
        while (at_ < text_.size()) {
            if (take_number() || take_suffix()) continue;
            const std::size_t length = length_at(text_, at_);
            if (static_cast<unsigned char>(text_[at_]) >= 0x80) name_ += text_.substr(at_, length);
            at_ += length;
        }
        settle();
        return door_;
    }

private:
    std::string_view rest() const { return text_.substr(at_); }

    bool take_number() {
        const char c = text_[at_];
        std::uint32_t value = 0;
        if (c >= '0' && c <= '9') {
            while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9')
                value = std::min(value * 10 + static_cast<std::uint32_t>(text_[at_++] - '0'), 60'000u);
        } else if (c >= 'a' && c <= 'z') {
            if (begin_of(rest().substr(1), units).empty()) return false;
            value = 60'000u + static_cast<std::uint32_t>(c - 'a');
            ++at_;
        } else {
            value = counted_number();
            if (value == 0) return false;
        }
        settle();
        if (door_.count < door_.numbers.size()) door_.numbers[door_.count++] = static_cast<std::uint16_t>(value);
        for (std::string_view unit; !(unit = begin_of(rest(), units)).empty();) at_ += unit.size();
        return true;
    }

    /// 三 of 三号楼, 十二 of 十二组; not the one of 第三中学.
    std::uint32_t counted_number() {
        std::uint32_t value = 0;
        std::size_t at = at_;
        for (std::size_t taken = 0; taken < 3; ++taken) {
            const std::string_view word = begin_of(text_.substr(at), counted);
            if (word.empty()) break;
            const auto digit = static_cast<std::uint32_t>(std::find(counted.begin(), counted.end(), word) - counted.begin()) + 1;
            value = digit == 10 ? std::max(value, 1u) * 10 : value + digit;
            at += word.size();
        }
        if (value == 0 || begin_of(text_.substr(at), units).empty()) return 0;
        at_ = at;
        return value;
    }

    bool take_suffix() {
        if (name_.empty()) return false;
        for (const Suffix& suffix : suffixes) {
            if (!rest().starts_with(suffix.text)) continue;
            const std::string_view after = rest().substr(suffix.text.size());
            if (suffix.kind == Kind::road && !begin_of(after, continues).empty()) return false;
            if (suffix.text == "市" && after.starts_with("场")) return false;
            if (suffix.text == "县" && after.starts_with("城")) return false;
            at_ += suffix.text.size();
            keep(suffix.kind);
            return true;
        }
        return false;
    }

    void keep(Kind kind) {
        const std::uint32_t hash = hash_of(name_);
        switch (kind) {
            case Kind::region: break;
            case Kind::district: door_.district = hash; break;
            case Kind::town: door_.town = hash; break;
            case Kind::place: (door_.place && !door_.road ? door_.road : door_.place) = hash; break;
            case Kind::road: door_.road = hash; break;
        }
        name_.clear();
    }

    /// A name that no word closed, before a number or at the end.
    void settle() {
        if (name_.empty()) return;
        if (!door_.place) keep(Kind::place);
        else if (!door_.road) keep(Kind::road);
        name_.clear();
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string name_;
    Door door_;
};

}  // namespace

Door door_of(std::string_view address) { return Reader(address).read(); }

Doors compare_doors(const Door& a, const Door& b) {
    if (a.district && b.district && a.district != b.district) return Doors::two;
    int agree = 0, conflict = 0;
    for (const auto name : {&Door::place, &Door::road}) {
        if (!(a.*name) || !(b.*name)) continue;
        ++(a.*name == b.*name ? agree : conflict);
    }
    const std::size_t told = std::min(a.count, b.count);
    const bool alike = std::equal(a.numbers.begin(), a.numbers.begin() + told, b.numbers.begin());
    const bool all_told = told > 0 && a.count == b.count;
    const bool one_town = a.town && a.town == b.town, two_towns = a.town && b.town && !one_town;
    if (alike && all_told && agree && !conflict) return Doors::one;
    if (alike && told > 1 && (agree || !conflict) && !two_towns) return Doors::one_house;
    if (alike && agree && !conflict) return Doors::one_house;
    if (agree || (alike && told > 2)) return two_towns && conflict ? Doors::one_town : Doors::one_street;
    return one_town ? Doors::one_town : Doors::two;
}

}  // namespace xinglin::identity
