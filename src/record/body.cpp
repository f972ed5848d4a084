// SPDX-License-Identifier: Apache-2.0
// Bodies with zstd, level 1, one 32 KiB dictionary per type (docs/decisions/0003: level 3 saves 2 % for 1.6 times the time).
#include "record/body.h"

#include <zdict.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <atomic>
#include <charconv>
#include <shared_mutex>

#include "calendar/calendar.h"
#include "sql/sql.h"

namespace xinglin::record {

namespace {
enum SpliceKind : std::int64_t { into_meta = 0, into_empty_meta = 1, after_id = 2 };
constexpr int level = 1;
constexpr std::size_t dictionary_bytes = 32 << 10;
constexpr std::size_t largest_body = 256u << 20;
}  // namespace

BodyText body_text(json::Value resource) {
    BodyText body;
    std::string& out = body.text;
    bool has_meta = false;
    std::size_t id_end = 1;
    out = "{";
    for (const json::Member& member : resource.members()) {
        if (out.size() > 1) out += ',';
        json::write_string(member.key(), out);
        out += ':';
        if (member.key() == "meta" && member.value().is_object()) {
            has_meta = true;
            out += '{';
            const std::size_t inside = out.size();
            for (const json::Member& part : member.value().members()) {
                if (part.key() == "versionId" || part.key() == "lastUpdated") continue;
                if (out.size() > inside) out += ',';
                json::write_string(part.key(), out);
                out += ':';
                json::write(part.value(), out);
            }
            body.splice = static_cast<std::int64_t>(inside) * 4 + (out.size() > inside ? into_meta : into_empty_meta);
            out += '}';
        } else {
            json::write(member.value(), out);
            if (member.key() == "id") id_end = out.size();
        }
    }
    out += '}';
    if (!has_meta) body.splice = static_cast<std::int64_t>(id_end) * 4 + after_id;
    return body;
}

namespace {
/// Does the place lie where body_text() would have put it, as far as the text around it tells?
bool is_place_of_version(std::string_view text, std::int64_t splice) {
    constexpr std::string_view meta = "\"meta\":{";
    if (splice < 4) return false;
    const auto offset = static_cast<std::size_t>(splice / 4);
    if (offset >= text.size()) return false;
    switch (splice % 4) {
        case into_meta: return text[offset] == '"' && text.substr(0, offset).ends_with(meta);
        case into_empty_meta: return text[offset] == '}' && text.substr(0, offset).ends_with(meta);
        case after_id: {
            const std::string_view id = id_in(text);  // "" without one: then right after the first brace
            return offset == (id.empty() ? 1 : static_cast<std::size_t>(id.data() + id.size() + 1 - text.data()));
        }
        default: return false;
    }
}
}  // namespace

std::string with_version(std::string_view text, std::int64_t splice, std::int64_t version, std::int64_t updated_ms) {
    std::string out;
    out.reserve(text.size() + 80);
    append_with_version(out, text, splice, version, updated_ms);
    return out;
}

void append_with_version(std::string& out, std::string_view text, std::int64_t splice, std::int64_t version,
                         std::int64_t updated_ms) {
    const auto offset = static_cast<std::size_t>(splice / 4);
    if (!is_place_of_version(text, splice))
        throw sql::Broken(sql::Broken::Why::corrupt, "a stored body is damaged: the place of its version is elsewhere");
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, version);
    out.append(text.substr(0, offset));
    if (splice % 4 == after_id) out += ",\"meta\":{";
    out += "\"versionId\":\"";
    out.append(digits, end.ptr);
    out += "\",\"lastUpdated\":\"";
    out += calendar::instant_text(updated_ms);
    out += splice % 4 == into_meta ? "\"," : splice % 4 == into_empty_meta ? "\"" : "\"}";
    out.append(text.substr(offset));
}

std::string_view id_in(std::string_view text) {
    // The top-level "id": written compact, so the scan only has to skip strings and nesting.
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '{' || c == '[') ++depth;
        else if (c == '}' || c == ']') --depth;
        else if (c == '"') {
            const std::size_t start = i + 1;
            for (++i; i < text.size() && text[i] != '"'; ++i) {
                if (text[i] == '\\') ++i;
            }
            if (depth == 1 && text.substr(start, i - start) == "id" && text.substr(i + 1, 2) == ":\"") {
                const std::size_t end = text.find('"', i + 3);
                return end == std::string_view::npos ? std::string_view() : text.substr(i + 3, end - i - 3);
            }
        }
    }
    return {};
}

struct Compressor::Inside {
    mutable std::shared_mutex dictionaries;                     // guards the three below
    std::unordered_map<std::int64_t, ZSTD_CDict*> to_compress;  // by type
    std::unordered_map<unsigned, ZSTD_DDict*> to_decompress;    // by zstd dictionary id
    std::vector<ZSTD_CDict*> all;

    std::function<void()> find_unknown;

    ZSTD_DDict* find(unsigned id) {
        std::shared_lock lock(dictionaries);
        const auto found = to_decompress.find(id);
        return found == to_decompress.end() ? nullptr : found->second;
    }
    ~Inside() {
        for (ZSTD_CDict* dictionary : all) ZSTD_freeCDict(dictionary);
        for (auto& [id, dictionary] : to_decompress) ZSTD_freeDDict(dictionary);
    }
};

namespace {
struct Contexts {
    ZSTD_CCtx* compress = ZSTD_createCCtx();
    ZSTD_DCtx* decompress = ZSTD_createDCtx();
    Contexts() {
        if (!compress || !decompress) throw std::bad_alloc();
        ZSTD_CCtx_setParameter(compress, ZSTD_c_compressionLevel, level);
        ZSTD_CCtx_setParameter(compress, ZSTD_c_checksumFlag, 1);  // four bytes that find any flipped bit when unpacking
    }
    ~Contexts() {
        ZSTD_freeCCtx(compress);
        ZSTD_freeDCtx(decompress);
    }
};
Contexts& contexts() {
    static thread_local Contexts mine;
    return mine;
}
[[noreturn]] void damaged(std::string_view why) {
    throw sql::Broken(sql::Broken::Why::corrupt, "a stored body is damaged: " + std::string(why));
}
}  // namespace

Compressor::Compressor() : inside_(std::make_unique<Inside>()) {}
Compressor::~Compressor() = default;

void Compressor::add_dictionary(std::int64_t, std::int64_t tid, std::string_view bytes) {
    std::unique_ptr<ZSTD_CDict, decltype(&ZSTD_freeCDict)> writing(ZSTD_createCDict(bytes.data(), bytes.size(), level),
                                                                   ZSTD_freeCDict);
    std::unique_ptr<ZSTD_DDict, decltype(&ZSTD_freeDDict)> reading(ZSTD_createDDict(bytes.data(), bytes.size()), ZSTD_freeDDict);
    if (!writing || !reading) throw std::bad_alloc();
    const unsigned id = ZSTD_getDictID_fromDDict(reading.get());
    std::unique_lock lock(inside_->dictionaries);
    // Places first: where memory ends, nothing has changed hands.
    ZSTD_CDict*& compressing = inside_->to_compress[tid];
    ZSTD_DDict*& decompressing = inside_->to_decompress[id];
    inside_->all.reserve(inside_->all.size() + 1);
    inside_->all.push_back(compressing = writing.release());
    if (!decompressing) decompressing = reading.release();
}

void Compressor::on_unknown(std::function<void()> find) { inside_->find_unknown = std::move(find); }

bool Compressor::has_dictionary(std::int64_t tid) const {
    std::shared_lock lock(inside_->dictionaries);
    const auto found = inside_->to_compress.find(tid);
    return found != inside_->to_compress.end() && found->second;
}

void Compressor::compress(std::int64_t tid, std::string_view text, std::string& out) const {
    const std::size_t start = out.size();
    out.resize(start + ZSTD_compressBound(text.size()));
    ZSTD_CDict* dictionary = nullptr;
    {
        std::shared_lock lock(inside_->dictionaries);
        const auto found = inside_->to_compress.find(tid);
        if (found != inside_->to_compress.end()) dictionary = found->second;
    }
    ZSTD_CCtx* context = contexts().compress;
    ZSTD_CCtx_refCDict(context, dictionary);
    const std::size_t size = ZSTD_compress2(context, out.data() + start, out.size() - start, text.data(), text.size());
    ZSTD_CCtx_refCDict(context, nullptr);
    if (ZSTD_isError(size)) throw std::runtime_error(std::string("cannot compress: ") + ZSTD_getErrorName(size));
    out.resize(start + size);
}

std::string Compressor::decompress(std::string_view frame) const {
    const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > largest_body) damaged("no size");
    std::string text(size, '\0');
    const unsigned id = ZSTD_getDictID_fromFrame(frame.data(), frame.size());
    ZSTD_DDict* dictionary = nullptr;
    if (id != 0) {
        dictionary = inside_->find(id);
        if (!dictionary && inside_->find_unknown) {
            inside_->find_unknown();
            dictionary = inside_->find(id);
        }
        if (!dictionary) damaged("its dictionary is missing");
    }
    ZSTD_DCtx* context = contexts().decompress;
    const std::size_t got =
        dictionary ? ZSTD_decompress_usingDDict(context, text.data(), text.size(), frame.data(), frame.size(), dictionary)
                   : ZSTD_decompressDCtx(context, text.data(), text.size(), frame.data(), frame.size());
    if (ZSTD_isError(got) && ZSTD_getErrorCode(got) == ZSTD_error_checksum_wrong) damaged("its checksum does not match");
    if (ZSTD_isError(got) || got != text.size()) damaged("it does not unpack");
    return text;
}

void Compressor::seal_with(std::shared_ptr<sql::Values> values) { values_ = std::move(values); }

namespace {
std::string about_version(std::int64_t rid, std::int64_t version) {
    return sql::about_of("resource", std::array<std::int64_t, 2>{rid, version});
}
}  // namespace

std::string Compressor::sealed(std::int64_t rid, std::int64_t version, std::string_view frame) const {
    return values_ ? values_->seal(about_version(rid, version), frame) : std::string(frame);
}

std::string Compressor::text_of(std::int64_t rid, std::int64_t version, std::string_view body) const {
    return values_ ? decompress(values_->open(about_version(rid, version), body)) : decompress(body);
}

std::string about_dictionary(std::int64_t tid) { return "dictionary " + std::to_string(tid); }

std::string Compressor::train(const std::vector<std::string>& samples) {
    std::string joined;
    std::vector<std::size_t> sizes;
    for (const std::string& sample : samples) {
        if (joined.size() + sample.size() > (3u << 20)) continue;
        joined += sample;
        sizes.push_back(sample.size());
    }
    if (sizes.size() < 20) return {};
    std::string dictionary(dictionary_bytes, '\0');
    const std::size_t size = ZDICT_trainFromBuffer(dictionary.data(), dictionary.size(), joined.data(), sizes.data(),
                                                   static_cast<unsigned>(sizes.size()));
    if (ZDICT_isError(size)) return {};
    dictionary.resize(size);
    return dictionary;
}

}  // namespace xinglin::record
