// SPDX-License-Identifier: Apache-2.0
// The chain itself: what a line's hash is over, checkpoints, and the judge that reads it all again.
#include "access/chain.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <memory>

#include <openssl/evp.h>

#include "access/audit.h"
#include "calendar/calendar.h"
#include "json/json.h"

namespace xinglin::access {

namespace {

constexpr std::string_view canonical_head = "xinglin-audit-1", checkpoint_head = "xinglin-audit-checkpoint-1";

void put(std::string& out, std::string_view field) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, field.size()).ptr;
    out.append(digits, static_cast<std::size_t>(end - digits));
    out += ':';
    out += field;
}
void put(std::string& out, std::int64_t number) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    put(out, std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

/// Fetched once: asking the library for it costs more than a line does. Asked again when there was no memory for it.
EVP_MD* sm3_algorithm() {
    static std::atomic<EVP_MD*> known{nullptr};
    EVP_MD* algorithm = known.load();
    if (algorithm) return algorithm;
    algorithm = EVP_MD_fetch(nullptr, "SM3", nullptr);
    if (!algorithm) throw std::bad_alloc();
    EVP_MD* other = nullptr;
    if (known.compare_exchange_strong(other, algorithm)) return algorithm;
    EVP_MD_free(algorithm);
    return other;
}

/// SM3 of pieces, one after the other.
class Hasher {
public:
    Hasher() : context_(EVP_MD_CTX_new()) {
        if (!context_ || EVP_DigestInit_ex2(context_.get(), sm3_algorithm(), nullptr) != 1) throw std::bad_alloc();
    }
    void add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
    std::string finish() {
        std::string hash(hash_bytes, '\0');
        EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(hash.data()), nullptr);
        return hash;
    }

private:
    struct Free {
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> context_;
};

std::string line_name(std::int64_t row) { return "line " + std::to_string(row); }
std::string lines_name(std::int64_t first, std::int64_t last) {
    return first == last ? line_name(first) : "lines " + std::to_string(first) + " to " + std::to_string(last);
}

std::optional<std::int64_t> number_of(const json::Value& value) {
    const std::string_view text = value.is_number() ? value.text() : std::string_view();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

std::string sm3(std::string_view bytes) {
    Hasher hasher;
    hasher.add(bytes);
    return hasher.finish();
}

std::string hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

std::optional<std::string> from_hex(std::string_view text) {
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
    if (text.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = digit(text[i]), low = digit(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes += static_cast<char>(high << 4 | low);
    }
    return bytes;
}

std::string canonical(const Access& line) {
    std::string out(canonical_head);
    out.reserve(400);
    put(out, line.row);
    put(out, line.at_ms);
    for (const std::string* field :
         {&line.who, &line.role, &line.what, &line.type, &line.id, &line.patient, &line.purpose, &line.detail, &line.trace_id,
          &line.peer, &line.display, &line.practitioner, &line.institution, &line.authorisation, &line.reason})
        put(out, *field);
    put(out, std::int64_t{line.status});
    put(out, std::int64_t{line.count});
    return out;
}

std::string link(std::string_view before, const Access& line) {
    Hasher hasher;
    hasher.add(before);
    hasher.add(canonical(line));
    return hasher.finish();
}

std::string key_name(std::string_view point) { return hex(sm3(point)).substr(0, 16); }

std::string Checkpoint::signed_bytes() const {
    std::string out(checkpoint_head);
    put(out, number);
    put(out, row);
    put(out, at_ms);
    put(out, hash);
    put(out, key);
    return out;
}

bool Checkpoint::fits() const {
    const auto signer = signature::PublicKey::of_point(signature::Algorithm::sm2, key);
    return signer && signer->fits(signed_bytes(), signature);
}

std::string Checkpoint::json() const {
    json::Arena arena;
    return json::write(arena.object({{"checkpoint", arena.number(number)},
                                     {"line", arena.number(row)},
                                     {"at", arena.string(calendar::instant_text(at_ms))},
                                     {"at_ms", arena.number(at_ms)},
                                     {"hash", arena.string(hex(hash))},
                                     {"key", arena.string(hex(key))},
                                     {"signature", arena.string(hex(signature))}}));
}

Result<Checkpoint> Checkpoint::parse(std::string_view text) {
    const auto no = [](std::string_view why) { return refuse(IssueCode::invalid, "anchor", std::string(why)); };
    json::Arena arena;
    const auto value = json::parse(text, arena, {.bytes = 4'096});
    if (!value.ok() || !value->is_object()) return no("this is no checkpoint; expected what `xinglin audit anchor` printed");
    Checkpoint checkpoint;
    const auto bytes = [&](std::string_view name, std::size_t size, std::string& into) {
        auto raw = from_hex(value->find(name).text());
        if (!raw || raw->size() != size) return false;
        into = std::move(*raw);
        return true;
    };
    const auto number = number_of(value->find("checkpoint")), row = number_of(value->find("line")),
               at = number_of(value->find("at_ms"));
    if (!number || !row || !at || *row < 1 || !bytes("hash", hash_bytes, checkpoint.hash) ||
        !bytes("key", signature::point_bytes, checkpoint.key) ||
        !bytes("signature", signature::signature_bytes, checkpoint.signature))
        return no("a member is missing or broken; expected what `xinglin audit anchor` printed");
    checkpoint.number = *number;
    checkpoint.row = *row;
    checkpoint.at_ms = *at;
    if (!checkpoint.fits()) return no("its signature does not fit; take the anchor from where it was put aside once more");
    return checkpoint;
}

std::string_view text(Fault::Kind kind) {
    switch (kind) {
        case Fault::Kind::altered: return "altered";
        case Fault::Kind::missing: return "missing";
        case Fault::Kind::unhashed: return "unhashed";
        case Fault::Kind::checkpoint: return "checkpoint";
        case Fault::Kind::unsigned_: return "signature";
        case Fault::Kind::truncated: return "truncated";
        case Fault::Kind::anchor: return "anchor";
    }
    return "altered";
}

void Verifier::fault(Fault::Kind kind, std::int64_t first, std::int64_t last, std::int64_t at_ms, std::string what) {
    ++found_;
    if (faults_.size() < most_faults) faults_.push_back({kind, first, last, at_ms, std::move(what)});
}

void Verifier::trust(std::string_view point) { trusted_.emplace_back(point); }
void Verifier::expect(Checkpoint checkpoint, std::optional<bool> fits) {
    fits_.push_back(fits ? *fits : checkpoint.fits());
    checkpoints_.push_back(std::move(checkpoint));
}
void Verifier::expect_anchor(Checkpoint anchor) { anchors_.push_back(std::move(anchor)); }

/// The checkpoints by the line they stand on, so that each line meets its own.
void Verifier::judge_checkpoints() {
    by_row_.resize(checkpoints_.size());
    for (std::size_t i = 0; i < by_row_.size(); ++i) by_row_[i] = i;
    std::stable_sort(by_row_.begin(), by_row_.end(),
                     [&](std::size_t a, std::size_t b) { return checkpoints_[a].row < checkpoints_[b].row; });
    std::int64_t number = 0, row = 0;
    for (std::size_t i = 0; i < checkpoints_.size(); ++i) {
        const Checkpoint& each = checkpoints_[i];
        const std::string name = "checkpoint " + std::to_string(each.number) + " on " + line_name(each.row);
        if (each.number != number + 1)
            fault(Fault::Kind::checkpoint, each.row, each.row, each.at_ms,
                  "checkpoints " + std::to_string(number + 1) + " to " + std::to_string(each.number - 1) +
                      " are missing before " + name);
        if (each.row <= row)
            fault(Fault::Kind::checkpoint, each.row, each.row, each.at_ms, name + " does not come after the one before");
        const bool known = trusted_.empty() || std::find(trusted_.begin(), trusted_.end(), each.key) != trusted_.end();
        if (!fits_[i]) fault(Fault::Kind::unsigned_, each.row, each.row, each.at_ms, name + " has a signature that does not fit");
        else if (!known)
            fault(Fault::Kind::unsigned_, each.row, each.row, each.at_ms,
                  name + " is signed by the key " + key_name(each.key) +
                      ", which is not trusted here; name it with --key if it is yours");
        number = std::max(number, each.number);
        row = std::max(row, each.row);
    }
}

void Verifier::add(const Access& line, std::string_view hash) {
    if (lines_ == 0) judge_checkpoints();
    ++lines_;
    const bool gap = line.row > row_ + 1;
    if (line.row != row_ + 1) {
        if (gap)
            fault(Fault::Kind::missing, row_ + 1, line.row - 1, line.at_ms,
                  lines_name(row_ + 1, line.row - 1) + " missing before " + line_name(line.row));
        else fault(Fault::Kind::altered, line.row, line.row, line.at_ms, line_name(line.row) + " is there twice or out of order");
    }
    if (hash.empty())
        fault(Fault::Kind::unhashed, line.row, line.row, line.at_ms,
              line_name(line.row) + " has no hash: it was not written by this program");
    else if (!gap && link(before_, line) != hash)
        fault(Fault::Kind::altered, line.row, line.row, line.at_ms,
              line_name(line.row) + " does not follow from the line before: it was altered, or the line before it was");
    meet(line, hash);
    row_ = line.row;
    at_ms_ = line.at_ms;
    before_ = hash.size() == hash_bytes ? std::string(hash) : std::string(hash_bytes, '\0');
}

void Verifier::meet(const Access& line, std::string_view hash) {
    for (; next_checkpoint_ < by_row_.size() && checkpoints_[by_row_[next_checkpoint_]].row <= line.row; ++next_checkpoint_) {
        const Checkpoint& each = checkpoints_[by_row_[next_checkpoint_]];
        if (each.row == line.row && each.hash != hash)
            fault(Fault::Kind::checkpoint, line.row, line.row, line.at_ms,
                  line_name(line.row) + " is not the one that checkpoint " + std::to_string(each.number) + " was signed over");
        if (each.row != line.row)
            fault(Fault::Kind::checkpoint, each.row, each.row, each.at_ms,
                  "checkpoint " + std::to_string(each.number) + " stands on " + line_name(each.row) + ", which is not there");
    }
    for (const Checkpoint& each : anchors_) {
        if (each.row == line.row && each.hash != hash)
            fault(Fault::Kind::anchor, line.row, line.row, line.at_ms,
                  line_name(line.row) + " is not the one that was anchored: the audit was written anew up to there");
    }
}

void Verifier::finish() {
    if (lines_ == 0) judge_checkpoints();
    if (next_checkpoint_ < by_row_.size()) {
        const Checkpoint& last = checkpoints_[by_row_.back()];
        fault(
            Fault::Kind::truncated, row_ + 1, last.row, last.at_ms,
            lines_name(row_ + 1, last.row) + " cut off at the end: checkpoint " + std::to_string(last.number) + " has seen them");
    }
    for (const Checkpoint& each : anchors_) {
        if (each.row > row_)
            fault(Fault::Kind::truncated, row_ + 1, each.row, each.at_ms,
                  lines_name(row_ + 1, each.row) + " cut off at the end: the anchor has seen them");
    }
}

std::vector<std::string> Verifier::keys() const {
    std::vector<std::string> keys;
    for (const Checkpoint& each : checkpoints_) {
        if (std::find(keys.begin(), keys.end(), each.key) == keys.end()) keys.push_back(each.key);
    }
    return keys;
}

}  // namespace xinglin::access
