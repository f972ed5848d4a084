// SPDX-License-Identifier: Apache-2.0
// The tables of content/persons.
#include "identity/wording.h"

#include <algorithm>

#include "text/text.h"

namespace xinglin::identity {

namespace {

std::size_t characters_in(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); at += character_at(text, at).size()) ++count;
    return count;
}

/// Lines without the head, each as cells without quotes.
template <typename Each>
Result<Done> lines(std::string_view table, std::string_view name, std::size_t cells, Each&& each) {
    std::size_t number = 0;
    for (const std::string_view raw : text::split(table, '\n')) {
        ++number;
        const std::string_view line = raw.ends_with('\r') ? raw.substr(0, raw.size() - 1) : raw;
        if (number == 1 || line.empty()) continue;
        const std::string where = fmt::format("{}, line {}", name, number);
        if (!text::is_utf8(line)) return refuse(IssueCode::value, where, "is no UTF-8");
        std::vector<std::string_view> parts = text::split(line, ',');
        if (parts.size() < cells)
            return refuse(IssueCode::value, where, fmt::format("has {} columns, must have {}", parts.size(), cells));
        XINGLIN_CHECK(each(parts, where));
    }
    return Done{};
}

}  // namespace

std::string_view character_at(std::string_view text, std::size_t at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t length = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    return text.substr(at, length);
}

bool is_unwritten(std::string_view character) {
    static constexpr std::string_view signs[] = {"?", "*", "□", "〓", "■", "\xEF\xBF\xBD"};
    if (std::find(std::begin(signs), std::end(signs), character) != std::end(signs)) return true;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
    if (character.size() == 3) return byte(0) == 0xEE || (byte(0) == 0xEF && byte(1) < 0xA4);  // U+E000 to U+F8FF
    return character.size() == 4 && (byte(0) == 0xF3 || byte(0) == 0xF4) && (byte(0) == 0xF4 || byte(1) >= 0xB0);
}

Result<Wording> Wording::read(std::string_view characters, std::string_view shapes, std::string_view places) {
    Wording wording;
    XINGLIN_CHECK(
        lines(characters, "persons/characters.csv", 2, [&](const auto& cells, const std::string& where) -> Result<Done> {
            const std::string written = text::fold(cells[0]), meant = text::fold(cells[1]);
            if (characters_in(written) != 1 || characters_in(meant) != 1 || written == meant)
                return refuse(IssueCode::value, where, "must be two different characters: as it is written, as it is meant");
            wording.characters_[written] = meant;
            return Done{};
        }));
    for (const auto& [written, meant] : wording.characters_) {
        if (wording.characters_.count(meant))
            return refuse(IssueCode::value, "persons/characters.csv",
                          fmt::format("{} is meant by {}, and means another itself", meant, written));
    }
    std::uint32_t group = 0;
    XINGLIN_CHECK(lines(shapes, "persons/shapes.csv", 1, [&](const auto& cells, const std::string& where) -> Result<Done> {
        const std::string all = text::fold(cells[0]);
        if (characters_in(all) < 2) return refuse(IssueCode::value, where, "must be two characters or more that look alike");
        for (std::size_t at = 0; at < all.size(); at += character_at(all, at).size())
            wording.groups_[std::string(character_at(all, at))].push_back(group);
        ++group;
        return Done{};
    }));
    XINGLIN_CHECK(lines(places, "persons/places.csv", 4, [&](const auto& cells, const std::string& where) -> Result<Done> {
        const std::string old = text::fold(cells[0]), now = text::fold(cells[1]);
        if (characters_in(old) < 2 || now.empty() || old == now)
            return refuse(IssueCode::value, where, "must name a place as it was and as it is");
        const std::string_view since = cells[2];
        const bool dated = since.size() == 10 && since[4] == '-' && since[7] == '-';
        if (!dated) return refuse(IssueCode::value, where + ", since", "must be a date like 2015-11-17");
        wording.places_.push_back({old, now, text::fold(cells[3])});
        return Done{};
    }));
    std::stable_sort(wording.places_.begin(), wording.places_.end(),
                     [](const Place& a, const Place& b) { return a.old.size() > b.old.size(); });
    return wording;
}

std::string Wording::plain(std::string_view text) const {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::string_view character = character_at(text, at);
        at += character.size();
        if (character.size() == 1) {
            out += character;
            continue;
        }
        const auto found = characters_.find(std::string(character));
        out += found == characters_.end() ? character : std::string_view(found->second);
    }
    return out;
}

std::string Wording::address(std::string_view text) const {
    std::string out = plain(text);
    for (const Place& place : places_) {
        const std::size_t at = out.find(place.old);
        if (at == std::string::npos) continue;
        const std::size_t before = place.of.empty() ? 0 : out.find(place.of);
        if (before == std::string::npos || before > at) continue;
        if (out.compare(at, place.now.size(), place.now) == 0) continue;  // "丰润" within "丰润区"
        out.replace(at, place.old.size(), place.now);
    }
    return out;
}

bool Wording::look_alike(std::string_view one, std::string_view other) const {
    const auto a = groups_.find(std::string(one)), b = groups_.find(std::string(other));
    if (a == groups_.end() || b == groups_.end()) return false;
    for (const std::uint32_t group : a->second)
        if (std::find(b->second.begin(), b->second.end(), group) != b->second.end()) return true;
    return false;
}

}  // namespace xinglin::identity
