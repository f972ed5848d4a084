// SPDX-License-Identifier: Apache-2.0
// Judging a resource: which sets it belongs to, whose it is, when it happened, and each rule.
#include "quality/judge.h"

#include "calendar/calendar.h"
#include "fhirpath/fhirpath.h"
#include "quality/plan.h"

namespace xinglin::quality {

namespace {

using fhirpath::Item;
using fhirpath::Spot;

constexpr std::int64_t hour_ms = 3'600'000, day_ms = 24 * hour_ms;
constexpr std::int64_t ahead_ms = hour_ms;  // a clock may be that much fast

/// FNV-1a: the same everywhere and always.
struct Print {
    std::uint64_t value = 0xcbf29ce484222325ull;
    void add(std::string_view text) {
        for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
        value = (value ^ 0xffu) * 0x100000001b3ull;  // 0xff is in no UTF-8: an end of its own
    }
};

std::int64_t day_of(std::int64_t ms, std::int16_t offset_minutes) {
    const std::int64_t local = ms + offset_minutes * 60'000ll;
    return local >= 0 ? local / day_ms : -((-local + day_ms - 1) / day_ms);
}

bool is_digits(std::string_view text) {
    for (const char c : text) {
        if (c < '0' || c > '9') return false;
    }
    return !text.empty();
}

}  // namespace

bool is_resident_id(std::string_view id) {
    if (id.size() != 18 || !is_digits(id.substr(0, 17))) return false;
    constexpr int weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (std::size_t i = 0; i < 17; ++i) sum += (id[i] - '0') * weights[i];
    if (id[17] != "10X98765432"[sum % 11]) return false;
    return calendar::parse_date(std::string(id.substr(6, 4)) + "-" + std::string(id.substr(10, 2)) + "-" +
                                std::string(id.substr(12, 2)))
        .has_value();
}

struct Judge::Inside {
    Inside(const Rulebook& rules, Around given) : book(rules), around(std::move(given)) {
        environment.member_of = around.member_of;
        environment.offset_minutes = around.offset_minutes;
        environment.now_ms = 1;  // rules know no present: figures of a day stay what they are
        environment.variables.push_back({"patient", {}});
    }
    const Rulebook& book;
    Around around;
    fhirpath::Environment environment;
    json::Arena arena;
    std::vector<Spot> spots;
    json::Value resource;
    Item item;

    void look_at(json::Value at, json::Value patient) {
        arena.clear();
        resource = at;
        item = fhirpath::item_of(at);
        environment.variables[0].second.clear();
        if (patient) environment.variables[0].second.push_back(fhirpath::item_of(patient));
    }
    bool has_patient() const { return !environment.variables[0].second.empty(); }

    /// Runs a path; texts of what it gives, elements as they are.
    fhirpath::Collection run(const Path& path) {
        auto result = path.whole().evaluate(item, environment);
        return result.ok() ? std::move(*result) : fhirpath::Collection{};
    }
    /// The truth of a path; nothing when it is empty or fails.
    std::optional<bool> truth(const Path& path) {
        if (path.asks_patient() && !has_patient()) return std::nullopt;
        if (path.quick() && path.quick()->is_test()) {
            spots.clear();
            path.quick()->run({.value = resource}, {.resource = resource, .arena = &arena}, spots);
            if (spots.size() != 1) return std::nullopt;
            return spots[0].boolean;
        }
        return fhirpath::truth(run(path));
    }
    /// Everything a path gives, as text.
    void texts(const Path& path, std::vector<std::string>& out) {
        out.clear();
        if (path.quick()) {
            spots.clear();
            path.quick()->run({.value = resource}, {.resource = resource, .arena = &arena}, spots);
            for (const Spot& spot : spots) out.emplace_back(spot.kind == Spot::Kind::element ? spot.value.text() : spot.text);
            return;
        }
        for (const Item& each : run(path))
            out.emplace_back(each.kind == Item::Kind::node ? each.value.text() : std::string_view(each.text));
    }
    std::string first(const PathPtr& path) {
        if (!path) return "";
        texts(*path, found);
        return found.empty() ? "" : found.front();
    }
    std::vector<std::string> found;

    struct Event {
        std::optional<calendar::Span> span;
        bool is_exact = false;  // to the day at least
    };
    Event event_of(const Set& set) {
        Event out;
        const std::string text = first(set.plan->event);
        if (const auto moment = calendar::parse_date_time(text, true)) {
            out.span = calendar::span_of(*moment, around.offset_minutes);
            out.is_exact = moment->precision >= calendar::Precision::day;
        }
        return out;
    }

    Mark check(const Rule::Test& test, const Event& event, const Arrived& arrived) {
        if (test.when) {
            if (truth(*test.when) != true) return Mark::untested;
        }
        const auto mark = [](bool good) { return good ? Mark::passed : Mark::failed; };
        switch (test.check) {
            case Check::none: {
                const auto said = truth(*test.need);
                return said ? mark(*said) : Mark::untested;
            }
            case Check::not_future: {
                if (!event.span) return Mark::untested;
                return mark(event.span->low_ms <= std::max(arrived.at_ms, arrived.told_ms) + ahead_ms);
            }
            case Check::known_code: return check_codes(*test.path);
            case Check::resident_id:
            case Check::id_birth_date:
            case Check::id_sex:
            case Check::known_unit: return check_texts(test);
        }
        return Mark::untested;
    }

    Mark check_codes(const Path& path) {
        if (!around.knows_code) return Mark::untested;
        Mark out = Mark::untested;
        const auto look = [&](json::Value coding) {
            const std::string_view system = coding["system"].string(), code = coding["code"].string();
            if (system.empty() || code.empty() || out == Mark::failed) return;
            if (const auto known = around.knows_code(system, code)) out = *known ? Mark::passed : Mark::failed;
        };
        if (path.quick()) {
            spots.clear();
            path.quick()->run({.value = resource}, {.resource = resource, .arena = &arena}, spots);
            for (const Spot& spot : spots) look(spot.value);
        } else {
            for (const Item& each : run(path)) look(each.value);
        }
        return out;
    }

    Mark check_texts(const Rule::Test& test) {
        texts(*test.path, found);
        const std::vector<std::string> values = found;
        const std::string against = first(test.against);
        Mark out = Mark::untested;
        for (const std::string& value : values) {
            bool good = true;
            if (test.check == Check::resident_id) {
                good = is_resident_id(value);
            } else if (test.check == Check::known_unit) {
                if (value.empty()) continue;
                good = fhirpath::ucum_valid(value);
            } else {
                if (!is_resident_id(value)) continue;  // another rule's business
                if (test.check == Check::id_birth_date) {
                    if (against.size() != 10) continue;
                    good = value.substr(6, 8) == against.substr(0, 4) + against.substr(5, 2) + against.substr(8, 2);
                } else {
                    if (against != "male" && against != "female") continue;
                    good = ((value[16] - '0') % 2 == 1) == (against == "male");
                }
            }
            if (!good) return Mark::failed;
            out = Mark::passed;
        }
        return out;
    }

    std::string who_of(const Set& set) {
        const std::string reference = first(set.plan->institution);
        const std::string_view key = fhirpath::reference_key(reference, "Organization");
        if (!key.empty()) return std::string(key.substr(key.find('/') + 1));
        const std::string_view source = resource["meta"]["source"].string();
        constexpr std::string_view ours = "urn:xinglin:source:";
        const std::string_view named = source.substr(0, source.find('#'));
        if (named.empty()) return "";
        return "source:" + std::string((named.starts_with(ours) ? named.substr(ours.size()) : named).substr(0, 200));
    }

    std::uint64_t key_of(const Set& set, const std::string& who) {
        if (set.twice < 0) return 0;
        Print print;
        print.add(set.id);
        print.add(who);
        for (const PathPtr& part : set.plan->duplicate) {
            texts(*part, found);
            if (found.empty()) return 0;  // not said: cannot be told apart from others
            for (const std::string& each : found) print.add(each);
            print.add("");
        }
        return print.value == 0 ? 1 : print.value;
    }

    /// How long it may take: by the first limit whose test is true.
    double hours_of(const Set& set) {
        for (const Set::Plan::Limit& limit : set.plan->limits) {
            if (truth(*limit.when) == true) return limit.hours;
        }
        return set.hours;
    }

    Verdict verdict(std::size_t at, const Arrived& arrived) {
        const Set& set = book.sets()[at];
        Verdict out;
        out.set = at;
        out.who = who_of(set);
        const Event event = event_of(set);
        const std::int64_t latest = std::max(arrived.at_ms, arrived.told_ms);
        const bool is_dated = event.span && event.is_exact && event.span->low_ms <= latest + ahead_ms;
        out.day = day_of(is_dated ? event.span->low_ms : latest, around.offset_minutes);
        out.marks.resize(set.rules.size());
        for (std::size_t i = 0; i < set.rules.size(); ++i) {
            if (set.rules[i].test) out.marks[i] = check(*set.rules[i].test, event, arrived);
        }
        if (set.in_time >= 0 && is_dated && arrived.told_ms > 0) {
            // Of an event known to the day only, its end counts.
            const double late_ms = static_cast<double>(arrived.told_ms - std::min(event.span->high_ms, arrived.told_ms));
            out.marks[static_cast<std::size_t>(set.in_time)] =
                late_ms <= hours_of(set) * static_cast<double>(hour_ms) ? Mark::passed : Mark::failed;
        }
        out.key = key_of(set, out.who);
        return out;
    }
};

Judge::Judge(const Rulebook& book, Around around) : inside_(std::make_unique<Inside>(book, std::move(around))) {}
Judge::~Judge() = default;

bool Judge::tells(json::Value resource, std::size_t at) {
    inside_->look_at(resource, {});
    const Set& set = inside_->book.sets()[at];
    if (set.plan->where && inside_->truth(*set.plan->where) != true) return false;
    return !set.plan->event || inside_->event_of(set).span.has_value();
}

std::vector<Verdict> Judge::judge(json::Value resource, json::Value patient, const std::function<Arrived(std::size_t)>& arrived) {
    Inside& me = *inside_;
    std::vector<Verdict> out;
    const fhir::Type* type = fhir::find_resource(resource["resourceType"].string());
    if (!type) return out;
    for (const std::size_t at : me.book.of_type(*type)) {
        me.look_at(resource, patient);
        const Set& set = me.book.sets()[at];
        if (set.plan->where && me.truth(*set.plan->where) != true) continue;
        const Arrived how = arrived(at);
        me.look_at(resource, patient);  // it may have looked at others meanwhile
        out.push_back(me.verdict(at, how));
    }
    return out;
}

std::string Judge::patient_of(json::Value resource) {
    Inside& me = *inside_;
    const fhir::Type* type = fhir::find_resource(resource["resourceType"].string());
    if (!type) return "";
    me.look_at(resource, {});
    for (const std::size_t at : me.book.of_type(*type)) {
        const Set& set = me.book.sets()[at];
        if (!set.asks_patient || !set.plan->patient) continue;
        const std::string reference = me.first(set.plan->patient);
        const std::string_view key = fhirpath::reference_key(reference, "Patient");
        if (!key.empty()) return std::string(key.substr(key.find('/') + 1));
    }
    return "";
}

}  // namespace xinglin::quality
