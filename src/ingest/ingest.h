// SPDX-License-Identifier: Apache-2.0
// The one write path: whatever anyone tells the record enters here, checked, as one atomic step.
//
// Checking, conditional look-ups and preparing happen in the caller's thread; inside the record's writer only what must
// see the present state. Answers come through callbacks, from the writer's thread once everything is on disk (or at
// once, from the caller's, when refused): a callback must be short and must not throw. Safe from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fhir/fhir.h"
#include "json/json.h"
#include "outcome/outcome.h"
#include "record/record.h"

namespace xinglin::ingest {

/// May a resource be so, by what the sender is held to (a token's conditions)? Asked in the writer's thread of what is there and of what
/// will be there, with its links as they will be; must be quick. `updated_ms` 0: now.
using Held = std::function<Result<Done>(const fhir::Type& type, json::Value resource, char action, std::int64_t updated_ms)>;

/// One write as asked for.
struct Change {
    enum class Kind : std::uint8_t { create, update, erase };
    Kind kind = Kind::create;
    const fhir::Type* type = nullptr;
    std::string id;        // update, erase; "" when `condition` says which
    json::Value resource;  // create, update; lives in the arena handed over with the change
    /// An update that says only what changes (PATCH): makes the new resource from the present version, which must be there.
    std::function<Result<json::Value>(json::Value present, json::Arena& arena)> patch{};
    /// Encoded search parameters ("identifier=a%7Cb"): If-None-Exist of a create, or which resource to update or erase.
    std::string condition;
    std::optional<std::int64_t> if_match;  // version that must be the present one
    bool if_none_match_any = false;        // If-None-Match: *, only if there is none yet
    bool want_body = false;
    Held held{};  // none: to nothing
};

/// What came of it.
struct Written {
    const fhir::Type* type = nullptr;
    std::string id;
    std::int64_t version = 0;  // 0: an erase that found nothing
    std::int64_t updated_ms = 0;
    int status = 200;     // 201 created · 200 updated, or found by If-None-Exist · 204 erased
    std::string patient;  // id of the Patient concerned, where the resource says so
    std::string body;     // when asked for
};
using WrittenBack = std::function<void(Result<Written>)>;

/// A GET or HEAD inside a batch or transaction, or an operation ("ValueSet/$expand") by POST: answered by the caller, after
/// the writes.
struct ReadAsked {
    std::string method, url;
    std::string if_none_match, if_modified_since;
    std::string body;  // of an operation: its resource as JSON
};

/// The answer to one entry of a bundle: a read left to the caller, or a Result.
struct EntryAnswer {
    std::optional<ReadAsked> read;
    Result<Written> written = Written{};
};
/// In the order of the request.
struct BundleAnswer {
    bool is_transaction = false;
    std::vector<EntryAnswer> entries;
};
using BundleBack = std::function<void(Result<BundleAnswer>)>;

/// May the sender do this (action: c r u d s)? Asked once per entry before anything is queued.
using Allowed = std::function<Result<Done>(const fhir::Type& type, char action)>;

/// A further look at a resource whose structure is right (profiles): an Outcome with errors refuses it. Called from many threads.
using Check = std::function<Outcome(json::Value resource)>;

/// A look at all that a transaction writes, with its links as they will be: what only all of it together makes wrong.
using CheckTogether = std::function<Outcome(std::span<const json::Value> resources)>;

/// Says the same resource with more in it (references that name a registered code get the entry they mean); what it makes lives in the
/// arena. Called from many threads, before Check; must not throw.
using Complete = std::function<json::Value(json::Value resource, json::Arena& arena)>;

struct Options {
    std::size_t bundle_entries = 200'000;
    std::size_t matches = 2;  // a condition matching this many is refused; no need to look for more
    Check check;              // none: structure only
    Complete complete;        // none: stored as it was said
    CheckTogether together;   // none: each for itself
};

class Ingest {
public:
    explicit Ingest(record::Store& store, const Options& options = {});

    /// One change, whatever its kind. The arena holds change.resource and is kept until the end.
    void write(std::shared_ptr<json::Arena> arena, Change change, WrittenBack finished);
    Result<Written> write_and_wait(std::shared_ptr<json::Arena> arena, Change change);

    /// A Bundle of type batch or transaction. A transaction happens whole or not at all; of a batch every entry stands
    /// alone. `base_url` ("http://host/fhir") is cut off absolute fullUrls and entry URLs. `want_body`: answers carry
    /// the resources. `held`: for every entry.
    void bundle(std::shared_ptr<json::Arena> arena, json::Value bundle, std::string_view base_url, bool want_body,
                const Allowed& allowed, BundleBack finished, const Held& held = {});
    Result<BundleAnswer> bundle_and_wait(std::shared_ptr<json::Arena> arena, json::Value bundle, std::string_view base_url,
                                         bool want_body, const Allowed& allowed, const Held& held = {});

    /// The same checks without writing: known type, structure, id. An Outcome without errors when it would be accepted.
    Outcome check(json::Value resource) const;

private:
    record::Store& store_;
    Options options_;
};

/// Id of the Patient a resource is about: itself, or named by subject, patient, beneficiary and the like; else "".
std::string patient_of(json::Value resource);
/// The version of an entity tag: W/"3", "3" or 3.
std::optional<std::int64_t> version_of_tag(std::string_view tag);
/// "ValueSet/$expand", "CodeSystem/a/$lookup?code=b": the last segment names an operation.
bool is_operation_address(std::string_view url);
/// FHIR's id: 1 to 64 of A-Z a-z 0-9 - .
bool is_id(std::string_view text);

}  // namespace xinglin::ingest
