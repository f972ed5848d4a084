// SPDX-License-Identifier: Apache-2.0
// `xinglin audit verify`, `export`, `anchor`.
#include "server/audit_command.h"

#include <cstdio>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

#include "access/audit.h"
#include "access/audit_event.h"
#include "calendar/calendar.h"
#include "json/json.h"
#include "server/terminal.h"
#include "server/watermark.h"

namespace xinglin::server {

namespace {

constexpr std::size_t faults_printed = 100;

std::optional<Outcome> missing(const AuditCommand& options) {
    if (!options.store.empty() || fs::exists(options.data / "audit.db")) return std::nullopt;
    return refuse(IssueCode::not_found, "--data", options.data.string() + " has no audit.db; name a data folder");
}

std::string time_text(std::int64_t at_ms) { return at_ms > 0 ? calendar::instant_text(at_ms) : "no time"; }

void print(const access::Verified& report) {
    for (std::size_t i = 0; i < report.faults.size() && i < faults_printed; ++i) {
        const access::Fault& fault = report.faults[i];
        std::printf("%s, %s: %s\n", std::string(access::text(fault.kind)).c_str(), time_text(fault.at_ms).c_str(),
                    fault.what.c_str());
    }
    if (report.faults_found > faults_printed)
        std::printf("… and %s others\n", grouped(report.faults_found - faults_printed).c_str());
    std::printf("%s lines up to %s, %s checkpoints\n", grouped(report.lines).c_str(), time_text(report.newest_ms).c_str(),
                grouped(report.checkpoints).c_str());
    if (report.newest_checkpoint) {
        const auto& newest = *report.newest_checkpoint;
        std::printf("newest checkpoint %lld on line %lld, %s; %lld lines after it\n", static_cast<long long>(newest.number),
                    static_cast<long long>(newest.row), time_text(newest.at_ms).c_str(),
                    static_cast<long long>(report.newest - newest.row));
    }
    for (const std::string& key : report.keys) std::printf("signed by the key %s\n", access::key_name(key).c_str());
    std::printf("%s\n", report.good() ? "the chain is whole" : "THE CHAIN IS NOT WHOLE");
}

void print_json(const access::Verified& report) {
    json::Arena arena;
    std::vector<json::Value> faults, keys;
    for (const access::Fault& fault : report.faults)
        faults.push_back(arena.object({{"kind", arena.string(access::text(fault.kind))},
                                       {"first", arena.number(fault.first)},
                                       {"last", arena.number(fault.last)},
                                       {"at", arena.string(time_text(fault.at_ms))},
                                       {"what", arena.string(fault.what)}}));
    for (const std::string& key : report.keys) keys.push_back(arena.string(access::hex(key)));
    std::printf(
        "%s\n",
        json::write(arena.object({{"good", arena.boolean(report.good())},
                                  {"lines", arena.number(static_cast<std::int64_t>(report.lines))},
                                  {"newest", arena.number(report.newest)},
                                  {"checkpoints", arena.number(static_cast<std::int64_t>(report.checkpoints))},
                                  {"signed_to", arena.number(report.newest_checkpoint ? report.newest_checkpoint->row : 0)},
                                  {"keys", arena.array(keys)},
                                  {"faults_found", arena.number(static_cast<std::int64_t>(report.faults_found))},
                                  {"faults", arena.array(faults)}}))
            .c_str());
}

Result<access::Verification> how_to_verify(const AuditCommand& options) {
    access::Verification how;
    for (const fs::path& file : options.keys) {
        XINGLIN_TRY(const auto keys, access::public_keys(file));
        how.keys.insert(how.keys.end(), keys.begin(), keys.end());
    }
    if (options.keys.empty() && options.store.empty() && fs::exists(options.data / "audit.pub")) {
        XINGLIN_TRY(how.keys, access::public_keys(options.data / "audit.pub"));
    }
    if (options.anchor.empty()) return how;
    std::ifstream file(options.anchor);
    std::string text;
    if (!file || !std::getline(file, text))
        return refuse(IssueCode::not_found, "--anchor", "the file cannot be read; name what `xinglin audit anchor` printed");
    XINGLIN_TRY(how.anchor, access::Checkpoint::parse(text));
    if (!how.keys.empty() && std::find(how.keys.begin(), how.keys.end(), how.anchor->key) == how.keys.end())
        return refuse(IssueCode::invalid, "--anchor",
                      "is signed by the key " + access::key_name(how.anchor->key) +
                          ", which is not trusted; name it with --key if it is yours");
    return how;
}

}  // namespace

int verify_audit(const AuditCommand& options) {
    if (const auto no = missing(options)) return environment(*no);
    const auto how = how_to_verify(options);
    if (!how.ok()) return refused(how.outcome());
    const access::Verified report = access::verify(options.data, options.store, *how);
    if (options.json) print_json(report);
    else print(report);
    return report.good() ? exit_done : exit_refused;
}

int anchor_audit(const AuditCommand& options) {
    if (const auto no = missing(options)) return environment(*no);
    access::Audit audit(options.data, options.store);
    const auto newest = options.data.empty() ? audit.newest_checkpoint() : audit.checkpoint();
    if (!newest)
        return complain("audit", "nothing is signed yet, start the server once or name the folder with the key", exit_refused);
    std::printf("%s\n", newest->json().c_str());
    return exit_done;
}

int export_audit(const AuditCommand& options) {
    if (const auto no = missing(options)) return environment(*no);
    std::int64_t since_ms = 0;
    if (!options.since.empty()) {
        const auto moment = calendar::parse_date_time(options.since);
        if (!moment)
            return complain("--since", "expected a day or a moment, 2026-11-22 or 2026-11-22T08:00:00+08:00", exit_usage);
        since_ms = calendar::span_of(*moment, 8 * 60).low_ms;
    }
    const int descriptor = ::open(options.out.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    std::FILE* file = descriptor < 0 ? nullptr : ::fdopen(descriptor, "w");
    if (!file) return complain("--out", "cannot be made or is there already, name another file", exit_environment);
    std::uint64_t written = 0;
    bool fine = true;
    {
        const access::Audit audit(options.data, options.store);
        std::string before(access::hash_bytes, '\0');
        std::int64_t row = 0;
        for (auto lines = audit.after(row, 1'000); fine && !lines.empty(); lines = audit.after(row, 1'000)) {
            for (const access::Access& line : lines) {
                const std::string hash = audit.hash_of(line.row);
                if (line.at_ms >= since_ms) {
                    json::Arena arena;
                    const std::string text = json::write(access::audit_event(arena, line, hash, before)) + '\n';
                    fine = fine && std::fwrite(text.data(), 1, text.size(), file) == text.size();
                    ++written;
                }
                before = hash;
                row = line.row;
            }
        }
    }
    fine = std::fflush(file) == 0 && fine;
    fine = ::fsync(descriptor) == 0 && fine;
    fine = std::fclose(file) == 0 && fine;
    if (!fine) return complain("--out", "cannot be written, make room on the disk", exit_environment);
    write_down(options.data, options.store, "audit export", written);
    std::printf("%s lines written\n", grouped(written).c_str());
    return exit_done;
}

int read_watermark(const AuditCommand& options) {
    if (const auto no = missing(options)) return environment(*no);
    std::ifstream in(options.out, std::ios::binary);
    std::string text(64u << 20, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    const auto mark = read_mark(text);
    if (!mark) return complain(options.out.string(), "holds no mark in its first 64 MiB", exit_refused);
    std::printf("downloaded by %s at %s from %s, request %s\n", mark->who.c_str(), mark->at.c_str(), mark->address.c_str(),
                mark->number.c_str());
    const access::Audit audit(options.data, options.store);
    std::int64_t after = 0;
    bool any = false;
    for (;;) {
        const auto lines = audit.after(after, 5'000);
        if (lines.empty()) break;
        for (const access::Access& line : lines) {
            after = line.row;
            if (line.trace_id != mark->number || line.who != mark->who) continue;
            any = true;
            std::printf("audit line %lld: %s %s %s, status %d\n", static_cast<long long>(line.row), time_text(line.at_ms).c_str(),
                        line.who.c_str(), line.what.c_str(), line.status);
        }
    }
    if (any) return exit_done;
    return complain("audit", "has no line of this request and account: the mark is not of this house, or was changed",
                    exit_refused);
}

void add_audit_words(CLI::App& app, Action& action) {
    CLI::App* audit_word =
        word(app, "audit", "Who looked: verify the chain of the audit, export it, anchor it", "xinglin audit verify --data DIR");
    audit_word->require_subcommand(1);
    const auto of_record = [](CLI::App* app, AuditCommand& options) {
        CLI::Option_group* either = app->add_option_group("record");
        either->add_option("--data", options.data, "the data folder");
        either->add_option("--store", options.store, "the address of a PostgreSQL database: postgres://user@host/name")
            ->envname("XINGLIN_STORE");
        either->require_option(1, 2);
    };
    const auto verify = std::make_shared<AuditCommand>();  // shared: lives in the callback
    CLI::App* verify_word =
        word(*audit_word, "verify", "Read the whole chain; names every line that was altered, removed, inserted or moved",
             "xinglin audit verify --data DIR --anchor /safe/2026-11-22.json");
    of_record(verify_word, *verify);
    verify_word->add_option("--anchor", verify->anchor,
                            "a checkpoint put aside elsewhere: also finds a chain written anew and a tail cut off");
    verify_word->add_option("--key", verify->keys, "files of public keys that count (DATA/audit.pub when not said)");
    verify_word->add_flag("--json", verify->json, "print the report as JSON");
    verify_word->callback([verify, &action] { action = [verify] { return verify_audit(*verify); }; });

    const auto anchor = std::make_shared<AuditCommand>();
    CLI::App* anchor_word =
        word(*audit_word, "anchor", "Sign the newest line and print the checkpoint: keep it where this machine cannot write",
             "xinglin audit anchor --data DIR > /safe/2026-11-22.json");
    of_record(anchor_word, *anchor);
    anchor_word->callback([anchor, &action] { action = [anchor] { return anchor_audit(*anchor); }; });

    const auto found = std::make_shared<AuditCommand>();
    CLI::App* watermark_word =
        word(*audit_word, "watermark", "Read out of a downloaded table who took it, and find the line of the audit",
             "xinglin audit watermark --data DIR found.csv");
    of_record(watermark_word, *found);
    watermark_word->add_option("FILE", found->out, "CSV or NDJSON, or a part of one; a whole XLSX or PDF file")->required();
    watermark_word->callback([found, &action] { action = [found] { return read_watermark(*found); }; });

    const auto out = std::make_shared<AuditCommand>();
    CLI::App* export_word =
        word(*audit_word, "export", "Write lines as FHIR AuditEvents (IHE BALP), one a row, with their place in the chain",
             "xinglin audit export --data DIR --since 2026-11-01 --out audit.ndjson");
    of_record(export_word, *out);
    export_word->add_option("--since", out->since, "only lines of this day or moment and later");
    export_word->add_option("--out", out->out, "a new file")->required();
    export_word->callback([out, &action] { action = [out] { return export_audit(*out); }; });
}

}  // namespace xinglin::server
