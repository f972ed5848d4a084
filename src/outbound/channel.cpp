// SPDX-License-Identifier: Apache-2.0
// Channels as data: read from content and from what an administrator sends, written back.
#include "outbound/channel.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "calendar/calendar.h"
#include "fhir/fhir.h"
#include "fhirpath/fhirpath.h"
#include "json/settings.h"
#include "text/text.h"

namespace xinglin::outbound {

namespace {

using json::one_of;
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789-";

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= 40 && name.find_first_not_of(letters) == std::string_view::npos;
}

Result<Done> known(json::Value object, std::string_view where, std::initializer_list<std::string_view> names) {
    return json::known_members(object, where, names, "a channel");
}

Result<Done> secret_name(std::string_view name, std::string_view where) {
    if (name.empty() || is_name(name)) return Done{};
    return refuse(IssueCode::value, std::string(where),
                  "must be the name of a secret, 1 to 40 of a-z 0-9 -; its text lies in DATA/secrets/NAME, never here");
}

Result<std::vector<std::string>> texts(json::Value value, std::string_view where, std::size_t most) {
    std::vector<std::string> all;
    if (!value.is_array() || value.size() > most)
        return refuse(IssueCode::value, std::string(where), fmt::format("must be a list of at most {} texts", most));
    for (const json::Node& node : value.items()) {
        std::string one;
        XINGLIN_CHECK(take(json::Value(&node), where, one, 200));
        if (one.empty()) return refuse(IssueCode::value, std::string(where), "must not hold an empty text");
        all.push_back(std::move(one));
    }
    return all;
}

Result<Done> check_path(std::string_view path, const fhir::Type& type, const std::string& where) {
    const auto compiled = fhirpath::Expression::compile(path, {.context_type = &type, .strict = true});
    if (compiled.ok()) return Done{};
    return refuse(IssueCode::value, where, "is no FHIRPath for " + std::string(type.name) + ": " + compiled.outcome().line());
}

Result<std::vector<Sends>> read_sends(json::Value types) {
    if (!types.is_array() || types.size() == 0 || types.size() > 100)
        return refuse(IssueCode::required, "filter.types", "must list 1 to 100 resource types, each {\"type\",\"where\"}");
    std::vector<Sends> all;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < types.size(); ++i) {
        const std::string where = fmt::format("filter.types[{}]", i);
        const json::Value one = types[i];
        XINGLIN_CHECK(known(one, where + ".", {"type", "where", "search"}));
        Sends sends;
        XINGLIN_CHECK(take(one["type"], where + ".type", sends.type));
        const fhir::Type* type = fhir::find_resource(sends.type);
        if (type == nullptr || type->is_abstract)
            return refuse(IssueCode::value, where + ".type", "must be a resource type of R4, Encounter for one");
        if (!seen.insert(sends.type).second) return refuse(IssueCode::value, where + ".type", "is there twice");
        XINGLIN_CHECK(take(one["where"], where + ".where", sends.where, 4'000));
        if (!sends.where.empty()) XINGLIN_CHECK(check_path(sends.where, *type, where + ".where"));
        XINGLIN_CHECK(take(one["search"], where + ".search", sends.search, 4'000));
        if (const auto read = read_search(sends.search, *type, 0); !read.ok())
            return refuse(IssueCode::value, where + ".search", "is no search for " + sends.type + ": " + read.outcome().line());
        all.push_back(std::move(sends));
    }
    return all;
}

Result<std::vector<ColumnRule>> read_columns(json::Value columns, const Channel& channel) {
    if (!columns.is_array() || columns.size() == 0 || columns.size() > 200)
        return refuse(IssueCode::required, "transform.columns", "must list 1 to 200 columns, each {\"name\",\"path\"}");
    if (channel.sends.size() != 1)
        return refuse(IssueCode::value, "filter.types", "a CSV file has one resource type; make a channel for each");
    std::vector<ColumnRule> all;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const std::string where = fmt::format("transform.columns[{}]", i);
        XINGLIN_CHECK(known(columns[i], where + ".", {"name", "path"}));
        ColumnRule rule;
        XINGLIN_CHECK(take(columns[i]["name"], where + ".name", rule.name, 200));
        XINGLIN_CHECK(take(columns[i]["path"], where + ".path", rule.path, 4'000));
        if (rule.name.empty()) return refuse(IssueCode::required, where + ".name", "is missing");
        if (!seen.insert(rule.name).second) return refuse(IssueCode::value, where + ".name", "is there twice");
        const auto compiled = fhirpath::Expression::compile(rule.path);  // resolve() may lead to any type
        if (!compiled.ok()) return refuse(IssueCode::value, where + ".path", "is no FHIRPath: " + compiled.outcome().line());
        all.push_back(std::move(rule));
    }
    return all;
}

Result<Done> read_target(json::Value target, Channel& channel, bool trusted) {
    if (!target) return Done{};
    XINGLIN_CHECK(
        known(target, "target.", {"kind", "url", "folder", "tls", "authorities", "identity", "login", "secret", "receipt"}));
    XINGLIN_CHECK(take(target["kind"], "target.kind", channel.kind));
    XINGLIN_CHECK(one_of(channel.kind, "target.kind", {"fhir", "mllp", "folder"}));
    XINGLIN_CHECK(take(target["url"], "target.url", channel.url, 1'000));
    XINGLIN_CHECK(take(target["folder"], "target.folder", channel.folder, 1'000));
    XINGLIN_CHECK(take(target["tls"], "target.tls", channel.tls));
    XINGLIN_CHECK(take(target["authorities"], "target.authorities", channel.authorities));
    XINGLIN_CHECK(secret_name(channel.authorities, "target.authorities"));
    XINGLIN_CHECK(take(target["identity"], "target.identity", channel.identity));
    XINGLIN_CHECK(secret_name(channel.identity, "target.identity"));
    XINGLIN_CHECK(take(target["login"], "target.login", channel.login));
    XINGLIN_CHECK(one_of(channel.login, "target.login", {"none", "bearer", "basic"}));
    XINGLIN_CHECK(take(target["secret"], "target.secret", channel.secret));
    XINGLIN_CHECK(secret_name(channel.secret, "target.secret"));
    XINGLIN_CHECK(take(target["receipt"], "target.receipt", channel.receipt));
    XINGLIN_CHECK(one_of(channel.receipt, "target.receipt", {"none", "file", "taken"}));
    const bool may_be_path = trusted && channel.folder.starts_with('/') && channel.folder.find("..") == std::string::npos;
    if (channel.is_file() && !is_name(channel.folder) && !may_be_path)
        return refuse(IssueCode::value, "target.folder",
                      "must be 1 to 40 of a-z 0-9 -: a folder under DATA/outbox; only files of content may name another");
    if (channel.login != "none" && channel.secret.empty())
        return refuse(IssueCode::required, "target.secret", "is missing; name the secret that holds the token or user:password");
    return Done{};
}

Result<Done> read_filter(json::Value filter, Channel& channel) {
    if (!filter) return Done{};
    XINGLIN_CHECK(known(filter, "filter.", {"types", "organizations", "confidentiality", "deletions"}));
    if (filter["types"]) {
        XINGLIN_TRY(channel.sends, read_sends(filter["types"]));
    }
    if (filter["organizations"]) {
        XINGLIN_TRY(channel.organizations, texts(filter["organizations"], "filter.organizations", 1'000));
    }
    if (filter["confidentiality"]) {
        XINGLIN_TRY(channel.confidentiality, texts(filter["confidentiality"], "filter.confidentiality", 6));
        for (const std::string& label : channel.confidentiality)
            XINGLIN_CHECK(one_of(label, "filter.confidentiality", {"U", "L", "M", "N", "R", "V"}));
    }
    return take(filter["deletions"], "filter.deletions", channel.deletions);
}

Result<Done> read_transform(json::Value transform, Channel& channel) {
    XINGLIN_CHECK(known(transform, "transform.",
                        {"deidentify", "key", "pseudonyms", "dates", "columns", "encoding", "event", "version", "application",
                         "facility", "receiving_application", "receiving_facility"}));
    XINGLIN_CHECK(take(transform["deidentify"], "transform.deidentify", channel.deidentify));
    XINGLIN_CHECK(take(transform["key"], "transform.key", channel.key));
    XINGLIN_CHECK(secret_name(channel.key, "transform.key"));
    XINGLIN_CHECK(take(transform["pseudonyms"], "transform.pseudonyms", channel.pseudonyms));
    XINGLIN_CHECK(one_of(channel.pseudonyms, "transform.pseudonyms", {"channel", "key"}));
    XINGLIN_CHECK(take(transform["dates"], "transform.dates", channel.dates));
    XINGLIN_CHECK(one_of(channel.dates, "transform.dates", {"keep", "shift", "month", "year"}));
    if (channel.deidentify && channel.key.empty())
        return refuse(IssueCode::required, "transform.key",
                      "is missing; name the secret, of 32 bytes at least, that pseudonyms are made with");
    if (transform["columns"]) {
        XINGLIN_TRY(channel.columns, read_columns(transform["columns"], channel));
    }
    XINGLIN_CHECK(take(transform["encoding"], "transform.encoding", channel.encoding));
    XINGLIN_CHECK(one_of(channel.encoding, "transform.encoding", {"UTF-8", "GB18030"}));
    XINGLIN_CHECK(take(transform["event"], "transform.event", channel.event, 3));
    XINGLIN_CHECK(take(transform["version"], "transform.version", channel.version, 10));
    XINGLIN_CHECK(one_of(channel.version, "transform.version", {"2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8"}));
    XINGLIN_CHECK(take(transform["application"], "transform.application", channel.application, 180));
    XINGLIN_CHECK(take(transform["facility"], "transform.facility", channel.facility, 180));
    XINGLIN_CHECK(
        take(transform["receiving_application"], "transform.receiving_application", channel.receiving_application, 180));
    return take(transform["receiving_facility"], "transform.receiving_facility", channel.receiving_facility, 180);
}

Result<Done> read_batch(json::Value batch, Channel& channel) {
    XINGLIN_CHECK(known(batch, "batch.", {"count", "seconds", "at", "offset_minutes"}));
    XINGLIN_CHECK(take(batch["count"], "batch.count", channel.count, 1, 100'000));
    XINGLIN_CHECK(take(batch["seconds"], "batch.seconds", channel.seconds, 0, 7 * 86'400));
    XINGLIN_CHECK(take(batch["at"], "batch.at", channel.at, 5));
    if (!channel.at.empty() && (channel.at.size() != 5 || !calendar::parse_time(channel.at, true)))
        return refuse(IssueCode::value, "batch.at", "must be a time of day, 22:30, or empty");
    std::int64_t offset = channel.offset_minutes;
    XINGLIN_CHECK(take(batch["offset_minutes"], "batch.offset_minutes", offset, -14 * 60, 14 * 60));
    channel.offset_minutes = static_cast<std::int16_t>(offset);
    return Done{};
}

Result<Done> read_retry(json::Value retry, Channel& channel) {
    XINGLIN_CHECK(known(retry, "retry.", {"first_seconds", "most_seconds", "attempts", "timeout_seconds", "keep_days"}));
    XINGLIN_CHECK(take(retry["first_seconds"], "retry.first_seconds", channel.first_seconds, 1, 3'600));
    XINGLIN_CHECK(take(retry["most_seconds"], "retry.most_seconds", channel.most_seconds, 1, 86'400));
    XINGLIN_CHECK(take(retry["attempts"], "retry.attempts", channel.attempts, 1, 100));
    XINGLIN_CHECK(take(retry["timeout_seconds"], "retry.timeout_seconds", channel.timeout_seconds, 1, 600));
    XINGLIN_CHECK(take(retry["keep_days"], "retry.keep_days", channel.keep_days, 1, 3'650));
    if (channel.most_seconds < channel.first_seconds)
        return refuse(IssueCode::value, "retry.most_seconds", "must not be less than retry.first_seconds");
    return Done{};
}

/// What holds between the parts.
Result<Done> fits(const Channel& channel) {
    const bool has = channel.kind == "fhir"   ? channel.format == "transaction" || channel.format == "document"
                     : channel.kind == "mllp" ? channel.format == "hl7v2"
                                              : channel.format != "document";
    if (!has)
        return refuse(IssueCode::value, "format",
                      "goes with the target: fhir takes transaction or document, mllp takes hl7v2, folder takes csv, ndjson, "
                      "transaction, hl7v2 or cda");
    if (channel.sends.empty()) return refuse(IssueCode::required, "filter.types", "is missing; say which resource types go out");
    if (channel.format == "csv" && channel.columns.empty())
        return refuse(IssueCode::required, "transform.columns", "is missing; a CSV file needs its columns");
    if (!channel.deidentify && channel.dates != "keep")
        return refuse(IssueCode::value, "transform.dates", "is for what is de-identified; set transform.deidentify");
    if (channel.format == "hl7v2" && channel.deidentify)
        return refuse(IssueCode::value, "transform.deidentify", "is for FHIR and CSV; an HL7 v2 message names its patient");
    if (channel.format == "cda" && channel.deidentify)
        return refuse(IssueCode::value, "transform.deidentify", "is for FHIR and CSV; a shared document names its patient");
    for (const Sends& sends : channel.sends) {
        if (channel.format == "cda" && sends.type != "Encounter")
            return refuse(IssueCode::value, "filter.types",
                          "a shared document is written of a visit, Encounter; leave the others out");
        const bool writable = sends.type == "Patient" || sends.type == "Encounter" || sends.type == "DiagnosticReport" ||
                              sends.type == "Immunization";
        if (channel.format == "hl7v2" && !writable)
            return refuse(IssueCode::value, "filter.types",
                          "HL7 v2 carries Patient, Encounter, DiagnosticReport and Immunization; leave " + sends.type + " out");
        if (channel.format == "document" && sends.type != "Composition")
            return refuse(IssueCode::value, "filter.types", "a document begins with its Composition; leave the others out");
    }
    if (channel.is_file()) return Done{};
    XINGLIN_TRY(const Address address, address_of(channel));
    const bool is_number =
        address.host.find(':') != std::string::npos || address.host.find_first_not_of("0123456789.") == std::string::npos;
    if (is_number) XINGLIN_CHECK(admits(address.host));  // names are asked when they are connected to
    if (!address.tls && !channel.identity.empty())
        return refuse(IssueCode::value, "target.identity",
                      "is a certificate, which needs TLS; write https:// before the address, or set target.tls for MLLP");
    return Done{};
}

}  // namespace

std::string_view text(Mode mode) {
    static constexpr std::string_view names[] = {"off", "paused", "on"};
    return names[static_cast<int>(mode)];
}

Result<Channel> read_channel(json::Value value, Channel channel, bool trusted) {
    if (!value.is_object())
        return refuse(IssueCode::structure, "body", "must be an object with id, name, target, format and filter");
    XINGLIN_CHECK(known(value, "",
                        {"id", "name", "name_en", "owner", "organization", "mode", "from", "target", "format", "filter",
                         "transform", "batch", "retry"}));
    XINGLIN_CHECK(take(value["id"], "id", channel.id));
    if (!is_name(channel.id)) return refuse(IssueCode::value, "id", "must be 1 to 40 of a-z 0-9 -");
    XINGLIN_CHECK(take(value["name"], "name", channel.name));
    if (channel.name.empty()) return refuse(IssueCode::required, "name", "is missing; it is what people see");
    XINGLIN_CHECK(take(value["name_en"], "name_en", channel.name_en));
    XINGLIN_CHECK(take(value["owner"], "owner", channel.owner));
    XINGLIN_CHECK(take(value["organization"], "organization", channel.organization, 64));
    std::string mode(text(channel.mode));
    XINGLIN_CHECK(take(value["mode"], "mode", mode));
    XINGLIN_CHECK(one_of(mode, "mode", {"on", "paused", "off"}));
    channel.mode = mode == "on" ? Mode::on : mode == "paused" ? Mode::paused : Mode::off;
    XINGLIN_CHECK(take(value["from"], "from", channel.from));
    XINGLIN_CHECK(one_of(channel.from, "from", {"now", "start"}));
    XINGLIN_CHECK(take(value["format"], "format", channel.format));
    XINGLIN_CHECK(one_of(channel.format, "format", {"transaction", "document", "ndjson", "hl7v2", "csv", "cda"}));
    XINGLIN_CHECK(read_target(value["target"], channel, trusted));
    XINGLIN_CHECK(read_filter(value["filter"], channel));
    XINGLIN_CHECK(read_transform(value["transform"], channel));
    XINGLIN_CHECK(read_batch(value["batch"], channel));
    XINGLIN_CHECK(read_retry(value["retry"], channel));
    XINGLIN_CHECK(fits(channel));
    return channel;
}

json::Value write_channel(const Channel& channel, json::Arena& arena) {
    const auto text_of = [&](std::string_view each) { return arena.string(each); };
    const auto list = [&](const std::vector<std::string>& all) {
        std::vector<json::Value> values;
        for (const std::string& each : all) values.push_back(arena.string(each));
        return arena.array(values);
    };
    std::vector<json::Value> types, columns;
    for (const Sends& sends : channel.sends)
        types.push_back(
            arena.object({{"type", text_of(sends.type)}, {"where", text_of(sends.where)}, {"search", text_of(sends.search)}}));
    for (const ColumnRule& rule : channel.columns)
        columns.push_back(arena.object({{"name", text_of(rule.name)}, {"path", text_of(rule.path)}}));
    const json::Value target = arena.object({{"kind", text_of(channel.kind)},
                                             {"url", text_of(channel.url)},
                                             {"folder", text_of(channel.folder)},
                                             {"tls", arena.boolean(channel.tls)},
                                             {"authorities", text_of(channel.authorities)},
                                             {"identity", text_of(channel.identity)},
                                             {"login", text_of(channel.login)},
                                             {"secret", text_of(channel.secret)},
                                             {"receipt", text_of(channel.receipt)}});
    const json::Value filter = arena.object({{"types", arena.array(types)},
                                             {"organizations", list(channel.organizations)},
                                             {"confidentiality", list(channel.confidentiality)},
                                             {"deletions", arena.boolean(channel.deletions)}});
    const json::Value transform = arena.object({{"deidentify", arena.boolean(channel.deidentify)},
                                                {"key", text_of(channel.key)},
                                                {"pseudonyms", text_of(channel.pseudonyms)},
                                                {"dates", text_of(channel.dates)},
                                                {"columns", columns.empty() ? json::Value() : arena.array(columns)},
                                                {"encoding", text_of(channel.encoding)},
                                                {"event", text_of(channel.event)},
                                                {"version", text_of(channel.version)},
                                                {"application", text_of(channel.application)},
                                                {"facility", text_of(channel.facility)},
                                                {"receiving_application", text_of(channel.receiving_application)},
                                                {"receiving_facility", text_of(channel.receiving_facility)}});
    const json::Value batch = arena.object({{"count", arena.number(channel.count)},
                                            {"seconds", arena.number(channel.seconds)},
                                            {"at", text_of(channel.at)},
                                            {"offset_minutes", arena.number(std::int64_t{channel.offset_minutes})}});
    const json::Value retry = arena.object({{"first_seconds", arena.number(channel.first_seconds)},
                                            {"most_seconds", arena.number(channel.most_seconds)},
                                            {"attempts", arena.number(channel.attempts)},
                                            {"timeout_seconds", arena.number(channel.timeout_seconds)},
                                            {"keep_days", arena.number(channel.keep_days)}});
    return arena.object({{"id", text_of(channel.id)},
                         {"name", text_of(channel.name)},
                         {"name_en", text_of(channel.name_en)},
                         {"owner", text_of(channel.owner)},
                         {"organization", text_of(channel.organization)},
                         {"mode", text_of(text(channel.mode))},
                         {"from", text_of(channel.from)},
                         {"target", target},
                         {"format", text_of(channel.format)},
                         {"filter", filter},
                         {"transform", transform},
                         {"batch", batch},
                         {"retry", retry}});
}

}  // namespace xinglin::outbound
