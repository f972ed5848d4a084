// SPDX-License-Identifier: Apache-2.0
// Points on the map: around the community as the seeds of a sunflower, drawn towards the town's middle until they lie inside.
#include "city/places.h"

#include <cmath>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace xinglin::city {

namespace {

using Point = std::array<double, 2>;
using Ring = std::vector<Point>;

double degrees(json::Value value) { return std::strtod(std::string(value.text()).c_str(), nullptr); }

/// The rings of the area with this code; none when there is no map or it does not have it.
std::vector<Ring> area_of(const content::Files& files, std::string_view code) {
    const auto text = files.read("screen/map.json");
    if (!text) return {};
    json::Arena arena;
    const auto map = json::parse(*text, arena);
    if (!map.ok()) return {};
    std::vector<Ring> rings;
    for (const json::Node& node : (*map)["areas"].items()) {
        const json::Value area(&node);
        if (area["code"].string() != code) continue;
        for (const json::Node& line : area["rings"].items()) {
            Ring ring;
            for (const json::Node& point : json::Value(&line).items())
                ring.push_back({degrees(json::Value(&point)[0]), degrees(json::Value(&point)[1])});
            rings.push_back(std::move(ring));
        }
    }
    return rings;
}

/// By the number of borders that lie east of it.
bool is_inside(const std::vector<Ring>& rings, const Point& point) {
    bool inside = false;
    for (const Ring& ring : rings) {
        for (std::size_t i = 0, j = ring.size() - 1; i < ring.size(); j = i++) {
            const Point &a = ring[i], &b = ring[j];
            if ((a[1] > point[1]) == (b[1] > point[1])) continue;
            if (point[0] < (b[0] - a[0]) * (point[1] - a[1]) / (b[1] - a[1]) + a[0]) inside = !inside;
        }
    }
    return inside;
}

class Placing {
public:
    Placing(const content::Files& files, const District& district)
        : district_(district), rings_(area_of(files, district.facts->code)) {}

    /// The n-th of those that stand around `base`.
    Point place(const Point& base, std::size_t n, std::uint16_t town) const {
        constexpr double step = 0.0021, turn = 2.399963;  // degrees; the golden angle
        const double reach = step * std::sqrt(static_cast<double>(n)), angle = turn * static_cast<double>(n);
        const Point wanted{base[0] + 1.3 * reach * std::cos(angle), base[1] + reach * std::sin(angle)};
        const Point middle{district_.facts->towns[town].longitude, district_.facts->towns[town].latitude};
        for (int part = 0; part < 10 && !rings_.empty(); ++part) {
            const double share = 0.1 * part;
            const Point point{wanted[0] + (middle[0] - wanted[0]) * share, wanted[1] + (middle[1] - wanted[1]) * share};
            if (is_inside(rings_, point)) return rounded(point);
        }
        return rounded(rings_.empty() ? wanted : middle);
    }

private:
    const District& district_;
    const std::vector<Ring> rings_;

    static Point rounded(const Point& point) { return {std::round(point[0] * 1e5) / 1e5, std::round(point[1] * 1e5) / 1e5}; }
};

}  // namespace

std::map<std::string, std::array<double, 2>, std::less<>> places_of(const content::Files& files, const District& district) {
    std::map<std::string, Point, std::less<>> places;
    for (const Town& town : district.facts->towns) {
        if (town.longitude == 0 && town.latitude == 0) return places;
    }
    const Placing placing(files, district);
    std::vector<std::size_t> stand(district.communities.size()), in_town(district.facts->towns.size());
    for (const Institution& each : district.institutions) {
        const Town& town = district.facts->towns[each.town];
        const bool is_central = each.kind != Kind::clinic && each.kind != Kind::village_room && each.kind != Kind::pharmacy &&
                                each.kind != Kind::station;
        if (is_central) {
            places[each.key] = placing.place({town.longitude, town.latitude}, 2 * in_town[each.town]++, each.town);
            continue;
        }
        const Community& community = district.communities[each.community];
        places[each.key] = placing.place({community.longitude, community.latitude}, stand[each.community]++, each.town);
    }
    for (const School& school : district.schools)
        places[school.key] = placing.place({school.longitude, school.latitude}, 0, school.town);
    const auto hospital = places.find(district.institutions[district.hospitals[0]].key);
    const std::string emergency =
        district.number == 0 ? "emergency-120" : "d" + std::to_string(district.number + 1) + "-emergency-120";
    if (hospital != places.end())
        places[emergency] = placing.place(hospital->second, 1, district.institutions[district.hospitals[0]].town);
    return places;
}

}  // namespace xinglin::city
