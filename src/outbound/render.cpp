// SPDX-License-Identifier: Apache-2.0
// Transactions, documents, NDJSON, HL7 v2 and CSV, made of versions of the record.
#include "outbound/render.h"

#include <sys/stat.h>
#include <unicode/ucnv.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "fhir/fhir.h"
#include "message/message.h"
#include "text/text.h"
#include "view/view.h"

namespace xinglin::outbound {

namespace {

constexpr std::size_t most_bytes = 64u << 20;  // of one delivery
constexpr std::size_t most_in_document = 500;  // resources
constexpr std::size_t most_known = 20'000;     // resources remembered while rendering

Outcome too_long() {
    return refuse(IssueCode::too_costly, "batch.count", "the delivery is longer than 64 MiB; send fewer resources at once");
}

std::string key_of(std::string_view type, std::string_view id) { return fmt::format("{}/{}", type, id); }

std::string local_time(std::int64_t ms, std::int16_t offset_minutes, bool with_zone) {
    const std::int64_t local = ms + offset_minutes * std::int64_t{60'000};
    const std::string iso = calendar::instant_text(local);  // 2026-11-22T08:15:00.123Z
    std::string out =
        iso.substr(0, 4) + iso.substr(5, 2) + iso.substr(8, 2) + iso.substr(11, 2) + iso.substr(14, 2) + iso.substr(17, 2);
    if (with_zone)
        out += fmt::format("{}{:02}{:02}", offset_minutes < 0 ? '-' : '+', std::abs(offset_minutes) / 60,
                           std::abs(offset_minutes) % 60);
    return out;
}

void write_field(std::string_view text, std::string& out) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos && !text.starts_with(' ') && !text.ends_with(' ')) {
        out += text;
        return;
    }
    out += '"';
    for (const char c : text) {
        if (c == '"') out += '"';
        out += c;
    }
    out += '"';
}

Result<std::string> encoded(std::string text, std::string_view encoding) {
    if (encoding == "UTF-8") return text;
    UErrorCode status = U_ZERO_ERROR;
    const int32_t size = ucnv_convert("GB18030", "UTF-8", nullptr, 0, text.data(), static_cast<int32_t>(text.size()), &status);
    if (status != U_BUFFER_OVERFLOW_ERROR && U_FAILURE(status))
        return refuse(IssueCode::value, "transform.encoding", "holds a character that GB18030 does not take; send UTF-8");
    std::string out(static_cast<std::size_t>(size), '\0');
    status = U_ZERO_ERROR;
    ucnv_convert("GB18030", "UTF-8", out.data(), size, text.data(), static_cast<int32_t>(text.size()), &status);
    if (U_FAILURE(status))
        return refuse(IssueCode::value, "transform.encoding", "the text cannot be written as GB18030; send UTF-8");
    return out;
}

/// Every literal reference in a resource, in order.
void references(json::Value value, std::vector<std::string>& into) {
    for (const json::Member& member : value.members()) {
        if (member.key() == "reference" && member.value().is_string()) into.emplace_back(member.value().string());
        references(member.value(), into);
    }
    for (const json::Node& node : value.items()) references(json::Value(&node), into);
}

}  // namespace

Result<std::string> Secrets::file(std::string_view name) const {
    const std::filesystem::path path = folder_ / std::string(name);
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error))
        return refuse(IssueCode::not_found, "secret",
                      fmt::format("{} is not in DATA/secrets; put it there, readable by the server only", name));
    return path.string();
}

Result<std::string> Secrets::file_of_key(std::string_view name) const {
    XINGLIN_TRY(std::string path, file(name));
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0)
        return refuse(IssueCode::forbidden, "secret",
                      fmt::format("{} may be read by others; chmod 600 DATA/secrets/{}", name, name));
    return path;
}

Result<std::string> Secrets::read(std::string_view name) const {
    std::string text;
    std::string variable = "XINGLIN_SECRET_";
    for (const char c : name) variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (file(name).ok()) {
        XINGLIN_TRY(const std::string path, file_of_key(name));
        std::ifstream in(path, std::ios::binary);
        std::ostringstream all;
        all << in.rdbuf();
        text = std::move(all).str();
    } else if (const char* from = std::getenv(variable.c_str())) {
        text = from;
    } else {
        return file(name).outcome();
    }
    while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != std::string_view::npos) text.pop_back();
    if (text.empty() || text.size() > 16'384 || text.find_first_of("\r\n") != std::string::npos)
        return refuse(IssueCode::value, "secret", fmt::format("{} must hold one line of text", name));
    return text;
}

void Renderer::know(std::string_view type, std::string_view id, std::string text) {
    const auto parsed = json::parse(arena_.keep(text), arena_);
    if (parsed.ok()) known_[key_of(type, id)] = *parsed;
}

Result<json::Value> Renderer::version(const Item& item) {
    auto text = read_(item.type, item.id, item.version);
    if (!text) {
        if (const auto known = known_.find(key_of(item.type, item.id)); known != known_.end()) return known->second;
        return refuse(IssueCode::not_found, key_of(item.type, item.id),
                      fmt::format("version {} is not in the record", item.version));
    }
    return json::parse(*text, arena_);
}

/// As the record has it now.
json::Value Renderer::resolve(std::string_view reference) {
    const std::size_t slash = reference.find('/');
    if (slash == std::string_view::npos) return {};
    const std::string_view type = reference.substr(0, slash);
    std::string_view id = reference.substr(slash + 1);
    id = id.substr(0, id.find('/'));
    if (fhir::find_resource(type) == nullptr) return {};
    const std::string key = key_of(type, id);
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
    if (known_.size() >= most_known) return {};
    json::Value found;
    if (const auto text = read_(type, id, 0)) {
        const auto parsed = json::parse(*text, arena_);
        if (parsed.ok() && may_go_out(*parsed, channel().confidentiality)) found = *parsed;
    }
    known_[key] = found;
    return found;
}

Result<Done> Renderer::prepare(std::int64_t created_ms) {
    const int year = calendar::civil_from_days(created_ms / 86'400'000).year;
    if (!channel().deidentify || (deidentifier_ && year_ == year)) return Done{};
    XINGLIN_TRY(std::string key, secrets_.read(channel().key));
    if (key.size() >= bulk::Deidentifier::key_bytes_least && channel().pseudonyms == "channel")
        key = bulk::key_for(key, "channel " + channel().id);
    const auto dates = channel().dates == "shift"   ? bulk::Dates::shift
                       : channel().dates == "month" ? bulk::Dates::month
                       : channel().dates == "year"  ? bulk::Dates::year
                                                    : bulk::Dates::keep;
    XINGLIN_TRY(bulk::Deidentifier made, bulk::Deidentifier::make(content_, std::move(key), year, dates));
    deidentifier_.emplace(std::move(made));
    year_ = year;
    return Done{};
}

json::Value Renderer::without_person(json::Value resource) {
    return deidentifier_->apply(resource, arena_, view::patient_key(resource));
}

Result<Payload> Renderer::render(const std::vector<Item>& items, std::int64_t created_ms, std::string_view control_id) {
    XINGLIN_CHECK(prepare(created_ms));
    if (channel().format == "transaction") return transaction(items, created_ms, control_id);
    if (channel().format == "document") return document(items, created_ms, control_id);
    if (channel().format == "ndjson") return lines(items);
    if (channel().format == "cda") return shared_document(items, created_ms);
    if (channel().format == "hl7v2") return message(items, created_ms, control_id);
    return table(items, created_ms);
}

Result<Payload> Renderer::transaction(const std::vector<Item>& items, std::int64_t created_ms, std::string_view control_id) {
    std::map<std::string, std::size_t> last;
    for (std::size_t i = 0; i < items.size(); ++i) last[key_of(items[i].type, items[i].id)] = i;
    std::vector<json::Value> entries;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
        const Item& item = items[i];
        if (last[key_of(item.type, item.id)] != i) continue;  // a later version of it is in the same bundle
        const fhir::Type* type = fhir::find_resource(item.type);
        const std::string id = deidentifier_ && type ? deidentifier_->id_of(*type, item.id) : item.id;
        const std::string url = key_of(item.type, id);
        json::Value resource;
        if (!item.deleted) {
            XINGLIN_TRY(resource, version(item));
            if (deidentifier_) resource = without_person(resource);
            if (!resource) continue;
            bytes += json::write(resource).size();
            if (bytes > most_bytes) return too_long();
        }
        const json::Value request =
            arena_.object({{"method", arena_.string(item.deleted ? "DELETE" : "PUT")}, {"url", arena_.string(url)}});
        entries.push_back(arena_.object({{"resource", resource}, {"request", request}}));
    }
    const json::Value identifier =
        arena_.object({{"system", arena_.string("urn:xinglin:channel:" + channel().id)}, {"value", arena_.string(control_id)}});
    const json::Value bundle = arena_.object({{"resourceType", arena_.string("Bundle")},
                                              {"identifier", identifier},
                                              {"type", arena_.string("transaction")},
                                              {"timestamp", arena_.string(calendar::instant_text(created_ms))},
                                              {"entry", entries.empty() ? json::Value() : arena_.array(entries)}});
    return Payload{"application/fhir+json", json::write(bundle)};
}

Result<Payload> Renderer::document(const std::vector<Item>& items, std::int64_t created_ms, std::string_view control_id) {
    if (items.size() != 1 || items.front().deleted)
        return refuse(IssueCode::not_supported, "format", "a deleted document cannot be sent as a document");
    XINGLIN_TRY(const json::Value composition, version(items.front()));
    std::vector<json::Value> resources{composition};
    std::set<std::string> seen{key_of(items.front().type, items.front().id)};
    for (std::size_t i = 0; i < resources.size(); ++i) {
        std::vector<std::string> named;
        references(resources[i], named);
        for (const std::string& reference : named) {
            const json::Value found = resolve(reference);
            if (!found || !seen.insert(key_of(found["resourceType"].string(), found["id"].string())).second) continue;
            if (resources.size() >= most_in_document)
                return refuse(IssueCode::too_costly, "format", "the document refers to more than 500 resources");
            std::string why;
            resources.push_back(found);
        }
    }
    std::vector<json::Value> entries;
    for (const json::Value resource : resources) {
        const json::Value plain = deidentifier_ ? without_person(resource) : resource;
        if (!plain) continue;
        const std::string url = "urn:xinglin:" + key_of(plain["resourceType"].string(), plain["id"].string());
        entries.push_back(arena_.object({{"fullUrl", arena_.string(url)}, {"resource", plain}}));
    }
    const json::Value identifier =
        arena_.object({{"system", arena_.string("urn:xinglin:channel:" + channel().id)}, {"value", arena_.string(control_id)}});
    std::string text = json::write(arena_.object({{"resourceType", arena_.string("Bundle")},
                                                  {"identifier", identifier},
                                                  {"type", arena_.string("document")},
                                                  {"timestamp", arena_.string(calendar::instant_text(created_ms))},
                                                  {"entry", arena_.array(entries)}}));
    if (text.size() > most_bytes) return too_long();
    return Payload{"application/fhir+json", std::move(text)};
}

void Renderer::write_documents(const cda::Knowledge* knowledge, Gather gather) {
    knowledge_ = knowledge;
    gather_ = std::move(gather);
}

/// A visit as the record has it now, with what may go out of what was found and done.
Result<Payload> Renderer::shared_document(const std::vector<Item>& items, std::int64_t created_ms) {
    if (knowledge_ == nullptr || !gather_)
        return refuse(IssueCode::not_supported, "format", "shared documents have no tables here");
    if (items.size() != 1 || items.front().deleted)
        return refuse(IssueCode::not_supported, "format", "a deleted visit cannot be sent as a shared document");
    XINGLIN_TRY(const json::Value visit, version(items.front()));
    const json::Value patient = resolve(visit["subject"]["reference"].string());
    if (patient["resourceType"].string() != "Patient")
        return refuse(IssueCode::invalid, key_of("Encounter", items.front().id),
                      "names no patient that may go out, a shared document needs one");
    std::vector<json::Value> all{patient, visit};
    for (const json::Value reference : {visit["serviceProvider"], visit["participant"][std::size_t{0}]["individual"]}) {
        if (const json::Value found = resolve(reference["reference"].string())) all.push_back(found);
    }
    for (const std::string& body : gather_(patient["id"].string(), cda::types_of_visit())) {
        const auto one = json::parse(arena_.keep(body), arena_);
        if (one.ok() && may_go_out(*one, channel().confidentiality) &&
            cda::is_of_visit(*one, key_of("Encounter", items.front().id)))
            all.push_back(*one);
    }
    const cda::Kind kind = cda::kind_of_visit(visit);
    const std::string id = message::stable_id("xinglin", cda::text(kind), items.front().id);
    XINGLIN_TRY(cda::Written written, cda::write(kind, arena_.array(all), id, calendar::instant_text(created_ms), *knowledge_));
    if (written.xml.size() > most_bytes) return too_long();
    return Payload{"application/xml; charset=utf-8", std::move(written.xml)};
}

Result<Payload> Renderer::lines(const std::vector<Item>& items) {
    std::string out;
    for (const Item& item : items) {
        if (item.deleted) continue;  // a file of resources cannot say that one is gone
        XINGLIN_TRY(json::Value resource, version(item));
        if (deidentifier_) resource = without_person(resource);
        if (!resource) continue;
        json::write(resource, out);
        out += '\n';
        if (out.size() > most_bytes) return too_long();
    }
    return Payload{"application/fhir+ndjson", std::move(out)};
}

Result<Payload> Renderer::message(const std::vector<Item>& items, std::int64_t created_ms, std::string_view control_id) {
    if (tables_ == nullptr) return refuse(IssueCode::not_supported, "format", "HL7 v2 has no tables here");
    if (items.size() != 1 || items.front().deleted)
        return refuse(IssueCode::not_supported, "format", "HL7 v2 has no message for what was deleted here");
    XINGLIN_TRY(const json::Value focus, version(items.front()));
    hl7v2::WriteOptions options;
    options.event = channel().event;
    options.control_id = control_id;
    options.now = local_time(created_ms, channel().offset_minutes, true);
    options.application = channel().application;
    options.facility = channel().facility;
    options.receiving_application = channel().receiving_application;
    options.receiving_facility = channel().receiving_facility;
    options.version = channel().version;
    options.encoding = channel().encoding;
    XINGLIN_TRY(std::string text, hl7v2::write(
                                      focus, [this](std::string_view name) { return resolve(name); }, options, *tables_));
    if (text.size() > most_bytes) return too_long();
    return Payload{"x-application/hl7-v2+er7", std::move(text)};
}

Result<std::string> Renderer::cell(const fhirpath::Expression& path, json::Value resource,
                                   const fhirpath::Environment& environment) {
    XINGLIN_TRY(const fhirpath::Collection found, path.evaluate(fhirpath::item_of(resource), environment));
    std::string out;
    for (const fhirpath::Item& item : found) {
        if (!out.empty()) out += ';';
        using Kind = fhirpath::Item::Kind;
        switch (item.kind) {
            case Kind::node: out += item.value.is_primitive() ? std::string(item.value.text()) : json::write(item.value); break;
            case Kind::boolean: out += item.boolean ? "true" : "false"; break;
            case Kind::integer: out += std::to_string(item.integer); break;
            case Kind::quantity: out += item.text + (item.unit.empty() ? "" : " " + item.unit); break;
            default: out += item.text;
        }
    }
    return out;
}

Result<Payload> Renderer::table(const std::vector<Item>& items, std::int64_t created_ms) {
    std::string out;
    const auto line_end = [&] { out += "\r\n"; };
    for (std::size_t i = 0; i < channel().columns.size(); ++i) {
        if (i > 0) out += ',';
        write_field(channel().columns[i].name, out);
    }
    line_end();
    fhirpath::Environment environment;
    environment.now_ms = created_ms;
    environment.offset_minutes = channel().offset_minutes;
    environment.resolve = [this](std::string_view reference) { return resolve(reference); };
    for (const Item& item : items) {
        if (item.deleted) continue;
        XINGLIN_TRY(json::Value resource, version(item));
        if (deidentifier_) resource = without_person(resource);
        if (!resource) continue;
        for (std::size_t i = 0; i < compiled_.columns().size(); ++i) {
            if (i > 0) out += ',';
            const auto text = cell(compiled_.columns()[i], resource, environment);
            if (!text.ok())
                return refuse(IssueCode::value, fmt::format("transform.columns[{}]", i),
                              fmt::format("cannot be worked out for {}: {}", key_of(item.type, item.id), text.outcome().line()));
            write_field(*text, out);
        }
        line_end();
        if (out.size() > most_bytes) return too_long();
    }
    XINGLIN_TRY(std::string bytes, encoded(std::move(out), channel().encoding));
    return Payload{channel().encoding == "UTF-8" ? "text/csv; charset=utf-8" : "text/csv; charset=gb18030", std::move(bytes)};
}

std::string file_name(const Channel& channel, const Delivery& delivery) {
    const std::string_view end = channel.format == "csv"      ? ".csv"
                                 : channel.format == "ndjson" ? ".ndjson"
                                 : channel.format == "hl7v2"  ? ".hl7"
                                 : channel.format == "cda"    ? ".xml"
                                                              : ".json";
    return fmt::format("{}-{}-{}{}", channel.id, local_time(delivery.created_ms, channel.offset_minutes, false).substr(0, 8),
                       delivery.control_id, end);
}

}  // namespace xinglin::outbound
