// SPDX-License-Identifier: Apache-2.0
// Inside the room: `xinglin audit`: the chain verified, exported and anchored from the command line, also while a server runs.
#pragma once

#include <string>
#include <vector>

#include "server/command_words.h"
#include "server/commands.h"

namespace xinglin::server {

struct AuditCommand {
    fs::path data;
    std::string store;
    std::vector<fs::path> keys;  // of verify: files of public keys that count
    fs::path anchor, out;
    std::string since;
    bool json = false;
};
int verify_audit(const AuditCommand& options);
int export_audit(const AuditCommand& options);
int anchor_audit(const AuditCommand& options);
int read_watermark(const AuditCommand& options);  // of the file `out`

void add_audit_words(CLI::App& app, Action& action);

}  // namespace xinglin::server
