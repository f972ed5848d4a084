// SPDX-License-Identifier: Apache-2.0
// `xinglin terminology …`: codes looked up, checked, listed and translated without a server; editions imported; units converted.
#include "server/terminology_command.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "content/content.h"
#include "fhirpath/fhirpath.h"
#include "ingest/ingest.h"
#include "json/json.h"
#include "server/commands.h"
#include "server/folder.h"
#include "server/house_terminology.h"
#include "server/snapshot.h"
#include "server/terminal.h"
#include "terminology/terminology.h"

namespace xinglin::server {

namespace {

/// What the commands lean on: the built-in tables, an overlay, and with --data the record.
struct Desk {
    calendar::SystemClock clock;
    content::Files files;
    Opened opened;  // its store is empty without --data and --store
    std::unique_ptr<terminology::Terminology> terms;
};

Outcome explain(const fs::path& data, const Outcome& outcome) {
    if (outcome.code() != IssueCode::conflict) return outcome;
    return refuse(IssueCode::conflict, data.string(),
                  "a server has this folder open, send it the table (POST /api/v1/terminology/editions) or stop it first");
}

Result<std::unique_ptr<Desk>> open_desk(const TerminologyCommand& options) {
    auto desk = std::make_unique<Desk>();
    if (!options.content.empty()) {
        XINGLIN_TRY(desk->files, content::Files::over(options.content));
    }
    terminology::Stored stored;
    if (!options.store.empty()) {
        XINGLIN_TRY(desk->opened, open_database(options.store, desk->clock));
    } else if (!options.data.empty() && options.what == TerminologyCommand::What::import) {
        if (const auto folder = make_folder(options.data); !folder.ok()) return folder.outcome();
        auto opened = record::Store::open(options.data, desk->clock);
        if (!opened.ok()) return explain(options.data, opened.outcome());
        desk->opened.store = std::move(opened).value();
    } else if (!options.data.empty()) {
        const fs::path copy = fs::temp_directory_path() / ("xinglin-terminology-" + std::to_string(getpid()));
        XINGLIN_TRY(desk->opened, open_or_snapshot(options.data, copy, desk->clock));
    }
    if (desk->opened.store) stored = stored_terminology(*desk->opened.store);
    desk->terms = std::make_unique<terminology::Terminology>(desk->files, desk->clock, std::move(stored));
    return desk;
}

void print(json::Value value) { std::printf("%s\n", json::write(value).c_str()); }

json::Value strings(json::Arena& arena, const std::vector<std::string>& all) {
    std::vector<json::Value> values;
    for (const std::string& one : all) values.push_back(arena.string(one));
    return arena.array(values);
}

int list(const TerminologyCommand& options, const Desk& desk) {
    json::Arena arena;
    std::vector<json::Value> all;
    for (const auto& row : desk.terms->systems()) {
        if (options.json) {
            all.push_back(arena.object({{"url", arena.string(row.url)},
                                        {"title", arena.string(row.title)},
                                        {"version", arena.string(row.version)},
                                        {"versions", strings(arena, row.versions)},
                                        {"count", arena.number(row.count)},
                                        {"from", arena.string(row.from)},
                                        {"to", arena.string(row.to)},
                                        {"origin", arena.string(row.origin)}}));
        } else {
            std::printf("%s  %s  %s  %lld\n", row.url.c_str(), row.version.c_str(), row.title.c_str(),
                        static_cast<long long>(row.count));
        }
    }
    if (options.json) print(arena.array(all));
    for (const std::string& trouble : desk.terms->troubles()) std::fprintf(stderr, "warning: %s\n", trouble.c_str());
    return exit_done;
}

Result<std::string> whole_table(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return refuse(IssueCode::not_found, file.string(), "cannot be read, name a CSV file");
    return std::string((std::istreambuf_iterator<char>(in)), {});
}

int import_edition(const TerminologyCommand& options, Desk& desk) {
    const auto csv = whole_table(options.words[0]);
    if (!csv.ok()) return environment(csv.outcome());
    auto arena = std::make_shared<json::Arena>();
    const auto resource = desk.terms->edition_resource({.system = options.system,
                                                        .version = options.version,
                                                        .from = options.from,
                                                        .to = options.to,
                                                        .title = options.title,
                                                        .language = options.language,
                                                        .csv = *csv},
                                                       *arena);
    if (!resource.ok()) return refused(resource.outcome());
    const auto count = (*resource)["concept"].size();
    ingest::Ingest ingest(*desk.opened.store);
    ingest::Change change{.kind = ingest::Change::Kind::update,
                          .type = fhir::find_resource("CodeSystem"),
                          .id = std::string((*resource)["id"].string()),
                          .resource = *resource};
    const auto written = ingest.write_and_wait(arena, std::move(change));
    if (!written.ok()) return refused(written.outcome());
    write_down(options.data, options.store, "terminology", 1);
    if (options.json) {
        json::Arena answer;
        print(answer.object({{"system", answer.string(options.system)},
                             {"version", answer.string(options.version)},
                             {"count", answer.number(static_cast<std::int64_t>(count))}}));
    } else {
        std::printf("%s concepts of %s, edition %s, as CodeSystem/%s\n", grouped(count).c_str(), options.system.c_str(),
                    options.version.c_str(), written->id.c_str());
    }
    return exit_done;
}

int look_up(const TerminologyCommand& options, const Desk& desk) {
    const auto found = desk.terms->lookup({.system = options.system,
                                           .version = options.version,
                                           .code = options.words[0],
                                           .date = options.date,
                                           .language = options.language});
    if (!found.ok()) return refused(found.outcome());
    json::Arena arena;
    std::vector<json::Value> properties, parents;
    for (const auto& one : found->properties)
        properties.push_back(arena.object({{"code", arena.string(one.code)}, {"value", arena.string(one.value)}}));
    for (const auto& one : found->parents)
        parents.push_back(arena.object({{"code", arena.string(one.code)}, {"display", arena.string(one.display)}}));
    if (options.json) {
        print(arena.object({{"system", arena.string(found->system)},
                            {"version", arena.string(found->version)},
                            {"code", arena.string(found->code)},
                            {"display", arena.string(found->display)},
                            {"display_en", arena.string(found->display_en)},
                            {"parents", arena.array(parents)},
                            {"children", strings(arena, found->children)},
                            {"properties", arena.array(properties)}}));
        return exit_done;
    }
    std::printf("%s  %s%s%s\n%s %s\n", found->code.c_str(), found->display.c_str(), found->display_en.empty() ? "" : "  ",
                found->display_en.c_str(), found->system.c_str(), found->version.c_str());
    for (const auto& parent : found->parents) std::printf("below %s  %s\n", parent.code.c_str(), parent.display.c_str());
    for (const auto& one : found->properties) std::printf("%s = %s\n", one.code.c_str(), one.value.c_str());
    return exit_done;
}

int expand(const TerminologyCommand& options, const Desk& desk) {
    const auto made = desk.terms->expand({.url = options.words[0],
                                          .version = options.version,
                                          .filter = options.filter,
                                          .date = options.date,
                                          .language = options.language,
                                          .offset = options.offset,
                                          .count = options.count,
                                          .nested = false});
    if (!made.ok()) return refused(made.outcome());
    json::Arena arena;
    std::vector<json::Value> all;
    for (const auto& one : made->concepts) {
        if (options.json) {
            all.push_back(arena.object({{"system", arena.string(one.system)},
                                        {"code", arena.string(one.code)},
                                        {"display", arena.string(one.display)}}));
        } else {
            std::printf("%s  %s  %s\n", one.code.c_str(), one.display.c_str(), one.system.c_str());
        }
    }
    if (options.json) {
        print(arena.object({{"total", arena.number(static_cast<std::int64_t>(made->total))}, {"concepts", arena.array(all)}}));
    } else if (made->total > made->concepts.size()) {
        std::fprintf(stderr, "%s of %s; --offset and --count show others\n", grouped(made->concepts.size()).c_str(),
                     grouped(made->total).c_str());
    }
    return exit_done;
}

int validate_code(const TerminologyCommand& options, const Desk& desk) {
    const auto found = desk.terms->validate({.value_set = options.value_set,
                                             .system = options.system,
                                             .version = options.version,
                                             .code = options.words[0],
                                             .display = options.display,
                                             .date = options.date,
                                             .language = options.language,
                                             .abstract_allowed = false});
    if (!found.ok()) return refused(found.outcome());
    if (options.json) {
        json::Arena arena;
        print(arena.object({{"result", arena.boolean(found->result)},
                            {"message", arena.string(found->message)},
                            {"display", arena.string(found->display)}}));
    } else if (found->result) {
        std::printf("valid: %s%s%s\n", found->display.c_str(), found->message.empty() ? "" : ", but ", found->message.c_str());
    }
    if (found->result) return exit_done;
    return complain("CODE", found->message, exit_refused);
}

int translate(const TerminologyCommand& options, const Desk& desk) {
    const auto found = desk.terms->translate({.map = options.map,
                                              .system = options.system,
                                              .code = options.words[0],
                                              .target_system = options.target,
                                              .date = options.date,
                                              .reverse = options.reverse});
    if (!found.ok()) return refused(found.outcome());
    json::Arena arena;
    std::vector<json::Value> all;
    for (const auto& match : found->matches) {
        if (options.json) {
            all.push_back(arena.object({{"equivalence", arena.string(match.equivalence)},
                                        {"system", arena.string(match.concept_.system)},
                                        {"code", arena.string(match.concept_.code)},
                                        {"display", arena.string(match.concept_.display)},
                                        {"map", arena.string(match.map)}}));
        } else {
            std::printf("%s  %s  %s  %s\n", match.equivalence.c_str(), match.concept_.code.c_str(),
                        match.concept_.display.c_str(), match.concept_.system.c_str());
        }
    }
    if (options.json) print(arena.object({{"result", arena.boolean(found->result)}, {"matches", arena.array(all)}}));
    return found->result ? exit_done : complain("CODE", found->message, exit_refused);
}

int convert(const TerminologyCommand& options) {
    const auto converted = fhirpath::ucum_convert(options.words[0], options.words[1], options.words[2]);
    if (!converted.ok()) return refused(converted.outcome());
    std::printf("%s\n", converted->c_str());
    return exit_done;
}

}  // namespace

int run_terminology(const TerminologyCommand& options) {
    if (options.what == TerminologyCommand::What::convert) return convert(options);
    auto desk = open_desk(options);
    if (!desk.ok()) return environment(desk.outcome());
    switch (options.what) {
        case TerminologyCommand::What::list: return list(options, **desk);
        case TerminologyCommand::What::import: return import_edition(options, **desk);
        case TerminologyCommand::What::lookup: return look_up(options, **desk);
        case TerminologyCommand::What::expand: return expand(options, **desk);
        case TerminologyCommand::What::validate: return validate_code(options, **desk);
        case TerminologyCommand::What::translate: return translate(options, **desk);
        case TerminologyCommand::What::convert: break;
    }
    return exit_usage;
}

}  // namespace xinglin::server
