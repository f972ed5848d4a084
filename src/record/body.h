// SPDX-License-Identifier: Apache-2.0
// Resource bodies: the accepted JSON text without its version, compressed; read back by splicing the version in.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "json/json.h"
#include "sql/sealed_values.h"

namespace xinglin::record {

/// The text as stored: compact, members in the order given, meta.versionId and meta.lastUpdated left out. `splice` says
/// where they go on reading: offset * 4 + kind.
struct BodyText {
    std::string text;
    std::int64_t splice = 0;
};
BodyText body_text(json::Value resource);
/// The text with its version put in.
std::string with_version(std::string_view text, std::int64_t splice, std::int64_t version, std::int64_t updated_ms);
/// The same, appended.
void append_with_version(std::string& out, std::string_view text, std::int64_t splice, std::int64_t version,
                         std::int64_t updated_ms);
/// The logical id in a stored text.
std::string_view id_in(std::string_view text);

/// Compression with a trained dictionary per resource type. Frames name their dictionary, so old ones stay readable.
/// All calls are safe from any thread.
class Compressor {
public:
    Compressor();
    ~Compressor();
    void add_dictionary(std::int64_t number, std::int64_t tid, std::string_view bytes);
    /// Called when a frame names a dictionary that was never added; may add it.
    void on_unknown(std::function<void()> find);
    /// Appends to `out`.
    void compress(std::int64_t tid, std::string_view text, std::string& out) const;
    /// Throws sql::Broken (corrupt) when the frame is damaged.
    std::string decompress(std::string_view frame) const;
    /// In a database that is encrypted: what stands in its rows is sealed, and belongs to one version of one resource.
    void seal_with(std::shared_ptr<sql::Values> values);
    const std::shared_ptr<sql::Values>& values() const { return values_; }
    std::string sealed(std::int64_t rid, std::int64_t version, std::string_view frame) const;
    /// The text of a row's body.
    std::string text_of(std::int64_t rid, std::int64_t version, std::string_view body) const;
    bool has_dictionary(std::int64_t tid) const;
    /// Trains from samples; empty when there is too little to learn.
    static std::string train(const std::vector<std::string>& samples);

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
    std::shared_ptr<sql::Values> values_;
};

/// Dictionaries hold pieces of what they were trained on, so they are sealed too.
std::string about_dictionary(std::int64_t tid);

}  // namespace xinglin::record
