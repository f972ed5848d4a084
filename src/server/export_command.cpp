// SPDX-License-Identifier: Apache-2.0
// `xinglin export`: the same engine as $export over FHIR, into a folder of one's choice; goes on where an earlier run stopped.
//
// While a server holds the data folder, a snapshot of the record's file is taken first and read instead; it needs as much
// disk again until the end.
#include <chrono>
#include <cstdio>
#include <fstream>

#include "access/access.h"
#include "bulk/bulk.h"
#include "bulk/release.h"
#include "json/json.h"
#include "record/record.h"
#include "server/commands.h"
#include "server/folder.h"
#include "server/release_desk.h"
#include "server/snapshot.h"
#include "server/terminal.h"

namespace xinglin::server {

namespace {

/// What is asked for, as parameters of $export.
bulk::Parameters parameters_of(const ExportCommand& options) {
    bulk::Parameters parameters;
    const auto add = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) parameters.emplace_back(name, value);
    };
    for (const std::string& type : options.types) add("_type", type);
    for (const std::string& filter : options.type_filters) add("_typeFilter", filter);
    for (const std::string& element : options.elements) add("_elements", element);
    for (const std::string& patient : options.patients) add("patient", patient);
    add("_since", options.since);
    add("_until", options.until);
    add("_compress", options.gzip ? "gzip" : "none");
    return parameters;
}

/// "_typeFilter status" → "--type-filter status": refusals name what was typed.
Outcome as_typed(Outcome outcome) {
    constexpr std::pair<std::string_view, std::string_view> words[] = {{"_typeFilter", "--type-filter"},
                                                                       {"_type", "--type"},
                                                                       {"_elements", "--elements"},
                                                                       {"_since", "--since"},
                                                                       {"_until", "--until"},
                                                                       {"patient", "--patient"},
                                                                       {"Group", "--group"}};
    for (Issue& issue : outcome.issues) {
        for (const auto& [parameter, word] : words) {
            if (!issue.where.starts_with(parameter)) continue;
            issue.where.replace(0, parameter.size(), word);
            break;
        }
    }
    return outcome;
}

Result<bulk::Order> read_order(const ExportCommand& options, std::int16_t offset_minutes, std::int64_t now_ms) {
    const bulk::Level level = !options.group.empty()      ? bulk::Level::group
                              : !options.patients.empty() ? bulk::Level::patient
                                                          : bulk::Level::system;
    auto order = bulk::read_order(level, options.group, parameters_of(options), false, offset_minutes, now_ms);
    if (!order.ok()) return as_typed(std::move(order).outcome());
    return order;
}

bool takes_persons_out(const ExportCommand& options) { return options.deidentify || !options.release.empty(); }

Result<std::string> key_of(const ExportCommand& options) {
    if (options.key.empty() && !options.store.empty())
        return refuse(IssueCode::required, "--key", "a record in PostgreSQL has no folder for the key: name a file for it");
    return deidentify_key(options.key.empty() ? options.data / "deidentify.key" : options.key);
}

Result<content::Files> files_of(const ExportCommand& options) {
    if (options.content.empty()) return content::Files();
    return content::Files::over(options.content);
}

int year_of(std::int64_t moment_ms) { return std::stoi(calendar::instant_text(moment_ms).substr(0, 4)); }

Result<std::optional<bulk::Deidentifier>> deidentifier_of(const ExportCommand& options, std::int64_t moment_ms) {
    if (!takes_persons_out(options) && !options.key.empty())
        return refuse(IssueCode::invalid, "--key", "belongs to --deidentify and --release");
    if (!takes_persons_out(options) || !options.release.empty()) return std::optional<bulk::Deidentifier>();
    XINGLIN_TRY(std::string key, key_of(options));
    XINGLIN_TRY(const content::Files files, files_of(options));
    XINGLIN_TRY(bulk::Deidentifier made, bulk::Deidentifier::make(files, std::move(key), year_of(moment_ms)));
    return std::optional<bulk::Deidentifier>(std::move(made));
}

/// A release whose rules are not met goes no further than its report.
Result<std::optional<bulk::Release>> release_of(record::Store& store, const ExportCommand& options, const bulk::Order& order,
                                                const bulk::Moment& moment, bulk::Progress& progress) {
    if (options.release.empty()) return std::optional<bulk::Release>();
    XINGLIN_TRY(std::string key, key_of(options));
    XINGLIN_TRY(content::Files files, files_of(options));
    bulk::ReleaseAsked asked{.name = options.release,
                             .files = std::move(files),
                             .key = std::move(key),
                             .year = year_of(moment.transaction_ms),
                             .made_at = calendar::instant_text(moment.transaction_ms)};
    XINGLIN_TRY(bulk::Release made,
                bulk::Release::make(store, order, moment.position, std::move(asked), bulk::RunOptions{}, progress));
    if (const std::string why = made.why_not(); !why.empty()) return refuse(IssueCode::forbidden, "--release", why);
    return std::optional<bulk::Release>(std::move(made));
}

void write_report(const fs::path& folder, const bulk::Release& release, std::uint64_t left_out) {
    std::ofstream(folder / bulk::report_file) << release.report(left_out);
    std::ofstream(folder / bulk::report_page_file) << release.report_page(left_out);
}

struct Ended {
    std::vector<bulk::File> files;
    bulk::Moment moment;
    std::uint64_t left_out = 0, resumed = 0;
    std::string key_mark;
    std::uint64_t smallest_class = 0, persons_left_out = 0;  // of a release
};

/// Counts on the terminal while the export's threads work.
void show(server::Progress& terminal, const bulk::Progress& progress) {
    terminal.show(grouped(progress.written) + " resources written");
}

Result<Ended> write_all(record::Store& store, const ExportCommand& options, const calendar::Clock& clock) {
    XINGLIN_TRY(bulk::Order order, read_order(options, store.offset_minutes(), clock.now_ms()));
    Ended ended;
    {
        record::Reader reader = store.reader(access::Viewer::program("export"));
        auto moment = bulk::moment_of(reader, order, clock.now_ms());
        if (!moment.ok()) return as_typed(std::move(moment).outcome());
        ended.moment = *moment;
        if (const auto left = bulk::find_unfinished(options.out)) {
            if (left->position > ended.moment.position)
                return refuse(IssueCode::conflict, options.out.string(),
                              "holds an unfinished export of another record; name an empty folder");
            ended.moment.position = left->position;
            ended.resumed = left->written;
            reader.changes(left->position - 1, left->position, [&](const record::Change& last) {
                ended.moment.transaction_ms = last.updated_ms;
                return true;
            });
        }
    }
    XINGLIN_TRY(const std::optional<bulk::Deidentifier> deidentifier, deidentifier_of(options, ended.moment.transaction_ms));
    if (deidentifier) {
        ended.key_mark = deidentifier->key_mark();
        order.written.emplace_back("deidentified", deidentifier->edition() + " " + ended.key_mark);
    }
    bulk::Progress progress;
    XINGLIN_TRY(const std::optional<bulk::Release> release, release_of(store, options, order, ended.moment, progress));
    if (release) {
        ended.key_mark = release->deidentifier().key_mark();
        order.written.emplace_back("released", options.release + " " + ended.key_mark);
    }
    if (const auto left = bulk::find_unfinished(options.out);
        left && (left->parameters != order.written || left->level != order.level || left->group != order.group))
        return refuse(IssueCode::conflict, options.out.string(),
                      "holds an unfinished export with other options; give the same ones to go on, or name an empty folder");
    bulk::RunOptions run;
    run.first_plain = true;
    run.deidentifier = release ? &release->deidentifier() : deidentifier ? &*deidentifier : nullptr;
    run.release = release ? &*release : nullptr;
    server::Progress terminal;
    std::jthread teller([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            show(terminal, progress);
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
        }
    });
    ended.files = bulk::write_files(store, order, ended.moment.position, options.out, run, progress);
    ended.left_out = progress.left_out;
    if (release) {
        write_report(options.out, *release, ended.left_out);
        ended.smallest_class = release->found().after.smallest;
        ended.persons_left_out = release->found().after.suppressed;
    }
    return ended;
}

void print(const Ended& ended, const fs::path& out, double seconds, bool as_json) {
    std::uint64_t total = 0;
    json::Arena arena;
    const auto count = [&](std::uint64_t number) { return arena.number(static_cast<std::int64_t>(number)); };
    std::vector<json::Value> files;
    for (const bulk::File& each : ended.files) {
        total += each.deletions ? 0 : each.count;
        files.push_back(arena.object({{"type", arena.string(each.deletions ? "deleted" : each.type)},
                                      {"count", count(each.count)},
                                      {"file", arena.string((out / each.name).string())}}));
    }
    const bool deidentified = !ended.key_mark.empty();
    if (!as_json) {
        std::printf("%s resources in %zu files, %.1f s\n", grouped(total).c_str(), ended.files.size(), seconds);
        if (ended.resumed > 0) std::printf("went on from %s resources of an earlier run\n", grouped(ended.resumed).c_str());
        if (deidentified)
            std::printf("de-identified with key %s, %s resources left out\n", ended.key_mark.c_str(),
                        grouped(ended.left_out).c_str());
        if (ended.smallest_class > 0)
            std::printf("everybody hides among %s persons or more, %s were left out; the risk that stays: %s\n",
                        grouped(ended.smallest_class).c_str(), grouped(ended.persons_left_out).c_str(),
                        (out / bulk::report_page_file).c_str());
        return;
    }
    std::printf("%s\n",
                json::write(arena.object({{"resources", count(total)},
                                          {"seconds", arena.number(fmt::format("{:.3f}", seconds))},
                                          {"files", arena.array(files)},
                                          {"position", arena.number(ended.moment.position)},
                                          {"transaction_time", arena.string(calendar::instant_text(ended.moment.transaction_ms))},
                                          {"resumed", count(ended.resumed)},
                                          {"deidentified",
                                           !deidentified ? arena.null()
                                                         : arena.object({{"key", arena.string(ended.key_mark)},
                                                                         {"left_out", count(ended.left_out)},
                                                                         {"smallest_class", count(ended.smallest_class)},
                                                                         {"persons_left_out", count(ended.persons_left_out)}})}}))
                    .c_str());
}

}  // namespace

int export_record(const ExportCommand& options) {
    const calendar::SystemClock clock;
    // Once before anything is opened: what is written wrongly costs nothing.
    if (const auto order = read_order(options, 0, clock.now_ms()); !order.ok()) {
        refused(order.outcome());
        return exit_usage;
    }
    if (options.store.empty()) {
        if (const auto folder = find_folder(options.data); !folder.ok()) return environment(folder.outcome());
    }
    if (!is_free(options.out) && !bulk::find_unfinished(options.out))
        return complain(options.out.string(), "is not an empty folder, name another one with --out", exit_refused);
    std::error_code error;
    fs::create_directories(options.out, error);
    if (error)
        return complain(options.out.string(), "cannot be made (" + error.message() + "), name another folder with --out",
                        exit_environment);
    const auto begin = std::chrono::steady_clock::now();
    fs::remove_all(options.out / ".snapshot", error);  // of a run that was killed
    auto opened = options.store.empty() ? open_or_snapshot(options.data, options.out / ".snapshot", clock)
                                        : open_database(options.store, clock);
    if (!opened.ok()) return environment(opened.outcome());
    auto ended = write_all(*opened->store, options, clock);
    if (!ended.ok()) return refused(ended.outcome());
    std::uint64_t total = 0;
    for (const bulk::File& each : ended->files) total += each.count;
    write_down(options.data, options.store,
               !options.release.empty() ? "export, released"
               : options.deidentify     ? "export, de-identified"
                                        : "export",
               total);
    print(*ended, options.out, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), options.json);
    return exit_done;
}

}  // namespace xinglin::server
