// SPDX-License-Identifier: Apache-2.0
// Any bytes as a workbook; bytes that begin with '<' as the first sheet of a sound one.
#include <zip.h>

#include <cstdint>
#include <cstdlib>

#include "table/table.h"

namespace {

std::string around(std::string_view sheet) {
    using namespace std::string_literals;
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* memory = zip_source_buffer_create(nullptr, 0, 0, &error);
    zip_source_keep(memory);
    zip_t* zip = zip_open_from_source(memory, ZIP_TRUNCATE, &error);
    static const std::string types = "<Types/>",
                             book = R"(<workbook xmlns:r="r"><sheets><sheet name="a" r:id="s"/></sheets></workbook>)",
                             relations = R"(<R><Relationship Id="s" Type="/worksheet" Target="s.xml"/></R>)";
    const auto add = [&](const char* name, std::string_view text) {
        zip_file_add(zip, name, zip_source_buffer(zip, text.data(), text.size(), 0), 0);
    };
    add("[Content_Types].xml", types);
    add("xl/workbook.xml", book);
    add("xl/_rels/workbook.xml.rels", relations);
    add("xl/s.xml", sheet);
    zip_close(zip);
    zip_source_open(memory);
    zip_source_seek(memory, 0, SEEK_END);
    std::string out(static_cast<std::size_t>(zip_source_tell(memory)), '\0');
    zip_source_seek(memory, 0, SEEK_SET);
    zip_source_read(memory, out.data(), out.size());
    zip_source_close(memory);
    zip_source_free(memory);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xinglin;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::string whole = input.starts_with('<') ? around(input) : std::string(input);
    table::XlsxOptions options;
    options.limits.unpacked_bytes = 8u << 20;
    options.limits.shared_string_bytes = 8u << 20;
    const auto rows = table::read_xlsx(table::Source::memory(whole), options);
    if (!rows.ok()) {
        if (rows.outcome().line().empty()) std::abort();
        return 0;
    }
    table::Row row;
    for (;;) {
        const auto more = (*rows)->next(row);
        if (!more.ok() || !*more) return 0;
        if (row.number == 0 || row.cells.size() > options.limits.columns) std::abort();
    }
}
