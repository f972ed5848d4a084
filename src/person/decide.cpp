// SPDX-License-Identifier: Apache-2.0
// Weights first, then the cases that weights alone get wrong.
#include "person/decide.h"

#include <algorithm>
#include <array>

#include "identity/lunar.h"
#include "person/counts.h"

namespace xinglin::person {

namespace {

using identity::level_in;
using identity::Role;

enum Field : std::size_t { name, sex, birth, national, phone, address };
enum Level : unsigned { missing, differs, far, loose, near, close, exact };

constexpr double most_a_pair_says = 12;  // log odds; one certain pair must not carry ten doubtful ones
constexpr double never = -40;
constexpr double one_number = 6;  // a sound number shared, nothing of weight against it
constexpr double like_twins = 1;  // log odds, at most, of what may be twins
constexpr double like_lent = 0.4;
constexpr double a_newborn = 4.5, perhaps_a_newborn = 1;
constexpr std::size_t most_members = 12, most_between = 48;

bool is_weak(unsigned level) { return level == differs || level == far; }

bool share(const std::vector<std::string>& one, const std::vector<std::string>& other) {
    for (const std::string& each : one)
        if (std::find(other.begin(), other.end(), each) != other.end()) return true;
    return false;
}

/// Newborn under the mother's name on one side, a child with a name of its own, or the same newborn, on the other.
std::optional<PairVerdict> newborn(const Facts& a, const Facts& b, identity::Judgement judgement) {
    if (!a.newborn && !b.newborn) return std::nullopt;
    PairVerdict verdict{judgement.log_odds, judgement.agreement, "newborn"};
    const bool one_day = !a.birth.empty() && a.birth == b.birth;
    const bool other_sex = !a.sex.empty() && !b.sex.empty() && a.sex != b.sex;
    if (!a.order.empty() && !b.order.empty() && a.order != b.order) verdict.never = true;
    if (!one_day || other_sex) verdict.never |= !one_day && level_in(judgement.agreement, birth) == differs;
    const bool by_number = !a.mother_id.empty() && a.mother_id == b.mother_id;
    const bool by_name = !a.mother.empty() && a.mother == b.mother;
    if (!by_number && !by_name) return a.newborn && b.newborn ? std::nullopt : std::optional(verdict);
    if (!one_day || other_sex) {
        verdict.log_odds = std::min(verdict.log_odds, 0.0);
        verdict.ask = true;
        return verdict;
    }
    const bool near_by = level_in(judgement.agreement, phone) >= near || level_in(judgement.agreement, address) >= near;
    verdict.log_odds = std::max(verdict.log_odds, by_number || near_by ? a_newborn : perhaps_a_newborn);
    // One says which of several it is, the other doesn't: it may be either.
    if (a.order.empty() != b.order.empty()) verdict.ask = true;
    return verdict;
}

}  // namespace

bool is_own_number(const Facts& facts) {
    if (!has_sound_number(facts)) return true;
    const std::string& number = facts.residents.front();
    const bool odd = (number[16] - '0') % 2 == 1;
    const bool other_sex = !facts.sex.empty() && facts.sex != (odd ? "m" : "f");
    const auto date = [](std::string_view text) {
        return static_cast<std::uint32_t>(std::strtoul(std::string(text).c_str(), nullptr, 10));
    };
    const bool other_birth = facts.birth.size() == 8 && facts.birth.substr(4) != "0000" && facts.birth != number.substr(6, 8) &&
                             !identity::are_one_day_told_lunar(date(facts.birth), date(std::string_view(number).substr(6, 8)));
    return !other_birth && !(other_sex && facts.birth.size() != 8);
}

PairVerdict judged(const Facts& a, const Facts& b, identity::Judgement judgement) {
    if (auto child = newborn(a, b, judgement)) return *child;
    PairVerdict verdict{judgement.log_odds, judgement.agreement};
    const auto level = [&](Field field) { return level_in(judgement.agreement, field); };
    const bool one_day = level(birth) == exact;
    if (one_day && !a.order.empty() && !b.order.empty() && a.order != b.order) {
        verdict.never = true;
        verdict.named = "twins";
        return verdict;
    }
    const bool sound = has_sound_number(a) && has_sound_number(b);
    const bool shared = share(a.residents, b.residents);
    if (shared) {
        const int against = is_weak(level(name)) + is_weak(level(birth)) + (level(sex) == differs);
        if (against >= 2 || (is_weak(level(name)) && level(phone) < near && level(address) < near)) {
            verdict.named = "lent_id";
            verdict.ask = true;
            verdict.log_odds = std::clamp(verdict.log_odds, -0.5, like_lent);
        } else if (against == 0 || !is_weak(level(name))) {
            verdict.log_odds = std::max(verdict.log_odds, one_number);
        } else {
            verdict.ask = true;
        }
        return verdict;
    }
    if (sound && is_own_number(a) && is_own_number(b)) {
        verdict.named = "two_ids";
        verdict.ask = true;
        const bool twins = one_day && level(name) < close;
        verdict.never = twins || level(name) < near;  // two people, each with a number that is right for them
        return verdict;
    }
    // Born on one day, names that are only alike: twins are that too.
    if (one_day && level(name) != missing && level(name) < close && (level(address) >= near || level(phone) >= near)) {
        if (verdict.log_odds > like_twins) verdict.named = "twins";
        verdict.log_odds = std::min(verdict.log_odds, like_twins);
        verdict.ask = true;
    }
    return verdict;
}

std::array<std::string_view, 6> row_of(const Facts& facts, const Facts* beside, std::array<std::string, 6>& kept) {
    const auto best = [&](const std::vector<std::string>& mine, const std::vector<std::string>* theirs) {
        if (mine.empty()) return std::string();
        if (theirs) {
            for (const std::string& each : mine)
                if (std::find(theirs->begin(), theirs->end(), each) != theirs->end()) return each;
        }
        return mine.front();
    };
    kept = {facts.name,
            facts.sex,
            facts.birth,
            best(facts.residents, beside ? &beside->residents : nullptr),
            best(facts.phones, beside ? &beside->phones : nullptr),
            facts.address};
    if (beside && facts.name != beside->name) {  // a former name is a name
        for (const std::string& each : facts.other_names)
            if (each == beside->name) kept[name] = each;
    }
    if (beside && (facts.newborn != beside->newborn))
        kept[name].clear();  // nothing follows from a name that it does not have yet
    // A number that is plainly somebody else's says nothing against others.
    if (!is_own_number(facts) && !(beside && share(facts.residents, beside->residents))) kept[national].clear();
    std::array<std::string_view, 6> row;
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = kept[i];
    return row;
}

std::vector<std::pair<int, std::int64_t>> counted_values(const Facts& facts) {
    std::vector<std::pair<int, std::int64_t>> values;
    std::array<std::string, 6> kept{facts.name, facts.sex, facts.birth, facts.national(), facts.phone(), facts.address};
    constexpr Role roles[] = {Role::name_full, Role::sex, Role::birth_date, Role::national_id, Role::phone, Role::address};
    for (std::size_t i = 0; i < kept.size(); ++i)
        if (!kept[i].empty()) values.emplace_back(static_cast<int>(roles[i]), print_of(kept[i]));
    return values;
}

identity::Bench Decider::bench() const {
    return identity::Bench(scales_, [this](Role role, std::string_view value) {
        identity::Bench::Frequency frequency;
        auto& query = connection_.prepare("SELECT print, n FROM person_value WHERE role = ? AND print IN (0, ?)");
        query.bind(1, static_cast<std::int64_t>(role)).bind(2, print_of(value));
        while (query.step())
            (query.integer(0) == 0 ? frequency.present : frequency.count) = static_cast<std::uint32_t>(query.integer(1));
        return frequency;
    });
}

std::vector<Record> Decider::candidates(const Facts& facts, Record self) const {
    std::map<Record, int> shared;
    auto& query = connection_.prepare("SELECT record FROM person_key WHERE key = ? LIMIT ?");
    const auto most = static_cast<std::int64_t>(settings_.most_in_block);
    for (const std::int64_t key : keys_of(facts)) {
        std::vector<Record> block;
        query.bind(1, key).bind(2, most + 1);
        while (query.step()) block.push_back(query.integer(0));
        if (static_cast<std::int64_t>(block.size()) > most) continue;  // too common to mean anything
        for (const Record record : block) ++shared[record];
    }
    shared.erase(self);
    std::vector<std::pair<int, Record>> order;
    for (const auto& [record, keys] : shared) order.emplace_back(-keys, record);
    std::sort(order.begin(), order.end());
    if (order.size() > settings_.most_compared) order.resize(settings_.most_compared);
    std::vector<Record> found;
    for (const auto& [keys, record] : order) found.push_back(record);
    return found;
}

std::optional<Known> Decider::known(Record record) const {
    auto& query = connection_.prepare("SELECT person, facts FROM person_record WHERE number = ? AND live = 1");
    query.bind(1, record);
    std::optional<Known> found;
    if (query.step()) found = Known{record, query.integer(0), unpacked(query.text(1))};
    query.reset();
    return found;
}

std::vector<Known> Decider::living(Record person, Record without) const {
    std::vector<Known> all;
    auto& query =
        connection_.prepare("SELECT number, facts FROM person_record WHERE person = ? AND live = 1 ORDER BY number LIMIT ?");
    query.bind(1, person).bind(2, static_cast<std::int64_t>(most_members) + 1);
    while (query.step()) {
        if (query.integer(0) == without) continue;
        all.push_back({query.integer(0), person, unpacked(query.text(1))});
    }
    return all;
}

Option Decider::fit(const Facts& facts, const std::vector<Known>& others) const { return between({{0, 0, facts}}, others); }

Option Decider::between(const std::vector<Known>& one, const std::vector<Known>& other) const {
    Option option;
    option.person = other.front().person;
    option.log_odds = -1e9;
    double sum = 0;
    std::size_t asked = 0, numbers = 0, lent = 0, born = 0, fitting = 0;
    bool two_ids = false;
    for (const Known& left : one) {
        for (const Known& right : other) {
            if (asked == most_between) break;
            identity::Bench pair = bench();
            std::array<std::string, 6> kept_left, kept_right;
            const auto row_left = row_of(left.facts, &right.facts, kept_left),
                       row_right = row_of(right.facts, &left.facts, kept_right);
            const std::uint32_t a = pair.add(row_left), b = pair.add(row_right);
            const PairVerdict verdict = judged(left.facts, right.facts, pair.judge(a, b));
            ++asked;
            sum += std::clamp(verdict.log_odds, -most_a_pair_says, most_a_pair_says);
            option.never |= verdict.never;
            two_ids |= verdict.named == "two_ids";
            lent += verdict.named == "lent_id";
            born += verdict.named == "newborn" && !verdict.ask && verdict.log_odds >= a_newborn;
            fitting += !left.facts.birth.empty() && left.facts.birth == right.facts.birth && left.facts.sex == right.facts.sex;
            numbers += share(left.facts.residents, right.facts.residents) && !verdict.ask;
            if (verdict.log_odds > option.log_odds) {
                option.log_odds = verdict.log_odds;
                option.best = right.record;
                option.agreement = verdict.agreement;
                option.named = verdict.named;
                option.ask = verdict.ask;
            }
        }
    }
    option.mean = asked ? sum / static_cast<double>(asked) : -1e9;
    // Whose mother, birthday and sex fit has moved and changed phones since: the best evidence counts.
    if (born > 0 && fitting == asked && !option.never) option.mean = std::max(option.mean, option.log_odds);
    if (numbers > 0 && option.mean < one_number && lent == 0 && !option.never)
        option.mean = std::max(option.mean, option.log_odds / 2);
    option.ask |= two_ids;
    if (lent > 0 && option.named.empty()) option.named = "lent_id";
    if (option.never) option.mean = option.log_odds = std::min(option.mean, never);
    return option;
}

std::vector<Option> Decider::options(const Facts& facts, Record self, const std::vector<Record>& except) const {
    if (facts.is_nobody()) return {};
    std::vector<Record> persons;
    for (const Record record : candidates(facts, self)) {
        const auto found = known(record);
        if (!found || std::find(except.begin(), except.end(), found->person) != except.end()) continue;
        if (std::find(persons.begin(), persons.end(), found->person) == persons.end()) persons.push_back(found->person);
    }
    std::vector<Option> options;
    for (const Record person : persons) {
        const std::vector<Known> members = living(person, self);
        if (!members.empty()) options.push_back(fit(facts, members));
    }
    std::stable_sort(options.begin(), options.end(), [](const Option& x, const Option& y) { return x.mean > y.mean; });
    return options;
}

}  // namespace xinglin::person
