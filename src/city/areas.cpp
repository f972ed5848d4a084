// SPDX-License-Identifier: Apache-2.0
// Area codes and names of a province in a compact form: one line for each place, indented by its level, with the digits its code
// adds to that of the place above. A village's line says what was cut from its name: v 村民委员会, V 村委会, c 居民委员会,
// C 居委会, = nothing.
//
//     13 河北省
//     03 秦皇岛市
//      03 山海关区
//       100 第一关镇
//        201V大街
#include <fmt/format.h>

#include <map>

#include "city/city.h"
#include "city/facts.h"
#include "city/rows.h"

namespace xinglin::city {

namespace {
struct Ending {
    std::string_view text;
    char mark;
};
constexpr Ending endings[] = {{"村民委员会", 'v'}, {"居民委员会", 'c'}, {"村委会", 'V'}, {"居委会", 'C'}};

std::string shortened(std::string_view name) {
    for (const Ending& ending : endings) {
        if (name.ends_with(ending.text) && name.size() > ending.text.size())
            return ending.mark + std::string(name.substr(0, name.size() - ending.text.size()));
    }
    return "=" + std::string(name);
}

/// Rows of one table by the code of the place above, in the order of the table.
using Children = std::multimap<std::string, std::pair<std::string, std::string>, std::less<>>;

Result<Children> children(std::string_view text, std::string_view file, std::string_view above, std::string_view province) {
    const Rows rows = Rows::of(text, file);
    Children out;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows.text(i, "provinceCode") == province)
            out.emplace(rows.text(i, above), std::make_pair(rows.text(i, "code"), rows.text(i, "name")));
    }
    XINGLIN_CHECK(rows.trouble());
    return out;
}

std::string_view tail(std::string_view code, std::string_view above) {
    return code.starts_with(above) ? code.substr(above.size()) : code;
}
}  // namespace

Result<std::string> compact_areas(const Divisions& divisions, std::string_view province) {
    const Rows provinces = Rows::of(divisions.provinces, "provinces.csv");
    std::string out;
    for (std::size_t i = 0; i < provinces.size(); ++i) {
        if (provinces.text(i, "code") == province) out = fmt::format("{} {}\n", province, provinces.text(i, "name"));
    }
    XINGLIN_CHECK(provinces.trouble());
    if (out.empty()) return refuse(IssueCode::not_found, "--province", "no such province: expected two digits such as 13");
    XINGLIN_TRY(const Children cities, children(divisions.cities, "cities.csv", "provinceCode", province));
    XINGLIN_TRY(const Children areas, children(divisions.areas, "areas.csv", "cityCode", province));
    XINGLIN_TRY(const Children streets, children(divisions.streets, "streets.csv", "areaCode", province));
    XINGLIN_TRY(const Children villages, children(divisions.villages, "villages.csv", "streetCode", province));
    for (const auto& [above, city] : cities) {
        out += fmt::format("{} {}\n", tail(city.first, province), city.second);
        for (auto [area, areas_end] = areas.equal_range(city.first); area != areas_end; ++area) {
            const auto& [area_code, area_name] = area->second;
            out += fmt::format(" {} {}\n", tail(area_code, city.first), area_name);
            for (auto [street, streets_end] = streets.equal_range(area_code); street != streets_end; ++street) {
                const auto& [street_code, street_name] = street->second;
                out += fmt::format("  {} {}\n", tail(street_code, area_code), street_name);
                for (auto [village, end] = villages.equal_range(street_code); village != end; ++village)
                    out += fmt::format("   {}{}\n", tail(village->second.first, street_code), shortened(village->second.second));
            }
        }
    }
    return out;
}

Result<Done> read_communities(const content::Files& files, Facts& facts) {
    const std::string path = fmt::format("areas/{}.txt", facts.code.substr(0, 2));
    const auto text = files.read(path);
    if (!text)
        return refuse(IssueCode::not_found, path,
                      "the places of this province are not there: make them with xinglin city areas --from PACKAGE --province " +
                          facts.code.substr(0, 2));
    std::string codes[4];  // province … street
    std::size_t at = 0;
    while (at < text->size()) {
        const std::size_t end = std::min(text->find('\n', at), text->size());
        std::string_view line = std::string_view(*text).substr(at, end - at);
        at = end + 1;
        const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
        line.remove_prefix(indent);
        if (indent < 3) {
            const std::string_view digits = line.substr(0, line.find(' '));
            if (indent == 0) (codes[0].empty() ? codes[0] : codes[1]) = digits;
            else codes[indent + 1] = digits;
            continue;
        }
        if (line.size() < 5 || indent > 3) return refuse(IssueCode::invalid, path, "a line that is no place");
        const std::string town_code = codes[0] + codes[1] + codes[2] + codes[3];
        for (Town& town : facts.towns) {
            if (town.code != town_code) continue;
            const char mark = line[3];
            town.communities.emplace_back(town_code + std::string(line.substr(0, 3)),
                                          std::string(line.substr(4)) + (mark == 'v' || mark == 'V' ? "村" : ""));
        }
    }
    for (const Town& town : facts.towns) {
        if (town.communities.empty())
            return refuse(IssueCode::not_found, path, fmt::format("no villages or communities below {}", town.code));
    }
    return Done{};
}

}  // namespace xinglin::city
