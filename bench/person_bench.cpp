// SPDX-License-Identifier: Apache-2.0
// The person index measured: filled with millions, asked and written to; the city and twins against their truth.
//
//   build/bench/person_bench people 5000000 [FOLDER]    FOLDER is left there, and used again
//   build/bench/person_bench city CITY/truth/records.csv batch|online|filled
//   build/bench/person_bench twins 100000 batch|online
//   build/bench/person_bench phone 50000 batch|online      everybody has the same one
//   build/bench/person_bench learn RECORDS.csv             content/persons/model.json as those records teach it
//
//   build/bench/person_bench make 330000 RECORDS.csv       of a made-up city; what xinglin city writes as truth/records.csv
//
// Processor time of all threads is what counts.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "city/city.h"
#include "identity/judge.h"
#include "identity/match.h"
#include "measure.h"
#include "person/person.h"
#include "record/record.h"
#include "testing/linkage_score.h"
#include "testing/testing.h"
#include "testing/told_people.h"

using namespace xinglin;

namespace {

/// A population with the city's names, three to a household, each fifth person told twice and not always alike.
class Population {
public:
    explicit Population(std::uint64_t people) : people_(people) {
        const content::Files files;
        read(files.read("city/surnames.csv").value(), surnames_, 0, 1);
        for (const auto& [names, weight] : lines(files.read("city/given.csv").value(), 3, 3)) {
            for (std::size_t at = 0; at < names.size();) {
                const std::size_t end = std::min(names.find(' ', at), names.size());
                given_.push_back(names.substr(at, end - at));
                at = end + 1;
            }
        }
    }
    testing::Told told(std::uint64_t person, std::uint64_t version) const {
        std::mt19937_64 random(person * 2 + 1);
        const std::uint64_t household = person / 3;
        std::mt19937_64 home(household * 2);
        const bool male = random() % 2 == 0;
        const std::uint64_t day = person % 31'000, order = person / 31'000;
        const auto civil = calendar::civil_from_days(static_cast<std::int64_t>(day) - 12'000);
        testing::Told out;
        out.birth = fmt::format("{:04}{:02}{:02}", civil.year, civil.month, civil.day);
        out.number =
            testing::sound_number(fmt::format("1303{}", 90 + order / 400), out.birth, static_cast<int>(order % 400 * 2 + male));
        out.sex = male ? "male" : "female";
        std::string given = given_[random() % given_.size()];
        if (random() % 3 == 0) given = given.substr(0, 3) + given_[random() % given_.size()].substr(0, 3);
        const std::string surname = surnames_[home() % surnames_.size()];
        out.name = (random() % 3 ? surname : surnames_[random() % surnames_.size()]) + given;
        const std::string shared = fmt::format("160{:08}", home() % 100'000'000);
        out.phone = random() % 4 ? fmt::format("161{:08}", random() % 100'000'000) : shared;
        out.address = fmt::format("某市某区{}镇{}村{}号", home() % 120, home() % 40, home() % 900 + 1);
        out.person = static_cast<std::uint32_t>(person);
        out.id = fmt::format("p{}-{}", person, version);
        out.source = fmt::format("s{}", (person + version * 7) % 160);
        std::mt19937_64 slips(person * 64 + version);
        if (version == 0) return out;
        if (slips() % 12 == 0) out.number.clear();
        if (slips() % 4 == 0) out.phone = fmt::format("161{:08}", slips() % 100'000'000);
        if (slips() % 6 == 0) out.address = out.address.substr(0, out.address.find("村") + 3);
        if (slips() % 60 == 0) out.name = out.name.substr(0, out.name.size() - 3) + given_[slips() % given_.size()].substr(0, 3);
        if (slips() % 100 == 0)
            std::swap(out.number.empty() ? out.birth[6] : out.number[12], out.number.empty() ? out.birth[7] : out.number[13]);
        return out;
    }
    std::uint64_t size() const { return people_; }
    static bool is_told_twice(std::uint64_t person) { return person % 5 == 0; }

private:
    std::uint64_t people_;
    std::vector<std::string> surnames_, given_;

    static std::vector<std::pair<std::string, int>> lines(std::string_view text, std::size_t column, std::size_t weight) {
        std::vector<std::pair<std::string, int>> all;
        for (std::size_t at = text.find('\n') + 1; at < text.size();) {
            const std::string_view line = text.substr(at, text.find('\n', at) - at);
            at += line.size() + 1;
            std::vector<std::string> cells(1);
            for (const char c : line) {
                if (c == ',') cells.emplace_back();
                else if (c != '\r') cells.back() += c;
            }
            if (cells.size() > column)
                all.emplace_back(cells[column], weight < cells.size() ? std::atoi(cells[weight].c_str()) : 1);
        }
        return all;
    }
    static void read(std::string_view text, std::vector<std::string>& to, std::size_t column, std::size_t weight) {
        for (const auto& [value, times] : lines(text, column, weight))
            to.insert(to.end(), static_cast<std::size_t>(std::max(1, times)), value);
    }
};

struct House {
    explicit House(const std::filesystem::path& folder)
        : store(record::Store::open(folder, clock, {.offset_minutes = std::int16_t{480}}).value()) {}
    calendar::SystemClock clock;
    std::unique_ptr<record::Store> store;

    record::Prepared prepared(const testing::Told& told) {
        json::Arena arena;
        const std::string text = testing::patient_of(told);
        return store->prepare(*fhir::find_resource("Patient"), told.id, json::parse(text, arena).value());
    }
    void write(const testing::Told& told) {
        const record::Prepared ready = prepared(told);
        const auto done = store->submit_and_wait([&](record::Transaction& transaction) {
            transaction.put(ready, false, false);
            return Result<Done>(Done{});
        });
        if (!done.ok()) throw std::runtime_error(done.outcome().line());
    }
    template <typename Next>
    void load(Next&& next) {
        std::vector<record::Prepared> batch;
        const auto flush = [&] {
            if (!batch.empty() && !store->load(std::exchange(batch, {})).ok()) throw std::runtime_error("cannot be loaded");
        };
        for (testing::Told told; next(told);) {
            batch.push_back(prepared(told));
            if (batch.size() == 5'000) flush();
        }
        flush();
        if (const auto done = store->settle(); !done.ok()) throw std::runtime_error(done.outcome().line());
    }
};

template <typename Work>
void timed(const std::string& what, double things, Work&& work) {
    const double cpu = bench::cpu_seconds();
    const auto start = bench::Time::now();
    work();
    const double own = bench::cpu_seconds() - cpu;
    std::printf("%-44s %9.0f in %8.2f s, processor %8.2f s: %8.1f us each; resident %ld MiB\n", what.c_str(), things,
                bench::seconds_since(start), own, own / things * 1e6, bench::resident_mib());
    std::fflush(stdout);
}

void tell(const std::string& what, std::vector<double>& us, double cpu) {
    const auto n = static_cast<double>(us.size());
    const double p50 = bench::quantile(us, 0.5), p99 = bench::quantile(us, 0.99), p999 = bench::quantile(us, 0.999);
    std::printf("%-44s %9.0f: p50 %7.2f ms, p99 %7.2f, p99.9 %7.2f, worst %7.2f; processor %7.1f us each\n", what.c_str(), n,
                p50 / 1e3, p99 / 1e3, p999 / 1e3, us.back() / 1e3, cpu / n * 1e6);
    std::fflush(stdout);
}

template <typename Work>
void each_timed(const std::string& what, std::size_t times, Work&& work) {
    std::vector<double> us;
    const double cpu = bench::cpu_seconds();
    for (std::size_t i = 0; i < times; ++i) {
        const auto start = bench::Time::now();
        work(i);
        us.push_back(bench::seconds_since(start) * 1e6);
    }
    tell(what, us, bench::cpu_seconds() - cpu);
}

person::Settings settings_of(std::size_t fill_from) {
    auto settings = person::Settings::read(content::Files()).value();
    settings.fill_from = fill_from;
    return settings;
}

int measure_people(std::uint64_t people, std::filesystem::path folder) {
    const testing::ScratchFolder scratch;
    if (folder.empty()) folder = scratch.path() / "data";
    House house(folder);
    const Population population(people);
    const auto records = static_cast<double>(people + (people + 4) / 5);
    if (house.store->reader(access::Viewer::program("bench")).position() == 0) {
        std::uint64_t person = 0, version = 0;
        timed("Patients loaded into the record", records, [&] {
            house.load([&](testing::Told& told) {
                if (person == people) return false;
                told = population.told(person, version);
                if (version == 0 && Population::is_told_twice(person)) version = 1;
                else version = 0, ++person;
                return true;
            });
        });
    }
    person::Persons persons(*house.store, house.clock, settings_of(2'000), {.follow = false});
    timed("index filled", records, [&] { persons.catch_up(); });
    const auto state = persons.state();
    std::printf("%llu records of %llu people (truth %llu), %llu questions; person.db %.2f GiB\n",
                static_cast<unsigned long long>(state.records), static_cast<unsigned long long>(state.people),
                static_cast<unsigned long long>(people), static_cast<unsigned long long>(state.tasks),
                static_cast<double>(std::filesystem::file_size(folder / "person.db")) / (1 << 30));
    std::mt19937_64 random(11);
    std::size_t right = 0;
    constexpr std::size_t asked = 10'000;
    const auto match = [&](std::size_t i, bool stranger) {
        const std::uint64_t person = stranger ? people + i : random() % people;
        const testing::Told told = population.told(person, 9);
        json::Arena arena;
        const std::string text = testing::patient_of(told);
        const auto found = persons.match(json::parse(text, arena).value(), 5);
        right += stranger ? found.empty() || found.front().probability < 0.5
                          : !found.empty() && found.front().id.starts_with(fmt::format("p{}-", person));
    };
    each_timed("$match of somebody known, first", asked, [&](std::size_t i) { match(i, false); });
    std::printf("best answer right: %.2f %%\n", 100.0 * static_cast<double>(std::exchange(right, 0)) / asked);
    each_timed("$match of a stranger", asked, [&](std::size_t i) { match(i, true); });
    std::printf("nobody told: %.2f %%\n", 100.0 * static_cast<double>(std::exchange(right, 0)) / asked);
    std::uint64_t written = house.store->reader(access::Viewer::program("bench")).position();
    const auto write = [&](const std::string& what, std::size_t times, bool stranger) {
        std::vector<double> us;
        double cpu = 0;
        for (std::size_t i = 0; i < times; ++i) {
            const testing::Told told = population.told(stranger ? people + written + i : random() % people, 10 + written + i);
            house.write(told);
            const double before = bench::cpu_seconds();
            const auto start = bench::Time::now();
            persons.catch_up();
            us.push_back(bench::seconds_since(start) * 1e6);
            cpu += bench::cpu_seconds() - before;
        }
        tell(what, us, cpu);
    };
    write("decided: a further record of somebody known", 5'000, false);
    write("decided: somebody new", 5'000, true);
    each_timed("state", 100, [&](std::size_t) { (void)persons.state(); });
    each_timed("statistics", 5, [&](std::size_t) { (void)persons.statistics(); });
    each_timed("queue", 100, [&](std::size_t) { (void)persons.queue({}); });
    std::printf("resident %ld MiB\n", bench::resident_mib());
    return 0;
}

identity::Records records_of(const std::vector<testing::Told>& told) {
    using identity::Role;
    identity::Records records({{"name", Role::name_full},
                               {"sex", Role::sex},
                               {"birth_date", Role::birth_date},
                               {"national_id", Role::national_id},
                               {"phone", Role::phone},
                               {"address", Role::address}},
                              settings_of(1).wording);
    for (const testing::Told& each : told) {
        const std::array<std::string_view, 6> row{each.name, each.sex, each.birth, each.number, each.phone, each.address};
        records.add(row);
    }
    return records;
}

std::vector<std::uint32_t> batch_groups(const std::vector<testing::Told>& told) {
    return identity::match(records_of(told)).cluster;
}

/// One by one, or with a filling first.
std::vector<std::uint32_t> online_groups(const std::vector<testing::Told>& told, bool filled) {
    const testing::ScratchFolder scratch;
    House house(scratch.path() / "data");
    std::size_t at = 0;
    house.load([&](testing::Told& next) {
        if (at == told.size()) return false;
        next = told[at++];
        return true;
    });
    person::Persons persons(*house.store, house.clock, settings_of(filled ? 1 : 1'000'000'000), {.follow = false});
    persons.catch_up();
    std::printf("%llu questions\n", static_cast<unsigned long long>(persons.state().tasks));
    std::unordered_map<std::string, std::uint32_t> numbers;
    std::vector<std::uint32_t> groups;
    for (const testing::Told& each : told) {
        const auto all = persons.patients(each.id);
        groups.push_back(
            numbers.emplace(all.empty() ? each.id : all.front(), static_cast<std::uint32_t>(numbers.size())).first->second);
    }
    return groups;
}

/// Some people who are made one, some who are not found.
void show_wrong(const std::vector<testing::Told>& told, const std::vector<std::uint32_t>& groups) {
    std::unordered_map<std::uint32_t, std::vector<std::size_t>> in_group, of_person;
    for (std::size_t i = 0; i < told.size(); ++i) in_group[groups[i]].push_back(i), of_person[told[i].person].push_back(i);
    const auto show = [&](const char* what, const auto& sets, auto&& label) {
        int shown = 0;
        for (std::size_t i = 0; i < told.size() && shown < 12; ++i) {
            const auto& all = sets.at(&sets == &in_group ? groups[i] : told[i].person);
            if (all.front() != i || std::all_of(all.begin(), all.end(), [&](std::size_t k) { return label(k) == label(i); }))
                continue;
            std::printf("%s\n", what);
            for (const std::size_t k : all)
                std::printf("  %-8u %-8u %s %s %s %s %s %s %s\n", groups[k], told[k].person, told[k].name.c_str(),
                            told[k].sex.c_str(), told[k].birth.c_str(), told[k].number.c_str(), told[k].phone.c_str(),
                            told[k].address.c_str(), told[k].mistakes.c_str());
            ++shown;
        }
    };
    show("made one:", in_group, [&](std::size_t k) { return told[k].person; });
    show("not found:", of_person, [&](std::size_t k) { return groups[k]; });
}

int score(const std::vector<testing::Told>& told, const std::string& how) {
    std::vector<std::uint32_t> groups, person;
    std::vector<std::string> mistakes;
    for (const testing::Told& each : told) person.push_back(each.person), mistakes.push_back(each.mistakes);
    timed(how, static_cast<double>(told.size()),
          [&] { groups = how == "batch" ? batch_groups(told) : online_groups(told, how == "filled"); });
    std::printf("%s", testing::LinkageScore::of(groups, person, mistakes).text().c_str());
    if (told.front().id.starts_with("w")) {  // twins: persons 2k and 2k + 1
        std::unordered_map<std::uint64_t, int> seen;
        for (std::size_t i = 0; i < told.size(); ++i)
            seen[std::uint64_t{groups[i]} << 32 | told[i].person / 2] |= 1 << told[i].person % 2;
        std::printf(
            "pairs of twins made one: %zu\n",
            static_cast<std::size_t>(std::count_if(seen.begin(), seen.end(), [](const auto& each) { return each.second == 3; })));
    }
    show_wrong(told, groups);
    return 0;
}

std::string whole_file(const char* path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error(std::string(path) + ": cannot be read");
    return {std::istreambuf_iterator<char>(file), {}};
}

/// truth/records.csv alone.
int make_city(std::uint32_t population, const std::string& out) {
    struct Records : city::Sink {
        explicit Records(const std::string& to) : file(to, std::ios::binary) {}
        std::ofstream file;
        void append(std::string_view path, std::string_view bytes) override {
            if (path == "truth/records.csv") file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        }
    } sink(out);
    city::Request request{population, 5, 1};
    request.fhir = false;
    const auto made = city::make(content::Files(), request, sink);
    if (!made.ok()) std::fprintf(stderr, "%s\n", made.outcome().line().c_str());
    return made.ok() ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
    const std::string what = count > 1 ? words[1] : "", how = count > 3 ? words[3] : "";
    if (what == "people" && count > 2) return measure_people(std::strtoull(words[2], nullptr, 10), how);
    if (what == "make" && count > 3) return make_city(static_cast<std::uint32_t>(std::atoi(words[2])), how);
    if (what == "city" && count > 3) return score(testing::told_of(whole_file(words[2])), how);
    if (what == "learn" && count > 2) {
        const auto told = testing::told_of(whole_file(words[2]));
        std::printf("%s\n", identity::Model::of(identity::match(records_of(told))).text().c_str());
        return 0;
    }
    if (what == "phone" && count > 3) {
        const Population population(std::strtoull(words[2], nullptr, 10));
        std::vector<testing::Told> told;
        for (std::uint64_t person = 0; person < population.size(); ++person)
            for (std::uint64_t version = 0; version <= (Population::is_told_twice(person) ? 1 : 0); ++version) {
                told.push_back(population.told(person, version));
                told.back().phone = "16000000000";
            }
        return score(told, how);
    }
    if (what == "twins" && count > 3) return score(testing::made_twins(static_cast<std::uint32_t>(std::atoi(words[2])), 1), how);
    return std::fprintf(stderr,
                        "usage: person_bench people N [FOLDER] | city RECORDS.csv batch|online|filled | twins N batch|online\n"),
           2;
}
