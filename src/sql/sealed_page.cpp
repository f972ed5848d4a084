// SPDX-License-Identifier: Apache-2.0
// Pages, sealed and opened.
#include "sql/sealed_page.h"

#include <algorithm>
#include <cstring>

namespace xinglin::sql {

namespace {

constexpr int key_at = page_body_bytes, writer_at = key_at + 4, count_at = writer_at + 16, tag_at = count_at + 8,
              zero_at = tag_at + 16;
constexpr std::size_t most_openers = 256;
constexpr std::uint64_t most_counts = 1ull << 32;

void put(std::uint64_t number, int bytes, unsigned char* at) {
    for (int i = bytes - 1; i >= 0; --i, number >>= 8) at[i] = static_cast<unsigned char>(number);
}
std::uint64_t get(int bytes, const unsigned char* at) {
    std::uint64_t number = 0;
    for (int i = 0; i < bytes; ++i) number = number << 8 | at[i];
    return number;
}
std::string_view text(const unsigned char* at, std::size_t size) { return {reinterpret_cast<const char*>(at), size}; }

/// Where the sealed part begins: behind the salt on page 1.
int body_at(std::uint32_t page) { return page == 1 ? static_cast<int>(keys::salt_bytes) : 0; }

}  // namespace

void PageCodec::set_salt(std::string salt) {
    if (salt == salt_) return;
    salt_ = std::move(salt);
    sealer_.reset();
    openers_.clear();
}

std::uint32_t PageCodec::key_of(const unsigned char* sealed) { return static_cast<std::uint32_t>(get(4, sealed + key_at)); }

bool PageCodec::seal(std::uint32_t page, const unsigned char* plain, unsigned char* sealed) {
    if (std::any_of(plain + page_body_bytes, plain + page_bytes, [](unsigned char byte) { return byte != 0; })) {
        why_ = "page " + std::to_string(page) + " has content where its seal belongs";
        return false;
    }
    if (!sealer_ || writes_with_ != ring_->active || count_ == most_counts) {
        const keys::DataKey* key = ring_->find(ring_->active);
        writer_ = keys::random_bytes(16);
        sealer_ = std::make_unique<keys::Sealer>(ring_->cipher, key->secret, salt_ + writer_, "page");
        writes_with_ = ring_->active;
        count_ = 0;
    }
    const int from = body_at(page);
    if (from) std::memcpy(sealed, salt_.data(), salt_.size());
    put(writes_with_, 4, sealed + key_at);
    std::memcpy(sealed + writer_at, writer_.data(), writer_.size());
    put(count_, 8, sealed + count_at);
    put(0, 4, sealed + zero_at);
    std::array<unsigned char, 4> about;
    put(page, 4, about.data());
    sealer_->seal(count_++, text(about.data(), about.size()), {plain + from, static_cast<std::size_t>(page_body_bytes - from)},
                  sealed + from, sealed + tag_at);
    return true;
}

keys::Sealer* PageCodec::opener(std::uint32_t number, std::string_view writer) {
    std::string name(4, '\0');
    put(number, 4, reinterpret_cast<unsigned char*>(name.data()));
    name += writer;
    if (const auto found = openers_.find(name); found != openers_.end()) return found->second.get();
    const keys::DataKey* key = ring_->find(number);
    if (!key) {
        refresh();
        key = ring_->find(number);
    }
    if (!key) return nullptr;
    if (openers_.size() == most_openers) openers_.clear();
    return openers_
        .emplace(std::move(name), std::make_unique<keys::Sealer>(ring_->cipher, key->secret, salt_ + std::string(writer), "page"))
        .first->second.get();
}

bool PageCodec::open(std::uint32_t page, const unsigned char* sealed, unsigned char* plain) {
    const std::uint32_t number = key_of(sealed);
    const int from = body_at(page);
    keys::Sealer* sealer = opener(number, text(sealed + writer_at, 16));
    if (!sealer) {
        why_ = "page " + std::to_string(page) + " names key " + std::to_string(number) + ", which the folder does not have";
        return false;
    }
    std::array<unsigned char, 4> about;
    put(page, 4, about.data());
    if (get(4, sealed + zero_at) != 0 ||
        !sealer->open(get(8, sealed + count_at), text(about.data(), about.size()),
                      {sealed + from, static_cast<std::size_t>(page_body_bytes - from)}, plain + from, sealed + tag_at)) {
        why_ = "page " + std::to_string(page) + " is not what was written there";
        return false;
    }
    if (from) std::memcpy(plain, sqlite_magic.data(), sqlite_magic.size());
    std::memset(plain + page_body_bytes, 0, reserved_bytes);
    return true;
}

}  // namespace xinglin::sql
