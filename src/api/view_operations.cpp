// SPDX-License-Identifier: Apache-2.0
// $viewdefinition-run: the rows of a ViewDefinition over the record, or over resources sent along, as JSON, NDJSON or CSV.
//
// Source: SQL on FHIR v2 (2.1), operation ViewDefinition Run. Long answers are made while they are sent.
#include <charconv>

#include <fmt/format.h>

#include "api/operation.h"
#include "calendar/calendar.h"
#include "fhirpath/quick.h"
#include "http/stream.h"
#include "text/text.h"
#include "view/library.h"
#include "view/on_demand.h"

namespace xinglin::api {
namespace {

constexpr std::size_t piece_bytes = 128u << 10;
constexpr std::string_view page_address = "http://sql-on-fhir.org/OperationDefinition/$viewdefinition-run";

enum class RowFormat : std::uint8_t { json, ndjson, csv };

std::string_view trim(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

std::optional<RowFormat> row_format(std::string_view name) {
    const std::string lower = text::lower_ascii(name.substr(0, name.find(';')));
    for (const std::string_view word : {"json", "application/json", "application/fhir+json", "application/fhir json"}) {
        if (lower == word) return RowFormat::json;
    }
    for (const std::string_view word : {"ndjson", "application/ndjson", "application/x-ndjson", "application/fhir+ndjson"}) {
        if (lower == word) return RowFormat::ndjson;
    }
    if (lower == "csv" || lower == "text/csv") return RowFormat::csv;
    return std::nullopt;
}

/// What the request says, whichever way it says it.
struct Asked {
    json::Value view;                    // viewResource
    std::string reference;               // viewReference
    std::vector<json::Value> resources;  // to run over instead of the record
    bool has_resources = false;
    std::string format, limit, since, header;
    std::vector<std::string> patients, groups;
};

/// One parameter of the body; false when we do not know it.
bool take(Asked& asked, json::Value parameter) {
    const std::string_view name = parameter["name"].string();
    std::string value;
    for (const json::Member& member : parameter.members()) {
        if (!member.key().starts_with("value")) continue;
        value = member.value().is_object() ? member.value()["reference"].string() : member.value().text();
    }
    if (name == "viewResource") asked.view = parameter["resource"];
    else if (name == "viewReference") asked.reference = value;
    else if (name == "resource") asked.resources.push_back(parameter["resource"]), asked.has_resources = true;
    else if (name == "_format") asked.format = value;
    else if (name == "_limit") asked.limit = value;
    else if (name == "_since") asked.since = value;
    else if (name == "header") asked.header = value;
    else if (name == "patient") asked.patients.push_back(value);
    else if (name == "group") asked.groups.push_back(value);
    else return false;
    return true;
}

Result<Asked> read_asked(Exchange& exchange, json::Arena& arena) {
    Asked asked;
    XINGLIN_CHECK(only_parameters(exchange, {"_limit", "_since", "header", "patient", "group", "viewReference"}));
    for (const auto& [name, value] : exchange.parameters) {
        take(asked, arena.object({{"name", arena.string(name)}, {"valueString", arena.string(value)}}));
    }
    const bool is_form =
        text::lower_ascii(exchange.request.headers.get("Content-Type")).starts_with("application/x-www-form-urlencoded");
    if (exchange.request.method != "POST" || exchange.request.body.empty() || is_form) return asked;
    XINGLIN_TRY(const json::Value body, read_body(exchange, arena));
    const std::string_view type = body["resourceType"].string();
    if (type.ends_with("ViewDefinition")) {
        asked.view = body;
        return asked;
    }
    if (type != "Parameters") return refuse(IssueCode::structure, "body", "must be Parameters, or a ViewDefinition");
    for (const json::Node& node : body["parameter"].items()) {
        if (!take(asked, json::Value(&node)) && !exchange.lenient)
            return refuse(IssueCode::not_supported, std::string(json::Value(&node)["name"].string()),
                          "is not a parameter of this call");
    }
    return asked;
}

/// "ViewDefinition/name", "name", or a url that ends so.
std::string_view name_in(std::string_view reference) { return reference.substr(reference.rfind('/') + 1); }

Result<view::Definition> find_view(const Exchange& exchange, const Asked& asked, const std::string& id) {
    if (asked.view) return view::Definition::compile(asked.view);
    const std::string_view name = id.empty() ? name_in(asked.reference) : std::string_view(id);
    if (name.empty())
        return refuse(IssueCode::required, "viewResource", "is missing, send a ViewDefinition or name one by viewReference");
    const auto found = exchange.house.options.views ? exchange.house.options.views->find(name) : std::nullopt;
    if (!found)
        return refuse(IssueCode::not_found, id.empty() ? "viewReference" : "ViewDefinition", "there is no view of this name");
    return found->definition;
}

Result<std::vector<std::string>> members_of(Exchange& exchange, const std::vector<std::string>& groups) {
    std::vector<std::string> patients;
    const fhir::Type& type = *fhir::find_resource("Group");
    if (!groups.empty()) XINGLIN_CHECK(may(exchange.viewer, &type, 'r'));
    for (const std::string& group : groups) {
        XINGLIN_TRY(const record::Version version, exchange.house.store.reader(exchange.viewer).read(type, name_in(group)));
        json::Arena arena;
        XINGLIN_TRY(const json::Value resource, json::parse(version.body, arena));
        for (const json::Node& node : resource["member"].items()) {
            const json::Value member(&node);
            const std::string_view key = fhirpath::reference_key(member["entity"]["reference"].string(), "Patient");
            if (!key.empty() && !member["inactive"].as_bool()) patients.emplace_back(name_in(key));
        }
    }
    return patients;
}

Result<view::Question> question_of(Exchange& exchange, const Asked& asked, view::Definition definition) {
    view::Question question{.definition = std::move(definition)};
    if (exchange.house.options.views) question.environment = exchange.house.options.views->environment();
    if (!asked.limit.empty()) {
        const auto end = std::from_chars(asked.limit.data(), asked.limit.data() + asked.limit.size(), question.limit);
        if (end.ec != std::errc() || end.ptr != asked.limit.data() + asked.limit.size() || question.limit == 0)
            return refuse(IssueCode::value, "_limit", "must be a whole number above 0");
    }
    if (!asked.since.empty()) {
        const auto span = calendar::parse_date_time(asked.since);
        if (!span) return refuse(IssueCode::value, "_since", "must be an instant, as 2026-11-22T08:00:00+08:00");
        question.since_ms = calendar::span_of(*span, 0).low_ms;
    }
    question.of_patients = !asked.patients.empty() || !asked.groups.empty();
    XINGLIN_TRY(question.patients, members_of(exchange, asked.groups));
    for (const std::string& patient : asked.patients) question.patients.emplace_back(name_in(patient));
    return question;
}

/// Text of the rows, in the format asked for.
class RowText {
public:
    RowText(const view::Definition& definition, RowFormat format, bool header) : definition_(definition), format_(format) {
        if (format == RowFormat::csv && header) view::write_csv_header(definition_.columns(), text);
        if (format == RowFormat::json) text += '[';
    }
    void add(view::Row row) {
        if (format_ == RowFormat::csv) return view::write_csv(row, text);
        if (format_ == RowFormat::json && !first_) text += ',';
        first_ = false;
        view::write_object(definition_.columns(), row, text);
        if (format_ == RowFormat::ndjson) text += '\n';
    }
    void finish() {
        if (format_ == RowFormat::json) text += ']';
    }
    std::string text;

private:
    view::Definition definition_;
    RowFormat format_;
    bool first_ = true;
};

http::Response rows_answer(RowFormat format, std::string body) {
    constexpr std::string_view types[] = {"application/json", "application/x-ndjson", "text/csv; charset=utf-8"};
    auto response = http::Response::text(200, types[static_cast<std::size_t>(format)], std::move(body));
    response.headers.set("Cache-Control", "no-store");
    return response;
}

/// Over resources sent along.
Answer run_over_sent(const Asked& asked, const view::Question& question, RowFormat format, bool header) {
    RowText rows(question.definition, format, header);
    view::Runner runner(question.definition, question.environment);
    std::uint64_t count = 0;
    for (const json::Value resource : asked.resources) {
        if (!resource) return refuse(IssueCode::structure, "resource", "has no resource");
        XINGLIN_CHECK(runner.run(resource, [&](view::Row row) {
            if (question.limit == 0 || count++ < question.limit) rows.add(row);
        }));
    }
    rows.finish();
    return rows_answer(format, std::move(rows.text));
}

struct Running {
    view::OnDemand walk;
    RowText rows;
    /// The next piece; "" after the last.
    Result<std::string> next() {
        if (walk.over()) return std::string();
        XINGLIN_CHECK(walk.go([this](view::Row row) { rows.add(row); }, [this] { return rows.text.size() >= piece_bytes; }));
        if (walk.over()) rows.finish();
        return std::exchange(rows.text, std::string());
    }
};

/// Over the record: short answers at once, long ones while they are sent.
Answer run_over_record(Exchange& exchange, view::Question question, RowFormat format, bool header) {
    RowText rows(question.definition, format, header);
    auto running = std::make_shared<Running>(
        Running{view::OnDemand(exchange.house.store.reader(exchange.viewer), std::move(question)), std::move(rows)});
    XINGLIN_TRY(std::string first, running->next());
    note(exchange, {.what = "view",
                    .type = &running->walk.definition().resource(),
                    .detail = running->walk.definition().name(),
                    .count = static_cast<std::uint32_t>(std::min<std::uint64_t>(running->walk.resources_read(), UINT32_MAX))});
    if (running->walk.over()) return rows_answer(format, std::move(first));
    auto response = rows_answer(format, "");
    response.stream = std::make_shared<http::Stream>();
    response.stream->next = [running, first = std::move(first)]() mutable {
        if (!first.empty()) return std::exchange(first, std::string());
        auto piece = running->next();
        if (!piece.ok()) throw std::runtime_error("a view failed on the way: " + piece.outcome().line());
        return std::move(*piece);
    };
    return response;
}

Answer answer_view(Exchange& exchange, const std::string& id) {
    json::Arena arena;
    XINGLIN_TRY(const Asked asked, read_asked(exchange, arena));
    std::optional<RowFormat> format;
    if (!asked.format.empty()) {
        format = row_format(asked.format);
        if (!format) return refuse(IssueCode::not_supported, "_format", "rows come as json, ndjson or csv");
    }
    for (const std::string_view part : text::split(exchange.request.headers.get("Accept"), ',')) {
        if (!format) format = row_format(trim(part));
    }
    const RowFormat chosen = format.value_or(RowFormat::json);
    const bool header = asked.header != "false";
    XINGLIN_TRY(view::Definition definition, find_view(exchange, asked, id));
    XINGLIN_CHECK(may(exchange.viewer, &definition.resource(), 's'));
    XINGLIN_TRY(view::Question question, question_of(exchange, asked, std::move(definition)));
    if (asked.has_resources) return run_over_sent(asked, question, chosen, header);
    return run_over_record(exchange, std::move(question), chosen, header);
}

constexpr Operation rows[] = {
    {"$viewdefinition-run", "ViewDefinition", Operation::on_system | Operation::on_type | Operation::on_instance, "GET, POST",
     page_address,
     [](const Shared& exchange, const fhir::Type*, const std::string& id) { send(*exchange, answer_view(*exchange, id)); }},
};

}  // namespace

std::span<const Operation> view_operations() { return rows; }

}  // namespace xinglin::api
