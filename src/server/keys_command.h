// SPDX-License-Identifier: Apache-2.0
// Inside the room: `xinglin keys`, and --data-key of every command that opens a data folder.
#pragma once

#include "server/command_words.h"
#include "server/commands.h"

namespace xinglin::server {

struct KeysCommand {
    fs::path data;
    std::string store;
    std::string cipher = "aes-256-gcm", new_key;
    bool json = false, resume = false;
};
int encrypt_folder(const KeysCommand& options);
int print_keys(const KeysCommand& options);
int rotate_keys(const KeysCommand& options);
int rewrap_keys(const KeysCommand& options);

void add_keys_words(CLI::App& app, Action& action);
/// --data-key for every word that takes --data; --data-cipher for those that may make a folder.
struct DataKeys {
    std::vector<std::string> places;
    std::string cipher;  // of what is made: aes, sm4
};
void add_data_keys(CLI::App& app, DataKeys& keys);
/// Before the word that was read is done: its folder's keys open, or one line says why not. An empty folder that is about to be filled
/// gets keys when some were named.
int prepare_data_keys(const CLI::App& app, const DataKeys& keys);

}  // namespace xinglin::server
