// SPDX-License-Identifier: Apache-2.0
// manifest.json: what a backup holds. Its own check sum stands in it, over everything before.
#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "backup/lines.h"
#include "backup/manifest.h"

#include "backup/private.h"

namespace xinglin::backup {

namespace {

constexpr std::string_view format = "xinglin-backup 2", old_format = "xinglin-backup 1";

json::Value object_of(const Manifest& manifest, std::string_view program_version, json::Arena& arena) {
    std::vector<json::Value> files;
    for (const File& file : manifest.files) {
        files.push_back(arena.object({{"name", arena.string(file.name)},
                                      {"bytes", arena.number(static_cast<std::int64_t>(file.bytes))},
                                      {"sha256", arena.string(file.sha256)}}));
    }
    return arena.object({{"format", arena.string(format)},
                         {"version", arena.string(program_version)},
                         {"kind", arena.string(manifest.is_differential ? "differential" : "full")},
                         {"made_at", arena.string(manifest.made_at)},
                         {"from", arena.number(manifest.from)},
                         {"upto", arena.number(manifest.upto)},
                         {"base", arena.string(manifest.base)},
                         {"offset_minutes", arena.number(std::int64_t{manifest.offset_minutes})},
                         {"seconds", arena.number(fmt::format("{:.3f}", manifest.seconds))},
                         {"verified", arena.boolean(manifest.verified)},
                         {"files", arena.array(files)}});
}

std::int64_t whole(json::Value value) {
    std::int64_t number = -1;
    const std::string_view text = value.text();
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

bool is_ours(std::string_view name) {
    return name == lines_name || name == private_name || is_saved(name) ||
           std::any_of(std::begin(kept_files), std::end(kept_files), [&](const char* kept) { return name == kept; });
}

}  // namespace

bool is_saved(std::string_view name) {
    const std::size_t slash = name.find('/');
    const std::string_view folder = name.substr(0, slash);
    if (slash == std::string_view::npos || (folder != views_name && folder != mappings_name)) return false;
    name.remove_prefix(slash + 1);
    if (!name.ends_with(".json") || name.size() > 190) return false;
    name.remove_suffix(5);
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

std::uint64_t Manifest::bytes() const {
    std::uint64_t all = 0;
    for (const File& file : files) all += file.bytes;
    return all;
}

void write_manifest(const fs::path& folder, const Manifest& manifest, std::string_view program_version) {
    json::Arena arena;
    const json::Value content = object_of(manifest, program_version, arena);
    const json::Value sealed = arena.with(content, "seal", arena.string(text_sha256(json::write(content))));
    const fs::path partial = folder / "manifest.partial";
    {
        std::ofstream out(partial, std::ios::binary);
        out << json::write_pretty(sealed) << "\n";
        if (!out.flush()) throw sql::Broken(sql::Broken::Why::full, partial.string() + ": cannot be written");
    }
    synchronise(partial);
    fs::rename(partial, folder / manifest_name);
    synchronise(folder);
}

Result<Manifest> parse_manifest(std::string_view text, const std::string& where) {
    const auto no = [&](std::string what) { return refuse(IssueCode::invalid, where, std::move(what)); };
    json::Arena arena;
    const auto parsed = json::parse(text, arena);
    const std::string_view said = parsed.ok() ? (*parsed)["format"].string() : std::string_view();
    if (said != format && said != old_format) return no("is not a manifest we know, name a folder made by `xinglin backup`");
    const json::Value object = *parsed;
    if (said == format) {
        if (!object.is_object() || object["seal"].string() != text_sha256(json::write(arena.with(object, "seal", {}))))
            return no("has changed since the backup was made (its seal differs), use another backup");
    }
    Manifest manifest;
    manifest.is_differential = object["kind"].string() == "differential";
    manifest.made_at = object["made_at"].string();
    manifest.base = object["base"].string();
    manifest.verified = object["verified"].as_bool();
    if (said == format) {
        manifest.from = whole(object["from"]);
        manifest.upto = whole(object["upto"]);
        manifest.offset_minutes = static_cast<std::int16_t>(whole(object["offset_minutes"]));
        manifest.seconds = std::atof(std::string(object["seconds"].text()).c_str());
        if (manifest.from < 0 || manifest.upto < manifest.from) return no("names no range of the feed, make another backup");
    }
    const json::Value listed = object["files"];
    for (std::size_t i = 0; i < listed.size(); ++i) {
        File file{std::string(listed[i]["name"].string()), std::string(listed[i]["sha256"].string()),
                  static_cast<std::uint64_t>(std::max<std::int64_t>(0, whole(listed[i]["bytes"])))};
        // A name is one of ours, never a path that leads out of the folder.
        if (!is_ours(file.name)) return no("names a file that is not part of a backup, make another backup");
        manifest.files.push_back(std::move(file));
    }
    if (manifest.files.empty()) return no("names no files, make another backup");
    return manifest;
}

Result<Manifest> read_manifest(const fs::path& folder) {
    const std::string where = (folder / manifest_name).string();
    std::ifstream in(where, std::ios::binary);
    if (!in) return refuse(IssueCode::invalid, where, "cannot be read, name a folder made by `xinglin backup`");
    std::ostringstream content;
    content << in.rdbuf();
    return parse_manifest(std::move(content).str(), where);
}

Result<Done> check_files(const fs::path& folder, const Manifest& manifest) {
    for (const File& file : manifest.files) {
        const fs::path path = folder / file.name;
        if (!fs::exists(path)) return refuse(IssueCode::invalid, path.string(), "is missing from the backup, use another backup");
        if (file_sha256(path) != file.sha256) {
            return refuse(IssueCode::invalid, path.string(),
                          "has changed since the backup was made (SHA-256 differs), use another backup");
        }
    }
    return Done{};
}

std::vector<Listed> list(const fs::path& folder) {
    std::vector<Listed> all;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        if (!entry.is_directory(error)) continue;
        auto manifest = read_manifest(entry.path());
        if (manifest.ok()) all.push_back({entry.path(), std::move(*manifest)});
    }
    std::sort(all.begin(), all.end(), [](const Listed& a, const Listed& b) { return a.manifest.made_at > b.manifest.made_at; });
    return all;
}

}  // namespace xinglin::backup
