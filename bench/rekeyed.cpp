// SPDX-License-Identifier: Apache-2.0
// Re-keying: the first eight hexadecimal digits of each UUID are combined with the copy's number.
#include "rekeyed.h"

#include <unordered_map>

#include "json/json.h"
#include "testing/testing.h"

namespace xinglin::bench {

namespace {
int nibble(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

bool uuid_at(const std::string& text, std::size_t at) {
    if (at + 36 > text.size() || text[at + 8] != '-' || text[at + 13] != '-' || text[at + 18] != '-' || text[at + 23] != '-')
        return false;
    for (std::size_t i = 0; i < 8; ++i) {
        if (nibble(text[at + i]) < 0) return false;
    }
    return true;
}

void replace_all(std::string& text, const std::unordered_map<std::string, std::string>& replacements) {
    std::string out;
    std::size_t from = 0;
    for (std::size_t at = text.find("urn:uuid:"); at != std::string::npos; at = text.find("urn:uuid:", from)) {
        out.append(text, from, at - from);
        const std::string urn = text.substr(at, 45);
        const auto found = replacements.find(urn);
        out += found == replacements.end() ? urn : found->second;
        from = at + urn.size();
    }
    out.append(text, from);
    text = std::move(out);
}
}  // namespace

std::vector<Person> people_in(const std::filesystem::path& folder) {
    std::vector<Person> people;
    for (const auto& file : testing::files_below(folder, ".json.gz")) {
        json::Arena arena;
        const std::string text = testing::read_packed(file);
        const json::Value bundle = json::parse(text, arena).value();
        Person person;
        std::unordered_map<std::string, std::string> replacements;
        for (const json::Node& entry : bundle["entry"].items()) {
            const json::Value resource = json::Value(&entry)["resource"];
            replacements[std::string(json::Value(&entry)["fullUrl"].string())] =
                std::string(resource["resourceType"].string()) + "/" + std::string(resource["id"].string());
            person.resources.push_back(json::write(resource));
        }
        for (std::string& each : person.resources) replace_all(each, replacements);
        people.push_back(std::move(person));
    }
    return people;
}

std::string rekeyed(const std::string& text, std::uint32_t copy) {
    if (copy == 0) return text;
    constexpr char digits[] = "0123456789abcdef";
    std::string out = text;
    const std::uint32_t mask = copy * 2654435761u;
    for (std::size_t at = out.find('-'); at != std::string::npos; at = out.find('-', at + 1)) {
        if (at < 8 || !uuid_at(out, at - 8)) continue;
        for (std::size_t i = 0; i < 8; ++i)
            out[at - 8 + i] = digits[(nibble(out[at - 8 + i]) ^ static_cast<int>(mask >> (4 * i))) & 15];
        at += 27;
    }
    return out;
}

}  // namespace xinglin::bench
