// SPDX-License-Identifier: Apache-2.0
// A model kept and read again; small gatherings of records compared by it.
#include "identity/judge.h"

#include <cmath>

#include "identity/weights.h"
#include "json/json.h"

namespace xinglin::identity {

namespace {

constexpr std::size_t told_levels = level_count - differs;  // missing is not among them

void write_shares(std::string_view name, const std::vector<double>& shares, std::string& out) {
    out += fmt::format(",\"{}\":[", name);
    for (std::size_t i = 0; i < shares.size(); ++i) out += fmt::format("{}{:.9g}", i ? "," : "", shares[i]);
    out += ']';
}

double number_of(json::Value value) {
    const std::string digits(value.text());
    return value.is_number() ? std::strtod(digits.c_str(), nullptr) : -1;
}

Result<std::vector<double>> shares_of(json::Value list, const std::string& where) {
    std::vector<double> shares;
    for (const json::Node& node : list.items()) shares.push_back(number_of(json::Value(&node)));
    bool right = shares.size() == told_levels;
    for (const double share : shares) right &= share >= 0 && share <= 1;
    if (!right) return refuse(IssueCode::value, where, fmt::format("must be {} shares between 0 and 1", told_levels));
    return shares;
}

std::array<double, level_count> levels_of(const std::vector<double>& shares) {
    std::array<double, level_count> levels{};
    for (std::size_t i = 0; i < told_levels; ++i) levels[i + differs] = shares[i];
    return levels;
}

std::vector<ColumnName> columns_of(const Model& model) {
    std::vector<ColumnName> columns;
    for (const LearnedField& field : model.fields) columns.push_back({field.name, field.role});
    return columns;
}

Weights weights_of(const Model& model) {
    std::vector<FieldWeights> fields;
    for (const LearnedField& each : model.fields)
        fields.push_back({levels_of(each.same), levels_of(each.kin), levels_of(each.strangers)});
    return Weights::kept(columns_of(model), std::move(fields), model.same_share, model.kin_share);
}

}  // namespace

Model Model::of(const Matches& matches) { return {matches.learned, matches.same_share, matches.kin_share}; }

Result<Model> Model::parse(std::string_view text) {
    json::Arena arena;
    const auto parsed = json::parse(text, arena, {.depth = 10, .bytes = 100'000});
    if (!parsed.ok()) return parsed.outcome();
    Model model{{}, number_of((*parsed)["same_share"]), number_of((*parsed)["kin_share"])};
    for (const double share : {model.same_share, model.kin_share})
        if (!(share > 0 && share < 0.5))
            return refuse(IssueCode::value, "same_share", "this and kin_share must lie between 0 and 0.5");
    const json::Value fields = (*parsed)["fields"];
    if (fields.size() == 0 || fields.size() > most_columns)
        return refuse(IssueCode::value, "fields", fmt::format("must be a list of 1 to {} fields", most_columns));
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const json::Value field = fields[i];
        const std::string where = fmt::format("fields[{}].", i);
        const auto role = role_of(field["role"].string());
        if (!role) return refuse(IssueCode::value, where + "role", "is none that is known, see src/identity/README.md");
        LearnedField learned{std::string(field["name"].string()), *role, {}, {}, {}};
        XINGLIN_TRY(learned.same, shares_of(field["same"], where + "same"));
        XINGLIN_TRY(learned.kin, shares_of(field["kin"], where + "kin"));
        XINGLIN_TRY(learned.strangers, shares_of(field["strangers"], where + "strangers"));
        model.fields.push_back(std::move(learned));
    }
    return model;
}

std::string Model::text() const {
    std::string out = fmt::format("{{\"same_share\":{:.9g},\"kin_share\":{:.9g},\"fields\":[", same_share, kin_share);
    for (std::size_t i = 0; i < fields.size(); ++i) {
        out += i ? ",{\"name\":" : "{\"name\":";
        json::write_string(fields[i].name, out);
        out += fmt::format(",\"role\":\"{}\"", name_of(fields[i].role));
        write_shares("same", fields[i].same, out);
        write_shares("kin", fields[i].kin, out);
        write_shares("strangers", fields[i].strangers, out);
        out += '}';
    }
    return out + "]}";
}

struct Bench::Scales {
    std::vector<ColumnName> columns;
    Weights weights;
    std::shared_ptr<const Wording> wording;
};

std::shared_ptr<const Bench::Scales> Bench::scales(const Model& model, std::shared_ptr<const Wording> wording) {
    return std::make_shared<const Scales>(Scales{columns_of(model), weights_of(model), std::move(wording)});
}

struct Bench::Inside {
    Inside(std::shared_ptr<const Scales> given, Frequencies asked)
        : scales(std::move(given)), records(scales->columns, scales->wording), comparer(records), frequencies(std::move(asked)) {}
    std::shared_ptr<const Scales> scales;
    Records records;
    Comparer comparer;
    Frequencies frequencies;
};

Bench::Bench(std::shared_ptr<const Scales> scales, Frequencies frequencies)
    : inside_(std::make_unique<Inside>(std::move(scales), std::move(frequencies))) {}
Bench::~Bench() = default;

std::uint32_t Bench::add(std::span<const std::string_view> values) {
    inside_->records.add(values);
    return inside_->records.size() - 1;
}

Judgement Bench::judge(std::uint32_t a, std::uint32_t b) const {
    const Pattern pattern = inside_->comparer.compare(a, b);
    std::vector<Column>& columns = inside_->records.inside().columns;
    for (std::size_t field = 0; field < columns.size(); ++field) {
        if (level_of(pattern, field) != exact) continue;  // how rare a value is matters where both have it
        const std::uint32_t value = columns[field].of(a);
        const Frequency frequency = inside_->frequencies(columns[field].role(), columns[field].text(value));
        columns[field].set_frequency(value, std::max(frequency.count, 1u), std::max(frequency.present, 1u));
    }
    return {inside_->scales->weights.log_odds(columns, pattern, a), pattern};
}

Agreement agreement_of(const Records& records, std::uint32_t a, std::uint32_t b) { return Comparer(records).compare(a, b); }

std::vector<Weight> explain(const Model& model, Agreement agreement) {
    std::vector<Weight> weights;
    for (std::size_t field = 0; field < model.fields.size(); ++field) {
        const Level level = level_of(agreement, field);
        if (level == missing || level >= level_count) continue;
        const LearnedField& learned = model.fields[field];
        const double same = learned.same[level - differs], strangers = std::max(learned.strangers[level - differs], 1e-12);
        weights.push_back({learned.name, std::string(name_of(level)), std::log2(std::max(same, 1e-12) / strangers)});
    }
    return weights;
}

}  // namespace xinglin::identity
