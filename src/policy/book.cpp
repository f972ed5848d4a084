// SPDX-License-Identifier: Apache-2.0
// Reading the rules: whatever is not understood is refused by name, for a rule that is passed over is a door left open.
#include "policy/book.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "calendar/calendar.h"
#include "json/json.h"

namespace xinglin::policy {

namespace {

constexpr std::string_view file = "access/policy.json";

Outcome wrong(std::string_view where, std::string what) {
    return refuse(IssueCode::value, fmt::format("{}: {}", file, where), std::move(what));
}

Result<Done> only_members(json::Value object, std::string_view where, std::initializer_list<std::string_view> known) {
    for (const json::Member& member : object.members()) {
        if (std::find(known.begin(), known.end(), member.key()) == known.end())
            return wrong(where, fmt::format("\"{}\" is not understood", member.key()));
    }
    return Done{};
}

Result<Words> words_of(json::Value object, std::string_view where) {
    Words words{std::string(object["zh"].string()), std::string(object["en"].string())};
    if (words.zh.empty() || words.en.empty()) return wrong(where, "zh and en must say it in words");
    return words;
}

using Labels = std::vector<std::pair<std::string, std::string>>;
using Named = std::map<std::string, Labels, std::less<>>;
using Types = std::map<std::string, std::vector<const fhir::Type*>, std::less<>>;

Result<Named> read_labels(json::Value groups) {
    Named named;
    for (const json::Member& group : groups.members()) {
        Labels& labels = named[std::string(group.key())];
        for (const json::Node& node : group.value().items()) {
            const json::Value each(&node);
            labels.emplace_back(each["system"].string(), each["code"].string());
            if (labels.back().second.empty()) return wrong(fmt::format("labels.{}", group.key()), "each needs a code");
        }
        if (labels.empty()) return wrong(fmt::format("labels.{}", group.key()), "needs a label at least");
    }
    return named;
}

Result<Types> read_types(json::Value groups) {
    Types named;
    for (const json::Member& group : groups.members()) {
        for (const json::Node& node : group.value().items()) {
            const std::string_view name = json::Value(&node).string();
            const fhir::Type* type = fhir::find_resource(name);
            if (!type) return wrong(fmt::format("types.{}", group.key()), fmt::format("\"{}\" is no resource type", name));
            named[std::string(group.key())].push_back(type);
        }
    }
    return named;
}

Result<Rule::Whose> whose_of(std::string_view patients, const Book& book, Rule& rule) {
    if (patients.empty()) return Rule::Whose::anything;
    if (patients == "nobody") return Rule::Whose::nobodys;
    if (patients == "anybody") return Rule::Whose::somebodys;
    if (!book.sets.contains(patients))
        return wrong(fmt::format("{}.patients", rule.id), fmt::format("\"{}\" is no set", patients));
    rule.set = patients;
    return Rule::Whose::set;
}

Result<Rule> read_rule(json::Value from, const Book& book, const Named& labels, const Types& types) {
    Rule rule;
    rule.id = from["id"].string();
    if (rule.id.empty()) return wrong("rules", "each needs an id");
    XINGLIN_CHECK(only_members(
        from, rule.id,
        {"id", "zh", "en", "kind", "permit", "patients", "types", "labels", "own_sources", "purposes", "only_when"}));
    XINGLIN_TRY(rule.words, words_of(from, rule.id));
    constexpr std::pair<std::string_view, Rule::Kind> kinds[] = {{"", Rule::Kind::plain},    {"emergency", Rule::Kind::emergency},
                                                                 {"card", Rule::Kind::card}, {"consent", Rule::Kind::consent},
                                                                 {"own", Rule::Kind::own},   {"wards", Rule::Kind::wards}};
    const auto kind =
        std::find_if(std::begin(kinds), std::end(kinds), [&](const auto& each) { return each.first == from["kind"].string(); });
    if (kind == std::end(kinds)) return wrong(fmt::format("{}.kind", rule.id), "must be emergency, card, consent, own or wards");
    rule.kind = kind->second;
    if (rule.kind == Rule::Kind::plain) {
        if (!from["permit"].is_boolean()) return wrong(fmt::format("{}.permit", rule.id), "must be true or false");
        rule.permit = from["permit"].as_bool();
    }
    XINGLIN_TRY(rule.whose, whose_of(from["patients"].string(), book, rule));
    if (const std::string_view group = from["types"].string(); !group.empty()) {
        const auto found = types.find(group);
        if (found == types.end())
            return wrong(fmt::format("{}.types", rule.id), fmt::format("\"{}\" is no group of types", group));
        rule.types = found->second;
    }
    if (const std::string_view group = from["labels"].string(); !group.empty()) {
        const auto found = labels.find(group);
        if (found == labels.end())
            return wrong(fmt::format("{}.labels", rule.id), fmt::format("\"{}\" is no group of labels", group));
        rule.labels = found->second;
    }
    rule.own_sources = from["own_sources"].as_bool();
    for (const json::Node& node : from["purposes"].items()) rule.purposes.emplace_back(json::Value(&node).string());
    for (const json::Node& node : from["only_when"].items()) {
        rule.only_when.emplace_back(json::Value(&node).string());
        if (rule.only_when.back() != "no-post") return wrong(fmt::format("{}.only_when", rule.id), "must be no-post");
    }
    return rule;
}

}  // namespace

Result<Book> Book::read(const content::Files& files) {
    const auto text = files.read(std::string(file));
    if (!text) return wrong("JSON", "is not there; put it back from the program's own content");
    json::Arena arena;
    const auto parsed = json::parse(*text, arena);
    if (!parsed.ok() || !parsed->is_object()) return wrong("JSON", "is no JSON object");
    const json::Value root = *parsed;
    XINGLIN_CHECK(only_members(
        root, "policy",
        {"source", "sets", "labels", "types", "own_sources", "default_purpose", "nothing", "open_in_demonstrations", "roles"}));
    Book book;
    XINGLIN_TRY(book.nothing, words_of(root["nothing"], "nothing"));
    if (!root["default_purpose"].string().empty()) book.default_purpose = root["default_purpose"].string();
    for (const json::Member& member : root["sets"].members()) {
        const json::Value each = member.value();
        Set set;
        XINGLIN_TRY(set.words, words_of(each, fmt::format("sets.{}", member.key())));
        for (const json::Node& node : each["searches"].items()) set.searches.emplace_back(json::Value(&node).string());
        if (set.searches.empty()) return wrong(fmt::format("sets.{}.searches", member.key()), "needs one search at least");
        book.sets.emplace(member.key(), std::move(set));
    }
    for (const json::Node& node : root["own_sources"].items()) book.own_sources.emplace_back(json::Value(&node).string());
    for (const json::Node& node : root["open_in_demonstrations"].items()) {
        const auto role = access::parse_role(json::Value(&node).string());
        if (!role) return wrong("open_in_demonstrations", fmt::format("\"{}\" is no role", json::Value(&node).string()));
        book.open_in_demonstrations.insert(*role);
    }
    XINGLIN_TRY(const Named labels, read_labels(root["labels"]));
    XINGLIN_TRY(const Types types, read_types(root["types"]));
    for (const json::Member& member : root["roles"].members()) {
        const auto role = access::parse_role(member.key());
        if (!role) return wrong("roles", fmt::format("\"{}\" is no role", member.key()));
        std::set<std::string> seen;
        for (const json::Node& node : member.value().items()) {
            XINGLIN_TRY(Rule rule, read_rule(json::Value(&node), book, labels, types));
            if (!seen.insert(rule.id).second) return wrong(rule.id, "stands twice in one role");
            book.roles[*role].push_back(std::move(rule));
        }
    }
    return book;
}

Book Book::of_demonstration() && {
    for (const access::Role role : open_in_demonstrations) roles.erase(role);
    return std::move(*this);
}

std::optional<std::string> put_in(std::string_view search, const access::Viewer& viewer, std::int64_t now_ms) {
    std::string out;
    for (std::size_t at = 0; at < search.size();) {
        const std::size_t open = search.find('{', at);
        const std::size_t close = open == std::string_view::npos ? open : search.find('}', open);
        if (close == std::string_view::npos) return out.append(search.substr(at));
        out += search.substr(at, open - at);
        const std::string_view name = search.substr(open + 1, close - open - 1);
        at = close + 1;
        std::string value;
        if (name == "institution") value = viewer.institution;
        if (name == "area") value = viewer.area;
        if (name == "practitioner") value = viewer.practitioner;
        if (name.starts_with("today-")) {
            std::int64_t days = 0;
            std::from_chars(name.data() + 6, name.data() + name.size(), days);
            value = calendar::instant_text(now_ms - days * 86'400'000).substr(0, 10);
        }
        if (value.empty()) return std::nullopt;
        out += value;
    }
    return out;
}

}  // namespace xinglin::policy
