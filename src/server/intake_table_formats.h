// SPDX-License-Identifier: Apache-2.0
// Inside the room: the formats of tables and shared documents, for the list in intake_formats.cpp.
#pragma once

#include "server/intake_formats.h"

namespace xinglin::server {

/// `argument`: a mapping of content/mappings by name, or the path of a .json file.
Result<std::unique_ptr<IntakeFormat>> make_csv(std::string_view argument, const content::Files& files);
Result<std::unique_ptr<IntakeFormat>> make_xlsx(std::string_view argument, const content::Files& files);
Result<std::unique_ptr<IntakeFormat>> make_cda(std::string_view argument, const content::Files& files);

}  // namespace xinglin::server
