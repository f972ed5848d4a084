// SPDX-License-Identifier: Apache-2.0
// Making the city: one district after another, the people of each in parallel, the bytes in the order of the people.
#include "city/city.h"

#include <fmt/format.h>

#include <exception>
#include <iterator>
#include <thread>

#include "city/fhir_writer.h"
#include "city/native.h"
#include "city/parallel.h"
#include "city/places.h"
#include "city/statistics.h"
#include "city/truth.h"
#include "json/json.h"

namespace xinglin::city {

namespace {

constexpr std::uint32_t people_of_a_chunk = 200;

struct Chunk {
    Lines lines;
    Statistics statistics;
};

class Maker {
public:
    Maker(const content::Files& files, const Facts& facts, const Request& request, std::int32_t start, std::int32_t end,
          Sink& sink, const std::function<void(const Progress&)>& progress)
        : files_(files), facts_(facts), request_(request), start_(start), end_(end), sink_(sink), report_(progress) {}

    std::string make() {
        progress_.people = request_.population;
        const auto whole = static_cast<std::uint32_t>(facts_.population);
        // A small rest is no district of its own: it joins the last one.
        std::uint32_t number = 0, left = request_.population;
        while (left > 0) {
            const std::uint32_t size = left < whole + whole / 2 ? left : whole;
            district(number++, size);
            left -= size;
        }
        const std::string text = description(number);
        sink_.append("city.json", text);
        return text;
    }

private:
    const content::Files& files_;
    const Facts& facts_;
    const Request& request_;
    const std::int32_t start_, end_;
    Sink& sink_;
    const std::function<void(const Progress&)>& report_;
    Progress progress_;
    Statistics statistics_;

    void append(const Lines& lines) {
        for (std::size_t type = 0; type < resource_types; ++type) {
            if (lines.text[type].empty()) continue;
            sink_.append(fmt::format("fhir/{}.ndjson", type_name(static_cast<Resource>(type))), lines.text[type]);
            progress_.bytes += lines.text[type].size();
            progress_.resources += lines.count[type];
            statistics_.resources[type] += lines.count[type];
        }
    }

    void district(std::uint32_t number, std::uint32_t size) {
        const District district = make_district(facts_, number, size, request_.seed);
        const std::int32_t known = end_ + request_.future_days;
        const Days days(facts_, start_, known, district.seed);
        People people = make_people(district, start_, known);
        const Epidemic epidemic = spread(district, days, people);
        const World world(facts_, district, days, people, epidemic, end_);
        statistics_.count_people(world);
        if (request_.truth) write_truth(world, sink_);
        if (request_.fhir) {
            Lines lines;
            write_institutions(world, lines);
            write_registers(world, places_of(files_, district), lines);
            append(lines);
        }
        stories(world);
        if (request_.sources) sources(world);
    }

    /// What the institutions send, a span of time after another, so that a file is in the order of time and memory stays small.
    void sources(const World& world) {
        const Alike alike(facts_);
        Ledger ledger(world);
        const auto size = static_cast<std::uint32_t>(world.people.all.size());
        const std::uint32_t chunks = (size + people_of_a_chunk - 1) / people_of_a_chunk;
        const auto span = std::max<std::int32_t>(20, static_cast<std::int32_t>(6'000'000 / (size + 1)));
        for (std::int32_t from = start_; from < end_; from += span) {
            const std::int64_t begin = from * 86'400ll, end = std::min(end_, from + span) * 86'400ll;
            std::vector<std::vector<Native>> parts(chunks);
            in_parallel(chunks, request_.threads, [&](std::uint32_t n) {
                for (std::uint32_t i = n * people_of_a_chunk; i < std::min(size, (n + 1) * people_of_a_chunk); ++i)
                    natives(world, alike, tell(world, i), begin, end, parts[n]);
            });
            std::vector<Native> all;
            for (std::vector<Native>& part : parts) {
                all.insert(all.end(), std::make_move_iterator(part.begin()), std::make_move_iterator(part.end()));
                part.clear();
            }
            ledger.send(all, sink_);
            if (report_) report_(progress_);
        }
        if (request_.truth) ledger.close(alike, sink_);
        statistics_.messages += ledger.sent();
    }

    void chunk(const World& world, std::uint32_t n, Chunk& out) const {
        const auto size = static_cast<std::uint32_t>(world.people.all.size());
        for (std::uint32_t i = n * people_of_a_chunk; i < std::min(size, (n + 1) * people_of_a_chunk); ++i) {
            const Story story = tell(world, i);
            out.statistics.count_story(world, story);
            if (request_.fhir) write_story(world, story, out.lines);
        }
    }

    /// While one wave of chunks is told, the one before it is written.
    void stories(const World& world) {
        const auto size = static_cast<std::uint32_t>(world.people.all.size());
        const std::uint32_t chunks = (size + people_of_a_chunk - 1) / people_of_a_chunk, wave = request_.threads * 4;
        std::vector<Chunk> done, next;
        for (std::uint32_t from = 0; from < chunks || !done.empty(); from += wave) {
            next.clear();
            next.resize(from < chunks ? std::min(wave, chunks - from) : 0);
            std::exception_ptr broken;
            {
                const std::jthread teller([&] {
                    try {
                        in_parallel(static_cast<std::uint32_t>(next.size()), request_.threads,
                                    [&](std::uint32_t n) { chunk(world, from + n, next[n]); });
                    } catch (...) {
                        broken = std::current_exception();
                    }
                });
                for (const Chunk& each : done) {
                    append(each.lines);
                    statistics_.add(each.statistics);
                }
            }
            if (broken) std::rethrow_exception(broken);
            done.swap(next);
            progress_.people_done += done.size() * people_of_a_chunk;
            progress_.people_done = std::min<std::uint64_t>(progress_.people_done, progress_.people);
            if (report_) report_(progress_);
        }
    }

    std::string description(std::uint32_t districts) const {
        json::Arena arena;
        const auto count = [&](std::uint64_t n) { return arena.number(static_cast<std::int64_t>(n)); };
        const auto decimal = [&](double n) { return arena.number(fmt::format("{:.3f}", n)); };
        std::vector<json::Value> rows;
        for (const Figure& each : figures(facts_, statistics_, (end_ - start_) / 365.2425)) {
            rows.push_back(arena.object({{"name", arena.string(each.name)},
                                         {"unit", arena.string(each.unit)},
                                         {"city", decimal(each.city)},
                                         {"plan", decimal(each.plan)},
                                         {"tolerance_percent", decimal(each.tolerance)},
                                         {"within", arena.boolean(each.within())},
                                         {"source", arena.string(each.source)}}));
        }
        std::vector<std::pair<std::string_view, json::Value>> resources;
        for (std::size_t type = 0; type < resource_types; ++type)
            resources.emplace_back(type_name(static_cast<Resource>(type)), count(statistics_.resources[type]));
        std::vector<json::Value> infections;
        for (std::size_t p = 0; p < facts_.pathogens.size(); ++p) {
            infections.push_back(arena.object({{"pathogen", arena.string(facts_.pathogens[p].key)},
                                               {"name", arena.string(facts_.pathogens[p].name)},
                                               {"infections", count(statistics_.infections[p])},
                                               {"seen_by_a_doctor", count(statistics_.seen[p])},
                                               {"report_cards", count(statistics_.cards[p])},
                                               {"deaths", count(statistics_.infection_deaths[p])}}));
        }
        const Statistics& s = statistics_;
        const json::Value people = arena.object({{"first_day", count(s.first_day)},
                                                 {"last_day", count(s.last_day)},
                                                 {"ever", count(s.people)},
                                                 {"births", count(s.births)},
                                                 {"deaths", count(s.deaths)},
                                                 {"moved_in", count(s.arrivals)},
                                                 {"moved_out", count(s.departures)},
                                                 {"marriages", count(s.marriages)},
                                                 {"moves_within", count(s.moves)},
                                                 {"visits", count(s.visits)},
                                                 {"admissions", count(s.admissions)},
                                                 {"programme_visits", count(s.programme_visits)},
                                                 {"vaccinations", count(s.vaccinations)},
                                                 {"laboratory_reports", count(s.laboratory)},
                                                 {"imaging_reports", count(s.images)},
                                                 {"prescriptions", count(s.prescriptions)},
                                                 {"cost_yuan", arena.number(fmt::format("{:.0f}", s.yuan))},
                                                 {"outbreaks", count(s.outbreaks)},
                                                 {"messages", count(s.messages)}});
        const json::Value all = arena.object(
            {{"district", arena.string(facts_.name)},
             {"synthetic", arena.boolean(true)},
             {"parameters", arena.object({{"population", count(request_.population)},
                                          {"seed", count(request_.seed)},
                                          {"years", count(static_cast<std::uint64_t>(request_.years))},
                                          {"from", arena.string(date_text(start_))},
                                          {"until", arena.string(date_text(end_))},
                                          {"future_days", count(static_cast<std::uint64_t>(request_.future_days))}})},
             {"districts", count(districts)},
             {"people", people},
             {"infections", arena.array(infections)},
             {"figures", arena.array(rows)},
             {"resources", arena.object(resources)}});
        return json::write_pretty(all) + "\n";
    }
};

}  // namespace

Result<std::string> make(const content::Files& files, const Request& request, Sink& sink,
                         const std::function<void(const Progress&)>& progress) {
    if (request.population < 100 || request.population > 100'000'000)
        return refuse(IssueCode::value, "--population", "expected 100 to 100,000,000 people");
    if (request.years < 1 || request.years > 20) return refuse(IssueCode::value, "--years", "expected 1 to 20 years");
    if (request.threads < 1 || request.threads > 64) return refuse(IssueCode::value, "--threads", "expected 1 to 64 threads");
    const std::int32_t end = day_of(request.end);
    if (request.future_days < 0 || request.future_days > 3'660)
        return refuse(IssueCode::value, "--future-days", "expected 0 to 3660 days");
    if (end == no_day || end < day_of("2000-01-01") || end > day_of("2090-01-01"))
        return refuse(IssueCode::value, "--end", "expected a date from 2000 to 2089, YYYY-MM-DD");
    const auto start = end - static_cast<std::int32_t>(request.years * 365.2425 + 0.5);
    XINGLIN_TRY(const Facts facts, read_facts(files));
    return Maker(files, facts, request, start, end, sink, progress).make();
}

}  // namespace xinglin::city
