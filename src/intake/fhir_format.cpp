// SPDX-License-Identifier: Apache-2.0
// FHIR from a source: Bundles of any type, or one resource, become a transaction of PUTs to ids that stay the same.
//
// Ids of two institutions may be the same, so a source's "Patient/7" becomes Patient/<stable id>, in references too; a source
// whose ids are unique everywhere says keep_ids.
#include <fstream>
#include <sstream>
#include <unordered_map>

#include <fmt/format.h>

#include "fhir/fhir.h"
#include "http/http.h"
#include "intake/intake.h"
#include "text/text.h"

namespace xinglin::intake {

namespace {

std::string_view trimmed(std::string_view bytes) {
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    while (!bytes.empty() && static_cast<unsigned char>(bytes.front()) <= ' ') bytes.remove_prefix(1);
    while (!bytes.empty() && static_cast<unsigned char>(bytes.back()) <= ' ') bytes.remove_suffix(1);
    return bytes;
}

Result<json::Value> read(std::string_view bytes, json::Arena& arena) {
    const std::string_view text = trimmed(bytes);
    if (text.starts_with('<')) return fhir::from_xml(text, arena);
    if (!text.starts_with('{'))
        return refuse(IssueCode::invalid, "message", "is neither JSON nor XML; send a FHIR resource or Bundle");
    return json::parse(text, arena);
}

/// One resource on its way into the transaction.
struct Piece {
    json::Value resource;
    std::string full_url, id;  // id under which it is stored
    const fhir::Type* type = nullptr;
    bool is_deletion = false;
};

class Translation {
public:
    Translation(json::Arena& arena, const Source& source) : arena_(arena), source_(source) {}

    Result<message::Converted> convert(json::Value root);

private:
    json::Arena& arena_;
    const Source& source_;
    std::vector<Piece> pieces_;
    std::unordered_map<std::string, std::size_t> places_;  // Type/id → piece
    std::unordered_map<std::string, std::string> moved_;   // fullUrl → Type/id
    message::Converted out_;

    Result<Done> take_entry(json::Value entry, std::size_t index);
    Result<Done> take(json::Value resource, std::string full_url, std::string_view url, std::string_view condition,
                      const std::string& where);
    std::string new_id(std::string_view type, std::string_view key) const { return message::stable_id(source_.id, type, key); }
    std::string moved_id(std::string_view type, std::string_view id) const {
        return source_.keep_ids ? std::string(id) : new_id(type, id);
    }
    std::string moved_reference(std::string_view reference) const;
    json::Value rewrite(json::Value value, int depth);
    void read_facts(json::Value root);
    std::string bundle();
};

std::string Translation::moved_reference(std::string_view reference) const {
    if (const auto found = moved_.find(std::string(reference)); found != moved_.end()) return found->second;
    if (reference.starts_with("urn:") || reference.starts_with('#') || reference.find(':') != std::string_view::npos)
        return std::string(reference);
    const std::size_t slash = reference.find('/');
    if (slash == std::string_view::npos) return std::string(reference);
    const std::string_view type = reference.substr(0, slash);
    std::string_view id = reference.substr(slash + 1);
    if (const std::size_t history = id.find("/_history/"); history != std::string_view::npos) id = id.substr(0, history);
    if (!fhir::find_resource(type) || !ingest::is_id(id)) return std::string(reference);
    return fmt::format("{}/{}", type, moved_id(type, id));
}

json::Value Translation::rewrite(json::Value value, int depth) {
    if (depth > 190) return value;
    if (value.is_array()) {
        std::vector<json::Value> items;
        for (const json::Node& node : value.items()) items.push_back(rewrite(json::Value(&node), depth + 1));
        return arena_.array(items);
    }
    if (!value.is_object()) return value;
    std::vector<std::pair<std::string_view, json::Value>> members;
    for (const json::Member& member : value.members()) {
        const bool is_link = member.key() == "reference" && member.value().is_string();
        members.emplace_back(
            member.key(), is_link ? arena_.string(moved_reference(member.value().string())) : rewrite(member.value(), depth + 1));
    }
    return arena_.object(members);
}

Result<Done> Translation::take(json::Value resource, std::string full_url, std::string_view url, std::string_view condition,
                               const std::string& where) {
    const fhir::Type* type = fhir::find_resource(resource["resourceType"].string());
    if (!type || type->is_abstract)
        return refuse(IssueCode::structure, where + ".resourceType", "is missing or no resource type of FHIR R4");
    Piece piece{.resource = resource, .full_url = std::move(full_url), .type = type};
    const std::string_view own = resource["id"].string();
    const std::size_t slash = url.find('/');
    if (slash != std::string_view::npos && url.find('?') == std::string_view::npos)
        piece.id = moved_id(type->name, url.substr(slash + 1));
    else if (url.find('?') != std::string_view::npos)
        piece.id = new_id(type->name, url);  // the same condition, the same resource
    else if (!condition.empty()) piece.id = new_id(type->name, fmt::format("{}?{}", type->name, condition));
    else if (!own.empty()) piece.id = moved_id(type->name, own);
    else if (piece.full_url.starts_with("urn:")) piece.id = new_id(type->name, piece.full_url);
    else piece.id = new_id(type->name, json::write(resource));
    if (!ingest::is_id(piece.id)) return refuse(IssueCode::value, where + ".id", "must be 1 to 64 of A-Z a-z 0-9 - .");
    if (!piece.full_url.empty()) moved_[piece.full_url] = fmt::format("{}/{}", type->name, piece.id);
    const auto [place, is_new] = places_.emplace(fmt::format("{}/{}", type->name, piece.id), pieces_.size());
    if (is_new) pieces_.push_back(std::move(piece));
    else pieces_[place->second] = std::move(piece);  // as put last, in its first place
    return Done{};
}

Result<Done> Translation::take_entry(json::Value entry, std::size_t index) {
    const std::string where = fmt::format("Bundle.entry[{}]", index);
    const json::Value request = entry["request"], resource = entry["resource"];
    const std::string_view method = request["method"].string();
    std::string_view url = request["url"].string();
    if (url.starts_with('/')) url.remove_prefix(1);
    if (method == "DELETE") {
        const std::size_t slash = url.find('/');
        const fhir::Type* type = slash == std::string_view::npos ? nullptr : fhir::find_resource(url.substr(0, slash));
        if (!type || !ingest::is_id(url.substr(slash + 1)))
            return refuse(IssueCode::not_supported, where + ".request.url", "of a DELETE must be Type/id");
        pieces_.push_back({.id = moved_id(type->name, url.substr(slash + 1)), .type = type, .is_deletion = true});
        return Done{};
    }
    if (method == "GET" || method == "HEAD") {
        out_.notes.push_back({where, "asks for something; a source only tells, ask at /fhir", "left-out"});
        return Done{};
    }
    if (!method.empty() && method != "PUT" && method != "POST")
        return refuse(IssueCode::not_supported, where + ".request.method", "must be PUT, POST or DELETE; send a PATCH to /fhir");
    if (!resource.is_object()) return refuse(IssueCode::required, where + ".resource", "is missing");
    return take(resource, std::string(entry["fullUrl"].string()), method == "PUT" ? url : std::string_view(),
                request["ifNoneExist"].string(), where + ".resource");
}

void Translation::read_facts(json::Value root) {
    message::Facts& facts = out_.facts;
    const bool is_bundle = root["resourceType"].string() == "Bundle";
    facts.version = "4.0.1";
    facts.kind = is_bundle ? fmt::format("Bundle {}", root["type"].string()) : std::string(root["resourceType"].string());
    facts.control_id = is_bundle ? root["identifier"]["value"].string() : std::string_view();
    if (facts.control_id.empty() && is_bundle) facts.control_id = root["id"].string();
    facts.sent_at = is_bundle ? root["timestamp"].string() : root["meta"]["lastUpdated"].string();
    std::string patient;
    for (const Piece& piece : pieces_) {
        if (piece.is_deletion) continue;
        const std::string one = piece.type->name == "Patient" ? piece.id : ingest::patient_of(piece.resource);
        if (one.empty()) continue;
        if (!patient.empty() && patient != one && piece.type->name == "Patient") return;  // of several
        if (patient.empty() || piece.type->name == "Patient") patient = one;
    }
    facts.patient = patient;
}

std::string Translation::bundle() {
    std::string origin = "urn:xinglin:source:" + source_.id;
    if (!out_.facts.control_id.empty()) origin += "#" + http::percent_encode(out_.facts.control_id);
    std::string text = R"({"resourceType":"Bundle","type":"transaction","entry":[)";
    bool first = true;
    for (const Piece& piece : pieces_) {
        const std::string url = fmt::format("{}/{}", piece.type->name, piece.id);
        if (!first) text += ',';
        first = false;
        if (piece.is_deletion) {
            text += fmt::format(R"({{"request":{{"method":"DELETE","url":"{}"}}}})", url);
            continue;
        }
        json::Value meta = piece.resource["meta"].is_object() ? piece.resource["meta"] : arena_.object({});
        meta = arena_.with(meta, "source", arena_.string(origin));
        json::Value whole = arena_.with_after(piece.resource, "resourceType", "id", arena_.string(piece.id));
        whole = arena_.with_after(whole, "id", "meta", meta);
        text += R"({"resource":)";
        json::write(whole, text);
        text += fmt::format(R"(,"request":{{"method":"PUT","url":"{}"}}}})", url);
    }
    return text + "]}";
}

Result<message::Converted> Translation::convert(json::Value root) {
    if (root["resourceType"].string() == "Bundle") {
        const json::Value list = root["entry"];
        if (list && !list.is_array()) return refuse(IssueCode::structure, "Bundle.entry", "must be an array");
        std::size_t index = 0;
        for (const json::Node& node : list.items()) XINGLIN_CHECK(take_entry(json::Value(&node), index++));
        if (pieces_.empty()) return refuse(IssueCode::required, "Bundle.entry", "is empty; there is nothing to store");
    } else {
        XINGLIN_CHECK(take(root, "", "", "", "message"));
    }
    for (Piece& piece : pieces_) {
        if (!piece.is_deletion) piece.resource = rewrite(piece.resource, 0);
    }
    read_facts(root);
    out_.bundle = bundle();
    return std::move(out_);
}

/// Bundle.identifier, id and timestamp without reading the whole: only whether it is one.
Result<message::Facts> glance(std::string_view bytes) {
    const std::string_view text = trimmed(bytes);
    if (text.starts_with('{') || text.starts_with('<')) return message::Facts{};
    return refuse(IssueCode::invalid, "message", "is neither JSON nor XML; send a FHIR resource or Bundle");
}

constexpr std::size_t most_at_once = 64u << 20;  // of a file that is one message, and of a line

Outcome too_long(std::string where) { return refuse(IssueCode::too_costly, std::move(where), "is larger than 64 MiB, split it"); }

/// NDJSON: every line that is not empty is a message.
Result<Done> split_lines(std::ifstream& in, const std::function<bool(Item item)>& each) {
    std::string held, piece(1u << 20, '\0');
    std::size_t line = 0;
    for (bool ended = false; !ended;) {
        in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        held.append(piece, 0, static_cast<std::size_t>(in.gcount()));
        ended = !in;
        std::size_t at = 0;
        for (std::size_t end = held.find('\n'); end != std::string::npos || (ended && at < held.size());
             end = held.find('\n', at)) {
            const std::size_t to = std::min(end, held.size());
            const std::string_view text = trimmed(std::string_view(held).substr(at, to - at));
            at = std::min(to + 1, held.size());
            ++line;
            if (!text.empty() && !each({fmt::format("line {}", line), std::string(text), ""})) return Done{};
        }
        held.erase(0, at);
        if (held.size() > most_at_once) return too_long(fmt::format("line {}", line + 1));
    }
    if (in.bad()) return refuse(IssueCode::invalid, "file", "cannot be read");
    return Done{};
}

/// A file is one message, unless its name says that its lines are.
Result<Done> split(const std::filesystem::path& file, const std::function<bool(Item item)>& each) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return refuse(IssueCode::invalid, "file", "cannot be read");
    if (text::lower_ascii(file.extension().string()) == ".ndjson") return split_lines(in, each);
    if (std::filesystem::file_size(file) > most_at_once) return too_long("file");
    std::ostringstream content;
    content << in.rdbuf();
    std::string bytes = std::move(content).str();
    if (bytes.empty()) return refuse(IssueCode::invalid, "file", "is empty, send its bytes");
    each({"message", std::move(bytes), ""});
    return Done{};
}

}  // namespace

Format fhir_format() {
    Format format{.name = "fhir"};
    format.glance = glance;
    format.convert = [](std::string_view bytes, const Source& source, std::string_view) -> Result<message::Converted> {
        json::Arena arena;
        XINGLIN_TRY(const json::Value root, read(bytes, arena));
        return Translation(arena, source).convert(root);
    };
    format.split = [](const std::filesystem::path& file, const Source&, std::string_view, const auto& each) {
        return split(file, each);
    };
    return format;
}

}  // namespace xinglin::intake
