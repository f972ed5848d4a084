// SPDX-License-Identifier: Apache-2.0
// What is written in several ways and means one: variants of characters, characters of like shape, places that were renamed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "outcome/outcome.h"

namespace xinglin::identity {

/// Immutable; may be used from any thread.
class Wording {
public:
    /// `characters`: written,meant (single characters). `shapes`: characters, those of a line look alike. `places`:
    /// old,new,since,of — `of` names what must stand before the old name in the address for it to be this place, "" for anything.
    /// With a head line each; "" where there is none. Refuses by line what is wrong.
    static Result<Wording> read(std::string_view characters, std::string_view shapes, std::string_view places);

    /// Every character as it is meant.
    std::string plain(std::string_view text) const;
    /// And every place by its newest name.
    std::string address(std::string_view text) const;
    bool look_alike(std::string_view one, std::string_view other) const;

private:
    struct Place {
        std::string old, now, of;
    };
    std::unordered_map<std::string, std::string> characters_;
    std::unordered_map<std::string, std::vector<std::uint32_t>> groups_;
    std::vector<Place> places_;  // longest first
};

/// Does this character stand for one that the system could not write: "?", "□", a private-use code?
bool is_unwritten(std::string_view character);
/// Of well-formed UTF-8: the character that begins at `at`.
std::string_view character_at(std::string_view text, std::size_t at);

}  // namespace xinglin::identity
