// SPDX-License-Identifier: Apache-2.0
// `xinglin cda write`: one patient's resources from a file, as a national shared document.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "calendar/calendar.h"
#include "cda/cda.h"
#include "json/json.h"
#include "server/commands.h"
#include "server/intake_formats.h"
#include "server/terminal.h"

namespace xinglin::server {

int write_document(const DocumentCommand& options) {
    content::Files files;
    if (!options.content.empty()) {
        auto over = content::Files::over(options.content);
        if (!over.ok()) return environment(over.outcome());
        files = std::move(*over);
    }
    const auto kind = cda::parse_kind(options.kind);
    if (!kind) return complain("--kind", "must be outpatient-summary, inpatient-summary or laboratory-report", exit_usage);
    const auto knowledge = cda::Knowledge::read(files);
    if (!knowledge.ok()) return environment(knowledge.outcome());
    const auto text = read_message_file(options.file);
    if (!text.ok()) return environment(text.outcome());
    json::Arena arena;
    const auto resources = json::parse(*text, arena);
    if (!resources.ok()) return refused(resources.outcome());
    const std::string now = options.now.empty() ? calendar::instant_text(calendar::SystemClock().now_ms()) : options.now;
    const auto written = cda::write(*kind, *resources, options.id, now, *knowledge);
    if (!written.ok()) return refused(written.outcome());
    for (const std::string& each : written->left_out) std::fprintf(stderr, "left out: %s\n", each.c_str());
    if (options.out.empty()) {
        std::fwrite(written->xml.data(), 1, written->xml.size(), stdout);
        return exit_done;
    }
    std::ofstream out(options.out, std::ios::binary | std::ios::trunc);
    out << written->xml;
    out.close();
    if (!out) return complain(options.out.string(), "cannot be written, choose another file", exit_environment);
    return exit_done;
}

}  // namespace xinglin::server
