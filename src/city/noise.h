// SPDX-License-Identifier: Apache-2.0
// Inside the room: how an institution writes a person down: under a number of its own, with the usual mistakes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "city/story.h"

namespace xinglin::city {

enum class Mistake : std::uint8_t {
    name_typo,
    name_homophone,
    id_missing,
    id_typo,
    id_letter_o,
    id_15,
    id_lent,
    phone_shared,
    birth_wrong,
    sex_wrong,
    newborn,
    second_number
};
std::string_view mistake_name(Mistake mistake);

/// A person as one institution knows them.
struct Written {
    std::string number;  // the institution's own
    std::string surname, given, id, phone, address;
    std::int32_t birth = 0;
    bool male = false;
    std::vector<Mistake> mistakes;

    std::string name() const { return surname + given; }
};

/// Characters that sound or look alike.
class Alike {
public:
    explicit Alike(const Facts& facts);
    std::string_view sound(std::string_view character, class Random& random) const;  // "" when there is none
    std::string_view look(std::string_view character) const;

private:
    std::map<std::string, std::vector<std::string>, std::less<>> by_sound_;  // character → others
    std::map<std::string, std::string, std::less<>> by_look_;
};

/// The same on every call for a person, an institution and a visit of about that time. `source` is a number of the institution.
Written written(const World& world, const Alike& alike, std::uint32_t person, std::uint32_t source, std::int32_t day,
                bool second_number);
/// Whether the institution has this person twice, under two numbers.
bool has_second_number(const World& world, std::uint32_t person, std::uint32_t source);

}  // namespace xinglin::city
