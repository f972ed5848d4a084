// SPDX-License-Identifier: Apache-2.0
// A Patient as people read it.
#include <algorithm>

#include "people/people.h"
#include "text/text.h"

namespace xinglin::people {
namespace {

/// Lower is better; names and addresses of the past last.
int rank_of_use(std::string_view use) {
    constexpr std::string_view order[] = {"official", "usual",    "home",      "",       "temp", "work",
                                          "billing",  "nickname", "anonymous", "maiden", "old"};
    for (int i = 0; i < static_cast<int>(std::size(order)); ++i) {
        if (order[i] == use) return i;
    }
    return 50;
}

json::Value best_by_use(json::Value list) {
    json::Value best;
    int best_rank = 100;
    for (const json::Node& node : list.items()) {
        const json::Value one(&node);
        if (const int rank = rank_of_use(one.find("use").string()); rank < best_rank) {
            best = one;
            best_rank = rank;
        }
    }
    return best;
}

std::string joined(json::Value list, std::string_view between) {
    std::string out;
    for (const json::Node& node : list.items()) {
        const auto part = json::Value(&node).string();
        if (part.empty()) continue;
        if (!out.empty()) out += between;
        out += part;
    }
    return out;
}

}  // namespace

std::string display_name(json::Value patient) {
    const json::Value name = best_by_use(patient.find("name"));
    if (const auto text = name.find("text").string(); !text.empty()) return std::string(text);
    const std::string family(name.find("family").string());
    const std::string given = joined(name.find("given"), " ");
    if (text::has_han(family) || text::has_han(given)) {
        std::string whole = family + given;
        std::erase(whole, ' ');
        return whole;
    }
    return given.empty() || family.empty() ? given + family : given + ' ' + family;
}

std::string display_address(json::Value patient) {
    const json::Value address = best_by_use(patient.find("address"));
    if (const auto text = address.find("text").string(); !text.empty()) return std::string(text);
    const std::string line = joined(address.find("line"), " ");
    const std::string_view parts[] = {address.find("state").string(), address.find("city").string(),
                                      address.find("district").string()};
    if (text::has_han(line) || text::has_han(parts[1])) {  // the large before the small
        std::string whole;
        for (const std::string_view part : parts) whole += part;
        return whole + line;
    }
    std::string out = line;
    for (const std::string_view part : {parts[2], parts[1], parts[0]}) {
        if (part.empty()) continue;
        if (!out.empty()) out += ", ";
        out += part;
    }
    return out;
}

std::string masked_address(std::string_view whole) {
    constexpr std::string_view covered = "****";
    if (whole.empty()) return {};
    const auto first_end = [&](std::initializer_list<std::string_view> words) {
        std::size_t end = std::string_view::npos;
        for (const std::string_view word : words) {
            if (const std::size_t at = whole.find(word); at != std::string_view::npos) end = std::min(end, at + word.size());
        }
        return end;
    };
    for (const auto& words :
         {std::initializer_list<std::string_view>{"街道", "镇", "乡", "苏木"}, {"县", "区", "旗"}, {"市"}, {"省"}}) {
        if (const std::size_t end = first_end(words); end != std::string_view::npos)
            return end == whole.size() ? std::string(whole) : std::string(whole.substr(0, end)).append(covered);
    }
    const std::size_t line_end = whole.find(", ");  // "8 Main Street, Springfield"
    return std::string(covered).append(line_end == std::string_view::npos || text::has_han(whole) ? std::string_view()
                                                                                                  : whole.substr(line_end));
}

std::string identifier_label(json::Value identifier) {
    const json::Value type = identifier.find("type");
    if (const auto text = type.find("text").string(); !text.empty()) return std::string(text);
    const json::Value coding = type.find("coding")[std::size_t{0}];
    if (const auto display = coding.find("display").string(); !display.empty()) return std::string(display);
    if (const auto code = coding.find("code").string(); !code.empty()) return std::string(code);
    const std::string_view system = identifier.find("system").string();
    return std::string(system.substr(system.find_last_of("/:") + 1));
}

Person summary(json::Value patient) {
    Person person;
    person.id = patient.find("id").string();
    person.name = display_name(patient);
    if (text::has_han(person.name)) person.pinyin = text::pinyin_display(person.name);
    const auto sex = patient.find("gender").string();
    person.sex = sex.empty() ? "unknown" : std::string(sex);
    person.birth_date = patient.find("birthDate").string();
    person.deceased = patient.find("deceasedBoolean").as_bool() || !patient.find("deceasedDateTime").string().empty();
    person.address = masked_address(display_address(patient));
    if (const auto value = best_by_use(patient.find("identifier")).find("value").string(); !value.empty())
        person.identifier = text::mask_identifier(value);
    for (const json::Node& node : patient.find("telecom").items()) {
        const json::Value contact(&node);
        if (contact.find("system").string() != "phone" && contact.find("system").string() != "sms") continue;
        person.phone = text::mask_phone(contact.find("value").string());
        break;
    }
    return person;
}

}  // namespace xinglin::people
