// SPDX-License-Identifier: Apache-2.0
// The audit as a chain: each line carries the SM3 of itself and of the line before; checkpoints of it are signed (SM2 with SM3).
//
// Whoever changes, removes, inserts or reorders a line would have to write every later one anew, and sign the checkpoints; a
// checkpoint that was put aside elsewhere (an anchor) shows even that, and a tail that was cut off.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "outcome/outcome.h"
#include "signature/signature.h"

namespace xinglin::access {

struct Access;

constexpr std::size_t hash_bytes = 32;

/// What a line's hash is over beside the hash before it: its number and every field, each with its length in front.
std::string canonical(const Access& line);
/// SM3 of `before` (32 bytes, zeros before the first line) and of the line.
std::string link(std::string_view before, const Access& line);
/// 32 raw bytes.
std::string sm3(std::string_view bytes);
std::string hex(std::string_view bytes);
/// Nothing when it is not hex.
std::optional<std::string> from_hex(std::string_view text);

/// "Up to this line the audit was so": a signed head of the chain.
struct Checkpoint {
    std::int64_t number = 0;  // 1, 2, 3 … without gaps
    std::int64_t row = 0;     // the line it stands on
    std::int64_t at_ms = 0;
    std::string hash;       // of that line, 32 bytes
    std::string key;        // the signer's public point, 64 bytes
    std::string signature;  // 64 bytes

    std::string signed_bytes() const;
    bool fits() const;  // is the signature of these bytes and of this key?
    /// One line of JSON, the bytes in hex: what is put aside elsewhere.
    std::string json() const;
    /// Refuses (where: anchor) what is no checkpoint or does not fit its own key.
    static Result<Checkpoint> parse(std::string_view text);
};
/// First 16 hex digits of the SM3 of a point: how a key is called in reports.
std::string key_name(std::string_view point);

/// One thing that is wrong.
struct Fault {
    enum class Kind : std::uint8_t { altered, missing, unhashed, checkpoint, unsigned_, truncated, anchor };
    Kind kind = Kind::altered;
    std::int64_t first = 0, last = 0;  // lines
    std::int64_t at_ms = 0;            // time of the first line that is there
    std::string what;                  // a sentence
};
std::string_view text(Fault::Kind kind);

/// Judges a chain told line by line, in order of numbers. Holds only what it found, at most `most_faults`.
class Verifier {
public:
    static constexpr std::size_t most_faults = 1'000;
    /// `row` and `hash` ("" when it has none) as they are stored.
    void add(const Access& line, std::string_view hash);
    /// To be told before the lines; in order of their numbers. `fits`: whether its signature does, when that is known already.
    void expect(Checkpoint checkpoint, std::optional<bool> fits = {});
    /// A checkpoint from outside.
    void expect_anchor(Checkpoint anchor);
    /// Keys whose signatures count; none: any key, and `keys()` tells which.
    void trust(std::string_view point);
    /// Call once, after the last line.
    void finish();

    const std::vector<Fault>& faults() const { return faults_; }
    std::uint64_t faults_found() const { return found_; }
    std::uint64_t lines() const { return lines_; }
    std::int64_t newest() const { return row_; }
    std::int64_t newest_ms() const { return at_ms_; }
    const std::vector<Checkpoint>& checkpoints() const { return checkpoints_; }
    std::vector<std::string> keys() const;  // that signed, each once, in order

private:
    void fault(Fault::Kind kind, std::int64_t first, std::int64_t last, std::int64_t at_ms, std::string what);
    void meet(const Access& line, std::string_view hash);
    void judge_checkpoints();

    std::string before_ = std::string(hash_bytes, '\0');
    std::int64_t row_ = 0, at_ms_ = 0;
    std::uint64_t lines_ = 0, found_ = 0;
    std::vector<Checkpoint> checkpoints_, anchors_;
    std::vector<bool> fits_;           // of each checkpoint
    std::size_t next_checkpoint_ = 0;  // by row; the first that no line has reached
    std::vector<std::size_t> by_row_;
    std::vector<std::string> trusted_;
    std::vector<Fault> faults_;
};

/// The key that signs checkpoints: DATA/audit.key, PEM, for its owner's eyes; made when it is not there, its public half beside it in
/// DATA/audit.pub. Throws std::runtime_error when the folder refuses.
signature::PrivateKey signing_key(const std::filesystem::path& folder);
/// The public points in DATA/audit.pub or in a file of that kind: one per line, hex; nothing when there is no such file.
Result<std::vector<std::string>> public_keys(const std::filesystem::path& file);

struct Verified {
    std::uint64_t lines = 0, faults_found = 0, checkpoints = 0;
    std::int64_t newest = 0, newest_ms = 0;
    std::optional<Checkpoint> newest_checkpoint;
    std::vector<std::string> keys;  // points that signed
    std::vector<Fault> faults;
    bool good() const { return faults_found == 0; }
};
struct Verification {
    std::vector<std::string> keys;  // trusted points; none: those of the folder, or any when it has none
    std::optional<Checkpoint> anchor;
};
/// Reads the whole audit of a data folder or of a database, as it stands at this moment. Throws sql::Broken.
Verified verify(const std::filesystem::path& folder, const std::string& store, const Verification& how);

}  // namespace xinglin::access
