// SPDX-License-Identifier: Apache-2.0
// As many resources as wanted, from the Synthea samples: each further copy has other ids and says the same.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace xinglin::bench {

/// One bundle's resources as JSON texts, references between them as Type/id.
struct Person {
    std::vector<std::string> resources;
};

/// Reads every *.json.gz bundle of a folder.
std::vector<Person> people_in(const std::filesystem::path& folder);

/// The text with every UUID in it changed by `copy`; copy 0 is the text itself.
std::string rekeyed(const std::string& text, std::uint32_t copy);

}  // namespace xinglin::bench
