// SPDX-License-Identifier: Apache-2.0
// The key that signs checkpoints, and the reading of a whole audit to judge it.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

#include "access/audit_table.h"
#include "text/text.h"

namespace xinglin::access {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void folder_refuses(const fs::path& file) {
    throw std::runtime_error(file.string() + ": " + std::strerror(errno) + "; let the program write into its data folder");
}

/// A file that is there whole or not at all; false when another process was quicker.
bool write_once(const fs::path& file, std::string_view bytes, mode_t mode) {
    const fs::path fresh = file.string() + "." + std::to_string(::getpid()) + ".new";
    const int descriptor = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (descriptor < 0) folder_refuses(fresh);
    bool fine = true;
    while (fine && !bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        fine = written > 0;
        if (fine) bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    fine = fine && ::fsync(descriptor) == 0;
    ::close(descriptor);
    const bool first = fine && ::link(fresh.c_str(), file.c_str()) == 0;
    const int why = errno;
    ::unlink(fresh.c_str());
    errno = why;
    if (!fine || (!first && why != EEXIST)) folder_refuses(file);
    return first;
}

std::optional<std::string> read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

signature::PrivateKey signing_key(const fs::path& folder) {
    const fs::path file = folder / "audit.key";
    if (!fs::exists(file)) write_once(file, signature::PrivateKey::fresh(signature::Algorithm::sm2).pem(""), 0600);
    const auto pem = read_file(file);
    if (!pem) folder_refuses(file);
    auto key = signature::PrivateKey::of_pem(*pem, "");
    if (!key.ok() || key->algorithm() != signature::Algorithm::sm2)
        throw std::runtime_error(file.string() +
                                 " is no SM2 key in PEM; put it back from where it was kept, or move it away for a new one");
    const fs::path open = folder / "audit.pub";
    if (!fs::exists(open)) write_once(open, hex(key->public_key().point()) + "\n", 0644);
    return std::move(key).value();
}

Result<std::vector<std::string>> public_keys(const fs::path& path) {
    const auto text = read_file(path);
    if (!text) return refuse(IssueCode::not_found, "--key", "the file " + path.string() + " cannot be read");
    std::vector<std::string> keys;
    for (std::string_view line : text::split(*text, '\n')) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.starts_with('#')) continue;
        auto point = from_hex(line);
        if (!point || !signature::PublicKey::of_point(signature::Algorithm::sm2, *point))
            return refuse(IssueCode::invalid, "--key", "expected public keys, 128 hex digits a line, as in DATA/audit.pub");
        keys.push_back(std::move(*point));
    }
    return keys;
}

Verified verify(const fs::path& folder, const std::string& store, const Verification& how) {
    const auto connection = sql::open(audit_place(folder, store), {.cache_bytes = 2 << 20, .lane = "audit"});
    Verifier verifier;
    for (const std::string& key : how.keys) verifier.trust(key);
    if (how.anchor) verifier.expect_anchor(*how.anchor);
    connection->begin_read();  // one moment, while others go on writing
    auto& checkpoints = connection->prepare("SELECT " XINGLIN_CHECKPOINT_COLUMNS " FROM audit_checkpoint ORDER BY number");
    checkpoints.reset();
    while (checkpoints.step()) verifier.expect(read_checkpoint(checkpoints));
    auto& rows = connection->walk("SELECT " XINGLIN_AUDIT_COLUMNS ", hash FROM audit_access ORDER BY row");
    rows.reset();
    while (rows.step()) verifier.add(read_line(rows), rows.is_null(19) ? std::string_view() : rows.text(19));
    connection->rollback();
    verifier.finish();
    Verified verified;
    verified.lines = verifier.lines();
    verified.faults_found = verifier.faults_found();
    verified.checkpoints = verifier.checkpoints().size();
    verified.newest = verifier.newest();
    verified.newest_ms = verifier.newest_ms();
    if (!verifier.checkpoints().empty()) verified.newest_checkpoint = verifier.checkpoints().back();
    verified.keys = verifier.keys();
    verified.faults = verifier.faults();
    return verified;
}

}  // namespace xinglin::access
