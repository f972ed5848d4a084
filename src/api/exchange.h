// SPDX-License-Identifier: Apache-2.0
// Inside the room: one request and everything needed to answer it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/api.h"
#include "search/search.h"

namespace xinglin::api {

enum class Format : std::uint8_t { json, xml };
enum class Return : std::uint8_t { unsaid, minimal, representation, outcome };

using Parameters = std::vector<std::pair<std::string, std::string>>;

struct Api::Inside {
    record::Store& store;
    access::Audit& audit;
    ingest::Ingest& ingest;
    people::People& people;
    const calendar::Clock& clock;
    Options options;

    std::mutex statement_lock;
    std::vector<std::pair<std::string, std::string>> statements;  // CapabilityStatements by base address
};

/// Copied into callbacks of writes through a shared_ptr; lives until the answer is given.
struct Exchange {
    Api::Inside& house;
    http::Request request;
    access::Viewer viewer;
    http::Respond respond;

    std::vector<std::string> path;  // segments below /fhir or /api/v1/people
    Parameters parameters;          // of the query, then of a form body
    std::string base_url;           // "https://host/fhir"
    Format format = Format::json;
    std::string content_type;
    bool pretty = false;
    Return wanted = Return::unsaid;
    bool lenient = false;

    bool is_head() const { return request.method == "HEAD"; }
    bool is_get() const { return request.method == "GET" || is_head(); }
    /// First value of a parameter, "" when absent.
    std::string_view parameter(std::string_view name) const;
};
using Shared = std::shared_ptr<Exchange>;

// ---- negotiate.cpp: formats, addresses ---------------------------------------------------------------------------
/// Fills everything below `respond`; refuses broken queries (400) and formats we do not speak (406).
Result<Done> negotiate(Exchange& exchange, std::string_view prefix);
/// The body as a resource, whatever its format; 400, 413, 415.
Result<json::Value> read_body(const Exchange& exchange, json::Arena& arena);
/// Parameters must be among `known` (general ones are always known); refused unless lenient.
Result<Done> only_parameters(const Exchange& exchange, std::initializer_list<std::string_view> known);
bool is_general_parameter(std::string_view name);
std::string http_date(std::int64_t ms);
std::optional<std::int64_t> parse_http_date(std::string_view text);
std::string status_text(int status);           // "201 Created"
std::string json_text(std::string_view text);  // as a JSON string

// ---- answer.cpp: responses -----------------------------------------------------------------------------------------
/// A resource as stored, in the format asked for.
http::Response resource_answer(const Exchange& exchange, int status, std::string body);
http::Response refusal_answer(const Exchange& exchange, const Outcome& outcome);
/// _language, or the first of Accept-Language; "" when neither says.
std::string_view language_of(const Exchange& exchange);
void add_version_headers(http::Response& response, std::int64_t version, std::int64_t updated_ms);
/// May the viewer do this (c r u d s) to resources of the type; nullptr: to every type.
Result<Done> may(const access::Viewer& viewer, const fhir::Type* type, char action);

// ---- guarded.cpp: writing by who does not see everything --------------------------------------------------------------
/// What is there and not seen is not changed, nor what a token's conditions (of action u or d) do not reach; who sees everything may.
Result<Done> may_change(const Exchange& exchange, const fhir::Type& type, std::string_view id, char action);
/// What a token's conditions say of what is written; nothing when there are none.
ingest::Held held_to(const Exchange& exchange);
/// A condition (encoded) that matches something unseen is refused: its outcome would tell.
Result<Done> may_change_by(const Exchange& exchange, const fhir::Type& type, std::string_view condition);
/// Every entry of a bundle.
Result<Done> may_change_all(const Exchange& exchange, json::Value bundle);

struct Look {
    std::string_view what;
    const fhir::Type* type = nullptr;
    std::string_view id;
    std::string_view patient;
    std::string detail;
    int status = 200;
    std::uint32_t count = 1;
};
void note(const Exchange& exchange, Look look);
/// What was refused, and why; of the address only what names no one.
void note_refusal(const Exchange& exchange, const Outcome& outcome);
/// Id of the patient a stored body is about, found without parsing it; "" when it does not say.
std::string_view patient_of_body(const fhir::Type& type, std::string_view id, std::string_view body);

// ---- trim.cpp: _summary, _elements ---------------------------------------------------------------------------------
struct Trim {
    search::Summary summary = search::Summary::no;
    std::vector<std::string> elements;
    explicit operator bool() const { return summary != search::Summary::no || !elements.empty(); }
};
Result<Trim> read_trim(const Exchange& exchange);
/// The body with only what was asked for, mandatory elements, and the tag SUBSETTED.
std::string trimmed_body(const Trim& trim, const std::string& body);

// ---- bundle_text.cpp: bundles from stored bodies ---------------------------------------------------------------------
class BundleText {
public:
    BundleText(const Exchange& exchange, std::string_view type, std::int64_t now_ms);
    void total(std::uint64_t total);
    void link(std::string_view relation, std::string_view url);
    void match(const record::Version& version, bool included, const Trim& trim = {});
    /// `plan`: JSON of a search's steps, which goes into an extension; "" for none.
    void outcome(const std::vector<Issue>& issues, const std::string& plan = {});
    void history(const record::Version& version, const Trim& trim = {});
    /// An entry of a batch or transaction answer.
    void answer(int status, std::string_view location, std::int64_t version, std::int64_t updated_ms, std::string_view body,
                const Outcome* outcome);
    std::string finish();

private:
    const Exchange& exchange_;
    std::string text_;
    bool has_links_ = false, has_entries_ = false;
    void begin_entry();
};
/// `base?a=b&c=d`, encoded; `more` after the parameters.
std::string link_url(const Exchange& exchange, std::string_view path, const Parameters& parameters, const Parameters& more = {});

// ---- the interactions ------------------------------------------------------------------------------------------------
using Answer = Result<http::Response>;
Answer answer_read(Exchange& exchange, const fhir::Type& type, const std::string& id);
Answer answer_vread(Exchange& exchange, const fhir::Type& type, const std::string& id, std::string_view version);
Answer answer_history(Exchange& exchange, const fhir::Type* type, const std::string& id);
Answer answer_search(Exchange& exchange, const fhir::Type* type, std::string_view compartment = {},
                     const std::string& compartment_id = {});
Answer answer_everything(Exchange& exchange, const std::string& id);
/// Patient/$everything?identifier=…
Answer answer_everything_of(Exchange& exchange);
Answer answer_meta(Exchange& exchange, const fhir::Type& type, const std::string& id);
Answer answer_validate(Exchange& exchange, const fhir::Type& type, const std::string& id);
Answer answer_capabilities(Exchange& exchange);

/// These answer later.
void do_create(const Shared& exchange, const fhir::Type& type);
void do_update(const Shared& exchange, const fhir::Type& type, const std::string& id);
void do_erase(const Shared& exchange, const fhir::Type& type, const std::string& id);
void do_bundle(const Shared& exchange);
void do_change_meta(const Shared& exchange, const fhir::Type& type, const std::string& id, bool add);

/// Everything under /fhir/bulk: exports under way and done.
void route_bulk(Exchange& exchange);
/// Everything under /fhir, negotiated already. Also used for the reads inside a bundle.
void route_fhir(const Shared& exchange);
/// Everything under /api/v1/people, not negotiated: always JSON.
void route_people(Exchange& exchange);

}  // namespace xinglin::api
