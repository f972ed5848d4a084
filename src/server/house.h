// SPDX-License-Identifier: Apache-2.0
// Inside the room: the house, built from the ground up. Everything is passed down; nothing is global.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "access/access.h"
#include "api/api.h"
#include "bulk/bulk.h"
#include "calendar/calendar.h"
#include "card/card.h"
#include "consent/desk.h"
#include "content/content.h"
#include "http/http.h"
#include "ingest/ingest.h"
#include "intake/folders.h"
#include "intake/intake.h"
#include "oauth/oauth.h"
#include "oauth/relying.h"
#include "outbound/outbound.h"
#include "people/people.h"
#include "person/notices.h"
#include "person/person.h"
#include "person/survivor.h"
#include "policy/policy.h"
#include "quality/quality.h"
#include "record/record.h"
#include "registry/registry.h"
#include "registry/sightings.h"
#include "server/activation.h"
#include "server/backups.h"
#include "server/errands.h"
#include "server/imports.h"
#include "server/latency.h"
#include "server/log.h"
#include "server/pages.h"
#include "server/processes.h"
#include "server/profiles.h"
#include "server/pulse.h"
#include "server/storage.h"
#include "terminology/terminology.h"
#include "view/library.h"
#include "view/tables.h"

namespace xinglin::server {

class SecurityDesk;  // security_desk.h
class TokenGrants;   // token_grants.h

std::string_view version();
std::string_view built();  // date of the build

struct HouseOptions {
    std::filesystem::path data;
    std::filesystem::path content;  // laid over the built-in files of content/; empty: none
    http::ServerOptions http;
    std::string base_url;  // public address of /fhir; empty: from the request
    record::Options record;
    std::filesystem::path backups;  // empty: DATA/backups
    bool demo = false;              // made-up people: no second factor is demanded, residents' codes go to the log
    std::string codes_to;           // where residents' one-time codes are posted to; "": nowhere
    std::string views = "all";      // which views are kept as tables: all, saved, none
};

/// The running server. Members stand in the order in which they lean on each other, and are taken down the other way round.
struct House {
    /// Refuses (where: the folder or the option) when something cannot be opened; throws sql::Broken when a database is broken.
    static Result<std::unique_ptr<House>> build(HouseOptions options, Log& log);
    ~House();

    HouseOptions options;
    Log& log;
    calendar::SystemClock clock;
    std::int64_t started_ms = 0;
    Latency latency;
    Pages pages{Pages::embedded()};
    std::unique_ptr<const content::Files> content;
    std::unique_ptr<terminology::Terminology> terminology;  // outlives the store, whose last searches may ask it
    std::unique_ptr<record::Store> store;
    std::unique_ptr<access::Accounts> accounts;
    std::optional<std::string> first_password;  // of `admin`, at the first start
    std::unique_ptr<access::Audit> audit;
    std::unique_ptr<SecurityDesk> security;         // reads the audit and the record
    std::unique_ptr<oauth::Provider> oauth;         // tokens for systems and apps
    std::unique_ptr<oauth::RelyingParty> external;  // people who log in elsewhere
    std::string issuer() const;                     // how we are known outside, "https://record.example"; once the doors are open
    std::unique_ptr<Profiles> profiles;
    std::unique_ptr<ingest::Ingest> ingest;
    std::unique_ptr<ingest::Transactions> transactions;  // the same path, for messages
    std::unique_ptr<intake::Intake> intake;
    std::unique_ptr<const hl7v2::Tables> hl7v2_tables;
    std::unique_ptr<outbound::Outbound> outbound;
    std::unique_ptr<quality::Quality> quality;  // asks the ledger when a message came
    std::unique_ptr<registry::Registry> registry;
    std::unique_ptr<registry::Sightings> sightings;
    std::unique_ptr<people::People> people;
    std::unique_ptr<const person::Survivorship> survivorship;  // whose word counts where the records of a person differ
    person::Senders senders() const;                           // what sources of messages are called and write
    std::unique_ptr<person::Persons> persons;
    std::unique_ptr<card::Cards> cards;
    std::unique_ptr<consent::Consents> consents;  // what residents decided, as it concerns a viewer
    std::unique_ptr<consent::Desk> consent_desk;  // where it is decided
    std::unique_ptr<policy::Policies> policies;   // who may see what
    std::unique_ptr<Activation> activation;       // of residents' accounts
    std::unique_ptr<person::Notices> notices;     // after outbound's channels, which say whether anybody wants them
    std::unique_ptr<view::Library> library;
    std::unique_ptr<view::Tables> tables;
    std::unique_ptr<Errands> errands;
    std::unique_ptr<StorageFigures> storage;
    std::unique_ptr<Backups> backups;
    std::unique_ptr<Pulse> pulse;
    std::unique_ptr<bulk::Exports> exports;
    std::unique_ptr<api::Api> api;
    std::unique_ptr<Imports> imports;
    std::unique_ptr<http::Server> server;
    std::unique_ptr<intake::Folders> folders;  // watched ones
    std::unique_ptr<Processes> processes;      // with a database that others may serve too
    std::unique_ptr<TokenGrants> grants;       // who may see what of that by the token of an app or a system

    /// Are built-in (or saved) views kept as tables?
    bool keeps_views(bool saved) const { return options.views == "all" || (saved && options.views == "saved"); }
    Result<Done> open_doors();  // begins to listen
    Result<Done> open_intake_doors();
    /// Reads the large code systems ahead, beside everything else, once; idle memory is small until somebody asks of codes.
    void warm_up();
    /// Finishes what was taken, then closes everything. Safe to call once.
    void close_doors();

    /// Appends to the audit on behalf of a visit.
    void write_down(const access::Viewer& viewer, const http::Request& request, std::string_view what, int status,
                    std::string_view type = {}, std::string_view id = {}, std::string_view detail = {});
    /// What was refused, and why; of the address only what names no one.
    void write_down_refusal(const access::Viewer& viewer, const http::Request& request, const Outcome& outcome);

private:
    /// Called by the pulse: logs when the disk begins to refuse and when it heals.
    void watch(const record::Figures& figures);
    std::string known_trouble_;  // the pulse's thread alone
    std::atomic<bool> closing_ = false, warmed_ = false;
    House(HouseOptions chosen, Log& to);
};

/// The front door: who is it, and which room answers? Safe from many threads.
void receive(House& house, http::Request request, http::Respond respond);
/// How much of a body is read before the rest is refused: little from strangers, much of an import.
std::size_t body_limit(House& house, const http::Request& request);
bool is_quick(House& house, const http::Request& request);

/// Cookie of the session, "" when there is none.
std::string session_cookie(const http::Request& request);
/// "__Host-xinglin_session" over https: no other site and no plain connection can plant it. "xinglin_session" otherwise.
std::string_view session_cookie_name(const http::Request& request);

/// What /api/v1/system answers, also sent as an event.
std::string system_state(House& house);

}  // namespace xinglin::server
