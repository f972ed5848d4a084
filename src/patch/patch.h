// SPDX-License-Identifier: Apache-2.0
// Patches: a small description of a change, applied to a resource. Pure: a resource in, a resource out.
//
// Sources: RFC 6902 (JSON Patch), RFC 6901 (JSON Pointer), FHIR R4 fhirpatch.html (FHIRPath Patch).
#pragma once

#include <functional>
#include <string_view>

#include "json/json.h"
#include "outcome/outcome.h"

namespace xinglin::patch {

/// All operations or none. The order of members and the digits of numbers stay. Refusals name the place ("patch[2].path"): `structure`
/// (HTTP 400) when the patch itself is not well-formed, `value` (422) when it does not fit the resource, a `test` fails, or it
/// touches resourceType, id, meta.versionId or meta.lastUpdated; `too_costly` when it makes the resource grow without bounds.
/// What is made lives in `arena` and shares the rest with `document` and `patch`.
Result<json::Value> apply_json_patch(json::Value document, json::Value patch, json::Arena& arena);
/// The same without the rules of FHIR: any JSON document.
Result<json::Value> apply_plain_json_patch(json::Value document, json::Value patch, json::Arena& arena);

/// FHIRPath Patch: a Parameters resource whose parameters "operation" add, insert, delete, replace and move. All or none. Refusals
/// name the part ("Parameters.parameter[2].part[path]"), with the same codes. What becomes empty goes too; values keep their "_name".
/// What is made lives in `arena`; nothing of `parameters` is shared.
Result<json::Value> apply_fhirpath_patch(json::Value resource, json::Value parameters, json::Arena& arena);

/// A patch that has been read and waits for its resource; owns what it needs, may be applied again to a newer version.
using Patch = std::function<Result<json::Value>(json::Value resource, json::Arena& arena)>;
/// The body of a request of type application/json-patch+json.
Result<Patch> read_json_patch(std::string_view body);

}  // namespace xinglin::patch
