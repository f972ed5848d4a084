// SPDX-License-Identifier: Apache-2.0
// Inside the room: `xinglin keys` for what lies in PostgreSQL.
#pragma once

#include <string>
#include <vector>

#include "keys/keys.h"

namespace xinglin::server {

int encrypt_database(const std::string& store, keys::Cipher cipher, const std::string& date);
int print_database_keys(const std::string& store, bool as_json);
int rotate_database_keys(const std::string& store, bool resume, const std::string& date);
int rewrap_database_keys(const std::string& store, const std::string& new_key);
/// Its keys open, or one line says why not. A fresh one that is about to be filled gets keys when some were named.
int prepare_database(const std::string& store, const std::vector<std::string>& places, bool fills, bool is_about_keys,
                     keys::Cipher cipher, const std::string& date);

}  // namespace xinglin::server
