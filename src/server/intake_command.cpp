// SPDX-License-Identifier: Apache-2.0
// `xinglin intake`: messages and tables from files to FHIR bundles, each accounted for; and a message in words.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>

#include "hl7v2/hl7v2.h"
#include "json/json.h"
#include "server/commands.h"
#include "server/intake_formats.h"
#include "server/terminal.h"

namespace xinglin::server {

namespace {

/// A field of RFC 4180.
std::string cell(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"') out += '"';
        out += c;
    }
    return out + '"';
}

/// The files of a path: itself, or those of the folder that the format takes, sorted, deeper folders included.
std::vector<fs::path> files_of(const fs::path& path, const IntakeFormat& format, const fs::path& out) {
    std::error_code error;
    if (!fs::is_directory(path, error)) return {path};
    std::vector<fs::path> files;
    for (auto it = fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, error);
         it != fs::end(it); it.increment(error)) {
        if (error) break;
        const bool hidden = it->path().filename().string().starts_with('.');
        const bool own = !out.empty() && fs::equivalent(it->path(), out, error);
        if (it->is_directory(error) && (hidden || own)) it.disable_recursion_pending();
        else if (!hidden && it->is_regular_file(error) && format.takes(it->path())) files.push_back(it->path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

/// Where an item came first. Of the last quarter of a million at least: a file may have any number of rows, memory may not grow with them.
class Seen {
public:
    /// Nothing when it is new.
    std::optional<std::string> first(const std::string& digest, const std::string& source, const std::string& item) {
        for (const auto& items : {std::cref(newer_), std::cref(older_)}) {
            if (const auto found = items.get().find(digest); found != items.get().end())
                return fmt::format("{} {}", sources_[found->second.source], found->second.item);
        }
        if (newer_.size() >= at_once) older_ = std::exchange(newer_, {});
        if (sources_.empty() || sources_.back() != source) sources_.push_back(source);
        newer_.emplace(digest, Place{sources_.size() - 1, item});
        return std::nullopt;
    }

private:
    static constexpr std::size_t at_once = 250'000;
    struct Place {
        std::size_t source;
        std::string item;
    };
    std::unordered_map<std::string, Place> newer_, older_;
    std::vector<std::string> sources_;
};

class Intake {
public:
    Intake(const IntakeCommand& options, const IntakeFormat& format) : options_(options), format_(format) {
        sender_.id = options.sender;
        sender_.encoding = options.encoding;
    }

    /// The report's file, and the folder of the bundles.
    Result<Done> open() {
        if (options_.to_bundle.empty()) return Done{};
        std::error_code error;
        fs::create_directories(options_.to_bundle, error);
        report_.open(options_.to_bundle / "report.csv", std::ios::binary | std::ios::trunc);
        report_ << "source,item,status,reason\r\n";
        if (error || !report_)
            return refuse(IssueCode::not_found, options_.to_bundle.string(), "cannot be written to, see to its permissions");
        return Done{};
    }

    Result<Done> take(const fs::path& file) {
        const std::string source = file.string();
        std::size_t items = 0;
        Result<Done> written = Done{};
        const auto read = format_.read(file, sender_, [&](IntakeItem item) {
            ++items;
            if (written.ok()) written = one(file, source, item);
        });
        if (!written.ok()) return written;
        if (!read.ok()) row(source, "1", "rejected", read.outcome().line());
        else if (items == 0) row(source, "1", "rejected", "file: holds no message");
        if (report_.is_open() && !report_)
            return refuse(IssueCode::not_found, options_.to_bundle.string(), "cannot be written, see whether the disk is full");
        return Done{};
    }

    /// Everything on disk.
    bool close() {
        if (!report_.is_open()) return true;
        report_.close();
        return !report_.fail();
    }

    std::uint64_t converted = 0, duplicate = 0, rejected = 0, notes = 0;

private:
    void row(std::string_view source, std::string_view item, std::string_view status, std::string_view reason) {
        if (status == "converted") ++converted;
        else if (status == "duplicate") ++duplicate;
        else ++rejected;
        if (report_.is_open()) report_ << fmt::format("{},{},{},{}\r\n", cell(source), cell(item), status, cell(reason));
        else if (status != "converted") complain(fmt::format("{} {}", source, item), reason, exit_refused);
    }

    /// The line of an item, and one for every row that went with it.
    void rows(std::string_view source, const IntakeItem& item, std::string_view status, std::string_view reason) {
        row(source, item.name, status, reason);
        for (const std::string& further : item.further)
            row(source, further, status, status == "converted" ? "with " + item.name : std::string(reason));
    }

    /// A name nobody has yet: two folders may hold files of one name.
    fs::path bundle_path(const fs::path& file, std::string_view item) {
        std::string stem = file.stem().string();
        if (item != "1") {
            stem += '-';
            for (const char c : item) stem += c == ' ' || c == '/' ? '-' : c;
        }
        const int times = ++names_[stem];
        return options_.to_bundle / (times == 1 ? stem + ".json" : fmt::format("{}.{}.json", stem, times));
    }

    Result<Done> one(const fs::path& file, const std::string& source, IntakeItem& item) {
        if (!item.content.empty()) {
            const std::string digest = message::stable_id(sender_.id, item.control_id, item.content);
            if (const auto first = seen_.first(digest, source, item.name); first && item.result.ok()) {
                rows(source, item, "duplicate", "the same as " + *first);
                return Done{};
            }
        }
        if (!item.result.ok()) {
            rows(source, item, "rejected", item.result.outcome().line());
            return Done{};
        }
        notes += item.result->notes.size();
        if (options_.to_bundle.empty()) {
            std::fwrite(item.result->bundle.data(), 1, item.result->bundle.size(), stdout);
            std::fputc('\n', stdout);
        } else {
            const fs::path path = bundle_path(file, item.name);
            std::ofstream out(path, std::ios::binary | std::ios::trunc);
            out << item.result->bundle << '\n';
            out.close();
            if (!out) return refuse(IssueCode::not_found, path.string(), "cannot be written, see whether the disk is full");
        }
        rows(source, item, "converted", "");
        return Done{};
    }

    const IntakeCommand& options_;
    const IntakeFormat& format_;
    message::Sender sender_;
    std::ofstream report_;
    std::map<std::string, int> names_;
    Seen seen_;
};

bool is_sender(std::string_view id) {
    if (id.empty() || id.size() > 40) return false;
    return id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

void print_words(const hl7v2::Explanation& words) {
    for (const hl7v2::SegmentWords& segment : words.segments) {
        std::printf("%s  %s  %s\n", segment.name.c_str(), segment.title.c_str(), segment.title_zh.c_str());
        for (const hl7v2::FieldWords& field : segment.fields) {
            std::printf("  %-12s %s %s: %s%s\n", field.place.c_str(), field.name.c_str(), field.name_zh.c_str(),
                        field.value.c_str(), field.meaning.empty() ? "" : (" (" + field.meaning + ")").c_str());
        }
    }
}

json::Value words_json(const hl7v2::Explanation& words, json::Arena& arena) {
    return arena.object({{"kind", arena.string(words.facts.kind)},
                         {"version", arena.string(words.facts.version)},
                         {"control_id", arena.string(words.facts.control_id)},
                         {"encoding", arena.string(words.encoding)},
                         {"segments", hl7v2::segments_json(words, arena)}});
}

int explain_files(const IntakeCommand& options, const content::Files& files) {
    const auto tables = hl7v2::Tables::load(files);
    if (!tables.ok()) return environment(tables.outcome());
    message::Sender sender;
    sender.encoding = options.encoding;
    int status = exit_done;
    for (const fs::path& path : options.paths) {
        const auto bytes = read_message_file(path);
        if (!bytes.ok()) return environment(bytes.outcome());
        for (const hl7v2::Piece& piece : hl7v2::split(*bytes)) {
            const auto words = hl7v2::explain(piece.bytes, sender, *tables);
            if (!words.ok()) {
                status = refused(words.outcome());
                continue;
            }
            json::Arena arena;
            if (options.json) std::printf("%s\n", json::write(words_json(*words, arena)).c_str());
            else print_words(*words);
        }
    }
    return status;
}

}  // namespace

int intake(const IntakeCommand& options) {
    content::Files files;
    if (!options.content.empty()) {
        auto over = content::Files::over(options.content);
        if (!over.ok()) return environment(over.outcome());
        files = std::move(*over);
    }
    if (options.format == "explain") return explain_files(options, files);
    if (!is_sender(options.sender))
        return complain("--sender", "must be 1 to 40 of a-z 0-9 -, write the institution's short name so", exit_usage);
    const auto format = intake_format(options.format, files);
    if (!format.ok()) {
        const Issue& first = format.outcome().issues.front();
        return complain(first.where, first.what, first.code == IssueCode::value ? exit_usage : exit_environment);
    }
    std::error_code error;
    for (const fs::path& path : options.paths) {
        if (!fs::exists(path, error)) return complain(path.string(), "is not there, name a file or folder", exit_environment);
    }
    Intake run(options, **format);
    if (const auto opened = run.open(); !opened.ok()) return environment(opened.outcome());
    for (const fs::path& path : options.paths) {
        for (const fs::path& file : files_of(path, **format, options.to_bundle)) {
            if (const auto taken = run.take(file); !taken.ok()) return environment(taken.outcome());
        }
    }
    if (!run.close())
        return complain((options.to_bundle / "report.csv").string(), "cannot be written, see whether the disk is full",
                        exit_environment);
    if (options.to_bundle.empty()) return run.rejected > 0 ? exit_refused : exit_done;
    const std::uint64_t all = run.converted + run.duplicate + run.rejected;
    if (options.json) {
        std::printf(R"({"messages":%llu,"converted":%llu,"duplicate":%llu,"rejected":%llu,"notes":%llu})"
                    "\n",
                    static_cast<unsigned long long>(all), static_cast<unsigned long long>(run.converted),
                    static_cast<unsigned long long>(run.duplicate), static_cast<unsigned long long>(run.rejected),
                    static_cast<unsigned long long>(run.notes));
    } else {
        std::printf("%s messages: %s converted, %s duplicate, %s rejected; see %s\n", grouped(all).c_str(),
                    grouped(run.converted).c_str(), grouped(run.duplicate).c_str(), grouped(run.rejected).c_str(),
                    (options.to_bundle / "report.csv").string().c_str());
    }
    return exit_done;
}

}  // namespace xinglin::server
