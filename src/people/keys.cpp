// SPDX-License-Identifier: Apache-2.0
// From a Patient to keys, and from a search word to prefixes of keys.
#include "people/keys.h"

#include <algorithm>

#include "calendar/calendar.h"
#include "people/people.h"
#include "text/text.h"

namespace xinglin::people {
namespace {

constexpr std::size_t longest_key = 60;     // bytes
constexpr std::size_t most_name_keys = 40;  // per name: names are short, hostile ones are not
constexpr std::size_t most_of_a_kind = 20;  // names, identifiers, phones of one patient

std::string letters_and_digits(std::string_view text) {
    std::string out;
    for (const char c : text::fold(text)) {
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80) out += c;
    }
    return out;
}

std::string digits(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c >= '0' && c <= '9') out += c;
    }
    return out;
}

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

std::string cut(std::string_view text) {
    if (text.size() <= longest_key) return std::string(text);
    std::size_t end = longest_key;
    while (end > 0 && !begins_character(text[end])) --end;
    return std::string(text.substr(0, end));
}

std::string key(char kind, std::string_view text) { return kind + cut(text); }
std::string backwards(std::string_view text) { return std::string(text.rbegin(), text.rend()); }

void add_name(std::vector<std::string>& names, std::string name) {
    if (!name.empty() && names.size() < most_of_a_kind && std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(std::move(name));
}

void add_names(Entry& entry, json::Value human_name) {
    add_name(entry.names, text::fold(human_name.find("text").string()));
    std::string given;
    for (const json::Node& node : human_name.find("given").items()) {
        if (!given.empty()) given += ' ';
        given += json::Value(&node).string();
    }
    const std::string family(human_name.find("family").string());
    if (text::has_han(family) || text::has_han(given)) {
        std::string whole = family + given;
        std::erase(whole, ' ');
        add_name(entry.names, text::fold(whole));
    } else {
        add_name(entry.names, text::fold(given + ' ' + family));
    }
}

/// Every character of a Han name begins a key; of other names every word, and every place within a word that leaves three letters.
void add_name_keys(std::string_view name, std::vector<std::string>& keys) {
    keys.push_back(key('N', name));
    std::size_t made = 0;
    for (std::size_t at = 1; at < name.size() && made < most_name_keys; ++at) {
        if (!begins_character(name[at]) || name[at] == ' ') continue;
        const bool is_ascii = static_cast<unsigned char>(name[at]) < 0x80;
        const std::size_t word_end = std::min(name.find(' ', at), name.size());
        if (is_ascii && name[at - 1] != ' ' && word_end - at < 3) continue;
        keys.push_back(key('n', name.substr(at)));
        ++made;
    }
}

void add_pinyin_keys(std::string_view syllables, std::vector<std::string>& keys) {
    const auto parts = text::split(syllables, ' ');
    std::string rest, initials;
    for (std::size_t i = parts.size(); i-- > 0;) {
        rest.insert(0, parts[i]);
        keys.push_back(key('p', rest));
        if (!parts[i].empty()) initials.insert(0, 1, parts[i].front());
    }
    if (!initials.empty()) keys.push_back(key('i', initials));
}

bool all_of(std::string_view text, bool (*is)(char)) { return !text.empty() && std::all_of(text.begin(), text.end(), is); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
bool is_date_character(char c) { return is_digit(c) || c == '-' || c == '/' || c == '.'; }

/// "19590312" for 19590312, 1959-03-12, 1959/3/12; "195903" for 1959-03; else "".
std::string birth_digits(std::string_view word) {
    if (!all_of(word, is_date_character)) return {};
    std::string date(word);
    if (all_of(word, is_digit)) {
        if (word.size() != 8) return {};
    } else {
        for (char& c : date) c = is_digit(c) ? c : '-';
        std::string padded;
        for (const std::string_view part : text::split(date, '-'))
            padded += part.size() == 1 ? "0" + std::string(part) : std::string(part);
        date = padded;
        if (date.size() != 8 && date.size() != 6) return {};
    }
    const std::string iso = date.substr(0, 4) + '-' + date.substr(4, 2) + (date.size() == 8 ? '-' + date.substr(6, 2) : "");
    return calendar::parse_date(iso) ? date : std::string();
}

}  // namespace

Entry entry_of(json::Value patient) {
    Entry entry;
    add_name(entry.names, text::fold(display_name(patient)));
    for (const json::Node& node : patient.find("name").items()) add_names(entry, json::Value(&node));
    for (const std::string& name : entry.names) {
        if (!text::has_han(name)) continue;
        std::string syllables;
        for (const std::string& syllable : text::pinyin_syllables(name)) syllables += (syllables.empty() ? "" : " ") + syllable;
        if (std::find(entry.pinyin.begin(), entry.pinyin.end(), syllables) == entry.pinyin.end())
            entry.pinyin.push_back(std::move(syllables));
    }
    for (const json::Node& node : patient.find("identifier").items()) {
        std::string value = letters_and_digits(json::Value(&node).find("value").string());
        if (!value.empty() && entry.identifiers.size() < most_of_a_kind) entry.identifiers.push_back(std::move(value));
    }
    for (const json::Node& node : patient.find("telecom").items()) {
        const json::Value contact(&node);
        const auto system = contact.find("system").string();
        std::string number = digits(contact.find("value").string());
        if ((system == "phone" || system == "sms" || system.empty()) && number.size() >= 4 &&
            entry.phones.size() < most_of_a_kind) {
            entry.phones.push_back(std::move(number));
        }
    }
    entry.birth = digits(patient.find("birthDate").string());
    return entry;
}

std::vector<std::string> keys_of(const Entry& entry) {
    std::vector<std::string> keys = {key('A', entry.names.empty() ? "" : entry.names.front())};
    for (const std::string& name : entry.names) add_name_keys(name, keys);
    for (const std::string& syllables : entry.pinyin) add_pinyin_keys(syllables, keys);
    for (const std::string& identifier : entry.identifiers) {
        keys.push_back(key('d', identifier));
        keys.push_back(key('e', backwards(identifier)));
    }
    for (const std::string& phone : entry.phones) {
        keys.push_back(key('t', phone));
        keys.push_back(key('u', backwards(phone)));
    }
    if (!entry.birth.empty()) keys.push_back(key('b', entry.birth));
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
}

std::vector<Meaning> meanings_of(std::string_view word) {
    std::vector<Meaning> meanings;
    const std::string plain = letters_and_digits(word);
    const std::string number = digits(word);
    const bool has_digit = !number.empty();
    if (const std::string birth = birth_digits(word); !birth.empty()) meanings.push_back({key('b', birth), "birth_date"});
    if (!text::has_han(word)) {
        if (has_digit && plain.size() >= 4) {
            meanings.push_back({key('e', backwards(plain)), "identifier"});
            meanings.push_back({key('d', plain), "identifier"});
        }
        if (number.size() >= 4 && number.size() == plain.size()) {
            meanings.push_back({key('u', backwards(number)), "phone"});
            meanings.push_back({key('t', number), "phone"});
        }
    }
    if (all_of(word, is_digit)) return meanings;
    meanings.push_back({key('N', word), "name"});
    meanings.push_back({key('n', word), "name"});
    if (all_of(plain, is_letter) && plain.size() == word.size()) {
        meanings.push_back({key('i', plain), "initials"});
        meanings.push_back({key('p', plain), "pinyin"});
    }
    return meanings;
}

bool fits(const std::vector<std::string>& keys, const std::vector<Meaning>& meanings) {
    for (const Meaning& meaning : meanings) {
        const auto at = std::lower_bound(keys.begin(), keys.end(), meaning.prefix);
        if (at != keys.end() && at->starts_with(meaning.prefix)) return true;
    }
    return false;
}

std::string join(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) {
        if (!out.empty()) out += '\n';
        out += line;
    }
    return out;
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    if (text.empty()) return lines;
    for (const std::string_view line : text::split(text, '\n')) lines.emplace_back(line);
    return lines;
}

}  // namespace xinglin::people
