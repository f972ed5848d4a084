// SPDX-License-Identifier: Apache-2.0
// A channel: to whom something goes out, what of the record, in which form, and how patiently.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "content/content.h"
#include "json/json.h"
#include "outcome/outcome.h"
#include "search/search.h"

namespace xinglin::outbound {

/// A resource type that goes out, and when: a FHIRPath condition on it and a FHIR search ("status=final&code=a,b"); both must hold,
/// "" always does.
struct Sends {
    std::string type, where, search;
};

/// A column of a CSV file: FHIRPath on the resource; resolve() leads to what it refers to. Several values are joined with ";".
struct ColumnRule {
    std::string name, path;
};

enum class Mode : std::uint8_t { off, paused, on };  // off: nothing is queued; paused: queued and not sent
std::string_view text(Mode mode);

struct Channel {
    std::string id;             // 1 to 40 of a-z 0-9 -
    std::string name, name_en;  // as shown in Chinese and English
    std::string owner;          // who answers for it
    std::string organization;   // id of the receiver's Organization: consents may name it
    Mode mode = Mode::on;
    std::string from = "now";  // where it begins: now, start (everything the record has)
    bool built_in = false;     // from content, not changed by hand yet
    std::int64_t revision = 0;

    // target
    std::string kind = "fhir";     // fhir mllp folder
    std::string url;               // fhir: http(s)://host[:port]/base; mllp: host:port
    std::string folder;            // folder: name under DATA/outbox; of content also an absolute path
    bool tls = false;              // mllp
    std::string authorities;       // name of a secret file with the certificates to trust, PEM; "": the system's
    std::string identity;          // name of a secret file with our certificate and its key, PEM, for receivers that ask for one
    std::string login = "none";    // none bearer basic
    std::string secret;            // its name: DATA/secrets/NAME, or XINGLIN_SECRET_NAME in the environment
    std::string receipt = "none";  // folder: none (written is delivered), file (NAME.ack), taken (the file is gone)

    std::string format = "transaction";  // transaction document ndjson hl7v2 csv cda

    // filter
    std::vector<Sends> sends;
    std::vector<std::string> organizations;                           // ids: only what names one of them; empty: any
    std::vector<std::string> confidentiality = {"U", "L", "M", "N"};  // labels that may go out
    bool deletions = true;  // transactions: what was sent and is deleted is deleted there

    // transform
    bool deidentify = false;
    std::string key;                     // name of the secret that makes pseudonyms
    std::string pseudonyms = "channel";  // channel: no other channel has the same; key: all that name this key do
    std::string dates = "keep";          // keep, shift (a person's by the same days), month, year
    std::vector<ColumnRule> columns;
    std::string encoding = "UTF-8";  // csv, hl7v2: UTF-8 GB18030
    std::string event, version = "2.5.1";
    std::string application = "XINGLIN", facility, receiving_application, receiving_facility;

    // batch
    std::int64_t count = 50;   // resources in one delivery at most
    std::int64_t seconds = 0;  // a delivery is closed when its first resource is so old …
    std::string at;            // … or once a day, "22:30", in the channel's zone
    std::int16_t offset_minutes = 480;

    // retry
    std::int64_t first_seconds = 5, most_seconds = 900;  // waits double from the first to the most, with jitter
    std::int64_t attempts = 8;                           // then it is refused and waits for a person
    std::int64_t timeout_seconds = 30;                   // for a whole answer
    std::int64_t keep_days = 30;                         // what was sent is kept as bytes

    bool is_file() const { return kind == "folder"; }
    /// Every patient's deliveries in their order, patients beside each other; else everything in one line.
    bool by_patient() const { return format != "csv" && format != "ndjson"; }
};

/// Reads a channel; members that are not there stay as in `channel`. Refuses by field, FHIRPath included. `trusted`: content,
/// which may name any folder.
Result<Channel> read_channel(json::Value value, Channel channel, bool trusted = false);
/// As read_channel takes it. Holds names of secrets, never secrets.
json::Value write_channel(const Channel& channel, json::Arena& arena);

/// A search as a filter: what it asks of one resource by itself. Refuses (where: the parameter) what asks for others (chains, _has,
/// value sets, the tree of codes) or for an answer (_sort, _count). "Observation?status=final" may begin with its type.
Result<std::vector<search::Criterion>> read_search(std::string_view text, const fhir::Type& type, std::int16_t offset_minutes);

/// http(s)://host[:port]/path taken apart.
struct Address {
    std::string host, path;
    std::uint16_t port = 0;
    bool tls = false;
};
Result<Address> address_of(const Channel& channel);
/// Refuses what no receiver has: link-local and cloud metadata addresses, multicast, unspecified.
Result<Done> admits(std::string_view address);

/// Channels of content/outbound. Refuses (where: the file).
Result<std::vector<Channel>> shelf(const content::Files& files);
/// For `xinglin content check`: every file, and its examples.
void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked);

}  // namespace xinglin::outbound
