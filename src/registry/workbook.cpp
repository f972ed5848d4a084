// SPDX-License-Identifier: Apache-2.0
// Registries written as workbooks, and the templates to fill in.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "registry/import.h"
#include "table/sheet_writer.h"

namespace xinglin::registry {

namespace {

/// A file that is gone when it is not needed any longer.
class PassingFile {
public:
    PassingFile() {
        std::string name = (std::filesystem::temp_directory_path() / "xinglin-registry-XXXXXX").string();
        const int handle = ::mkstemp(name.data());
        if (handle < 0) return;
        ::close(handle);
        path_ = name;
    }
    ~PassingFile() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove(path_, ignored);
    }
    PassingFile(const PassingFile&) = delete;
    PassingFile& operator=(const PassingFile&) = delete;
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

Result<Done> write_hints(table::SheetWriter& writer, Sheet sheet, bool zh) {
    XINGLIN_CHECK(writer.sheet(zh ? "填写说明" : "How to fill in", {{zh ? "列" : "Column", 22},
                                                                    {zh ? "必填" : "Required", 10},
                                                                    {zh ? "可填" : "What may stand there", 60},
                                                                    {zh ? "例" : "Example", 24}}));
    for (const Column& each : columns(sheet))
        XINGLIN_CHECK(
            writer.row({table::Cell::of(zh ? each.zh : each.en), table::Cell::of(each.required ? (zh ? "是" : "yes") : ""),
                        table::Cell::of(zh ? each.hint_zh : each.hint_en), table::Cell::of(each.example)}));
    return Done{};
}

}  // namespace

std::vector<std::pair<EntryPtr, Cells>> rows_of(const Registry& registry, Sheet sheet) {
    std::vector<std::pair<EntryPtr, Cells>> out;
    record::Reader reader = registry.store().reader(access::Viewer::program("registry"));
    for (EntryPtr& entry : registry.all()) {
        if (!holds(sheet, *entry)) continue;
        const auto version = reader.read(*entry->type, entry->id);
        if (!version.ok()) continue;
        json::Arena arena;
        const auto resource = json::parse(version->body, arena, {.depth = 1'000, .bytes = version->body.size() + 1});
        if (!resource.ok()) continue;
        Cells cells = cells_of(registry, sheet, *entry, *resource);
        if (cells["code"].empty()) continue;  // nobody could bring it back
        out.emplace_back(std::move(entry), std::move(cells));
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
        const std::string &x = a.second.find("code")->second, &y = b.second.find("code")->second;
        return x != y ? x < y : a.first->id < b.first->id;
    });
    return out;
}

Result<std::string> workbook(const Registry& registry, Sheet sheet, bool template_only, bool zh) {
    const PassingFile file;
    if (file.path().empty())
        return refuse(IssueCode::exception, "disk",
                      "a temporary file cannot be made, make room in the folder for temporary files");
    XINGLIN_TRY(const auto writer, table::SheetWriter::create(file.path()));
    std::vector<table::SheetColumn> header;
    for (const Column& each : columns(sheet))
        header.push_back({std::string(zh ? each.zh : each.en) + (template_only && each.required ? "*" : ""),
                          each.key == "name" || each.key == "address" ? 30.0 : 18.0});
    XINGLIN_CHECK(writer->sheet(title(sheet, zh), header));
    if (!template_only) {
        for (const auto& [entry, cells] : rows_of(registry, sheet)) {
            std::vector<table::Cell> row;
            for (const Column& each : columns(sheet)) {
                const auto found = cells.find(each.key);
                row.push_back(table::Cell::of(found == cells.end() ? std::string() : shown(each.key, found->second, zh)));
            }
            XINGLIN_CHECK(writer->row(row));
        }
    }
    XINGLIN_CHECK(write_hints(*writer, sheet, zh));
    XINGLIN_CHECK(writer->close());
    std::ifstream in(file.path(), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace xinglin::registry
