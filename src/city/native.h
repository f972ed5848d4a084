// SPDX-License-Identifier: Apache-2.0
// Inside the room: what each institution sends of a story, in its own format, with the faults of its machines.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "city/city.h"
#include "city/noise.h"
#include "city/story.h"

namespace xinglin::city {

/// One message, or one row of a table.
struct Native {
    std::int64_t time;         // when it was sent
    std::uint64_t order;       // of those of one second: person and number
    std::string source, kind;  // "renmin", "ADT^A01"; "clinic_visits"
    std::string control_id;
    std::string path;    // without the month: "sources/renmin/hl7/"
    std::string ending;  // ".hl7"
    std::string head;    // first line of a table
    std::string text;
    std::string fault;   // "" or the name of a fault
    std::string number;  // of the patient there
    std::uint32_t person = none32;
    std::uint8_t copies = 1;
    bool gb18030 = false;
};

/// Everything of this story that is sent in [from, until), seconds.
void natives(const World& world, const Alike& alike, const Story& story, std::int64_t from, std::int64_t until,
             std::vector<Native>& out);
/// Puts the faults of transmission on a message.
void spoil(const World& world, Native& native);

/// Who stands behind the numbers of the sources, and what was sent.
class Ledger {
public:
    explicit Ledger(const World& world) : world_(world) {}
    /// Sorts by file and time, appends to the sink.
    void send(std::vector<Native>& natives, Sink& sink);
    /// truth/messages.csv, truth/faults.csv, truth/people.csv, truth/records.csv
    void close(const Alike& alike, Sink& sink);
    std::uint64_t sent() const { return sent_; }

private:
    struct Count {
        std::uint64_t sent = 0, distinct = 0, half = 0, wrong_code = 0, clock_off = 0;
    };
    const World& world_;
    std::uint64_t sent_ = 0;
    std::map<std::string, Count> counts_;                                   // "source,kind,month"
    std::map<std::string, bool> begun_;                                     // files whose head is written
    std::map<std::pair<std::string, std::string>, std::uint32_t> numbers_;  // source and number → person
    std::string faults_;
};

/// UTF-8 as GB18030; what has no place there becomes '?'.
std::string to_gb18030(std::string_view text);

/// Of tables: a cell, quoted when it must be.
void put_cell(std::string& out, std::string_view cell, bool last = false);

// The formats. Each appends what a visit or a programme becomes.
struct Sending {
    const World& world;
    const Alike& alike;
    const Story& story;
    std::int64_t from, until;
    std::vector<Native>& out;
    std::size_t first = 0;  // of this story in `out`

    bool is_now(std::int64_t time) const { return from <= time && time < until; }
    Written as_known_to(std::uint32_t source, std::int32_t day, std::uint32_t visit) const;
    Native& add(const Institution& at, std::int64_t time, std::string_view kind, std::string_view format, const Written& who);
};
void hl7_visit(Sending& sending, const Visit& visit, std::uint16_t institution);
void hl7_vaccination(Sending& sending, const Vaccination& vaccination);
void table_visit(Sending& sending, const Visit& visit, std::uint16_t institution);
void table_vaccination(Sending& sending, const Vaccination& vaccination, std::int64_t sent);
void table_register(Sending& sending);
void birth_certificates(Sending& sending);
void signals(Sending& sending);  // fever and enteric clinics, school absence, pharmacies, report cards, 120 calls
void fhir_visit(Sending& sending, const Visit& visit, std::uint16_t institution);
void cda_visit(Sending& sending, const Visit& visit, std::uint16_t institution);

}  // namespace xinglin::city
