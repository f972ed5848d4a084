// SPDX-License-Identifier: Apache-2.0
// The city lives on: its messages of a span of time, made anew from the stories.
#include <algorithm>
#include <iterator>
#include <map>

#include "city/city.h"
#include "city/native.h"
#include "city/parallel.h"
#include "city/places.h"
#include "city/story.h"

namespace xinglin::city {

namespace {
constexpr std::uint32_t people_of_a_part = 200;
}

struct Stream::Whole {
    Facts facts;
    District district;
    std::unique_ptr<Days> days;
    People people;
    Epidemic epidemic;
    std::unique_ptr<World> world;
    std::unique_ptr<Alike> alike;
    unsigned threads = 1;
    std::map<std::string, std::uint32_t, std::less<>> institutions;
    std::map<std::string, std::string, std::less<>> schools;
    std::map<std::string, std::array<double, 2>, std::less<>> places;

    Outgoing sent(Native& native) const;
};

bool keeps_workbooks(std::string_view source) {
    for (const std::string_view school : {"kindergarten-", "primary-", "middle-", "high-"}) {
        if (source.find(school) != std::string_view::npos) return true;
    }
    for (const std::string_view small : {"pharmacy-", "clinic-", "room-"}) {
        if (source.find(small) != std::string_view::npos) return (source.back() - '0') % 2 == 1;
    }
    return false;
}

Outgoing Stream::Whole::sent(Native& native) const {
    const bool in_workbook = native.ending == ".csv" && keeps_workbooks(native.source);
    const bool gb18030 = native.gb18030 && !in_workbook;
    Outgoing each;
    each.time = native.time;
    each.source = native.source;
    each.kind = native.kind;
    each.format = native.ending == ".hl7"   ? "hl7v2"
                  : native.ending == ".xml" ? "cda"
                  : in_workbook             ? "xlsx"
                  : native.ending == ".csv" ? "csv"
                                            : "fhir";
    each.encoding = gb18030 ? "GB18030" : "UTF-8";
    each.head = gb18030 ? to_gb18030(native.head) : std::move(native.head);
    each.bytes = gb18030 ? to_gb18030(native.text) : std::move(native.text);
    each.fault = std::move(native.fault);
    each.copies = native.copies;
    if (const auto found = places.find(native.source); found != places.end()) each.place = found->second;
    const auto place = institutions.find(native.source);
    const auto school = schools.find(native.source);
    if (place != institutions.end()) {
        each.name = district.institutions[place->second].name;
        each.organization = district.institutions[place->second].id;
    } else {
        each.name = school != schools.end()                    ? school->second
                    : native.source.ends_with("emergency-120") ? "120急救指挥中心"
                                                               : native.source;
    }
    return each;
}

Stream::Stream(std::unique_ptr<Whole> whole) : whole_(std::move(whole)) {}
Stream::Stream(Stream&&) noexcept = default;
Stream::~Stream() = default;

Result<Stream> Stream::open(const content::Files& files, const Request& request) {
    const std::int32_t end = day_of(request.end);
    if (end == no_day) return refuse(IssueCode::value, "--end", "expected a date, YYYY-MM-DD");
    if (request.future_days < 1)
        return refuse(IssueCode::value, "--future-days",
                      "this city was made without days to come, make it again with --future-days 60");
    auto whole = std::make_unique<Whole>();
    XINGLIN_TRY(whole->facts, read_facts(files));
    const auto start = end - static_cast<std::int32_t>(request.years * 365.2425 + 0.5), known = end + request.future_days;
    const auto district = static_cast<std::uint32_t>(whole->facts.population);
    whole->district = make_district(whole->facts, 0, request.population < district + district / 2 ? request.population : district,
                                    request.seed);
    whole->days = std::make_unique<Days>(whole->facts, start, known, whole->district.seed);
    whole->people = make_people(whole->district, start, known);
    whole->epidemic = spread(whole->district, *whole->days, whole->people);
    whole->world = std::make_unique<World>(whole->facts, whole->district, *whole->days, whole->people, whole->epidemic, end);
    whole->alike = std::make_unique<Alike>(whole->facts);
    whole->threads = request.threads;
    for (std::uint32_t n = 0; n < whole->district.institutions.size(); ++n)
        whole->institutions[whole->district.institutions[n].key] = n;
    for (const School& school : whole->district.schools) whole->schools[school.key] = school.name;
    whole->places = places_of(files, whole->district);
    return Stream(std::move(whole));
}

std::int64_t Stream::first() const { return whole_->world->now * 86'400ll; }
std::int64_t Stream::last() const { return whole_->people.end * 86'400ll; }

std::vector<Stream::Outbreak> Stream::outbreaks() const {
    std::vector<Outbreak> out;
    for (const city::Outbreak& each : whole_->epidemic.outbreaks) {
        if (each.day >= whole_->world->now) out.push_back({each.day * 86'400ll, whole_->facts.outbreaks[each.plan].name});
    }
    return out;
}

std::vector<Outgoing> Stream::between(std::int64_t from, std::int64_t until) const {
    const auto size = static_cast<std::uint32_t>(whole_->people.all.size()),
               parts = (size + people_of_a_part - 1) / people_of_a_part;
    std::vector<std::vector<Native>> made(parts);
    in_parallel(parts, whole_->threads, [&](std::uint32_t n) {
        for (std::uint32_t i = n * people_of_a_part; i < std::min(size, (n + 1) * people_of_a_part); ++i)
            natives(*whole_->world, *whole_->alike, tell(*whole_->world, i), from, until, made[n]);
    });
    std::vector<Native> all;
    for (auto& part : made) all.insert(all.end(), std::make_move_iterator(part.begin()), std::make_move_iterator(part.end()));
    std::sort(all.begin(), all.end(), [](const Native& a, const Native& b) {
        if (a.time != b.time) return a.time < b.time;
        return a.order != b.order ? a.order < b.order : a.control_id < b.control_id;
    });
    std::vector<Outgoing> out;
    for (Native& native : all) out.push_back(whole_->sent(native));
    return out;
}

}  // namespace xinglin::city
