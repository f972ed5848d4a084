// SPDX-License-Identifier: Apache-2.0
// {"position":7,"type":"Patient","id":"a","version":2,"updated_ms":1795305600000,"how":"update","resource":{…}}
#include "backup/lines.h"

#include <zlib.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "backup/sealed_lines.h"
#include "sql/sealed.h"

namespace xinglin::backup {

namespace {

constexpr std::size_t longest_line = 512u << 20;

class Packed {
public:
    Packed(const fs::path& path, const char* mode) : path_(path), file_(gzopen(path.c_str(), mode)) {
        if (!file_) fail();
        gzbuffer(file_, 1u << 18);
    }
    ~Packed() {
        if (file_) gzclose(file_);
    }
    Packed(const Packed&) = delete;
    void write(std::string_view bytes) {
        if (!bytes.empty() && gzwrite(file_, bytes.data(), static_cast<unsigned>(bytes.size())) != static_cast<int>(bytes.size()))
            fail();
    }
    /// Without its line end; false at the end of the file.
    bool line(std::string& into) {
        into.clear();
        char piece[1 << 16];
        while (gzgets(file_, piece, sizeof piece)) {
            into += piece;
            if (into.ends_with('\n')) {
                into.pop_back();
                return true;
            }
            if (into.size() > longest_line) throw sql::Broken(sql::Broken::Why::corrupt, path_.string() + ": a line without end");
        }
        int code = Z_OK;
        const char* message = gzerror(file_, &code);
        if (code != Z_OK && code != Z_STREAM_END) throw sql::Broken(sql::Broken::Why::corrupt, path_.string() + ": " + message);
        return !into.empty();
    }
    void close() {
        if (gzclose(std::exchange(file_, nullptr)) != Z_OK) fail();
    }

private:
    [[noreturn]] void fail() const {
        const auto why = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? sql::Broken::Why::full : sql::Broken::Why::io;
        throw sql::Broken(why, path_.string() + ": " + std::strerror(errno));
    }
    fs::path path_;
    gzFile file_;
};

std::optional<std::int64_t> whole(json::Value value) {
    std::int64_t number = 0;
    const std::string_view text = value.is_number() ? value.text() : std::string_view();
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

std::string line_of(const record::Change& change) {
    std::string line = fmt::format("{{\"position\":{},\"type\":\"{}\",\"id\":", change.position, change.type->name);
    json::write_string(change.id, line);
    line += fmt::format(",\"version\":{},\"updated_ms\":{},\"how\":\"{}\"", change.version, change.updated_ms,
                        change.deleted   ? "delete"
                        : change.created ? "create"
                                         : "update");
    if (!change.deleted) line += ",\"resource\":" + change.text;
    return line += "}";
}

Result<record::Change> change_of(std::string_view line) {
    const auto no = [](std::string what) { return refuse(IssueCode::invalid, "line", std::move(what)); };
    json::Arena arena;
    const auto parsed = json::parse(line, arena);
    if (!parsed.ok() || !parsed->is_object()) return no("is not a JSON object");
    const json::Value object = *parsed;
    record::Change change;
    const auto position = whole(object["position"]), version = whole(object["version"]), updated = whole(object["updated_ms"]);
    if (!position || !version || !updated || *position < 1 || *version < 1) return no("lacks position, version or updated_ms");
    change.position = *position;
    change.version = *version;
    change.updated_ms = *updated;
    change.type = fhir::find_resource(object["type"].string());
    if (!change.type || change.type->is_abstract) return no("names no resource type");
    change.id = object["id"].string();
    if (change.id.empty()) return no("names no id");
    const std::string_view how = object["how"].string();
    if (how != "create" && how != "update" && how != "delete") return no("says neither create, update nor delete");
    change.deleted = how == "delete";
    change.created = how == "create";
    if (object["resource"].is_object() == change.deleted) return no("has no resource, or one beside a delete");
    if (!change.deleted) change.text = json::write(object["resource"]);
    return change;
}

namespace {
template <typename Out>
void put_lines(Out& packed, const Source& source, record::Position after, record::Position upto,
               const std::function<void(record::Position)>& progress) {
    record::Position expected = after + 1;
    source.changes(after, upto, [&](const record::Change& change) {
        if (change.position != expected++)
            throw sql::Broken(sql::Broken::Why::corrupt, "the feed lacks position " + std::to_string(expected - 1));
        packed.write(line_of(change));
        packed.write("\n");
        if (progress && change.position % 1'000 == 0) progress(change.position);
        return true;
    });
    if (expected != upto + 1) throw sql::Broken(sql::Broken::Why::corrupt, "the feed ends before " + std::to_string(upto));
    packed.close();
}

template <typename In>
Result<Done> take_lines(In& packed, const fs::path& file, const std::function<Result<bool>(record::Change)>& each) {
    std::string line;
    for (std::size_t number = 1; packed.line(line); ++number) {
        auto change = change_of(line);
        if (!change.ok())
            return refuse(IssueCode::invalid, file.string() + ":" + std::to_string(number), change.outcome().issues[0].what);
        XINGLIN_TRY(const bool more, each(std::move(*change)));
        if (!more) break;
    }
    return Done{};
}
}  // namespace

void write_lines(const fs::path& file, const Source& source, record::Position after, record::Position upto,
                 const std::function<void(record::Position)>& progress) {
    if (const auto keys = sql::keys_for(file)) {
        SealedLinesWriter sealed(file, *keys);
        put_lines(sealed, source, after, upto, progress);
    } else {
        Packed packed(file, "wb1");
        put_lines(packed, source, after, upto, progress);
    }
    synchronise(file);
}

Result<Done> read_lines(const fs::path& file, const std::function<Result<bool>(record::Change)>& each) {
    if (const auto keys = sql::keys_for(file)) {
        SealedLinesReader sealed(file, *keys);
        return take_lines(sealed, file, each);
    }
    Packed packed(file, "rb");
    return take_lines(packed, file, each);
}

}  // namespace xinglin::backup
