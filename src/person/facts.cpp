// SPDX-License-Identifier: Apache-2.0
// From a Patient to what it says about who it is.
//
// Sources: GB 11643-1999 (identity numbers); Crockford's base 32 for ids that are read aloud.
#include "person/facts.h"

#include <algorithm>

#include "identity/judge.h"
#include "identity/lunar.h"
#include "person/person.h"
#include "text/text.h"

namespace xinglin::person {

namespace {

using identity::normalised;
using identity::Role;

constexpr std::string_view resident_system = "urn:oid:2.16.156.10011.1.3";
constexpr std::size_t most_values = 8;  // of each kind: a Patient with thousands of numbers costs no more than others
constexpr std::string_view digits32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 无名氏, 无名男 and what systems write of those whose name nobody knows.
bool is_unnamed(std::string_view name) {
    for (const std::string_view begin :
         {"无名", "未知姓名", "佚名", "unknown", "john doe", "jane doe", "未取名", "未命名", "待定"})
        if (name.starts_with(begin)) return true;
    return false;
}

std::string whole_name(json::Value name) {
    if (const auto text = name["text"].string(); !text.empty()) return std::string(text);
    std::string given;
    for (const json::Node& node : name["given"].items())
        given += std::string(given.empty() ? "" : " ") + std::string(json::Value(&node).string());
    const std::string family(name["family"].string());
    const bool han = text::has_han(family) || text::has_han(given);
    return han ? family + given : given + (given.empty() || family.empty() ? "" : " ") + family;
}

void read_names(json::Value patient, Facts& facts, const identity::Wording* wording) {
    for (const json::Node& node : patient["name"].items()) {
        const json::Value each(&node);
        std::string name = normalised(Role::name_full, whole_name(each), wording);
        if (name.empty() || is_unnamed(name)) continue;
        const std::string_view use = each["use"].string();
        const bool former = use == "old" || use == "maiden" || use == "nickname" || use == "anonymous" || use == "temp";
        if (facts.name.empty() && !former) facts.name = std::move(name);
        else if (facts.other_names.size() < most_values && name != facts.name) facts.other_names.push_back(std::move(name));
    }
    if (facts.name.empty() && !facts.other_names.empty()) {
        facts.name = facts.other_names.front();
        facts.other_names.erase(facts.other_names.begin());
    }
    facts.newborn = identity::is_newborn(facts.name);
    facts.order = identity::birth_order(facts.name);
}

void read_identifiers(json::Value patient, Facts& facts) {
    for (const json::Node& node : patient["identifier"].items()) {
        const json::Value each(&node);
        const std::string_view system = each["system"].string(), value = each["value"].string();
        if (value.empty() || each["use"].string() == "old") continue;
        if (system == resident_system) {
            std::string number = normalised(Role::national_id, value);
            if (!number.empty() && facts.residents.size() < most_values) facts.residents.push_back(std::move(number));
        } else if (!system.empty() && facts.identifiers.size() < most_values) {
            const std::string folded = text::fold(value.substr(0, 100));
            if (folded.size() >= 4) facts.identifiers.push_back(std::string(system.substr(0, 200)) + '|' + folded);
        }
    }
    std::sort(facts.identifiers.begin(), facts.identifiers.end());
}

/// An identifier as text or as Identifier, in an extension of the patient or of the contact.
std::string number_in(json::Value element, std::string_view url) {
    for (const json::Node& node : element["extension"].items()) {
        const json::Value each(&node);
        if (each["url"].string() != url) continue;
        const std::string_view text = each["valueString"].string();
        return normalised(Role::national_id, text.empty() ? each["valueIdentifier"]["value"].string() : text);
    }
    return {};
}

bool is_mother(json::Value contact) {
    for (const json::Node& relation : contact["relationship"].items()) {
        for (const json::Node& node : json::Value(&relation)["coding"].items()) {
            const json::Value coding(&node);
            if (coding["code"].string() == "MTH" ||
                (coding["code"].string() == "52" && coding["system"].string().ends_with(".3.3.8")) ||
                coding["display"].string() == "母亲")
                return true;
        }
    }
    return false;
}

void read_mother(json::Value patient, Facts& facts, const identity::Wording* wording) {
    facts.mother_id = number_in(patient, mother_identifier_extension);
    if (facts.newborn) {
        const std::size_t at = facts.name.rfind("之");
        facts.mother = facts.name.substr(0, at);
    }
    for (const json::Node& node : patient["contact"].items()) {
        const json::Value contact(&node);
        if (!is_mother(contact)) continue;
        if (facts.mother_id.empty()) facts.mother_id = number_in(contact, mother_identifier_extension);
        if (facts.mother.empty()) facts.mother = normalised(Role::name_full, whole_name(contact["name"]), wording);
        break;
    }
    const std::string_view order = patient["multipleBirthInteger"].text();
    if (facts.order.empty() && !order.empty() && order.size() < 3) facts.order = order;
    if (facts.order == "大" || facts.order == "一" || facts.order == "1") facts.order = "1";
    if (facts.order == "小" || facts.order == "二" || facts.order == "2") facts.order = "2";
}

}  // namespace

std::string source_of(json::Value patient) {
    constexpr std::string_view ours = "urn:xinglin:source:";
    std::string_view source = patient["meta"]["source"].string();
    source = source.substr(0, source.find('#'));
    if (source.starts_with(ours)) return std::string(source.substr(ours.size(), 200));
    if (!source.empty()) return std::string(source.substr(0, 200));
    return std::string(patient["managingOrganization"]["reference"].string().substr(0, 200));
}

namespace {

std::string key_text(char kind, std::string_view a, std::string_view b) {
    std::string key(1, kind);
    key += a;
    key += '\n';
    key += b;
    return key;
}

constexpr char unit = '\x1f', record = '\x1e';

void add(std::string& out, std::string_view value) {
    for (const char c : value)
        if (c != unit && c != record) out += c;
    out += record;
}
void add(std::string& out, const std::vector<std::string>& values) {
    for (const std::string& each : values) {
        for (const char c : each)
            if (c != unit && c != record) out += c;
        out += unit;
    }
    out += record;
}

}  // namespace

Facts facts_of(json::Value patient, const identity::Wording* wording) {
    Facts facts;
    read_names(patient, facts, wording);
    read_identifiers(patient, facts);
    facts.sex = normalised(Role::sex, patient["gender"].string());
    facts.birth = normalised(Role::birth_date, patient["birthDate"].string());
    for (const json::Node& node : patient["telecom"].items()) {
        const json::Value each(&node);
        if (each["system"].string() != "phone" && each["system"].string() != "sms") continue;
        if (std::string phone = normalised(Role::phone, each["value"].string());
            phone.size() >= 5 && facts.phones.size() < most_values)
            facts.phones.push_back(std::move(phone));
    }
    const json::Value address = patient["address"][std::size_t{0}];
    std::string where(address["text"].string());
    if (where.empty()) {
        for (const std::string_view part : {address["state"].string(), address["city"].string(), address["district"].string()})
            where += part;
        for (const json::Node& line : address["line"].items()) where += json::Value(&line).string();
    }
    facts.address = normalised(Role::address, where, wording);
    read_mother(patient, facts, wording);
    facts.source = source_of(patient);
    return unpacked(packed(facts));  // what is kept is what is compared
}

std::string packed(const Facts& facts) {
    std::string out;
    for (const std::string* each :
         {&facts.name, &facts.sex, &facts.birth, &facts.address, &facts.mother, &facts.mother_id, &facts.order, &facts.source})
        add(out, *each);
    for (const auto* each : {&facts.other_names, &facts.residents, &facts.identifiers, &facts.phones}) add(out, *each);
    return out;
}

Facts unpacked(std::string_view text) {
    Facts facts;
    const std::vector<std::string_view> parts = text::split(text, record);
    std::size_t at = 0;
    for (std::string* each :
         {&facts.name, &facts.sex, &facts.birth, &facts.address, &facts.mother, &facts.mother_id, &facts.order, &facts.source}) {
        if (at < parts.size()) *each = parts[at];
        ++at;
    }
    for (auto* each : {&facts.other_names, &facts.residents, &facts.identifiers, &facts.phones}) {
        if (at < parts.size()) {
            for (const std::string_view value : text::split(parts[at], unit))
                if (!value.empty()) each->emplace_back(value);
        }
        ++at;
    }
    facts.newborn = identity::is_newborn(facts.name);
    return facts;
}

std::int64_t print_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325ull;  // FNV-1a, then the finalizer of SplitMix64
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ull;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebull;
    return static_cast<std::int64_t>((hash ^ (hash >> 31)) >> 1);
}

std::int64_t resident_key(std::string_view number) { return print_of(key_text('I', number, "")); }

std::vector<std::int64_t> keys_of(const Facts& facts) {
    std::vector<std::int64_t> keys;
    const auto key = [&](char kind, std::string_view a, std::string_view b) {
        if (!a.empty() && !b.empty()) keys.push_back(print_of(key_text(kind, a, b)));
    };
    for (const std::string& number : facts.residents) {
        keys.push_back(resident_key(number));
        if (number.size() >= 14) {  // one half mistyped
            key('H', number.substr(0, 14), facts.sex);
            key('T', number.substr(6), facts.name);
        }
    }
    for (const std::string& each : facts.identifiers) keys.push_back(print_of(key_text('L', each, "")));
    std::vector<std::string> names = facts.other_names;
    if (!facts.newborn) names.push_back(facts.name);
    const std::string month_day = facts.birth.size() == 8 ? facts.birth.substr(4) : "", year = facts.birth.substr(0, 4);
    std::vector<std::string> told_lunar;  // the day, if the date was told by the lunar calendar
    if (facts.birth.size() == 8) {
        const auto date = static_cast<std::uint32_t>(std::strtoul(facts.birth.c_str(), nullptr, 10));
        for (const bool leap : {false, true})
            if (const std::uint32_t solar = identity::solar_of_lunar(date, leap))
                told_lunar.push_back(fmt::format("{:08}", solar));
    }
    for (const std::string& name : names) {
        const std::string sound = identity::sound_of(name);
        const std::string first = sound.substr(0, sound.find(' '));
        key('B', sound, facts.birth);
        for (const std::string& solar : told_lunar) key('B', sound, solar);
        if (month_day != "0000") key('M', sound, month_day);
        key('Y', name, year + facts.sex);
        for (const std::string& phone : facts.phones) key('P', phone, sound);
        for (const std::string& phone : facts.phones) key('p', phone, first + facts.birth);
        key('A', facts.address, name);
        if (!facts.address.empty()) key('a', facts.address + first, facts.birth);
    }
    if (facts.birth.size() == 8 && month_day != "0000") {
        key('m', facts.mother_id, facts.birth);
        key('n', facts.mother, facts.birth);
        for (const std::string& phone : facts.phones) key('D', phone, facts.birth);
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
}

namespace {

/// A sum in which neighbours that change places, and one wrong character, do not go unseen (modulo 31, a prime).
char check_of(std::string_view body) {
    std::size_t sum = 0;
    for (const char c : body) sum = (sum * 2 + digits32.find(c) + 1) % 31;
    return digits32[sum];
}

}  // namespace

std::string enterprise_id(std::int64_t print) {
    auto rest = static_cast<std::uint64_t>(print) & ((1ull << 60) - 1);
    std::string body(12, '0');
    for (std::size_t i = body.size(); i-- > 0; rest >>= 5) body[i] = digits32[rest & 31];
    body += check_of(body);
    return body.substr(0, 5) + '-' + body.substr(5, 5) + '-' + body.substr(10);
}

std::int64_t print_in(std::string_view written) {
    std::string body;
    for (const char c : written.substr(0, 40)) {
        if (c == '-' || c == ' ') continue;
        char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
        upper = upper == 'O' ? '0' : upper == 'I' || upper == 'L' ? '1' : upper;
        if (digits32.find(upper) == std::string_view::npos) return 0;
        body += upper;
    }
    if (body.size() != 13 || check_of(std::string_view(body).substr(0, 12)) != body.back()) return 0;
    std::int64_t print = 0;
    for (const char c : body.substr(0, 12)) print = print << 5 | static_cast<std::int64_t>(digits32.find(c));
    return print;
}

}  // namespace xinglin::person
