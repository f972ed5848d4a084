// SPDX-License-Identifier: Apache-2.0
// The places of a district, as many institutions as the plan counts, under codes that belong to nobody.
#include "city/district.h"

#include <fmt/format.h>

#include "city/random.h"
#include "message/message.h"

namespace xinglin::city {

char resident_check(std::string_view digits) {
    constexpr int weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (std::size_t i = 0; i < 17; ++i) sum += (digits[i] - '0') * weights[i];
    return "10X98765432"[sum % 11];
}

char credit_check(std::string_view characters) {
    constexpr std::string_view alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    constexpr int weights[] = {1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28};
    int sum = 0;
    for (std::size_t i = 0; i < 17; ++i) sum += static_cast<int>(alphabet.find(characters[i])) * weights[i];
    return alphabet[static_cast<std::size_t>((31 - sum % 31) % 31)];
}

namespace {

/// A code of an institution below an area that is assigned to none.
std::string credit_code(std::string_view area, std::uint32_t number) {
    std::string organisation = fmt::format("X{:07}", number % 10'000'000);
    constexpr int weights[] = {3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (std::size_t i = 0; i < 8; ++i) sum += (organisation[i] == 'X' ? 33 : organisation[i] - '0') * weights[i];
    const int check = 11 - sum % 11;
    organisation += check == 10 ? 'X' : check == 11 ? '0' : static_cast<char>('0' + check);
    std::string code = fmt::format("12{}{}", area, organisation);
    return code + credit_check(code);
}

constexpr std::string_view good_words[] = {"康宁", "仁济", "惠民", "安和", "德善", "同心", "济世", "益寿", "福康", "春晖",
                                           "明德", "博爱", "长城", "海韵", "平安", "瑞康", "永康", "和顺", "华康", "民心"};

std::string word(std::uint32_t i) {
    constexpr std::string_view surnames[] = {"", "新", "老", "大", "东", "西", "南", "北"};
    return std::string(surnames[i / std::size(good_words) % std::size(surnames)]) +
           std::string(good_words[i % std::size(good_words)]);
}

class Builder {
public:
    Builder(District& district, Random& random) : district_(district), facts_(*district.facts), random_(random) {}

    void communities() {
        double total = 0;
        for (const Town& town : facts_.towns) total += town.population;
        for (std::size_t t = 0; t < facts_.towns.size(); ++t) {
            const Town& town = facts_.towns[t];
            std::vector<double> sizes;
            double sum = 0;
            for (std::size_t c = 0; c < town.communities.size(); ++c) sum += sizes.emplace_back(0.5 + random_.unit() * 1.2);
            for (std::size_t c = 0; c < town.communities.size(); ++c) {
                district_.communities.push_back(
                    {town.communities[c].first, town.communities[c].second, static_cast<std::uint16_t>(t), town.is_urban,
                     town.population / total * sizes[c] / sum, town.longitude + random_.normal(0, town.is_urban ? 0.006 : 0.018),
                     town.latitude + random_.normal(0, town.is_urban ? 0.005 : 0.015), none16});
            }
        }
    }

    void institution(std::string_view key, std::string name, std::string_view type, Kind kind, std::uint16_t town,
                     std::uint16_t community, std::string_view format, int doctors) {
        Institution each{};
        each.key = district_.number == 0 ? std::string(key) : fmt::format("d{}-{}", district_.number + 1, key);
        each.name = district_.number == 0 ? std::move(name) : fmt::format("{}（第{}区）", name, district_.number + 1);
        each.institution_class = type;
        each.uscc = credit_code(district_.id_area, static_cast<std::uint32_t>(district_.institutions.size()) + 1);
        each.format = format;
        each.id = message::stable_id(each.key, "Organization", each.key);
        each.kind = kind;
        each.town = town;
        each.community = community;
        each.first_doctor = static_cast<std::uint32_t>(district_.doctors.size());
        each.doctors = static_cast<std::uint32_t>(doctors);
        const auto place = static_cast<std::uint16_t>(district_.institutions.size());
        district_.institutions.push_back(std::move(each));
        for (int i = 0; i < doctors; ++i) doctor(place, static_cast<std::uint32_t>(i));
        lists(place, kind, town);
    }

    void named() {
        for (const InstitutionFact& fact : facts_.institutions) {
            const std::uint16_t town = town_of(fact.town);
            const Kind kind = kind_of(fact.kind);
            const int doctors = kind == Kind::hospital ? fact.beds * 45 / 100 : kind == Kind::clinic ? 3 : 14;
            institution(fact.key, fact.name, fact.institution_class, kind, town, first_community(town), fact.format, doctors);
            district_.institutions.back().beds = fact.beds;
            district_.institutions.back().share = fact.share;
            district_.institutions.back().encoding = fact.encoding;
            if (fact.kind == "cdc") district_.cdc = static_cast<std::uint16_t>(district_.institutions.size() - 1);
            if (fact.kind == "mch") district_.mch = static_cast<std::uint16_t>(district_.institutions.size() - 1);
        }
    }

    void small_ones() {
        const auto size = static_cast<std::uint32_t>(district_.communities.size());
        std::vector<std::uint16_t> urban, rural;
        for (std::uint16_t c = 0; c < size; ++c) (district_.communities[c].is_urban ? urban : rural).push_back(c);
        if (urban.empty()) urban = rural;
        if (rural.empty()) rural = urban;
        for (int i = 0; i < facts_.stations; ++i) {
            const std::uint16_t c = urban[static_cast<std::size_t>(i) % urban.size()];
            small(fmt::format("station-{:02}", i + 1), district_.communities[c].name + "卫生服务站", "B200", Kind::station, c, 4);
        }
        for (int i = 0; i < facts_.clinics; ++i) {
            const std::uint16_t c = i % 4 == 3 ? rural[static_cast<std::size_t>(i) % rural.size()]
                                               : urban[static_cast<std::size_t>(i) % urban.size()];
            small(fmt::format("clinic-{:02}", i + 1), word(static_cast<std::uint32_t>(i)) + "诊所", "D211", Kind::clinic, c, 1);
        }
        for (int i = 0; i < facts_.village_rooms; ++i) {
            const std::uint16_t c = rural[static_cast<std::size_t>(i) % rural.size()];
            if (district_.communities[c].village_room == none16)
                district_.communities[c].village_room = static_cast<std::uint16_t>(district_.institutions.size());
            small(fmt::format("room-{:02}", i + 1), district_.communities[c].name + "卫生室", "D600", Kind::village_room, c, 1);
        }
        for (int i = 0; i < facts_.pharmacies; ++i) {
            const std::uint16_t c = i % 3 == 2 ? rural[static_cast<std::size_t>(i * 7) % rural.size()]
                                               : urban[static_cast<std::size_t>(i) % urban.size()];
            small(fmt::format("pharmacy-{:02}", i + 1), word(static_cast<std::uint32_t>(i + 5)) + "大药房", "", Kind::pharmacy, c,
                  0);
        }
    }

    void schools() {
        const struct {
            SchoolKind kind;
            int count;
            std::string_view key, name;
        } kinds[] = {{SchoolKind::kindergarten, facts_.kindergartens, "kindergarten", "幼儿园"},
                     {SchoolKind::primary, facts_.primary, "primary", "小学"},
                     {SchoolKind::middle, facts_.middle, "middle", "中学"},
                     {SchoolKind::high, facts_.high, "high", "高级中学"}};
        for (const auto& kind : kinds) {
            // A slice of the district has a slice of its schools, of the usual size.
            const int count = std::max(1, static_cast<int>(kind.count * district_.scale + 0.5));
            for (int i = 0; i < count; ++i) {
                const auto town = static_cast<std::uint16_t>(static_cast<std::size_t>(i) % facts_.towns.size());
                const std::string key = fmt::format(
                    "{}{}-{:02}", district_.number == 0 ? "" : fmt::format("d{}-", district_.number + 1), kind.key, i + 1);
                district_.schools.push_back({key, word(static_cast<std::uint32_t>(i) * 3 + 2) + std::string(kind.name), kind.kind,
                                             town, facts_.towns[town].longitude + random_.normal(0, 0.01),
                                             facts_.towns[town].latitude + random_.normal(0, 0.008)});
            }
        }
    }

private:
    District& district_;
    const Facts& facts_;
    Random& random_;

    static Kind kind_of(std::string_view kind) {
        return kind == "hospital" ? Kind::hospital
               : kind == "cdc"    ? Kind::cdc
               : kind == "mch"    ? Kind::mch
               : kind == "centre" ? Kind::centre
                                  : Kind::clinic;
    }
    std::uint16_t town_of(std::string_view code) const {
        for (std::size_t t = 0; t < facts_.towns.size(); ++t) {
            if (facts_.towns[t].code == code) return static_cast<std::uint16_t>(t);
        }
        return 0;
    }
    std::uint16_t first_community(std::uint16_t town) const {
        for (std::size_t c = 0; c < district_.communities.size(); ++c) {
            if (district_.communities[c].town == town) return static_cast<std::uint16_t>(c);
        }
        return 0;
    }
    void small(const std::string& key, const std::string& name, std::string_view type, Kind kind, std::uint16_t community,
               int doctors) {
        institution(key, name, type, kind, district_.communities[community].town, community, "csv", doctors);
    }
    void lists(std::uint16_t place, Kind kind, std::uint16_t town) {
        if (kind == Kind::hospital) district_.hospitals.push_back(place);
        if (kind == Kind::clinic) district_.clinics[town].push_back(place);
        if (kind == Kind::station) district_.stations[town].push_back(place);
        if (kind == Kind::pharmacy) district_.pharmacies[town].push_back(place);
        if (kind == Kind::centre) district_.centres[town].push_back(place);
    }
    void doctor(std::uint16_t institution, std::uint32_t i) {
        constexpr std::string_view depts[] = {"03.01", "03.04", "20", "04", "03.03", "07", "05", "03.02", "03.07", "11",
                                              "10",    "12",    "13", "16", "03.06", "19", "15", "04",    "05",    "21"};
        const Institution& at = district_.institutions[institution];
        const bool male = random_.chance(0.47);
        const Given& given = facts_.given[(male ? 4 : 5) % facts_.given.size()];
        std::string name = facts_.surnames[random_.below(40) % facts_.surnames.size()].first;
        name += given.names[random_.below(static_cast<std::uint32_t>(given.names.size()))];
        const std::string number = fmt::format("{}-{:03}", at.key, i + 1);
        const bool hospital = at.kind == Kind::hospital;
        district_.doctors.push_back({institution, message::stable_id(at.key, "Practitioner", number), number, std::move(name),
                                     std::string(hospital ? depts[i % std::size(depts)] : "02"), male});
    }
};

}  // namespace

std::uint16_t District::centre_of(std::uint16_t community) const {
    const std::uint16_t town = communities[community].town;
    if (!centres[town].empty()) return centres[town][0];
    for (const auto& of_town : centres) {  // a town without one goes to the nearest in the list
        if (!of_town.empty()) return of_town[0];
    }
    return hospitals[0];
}

double District::beds() const {
    double beds = 0;
    for (const Institution& each : institutions) {
        if (each.kind == Kind::hospital) beds += each.beds;
    }
    return beds * scale;
}

District make_district(const Facts& facts, std::uint32_t number, std::uint32_t population, std::uint64_t seed) {
    District district;
    district.facts = &facts;
    district.number = number;
    district.seed = mix(seed + number * 1'000'003ull);
    district.population = population;
    district.scale = population / facts.population;
    // 1303 80-99 and 1399 00-99 are no area codes: such an id can never have been given to anyone.
    district.id_area = number < 20 ? fmt::format("{}", 130399 - number) : fmt::format("{}", 139900 + (number - 20) % 100);
    district.name = facts.name;
    const std::size_t towns = facts.towns.size();
    district.clinics.resize(towns);
    district.stations.resize(towns);
    district.pharmacies.resize(towns);
    district.centres.resize(towns);
    Random random(seed, Purpose::places, number);
    Builder builder(district, random);
    builder.communities();
    builder.named();
    builder.small_ones();
    builder.schools();
    return district;
}

}  // namespace xinglin::city
