// SPDX-License-Identifier: Apache-2.0
// Inside the room: what each word of the command line does. Every function returns the exit status (terminal.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "identity/linkage.h"
#include "view/command.h"

namespace xinglin::server {

namespace fs = std::filesystem;

struct ServeOptions {
    bool demo = false;
    std::string codes_to;
    fs::path backups;  // empty: DATA/backups
    fs::path data;
    std::string bind = "127.0.0.1";
    std::uint16_t port = 8080;
    std::string store = "sqlite";  // or the address of a PostgreSQL database
    std::string base_url, tls_certificate, tls_key;
    bool tls_asks_clients = false;
    unsigned io_threads = 0, worker_threads = 0;
    std::int64_t cache_mib = 32;
    std::string views = "all";
    fs::path content;  // overlay of content/, "" for none
    int mllp = -1;     // port for HL7 v2; -1: none
    std::string mllp_bind, mllp_tls_certificate, mllp_tls_key, mllp_tls_clients;
};
int serve(const ServeOptions& options);

struct ImportCommand {
    fs::path data;
    std::string store;  // address of a PostgreSQL database instead; so below
    std::vector<fs::path> paths;
    bool json = false, no_check = false, check_profiles = false;
    unsigned threads = 2;
};
int import_files(const ImportCommand& options);

struct IntakeCommand {
    std::string format;  // "hl7v2", "cda", "csv:MAPPING", "xlsx:MAPPING", or "explain"
    std::vector<fs::path> paths;
    fs::path to_bundle, content;  // "": print the bundles; the built-in content
    std::string sender = "unnamed", encoding;
    bool json = false;
};
int intake(const IntakeCommand& options);

int match_tables(const identity::Linkage& linkage);

struct ExportCommand {
    fs::path data, out;
    std::string store;
    std::vector<std::string> types, type_filters, elements, patients;  // as parameters of $export
    std::string since, until, group;
    fs::path key, content;  // of --deidentify; "": DATA/deidentify.key, and the rules packed in
    std::string release;    // what a release is for; "": none
    bool gzip = false, json = false, deidentify = false;
};
int export_record(const ExportCommand& options);

struct BackupCommand {
    fs::path data, backup, base;
    std::string store;
    bool json = false;
};
int back_up(const BackupCommand& options);

struct RestoreCommand {
    fs::path data;
    std::vector<fs::path> backups;
    std::string store, to_time;
    std::int64_t to_position = -1;
    bool json = false;
};
int restore(const RestoreCommand& options);

struct VerifyCommand {
    fs::path data;
    std::string store;
    bool quick = false, json = false;
};
int verify(const VerifyCommand& options);

struct CopyCommand {
    std::string from, to;  // "sqlite:DIR" or "postgres://…"
    bool json = false;
};
int copy_record(const CopyCommand& options);

struct MigrateCommand {
    std::string store;
    bool distributed = false, json = false;
};
int migrate(const MigrateCommand& options);

struct AccountCommand {
    fs::path data;
    std::string store, name, role, display, scope = "system/*.cruds", password_file, patient;
    std::optional<std::string> institution, area, practitioner;
    std::string jwks, id_token = "ES256";  // of clients that ask for tokens: a file or an address of keys
    fs::path certificate;
    std::vector<std::string> grants, redirects;
    bool is_public = false;
    bool asks_for_tokens() const {
        return is_public || !jwks.empty() || !certificate.empty() || !grants.empty() || !redirects.empty();
    }
    bool json = false;
};
int add_user(const AccountCommand& options);
int change_user(const AccountCommand& options);
int remove_user(const AccountCommand& options);
int reset_user(const AccountCommand& options);
int reset_user_factor(const AccountCommand& options);
int list_users(const AccountCommand& options);
int add_client(const AccountCommand& options);
int remove_client(const AccountCommand& options);
int list_clients(const AccountCommand& options);

struct ValidateCommand {
    std::vector<fs::path> files;
    std::vector<std::string> profiles;  // canonical URLs every resource must satisfy
    fs::path content;                   // overlay of content/, "" for none
    bool structure_only = false, warnings = false, chinese = false, json = false;
};
int validate(const ValidateCommand& options);

int run_view(view::RunCommand options);
/// The words after `fhirpath`.
int run_fhirpath(std::span<const std::string> arguments);

struct RebuildCommand {
    fs::path data, content;
    std::string name, store;
};
int rebuild_views(const RebuildCommand& options);

struct ContentCommand {
    fs::path folder;
};
int check_content(const ContentCommand& options);

struct CityCommand {
    std::uint32_t population = 10'000;
    std::uint64_t seed = 1;
    int years = 2;
    std::string end = "2026-11-22";
    fs::path out, content;
    std::vector<std::string> only;  // fhir, sources, truth; empty: all
    unsigned threads = 2;
    int future_days = 0;
    bool json = false, pack = false;
};
int make_city(const CityCommand& options);

struct LiveCommand {
    fs::path city, content;
    std::string to = "http://127.0.0.1:8080", token;
    std::string mllp;       // "127.0.0.1:2575": HL7 v2 goes there; "": over HTTP
    fs::path inbox, clock;  // of the server, for tables as files; where it is kept how far it came, "": CITY/clock.json
    double speed = 360;     // seconds of the city in one of ours
    int hour = 0;           // of the first day, at which it begins: what came before is sent at once
    unsigned threads = 1;
};
int live_city(const LiveCommand& options);

struct AreasCommand {
    fs::path from, out;
    std::string province;
};
int import_areas(const AreasCommand& options);

struct DocumentCommand {
    std::string kind, id, now;    // "inpatient-summary"; the document's number; its time, "": now
    fs::path file, out, content;  // a Bundle or an array of resources; "": standard output
};
int write_document(const DocumentCommand& options);

struct LedgerCommand {
    fs::path data;
    fs::path content;
    std::string store, day, source;
    bool json = false;
};
int print_ledger(const LedgerCommand& options);

struct ReplayCommand {
    fs::path data, to, content;
    std::string source, from, until;
};
int replay_messages(const ReplayCommand& options);

int print_version(bool json);

/// Appends to the audit what the command line did with the record.
void write_down(const fs::path& data, const std::string& store, std::string_view what, std::uint64_t resources);

/// The whole command line.
int run(int argc, char** argv);

}  // namespace xinglin::server
