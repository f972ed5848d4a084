// SPDX-License-Identifier: Apache-2.0
// For tests and benches only: people as institutions write them down, as rows and as Patients. Nobody among them lives: identity
// numbers of areas 1303 90 to 99, which there are none of, phones that begin with 160.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace xinglin::testing {

struct Told {
    std::string id, name, sex, birth, number, phone, address, source;  // birth: yyyymmdd; sex: male, female
    std::uint32_t person = 0;                                          // who it truly is
    std::string mistakes;
};

/// Seventeen digits and the check character of GB 11643 (ISO 7064 MOD 11-2).
inline std::string sound_number(std::string_view area, std::string_view birth, int order) {
    std::string number = fmt::format("{}{}{:03}", area, birth, order % 1000);
    constexpr std::array<int, 17> weights{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) sum += weights[i] * (number[i] - '0');
    return number + "10X98765432"[sum % 11];
}

inline std::string patient_of(const Told& told) {
    std::string text =
        fmt::format(R"({{"resourceType":"Patient","id":"{}","meta":{{"source":"urn:xinglin:source:{}"}})", told.id, told.source);
    if (!told.name.empty()) text += fmt::format(R"(,"name":[{{"text":"{}"}}])", told.name);
    if (!told.sex.empty()) text += fmt::format(R"(,"gender":"{}")", told.sex);
    if (told.birth.size() == 8)
        text += fmt::format(R"(,"birthDate":"{}-{}-{}")", told.birth.substr(0, 4), told.birth.substr(4, 2), told.birth.substr(6));
    else if (!told.birth.empty()) text += fmt::format(R"(,"birthDate":"{}")", told.birth);
    if (!told.number.empty())
        text += fmt::format(R"(,"identifier":[{{"system":"urn:oid:2.16.156.10011.1.3","value":"{}"}}])", told.number);
    if (!told.phone.empty()) text += fmt::format(R"(,"telecom":[{{"system":"phone","value":"{}"}}])", told.phone);
    if (!told.address.empty()) text += fmt::format(R"(,"address":[{{"text":"{}"}}])", told.address);
    return text + "}";
}

/// truth/records.csv of a made-up city.
inline std::vector<Told> told_of(std::string_view csv) {
    std::vector<Told> all;
    std::vector<std::pair<std::string, std::uint32_t>> persons;
    std::string last;
    std::uint32_t count = 0;
    std::unordered_map<std::string, std::uint32_t> numbers;
    for (std::size_t at = csv.find('\n') + 1; at < csv.size();) {
        const std::string_view line = csv.substr(at, csv.find('\n', at) - at);
        at += line.size() + 1;
        std::array<std::string, 9> cells;
        std::size_t cell = 0;
        bool quoted = false;
        for (const char c : line) {
            if (c == '"') quoted = !quoted;
            else if (c == ',' && !quoted) cell = std::min(cell + 1, cells.size() - 1);
            else if (c != '\r') cells[cell] += c;
        }
        std::erase(cells[3], '-');
        const auto [known, is_new] = numbers.emplace(cells[7], count);
        count += is_new;
        all.push_back({cells[0], cells[1], cells[2] == "男" ? "male" : "female", cells[3], cells[4], cells[5], cells[6],
                       cells[0].substr(0, cells[0].rfind('-')), known->second, cells[8]});
    }
    return all;
}

/// Twins, `pairs` of them: adjacent numbers, one birthday, one address, one phone, names that share a character or are of two characters;
/// two to four records each, some without a number, some without a phone.
inline std::vector<Told> made_twins(std::uint32_t pairs, std::uint64_t seed) {
    static constexpr std::array<std::string_view, 16> surnames{"王", "李", "张", "刘", "陈", "杨", "赵", "黄",
                                                               "周", "吴", "徐", "孙", "马", "朱", "胡", "林"};
    static constexpr std::array<std::string_view, 24> given{"果", "子", "雨", "文", "嘉", "若", "浩", "俊",
                                                            "思", "明", "晨", "欣", "然", "轩", "彤", "博",
                                                            "涵", "怡", "泽", "宁", "阳", "梦", "凯", "琪"};
    std::mt19937_64 random(seed);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    std::vector<Told> all;
    for (std::uint32_t pair = 0; pair < pairs; ++pair) {
        const std::string birth = fmt::format("{}{:02}{:02}", 1940 + pair / 336 % 84, 1 + pair / 28 % 12, 1 + pair % 28);
        const std::string surname(surnames[below(surnames.size())]), shared(given[below(given.size())]);
        const std::size_t one = below(given.size()), other = (one + 1 + below(given.size() - 1)) % given.size();
        const bool two_characters = below(5) == 0, first_shared = below(4) != 0, male = below(2) == 0, alike = below(5) != 0;
        const std::string phone = fmt::format("160{:08}", below(100'000'000)),
                          address = fmt::format("某市某区{}镇{}村{}号", below(40), below(300), 1 + below(200));
        const int order = static_cast<int>(pair / 28'224 % 160) * 6 + 1;
        for (std::uint32_t twin = 0; twin < 2; ++twin) {
            const std::string own(given[twin ? other : one]);
            const bool is_male = alike ? male : (twin == 0) == male;
            const std::string name = surname + (two_characters ? own : first_shared ? shared + own : own + shared);
            const int mine = alike ? order + (male ? 0 : 1) + 2 * static_cast<int>(twin) : order + (is_male ? 0 : 1);
            const std::size_t records = 2 + below(3);
            for (std::size_t i = 0; i < records; ++i) {
                Told told{fmt::format("w{}-{}-{}", pair, twin, i),
                          name,
                          is_male ? "male" : "female",
                          birth,
                          sound_number("130399", birth, mine),
                          phone,
                          address,
                          fmt::format("s{}", i),
                          2 * pair + twin,
                          ""};
                if (below(5) == 0) told.number.clear(), told.mistakes = "id_missing";
                if (below(8) == 0) told.phone = fmt::format("160{:08}", below(100'000'000));
                if (below(12) == 0) told.address.clear();
                all.push_back(std::move(told));
            }
        }
    }
    return all;
}

}  // namespace xinglin::testing
