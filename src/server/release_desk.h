// SPDX-License-Identifier: Apache-2.0
// Inside the room: releases over HTTP: who may ask for one and who approves it, by content; how a job makes it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "bulk/release.h"
#include "server/house.h"

namespace xinglin::server {

/// The key of pseudonyms: of a file that is made, for its owner only, when it is not there. Refuses (where: the file).
Result<std::string> deidentify_key(const std::filesystem::path& file);
/// May this viewer's role ask for releases, approve them? False when the rules cannot be read.
bool may_ask_for_release(const House& house, const access::Viewer& viewer);
bool may_approve_release(const House& house, const access::Viewer& viewer);
/// For the jobs: looks at everybody, with the persons of the index as persons.
Result<std::shared_ptr<const bulk::Release>> make_release(House& house, const bulk::Job& job, const bulk::Order& order,
                                                          bulk::Progress& progress);

}  // namespace xinglin::server
