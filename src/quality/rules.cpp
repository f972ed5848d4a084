// SPDX-License-Identifier: Apache-2.0
// Reading the rules: every mistake is told by file and element.
#include "quality/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "json/json.h"
#include "quality/plan.h"

namespace xinglin::quality {

namespace {

constexpr std::string_view measure_names[] = {"completeness", "timeliness", "validity", "consistency", "duplicates"};
constexpr std::pair<std::string_view, Check> check_names[] = {
    {"resident-id", Check::resident_id}, {"id-birth-date", Check::id_birth_date}, {"id-sex", Check::id_sex},
    {"known-code", Check::known_code},   {"known-unit", Check::known_unit},       {"not-future", Check::not_future}};
constexpr std::size_t most_rules = 60, most_limits = 20;

double number_of(json::Value value) { return std::strtod(std::string(value.text()).c_str(), nullptr); }

bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= 40 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

class SetReader {
public:
    SetReader(std::string_view file, json::Value root) : file_(file), root_(root) {}

    Result<Set> read() {
        XINGLIN_CHECK(only(root_, "",
                           {"set", "version", "order", "name", "resource", "where", "institution", "event", "patient",
                            "timeliness", "duplicate", "rules"}));
        Set set;
        set.id = root_["set"].string();
        if (!is_word(set.id)) return no("set", "must be a word of a-z 0-9 -, as the file is called");
        set.order = static_cast<int>(number_of(root_["order"]));
        XINGLIN_TRY(set.name, words(root_["name"], "name"));
        type_ = set.type = fhir::find_resource(root_["resource"].string());
        if (!set.type) return no("resource", "must be a resource type of R4, such as Encounter");
        auto plan = std::make_shared<Set::Plan>();
        XINGLIN_TRY(plan->where, path(root_["where"], "where"));
        XINGLIN_TRY(plan->institution, path(root_["institution"], "institution"));
        XINGLIN_TRY(plan->event, path(root_["event"], "event"));
        XINGLIN_TRY(plan->patient, path(root_["patient"], "patient"));
        const auto parts = root_["duplicate"].items();
        for (std::size_t i = 0; i < parts.size(); ++i) {
            XINGLIN_TRY(auto part, path(json::Value(&parts[i]), fmt::format("duplicate[{}]", i)));
            if (!part) return no(fmt::format("duplicate[{}]", i), "must be a FHIRPath expression");
            plan->duplicate.push_back(std::move(part));
        }
        XINGLIN_CHECK(read_rules(set));
        set.plan = plan;
        XINGLIN_CHECK(add_own(set, *plan));
        return set;
    }

private:
    std::string_view file_;
    json::Value root_;
    const fhir::Type* type_ = nullptr;

    Outcome no(const std::string& where, std::string what) const {
        return refuse(IssueCode::value, std::string(file_) + (where.empty() ? "" : " " + where), std::move(what));
    }
    Result<Done> only(json::Value object, const std::string& where, std::initializer_list<std::string_view> known) const {
        if (!object.is_object()) return no(where, "must be a JSON object");
        for (const json::Member& member : object.members()) {
            if (std::find(known.begin(), known.end(), member.key()) == known.end())
                return no((where.empty() ? "" : where + ".") + std::string(member.key()), "is not known here");
        }
        return Done{};
    }
    Result<Words> words(json::Value value, const std::string& where) const {
        Words out{std::string(value["zh-CN"].string()), std::string(value["en"].string())};
        if (out.zh.empty() || out.en.empty()) return no(where, "must have words in zh-CN and in en");
        return out;
    }
    Result<PathPtr> path(json::Value value, const std::string& where) const {
        if (!value) return PathPtr{};
        auto made = Path::compile(value.string(), *type_);
        if (!made.ok()) return no(where, made.outcome().issues.front().what);
        return made;
    }

    Result<Done> read_rules(Set& set) const {
        const auto all = root_["rules"].items();
        if (all.size() > most_rules) return no("rules", fmt::format("has more than {} rules", most_rules));
        std::set<std::string> seen;
        for (std::size_t i = 0; i < all.size(); ++i) {
            const std::string where = fmt::format("rules[{}]", i);
            XINGLIN_TRY(Rule rule, read_rule(json::Value(&all[i]), where));
            if (!seen.insert(rule.id).second) return no(where + ".id", "stands there twice");
            set.asks_patient |=
                (rule.test->need && rule.test->need->asks_patient()) || (rule.test->when && rule.test->when->asks_patient());
            set.rules.push_back(std::move(rule));
        }
        return Done{};
    }

    Result<Rule> read_rule(json::Value value, const std::string& where) const {
        XINGLIN_CHECK(
            only(value, where, {"id", "measure", "weight", "when", "need", "check", "path", "against", "name", "mend"}));
        Rule rule;
        rule.id = value["id"].string();
        if (!is_word(rule.id) || rule.id == "in-time" || rule.id == "twice")
            return no(where + ".id", "must be a word of a-z 0-9 -, other than in-time and twice");
        const auto measure = std::find(std::begin(measure_names), std::end(measure_names), value["measure"].string());
        rule.measure = static_cast<Measure>(measure - std::begin(measure_names));
        if (measure == std::end(measure_names) || rule.measure == Measure::timeliness || rule.measure == Measure::duplicates)
            return no(where + ".measure", "must be completeness, validity or consistency");
        if (value["weight"]) rule.weight = number_of(value["weight"]);
        if (!(rule.weight > 0 && rule.weight <= 100)) return no(where + ".weight", "must be above 0 and at most 100");
        XINGLIN_TRY(rule.name, words(value["name"], where + ".name"));
        XINGLIN_TRY(rule.mend, words(value["mend"], where + ".mend"));
        auto test = std::make_shared<Rule::Test>();
        XINGLIN_TRY(test->when, path(value["when"], where + ".when"));
        XINGLIN_TRY(test->need, path(value["need"], where + ".need"));
        XINGLIN_TRY(test->path, path(value["path"], where + ".path"));
        XINGLIN_TRY(test->against, path(value["against"], where + ".against"));
        XINGLIN_CHECK(read_check(value, where, *test));
        rule.test = std::move(test);
        return rule;
    }

    Result<Done> read_check(json::Value value, const std::string& where, Rule::Test& test) const {
        if (!value["check"]) {
            if (!test.need) return no(where + ".need", "is missing: a FHIRPath test, or a check");
            if (test.path || test.against) return no(where + ".path", "belongs to a check");
            return Done{};
        }
        for (const auto& [name, check] : check_names) {
            if (value["check"].string() == name) test.check = check;
        }
        if (test.check == Check::none) {
            std::string known;
            for (const auto& [name, check] : check_names) known += (known.empty() ? "" : ", ") + std::string(name);
            return no(where + ".check", "is not known; there are " + known);
        }
        if (test.need) return no(where + ".need", "cannot stand beside a check");
        if (!test.path && test.check != Check::not_future) return no(where + ".path", "is missing: what the check looks at");
        const bool pairs = test.check == Check::id_birth_date || test.check == Check::id_sex;
        if (pairs && !test.against) return no(where + ".against", "is missing: what it is compared with");
        return Done{};
    }

    Result<double> hours(json::Value value, const std::string& where) const {
        const double out = number_of(value);
        if (!(out > 0 && out <= 24 * 366)) return no(where, "must be above 0 and at most a year");
        return out;
    }
    Result<Done> read_limits(json::Value limits, Set& set, Set::Plan& plan) const {
        if (limits && !limits.is_array()) return no("timeliness.limits", "must be a list");
        const auto all = limits.items();
        if (all.size() > most_limits) return no("timeliness.limits", fmt::format("has more than {} entries", most_limits));
        for (std::size_t i = 0; i < all.size(); ++i) {
            const std::string where = fmt::format("timeliness.limits[{}]", i);
            const json::Value limit(&all[i]);
            XINGLIN_CHECK(only(limit, where, {"hours", "when"}));
            Set::Plan::Limit made;
            XINGLIN_TRY(made.hours, hours(limit["hours"], where + ".hours"));
            XINGLIN_TRY(made.when, path(limit["when"], where + ".when"));
            if (!made.when) return no(where + ".when", "is missing: a FHIRPath test");
            set.asks_patient |= made.when->asks_patient();
            set.other_hours.push_back(made.hours);
            plan.limits.push_back(std::move(made));
        }
        return Done{};
    }

    /// The two that the engine measures itself.
    Result<Done> add_own(Set& set, Set::Plan& plan) const {
        if (const json::Value timely = root_["timeliness"]) {
            XINGLIN_CHECK(only(timely, "timeliness", {"hours", "limits", "weight", "name", "mend"}));
            XINGLIN_TRY(set.hours, hours(timely["hours"], "timeliness.hours"));
            XINGLIN_CHECK(read_limits(timely["limits"], set, plan));
            if (!plan.event) return no("event", "is missing, timeliness counts from it");
            Rule rule{"in-time", Measure::timeliness};
            XINGLIN_TRY(rule.name, words(timely["name"], "timeliness.name"));
            XINGLIN_TRY(rule.mend, words(timely["mend"], "timeliness.mend"));
            set.in_time = static_cast<int>(set.rules.size());
            set.rules.push_back(std::move(rule));
        }
        if (!plan.duplicate.empty()) {
            Rule rule{"twice", Measure::duplicates};
            rule.name = {"同一事件只上报一次", "The same event is reported once only"};
            rule.mend = {"同一事件请始终使用同一业务编号；更正时沿用原编号重新上报，不要另编新号。",
                         "Keep one number for one event; correct it under that number instead of sending it anew."};
            set.twice = static_cast<int>(set.rules.size());
            set.rules.push_back(std::move(rule));
        }
        if (set.rules.empty()) return no("rules", "is empty, and neither timeliness nor duplicates are measured");
        return Done{};
    }
};

}  // namespace

std::string_view text(Measure measure) { return measure_names[static_cast<std::size_t>(measure)]; }

Result<PathPtr> Path::compile(std::string_view text, const fhir::Type& type) {
    fhirpath::CompileOptions options;
    options.context_type = &type;
    options.strict = true;
    auto expression = fhirpath::Expression::compile(text, options);
    if (!expression.ok()) return expression.outcome();
    auto path = std::make_shared<Path>(std::move(*expression));
    for (const std::string& variable : path->whole_.mentions().variables) {
        if (variable == "patient") path->asks_patient_ = true;
    }
    if (!path->asks_patient_) path->quick_ = fhirpath::Quick::compile(path->whole_, {.context = &type, .resource = &type});
    return PathPtr(std::move(path));
}

Result<Done> Rulebook::take(std::string_view file, std::string_view text) {
    json::Arena arena;
    const auto parsed = json::parse(text, arena);
    if (!parsed.ok()) return refuse(IssueCode::structure, std::string(file), parsed.outcome().line());
    XINGLIN_TRY(Set set, SetReader(file, *parsed).read());
    if (this->set(set.id)) return refuse(IssueCode::duplicate, std::string(file) + " set", "stands in another file too");
    sets_.push_back(std::move(set));
    return Done{};
}

Result<Done> Rulebook::finish() {
    std::stable_sort(sets_.begin(), sets_.end(), [](const Set& a, const Set& b) { return a.order < b.order; });
    for (std::size_t i = 0; i < sets_.size(); ++i) by_type_[sets_[i].type].push_back(i);
    return Done{};
}

namespace {
Result<Scoring> read_scoring(std::string_view file, json::Value value) {
    Scoring out;
    const auto no = [&](std::string where, std::string what) {
        return refuse(IssueCode::value, std::string(file) + " " + where, std::move(what));
    };
    double sum = 0;
    for (std::size_t i = 0; i < measures; ++i) {
        const json::Value weight = value["weights"][measure_names[i]];
        out.weights[i] = number_of(weight);
        if (!weight.is_number() || out.weights[i] < 0 || out.weights[i] > 1)
            return no(fmt::format("weights.{}", measure_names[i]), "must be a number from 0 to 1");
        sum += out.weights[i];
    }
    if (sum < 0.999 || sum > 1.001) return no("weights", "must be 1 together");
    out.good = number_of(value["good"]);
    out.fair = number_of(value["fair"]);
    if (!(out.good > out.fair && out.good <= 100 && out.fair > 0)) return no("good", "must be above fair, both within 0 and 100");
    out.few = static_cast<std::int64_t>(number_of(value["few"]));
    out.days_to_mend = static_cast<int>(number_of(value["days_to_mend"]));
    if (out.few < 0) return no("few", "must not be negative");
    if (out.days_to_mend < 1 || out.days_to_mend > 366) return no("days_to_mend", "must be from 1 to 366");
    return out;
}
}  // namespace

Result<Rulebook> Rulebook::read(const content::Files& files) {
    Rulebook book;
    const std::string scoring = files.read("quality/scoring.json").value_or("{}");
    json::Arena arena;
    std::vector<std::pair<std::string_view, json::Value>> sets;
    const auto parsed = json::parse(scoring, arena);
    if (!parsed.ok()) return refuse(IssueCode::structure, "quality/scoring.json", parsed.outcome().line());
    XINGLIN_TRY(book.scoring_, read_scoring("quality/scoring.json", *parsed));
    for (const std::string& file : files.list("quality/sets", ".json")) {
        const std::string_view text = arena.keep(files.read(file).value_or(""));
        XINGLIN_CHECK(book.take(file, text));
        if (file != "quality/sets/" + book.sets_.back().id + ".json")
            return refuse(IssueCode::value, file + " set", "must be the file's name");
        sets.emplace_back(arena.keep(file), *json::parse(text, arena));
    }
    XINGLIN_CHECK(book.finish());
    book.text_ = json::write(arena.object({{"scoring", *parsed}, {"sets", arena.object(sets)}}));
    return book;
}

Result<Rulebook> Rulebook::parse(std::string_view text) {
    Rulebook book;
    json::Arena arena;
    const auto parsed = json::parse(text, arena);
    if (!parsed.ok()) return parsed.outcome();
    XINGLIN_TRY(book.scoring_, read_scoring("scoring", (*parsed)["scoring"]));
    for (const json::Member& member : (*parsed)["sets"].members()) {
        XINGLIN_CHECK(book.take(member.key(), json::write(member.value())));
    }
    XINGLIN_CHECK(book.finish());
    book.text_ = text;
    return book;
}

const Set* Rulebook::set(std::string_view id) const {
    for (const Set& each : sets_) {
        if (each.id == id) return &each;
    }
    return nullptr;
}

const std::vector<std::size_t>& Rulebook::of_type(const fhir::Type& type) const {
    static const std::vector<std::size_t> none;
    const auto found = by_type_.find(&type);
    return found == by_type_.end() ? none : found->second;
}

bool Rulebook::asks_patient(const fhir::Type& type) const {
    for (const std::size_t at : of_type(type)) {
        if (sets_[at].asks_patient) return true;
    }
    return false;
}

}  // namespace xinglin::quality
