// SPDX-License-Identifier: Apache-2.0
// Typing mistakes, characters that sound alike, missing, old, mistyped and lent ids, shared telephones, babies without a name.
#include "city/noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "calendar/calendar.h"
#include "city/random.h"
#include "text/text.h"

namespace xinglin::city {

namespace {
/// Pairs that look alike to whoever types from a card.
constexpr std::pair<std::string_view, std::string_view> pairs[] = {
    {"晴", "睛"}, {"淑", "叔"}, {"丽", "两"}, {"伟", "纬"}, {"杨", "扬"}, {"博", "搏"}, {"梅", "海"}, {"玲", "铃"}, {"芳", "方"},
    {"静", "净"}, {"莉", "利"}, {"娟", "捐"}, {"敏", "敬"}, {"建", "健"}, {"军", "车"}, {"涛", "寿"}, {"浩", "洁"}, {"俊", "竣"},
    {"桂", "挂"}, {"秀", "透"}, {"珍", "诊"}, {"红", "江"}, {"宇", "字"}, {"轩", "杆"}, {"涵", "函"}, {"欣", "欧"}, {"怡", "恰"},
    {"辰", "晨"}, {"泽", "译"}, {"萱", "宣"}, {"英", "央"}, {"华", "毕"}, {"明", "朋"}, {"强", "张"}, {"晶", "品"}, {"琳", "淋"}};

std::vector<std::string> characters(std::string_view text) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size();) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const std::size_t length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
        out.emplace_back(text.substr(at, length));
        at += length;
    }
    return out;
}
}  // namespace

std::string_view mistake_name(Mistake mistake) {
    constexpr std::string_view names[] = {"name_typo",   "name_homophone", "id_missing", "id_typo",
                                          "id_letter_o", "id_15",          "id_lent",    "phone_shared",
                                          "birth_wrong", "sex_wrong",      "newborn",    "second_number"};
    return names[static_cast<std::size_t>(mistake)];
}

Alike::Alike(const Facts& facts) {
    std::set<std::string> all;
    for (const Given& given : facts.given) {
        for (const std::string& name : given.names) {
            for (std::string& character : characters(name)) all.insert(std::move(character));
        }
    }
    std::map<std::string, std::vector<std::string>> sounds;
    for (const std::string& character : all) sounds[text::pinyin(character)].push_back(character);
    for (const auto& [sound, group] : sounds) {
        for (const std::string& each : group) {
            for (const std::string& other : group) {
                if (other != each) by_sound_[each].push_back(other);
            }
        }
    }
    for (const auto& [a, b] : pairs) {
        by_look_.emplace(a, b);
        by_look_.emplace(b, a);
    }
}

std::string_view Alike::sound(std::string_view character, Random& random) const {
    const auto found = by_sound_.find(character);
    return found == by_sound_.end() ? std::string_view{}
                                    : found->second[random.below(static_cast<std::uint32_t>(found->second.size()))];
}
std::string_view Alike::look(std::string_view character) const {
    const auto found = by_look_.find(character);
    return found == by_look_.end() ? std::string_view{} : found->second;
}

namespace {

class Clerk {
public:
    Clerk(const World& world, const Alike& alike, std::uint32_t person, std::uint32_t source, std::int32_t day, bool second)
        : world_(world),
          facts_(world.facts),
          alike_(alike),
          i_(person),
          day_(day),
          person_(world.people.all[person]),
          random_(world.district.seed, Purpose::noise, person, source * 2ull + second) {}

    Written write(std::uint32_t source, bool second) {
        // A number that says nothing of the person: a permutation of seven digits.
        const std::uint64_t number = (i_ % 5'000'000 + (second ? 5'000'000ull : 0)) * 7'654'321ull + source * 1'234'567ull;
        out_.number = fmt::format("{:07}", number % 10'000'000);
        if (second) made(Mistake::second_number);
        out_.surname = facts_.surnames[person_.surname].first;
        out_.given = given_name(facts_, person_);
        out_.birth = person_.birth;
        out_.male = person_.male;
        const std::uint32_t household = world_.people.household(i_, day_);
        out_.address = address_of(world_.district, world_.people.households[household]);
        phone(household);
        name();
        id();
        birth();
        return std::move(out_);
    }

private:
    const World& world_;
    const Facts& facts_;
    const Alike& alike_;
    const std::uint32_t i_;
    const std::int32_t day_;
    const Person& person_;
    Random random_;
    Written out_;

    void made(Mistake mistake) { out_.mistakes.push_back(mistake); }
    bool slips(std::string_view fault) { return random_.chance(facts_.fault(fault)); }

    void phone(std::uint32_t household) {
        const int age = world_.people.age(person_, day_);
        out_.phone = phone_of(world_.district, i_, age, household);
        const bool shared = slips("phone_shared");
        const std::uint32_t other = person_.spouse != none32 ? person_.spouse : person_.mother;
        if (!shared || other == none32) return;
        out_.phone = phone_of(world_.district, other, 40, household);
        made(Mistake::phone_shared);
    }

    void name() {
        const bool typo = slips("name_typo"), homophone = slips("name_homophone");
        if (day_ - person_.birth < 45 && person_.mother != none32) {  // the child has no name yet
            const Person& mother = world_.people.all[person_.mother];
            out_.surname = facts_.surnames[mother.surname].first;
            out_.given = given_name(facts_, mother) + (person_.male ? "之子" : "之女");
            if (person_.is_twin) out_.given += i_ % 2 == 0 ? "大" : "小";
            made(Mistake::newborn);
            return;
        }
        if (!typo && !homophone) return;
        std::vector<std::string> given = characters(out_.given);
        std::string& character = given[random_.below(static_cast<std::uint32_t>(given.size()))];
        const std::string_view other = homophone ? alike_.sound(character, random_) : alike_.look(character);
        if (other.empty()) return;
        character = other;
        out_.given.clear();
        for (const std::string& each : given) out_.given += each;
        made(homophone ? Mistake::name_homophone : Mistake::name_typo);
    }

    void id() {
        const bool missing = slips("id_missing"), lent = slips("id_lent"), old = slips("id_15"), letter = slips("id_letter_o"),
                   typo = slips("id_typo");
        if (day_ - person_.birth < 60) return;  // none has been given
        if (missing) return made(Mistake::id_missing);
        out_.id = resident_id(world_.district, person_);
        const std::uint32_t relative = person_.spouse != none32 ? person_.spouse : person_.mother;
        if (lent && relative != none32) {
            out_.id = resident_id(world_.district, world_.people.all[relative]);
            return made(Mistake::id_lent);
        }
        if (old && out_.id[6] == '1' && out_.id.substr(6, 4) < "1985") {
            out_.id = out_.id.substr(0, 6) + out_.id.substr(8, 9);
            return made(Mistake::id_15);
        }
        if (letter && out_.id.find('0', 10) != std::string::npos) {
            out_.id[out_.id.find('0', 10)] = 'O';
            return made(Mistake::id_letter_o);
        }
        if (!typo) return;
        const std::size_t at = 6 + random_.below(10);
        if (random_.chance(0.5) && out_.id[at] != out_.id[at + 1]) std::swap(out_.id[at], out_.id[at + 1]);
        else out_.id[at] = static_cast<char>('0' + (out_.id[at] - '0' + 1 + random_.below(8)) % 10);
        made(Mistake::id_typo);
    }

    void birth() {
        if (slips("birth_wrong")) {
            calendar::Civil date = calendar::civil_from_days(person_.birth);
            if (date.day <= 12 && date.day != date.month) std::swap(date.month, date.day);
            else date.year -= 10;
            date.day = std::min(date.day, calendar::days_in_month(date.year, date.month));
            const auto wrong = static_cast<std::int32_t>(calendar::days_from_civil(date.year, date.month, date.day));
            if (wrong <= day_) {
                out_.birth = wrong;
                made(Mistake::birth_wrong);
            }
        }
        if (slips("sex_wrong")) {
            out_.male = !out_.male;
            made(Mistake::sex_wrong);
        }
    }
};

}  // namespace

bool has_second_number(const World& world, std::uint32_t person, std::uint32_t source) {
    return Random(world.district.seed, Purpose::noise, person, source + 7'000'000ull).chance(0.012);
}

Written written(const World& world, const Alike& alike, std::uint32_t person, std::uint32_t source, std::int32_t day,
                bool second_number) {
    return Clerk(world, alike, person, source, day, second_number).write(source, second_number);
}

}  // namespace xinglin::city
