// SPDX-License-Identifier: Apache-2.0
// Reading content/persons.
#include "person/settings.h"

#include "json/json.h"

namespace xinglin::person {

namespace {

constexpr std::string_view file = "persons/settings.json";

std::string where_of(std::string_view name) { return std::string(file) + ": " + std::string(name); }

Result<double> number(json::Value object, std::string_view name, double least, double most) {
    const json::Value value = object[name];
    const double number = value.is_number() ? std::strtod(std::string(value.text()).c_str(), nullptr) : least - 1;
    if (!(number >= least && number <= most))
        return refuse(IssueCode::value, where_of(name), fmt::format("must be a number from {:g} to {:g}", least, most));
    return number;
}

}  // namespace

Result<Settings> Settings::read(const content::Files& files) {
    json::Arena arena;
    const auto text = files.read(file);
    if (!text) return refuse(IssueCode::not_found, std::string(file), "is not there; put it back from the program's own content");
    const auto parsed = json::parse(arena.keep(*text), arena);
    if (!parsed.ok()) return refuse(IssueCode::value, std::string(file), "is no JSON: " + parsed.outcome().line());
    Settings settings;
    const double nearly = 0.999999;
    XINGLIN_TRY(settings.link, number(*parsed, "link", 0.5, nearly));
    XINGLIN_TRY(settings.join, number(*parsed, "join", 0.5, nearly));
    XINGLIN_TRY(settings.review, number(*parsed, "review", 0.01, settings.link));
    XINGLIN_TRY(settings.contradiction, number(*parsed, "contradiction", 0.000001, 0.5));
    const auto whole = [&](std::string_view name, double most, auto& to) -> Result<Done> {
        XINGLIN_TRY(const double value, number(*parsed, name, 1, most));
        to = static_cast<std::remove_reference_t<decltype(to)>>(value);
        return Done{};
    };
    XINGLIN_CHECK(whole("most_in_block", 1'000, settings.most_in_block));
    XINGLIN_CHECK(whole("most_compared", 1'000, settings.most_compared));
    XINGLIN_CHECK(whole("fill_from", 1e9, settings.fill_from));
    XINGLIN_CHECK(whole("claim_minutes", 10'000, settings.claim_minutes));
    XINGLIN_CHECK(whole("later_days", 1'000, settings.later_days));
    settings.four_eyes = (*parsed)["four_eyes"].as_bool();
    const auto model = files.read("persons/model.json");
    if (!model)
        return refuse(IssueCode::not_found, "persons/model.json", "is not there; put it back from the program's own content");
    auto weights = identity::Model::parse(*model);
    if (!weights.ok()) return refuse(IssueCode::value, "persons/model.json", weights.outcome().line());
    using identity::Role;
    constexpr Role order[] = {Role::name_full, Role::sex, Role::birth_date, Role::national_id, Role::phone, Role::address};
    bool right = weights->fields.size() == std::size(order);
    for (std::size_t i = 0; right && i < std::size(order); ++i) right = weights->fields[i].role == order[i];
    if (!right)
        return refuse(IssueCode::value, "persons/model.json: fields",
                      "must be name.full sex birth_date national_id phone address, in this order");
    settings.model = std::move(*weights);
    const auto table = [&](std::string_view name) { return files.read(name).value_or(""); };
    XINGLIN_TRY(auto wording, identity::Wording::read(table("persons/characters.csv"), table("persons/shapes.csv"),
                                                      table("persons/places.csv")));
    settings.wording = std::make_shared<const identity::Wording>(std::move(wording));
    return settings;
}

}  // namespace xinglin::person
