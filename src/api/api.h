// SPDX-License-Identifier: Apache-2.0
// FHIR R4 over HTTP, and the few calls about people that FHIR has no word for.
//
// Takes plain requests that already know their viewer, answers through `respond`. Safe from many threads; reads are
// answered before `handle` returns, writes later from the record's writer thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "access/access.h"
#include "bulk/bulk.h"
#include "calendar/calendar.h"
#include "http/http.h"
#include "ingest/ingest.h"
#include "people/people.h"
#include "person/survivor.h"
#include "profile/profile.h"
#include "record/record.h"
#include "terminology/terminology.h"

namespace xinglin::view {
class Library;
}
namespace xinglin::person {
class Persons;
}

namespace xinglin::api {

struct Options {
    const person::Persons* persons = nullptr;            // without it $match and $ihe-pix are refused
    const person::Survivorship* survivorship = nullptr;  // without it the header shows what the Patient asked for says
    person::Senders senders;                             // what sources of messages are called and write
    const view::Library* views = nullptr;                // ViewDefinitions; nullptr: only those that are sent along
    std::string version = "0.1.0";                       // of the software, for the CapabilityStatement
    std::string base_url;                                // "https://record.example/fhir"; empty: from Host and X-Forwarded-*
    std::uint32_t default_count = 50;                    // of a search page
    std::uint32_t max_count = 1'000;
    std::size_t body_bytes = 64u << 20;  // larger bodies are refused with 413
    std::size_t json_depth = 200;
    std::int64_t started_ms = 0;                            // CapabilityStatement.date
    const terminology::Terminology* terminology = nullptr;  // without it the terminology operations are refused
    bulk::Exports* exports = nullptr;                       // without it $export is refused
    /// Profiles to validate against, as they are now; none: R4's own rules only.
    std::function<std::shared_ptr<const profile::Book>()> profiles;
    profile::MemberOf member_of;  // value sets beside R4's enumerations
    /// May this viewer take an emergency access? Who is refused a person's page is then told so.
    std::function<bool(const access::Viewer&)> may_take_emergency;
};

class Api {
public:
    Api(record::Store& store, access::Audit& audit, ingest::Ingest& ingest, people::People& people, const calendar::Clock& clock,
        Options options = {});
    ~Api();

    /// Must outlive every write it was handed (its answers come from the store's writer).
    /// For every path under /fhir and /api/v1/people. Calls `respond` exactly once; does not throw.
    void handle(http::Request request, const access::Viewer& viewer, http::Respond respond);
    /// Needs no viewer: the CapabilityStatement. `handle` may then be given an empty Viewer.
    static bool open_to_all(const http::Request& request);
    /// Answered in microseconds: a read by id.
    bool quick(const http::Request& request) const;

    struct Inside;

private:
    std::unique_ptr<Inside> inside_;
};

/// An OperationOutcome as JSON, for the server's own refusals under /fhir (401, 413, …).
/// `language` "zh…": diagnostics in Chinese where there are such words. Issues with a key carry it as details.coding.
std::string operation_outcome(const Outcome& outcome, std::string_view language = {});
http::Response refusal(const Outcome& outcome);

}  // namespace xinglin::api
