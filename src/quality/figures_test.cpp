// SPDX-License-Identifier: Apache-2.0
// The figures kept live are those of an oracle that judges every resource there is, whatever happened before, on both engines.
#include "quality/quality.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <random>
#include <set>

#include "testing/failing_sql.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::quality {
namespace {

constexpr std::string_view resident_ids[] = {"130399202403130014", "13039919830413001X", "130399196904210049",
                                             "130399196607160022"};

/// A record that changes at random.
class Record {
public:
    explicit Record(std::uint64_t seed) : random_(seed) { open(); }

    void open() {
        store_.reset();
        auto opened =
            record::Store::open(folder_.path(), clock_, {.readers = 2, .offset_minutes = std::int16_t{480}, .store = engine_});
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        store_ = std::move(*opened);
    }
    record::Store& store() { return *store_; }
    const testing::StoppedClock& clock() const { return clock_; }
    testing::StoppedClock& clock() { return clock_; }
    const std::string& engine() const { return engine_; }

    std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
    bool chance(int percent) { return below(100) < static_cast<std::uint32_t>(percent); }

    void put(const std::string& type, const std::string& id, const std::string& members) {
        json::Arena arena;
        const auto resource = json::parse(
            fmt::format(R"({{"resourceType":"{}","id":"{}"{}}})", type, id, members.empty() ? "" : "," + members), arena);
        ASSERT_TRUE(resource.ok()) << members;
        const auto& kind = *fhir::find_resource(type);
        const record::Prepared prepared = store_->prepare(kind, id, *resource);
        const auto done = store_->submit_and_wait([&](record::Transaction& transaction) {
            transaction.put(prepared, false, false);
            return Result<Done>(Done{});
        });
        ASSERT_TRUE(done.ok());
    }
    void erase(const std::string& type, const std::string& id) {
        const auto& kind = *fhir::find_resource(type);
        const auto done = store_->submit_and_wait([&](record::Transaction& transaction) {
            const auto state = transaction.state(kind, id);
            if (state && !state->deleted) transaction.erase(kind, id);
            return Result<Done>(Done{});
        });
        ASSERT_TRUE(done.ok());
    }
    std::string source() {
        if (chance(20)) return R"("language":"zh")";
        return fmt::format(R"("meta":{{"source":"urn:xinglin:source:s{}{}"}})", below(3),
                           chance(60) ? fmt::format("#{}", below(9)) : "");
    }
    std::string moment() { return fmt::format("2026-11-{:02}T{:02}:00:00+08:00", 12 + below(12), 8 + below(4)); }
    void change() {
        clock_.move(below(1'000'000));
        const std::uint32_t kind = below(10);
        const std::string id = fmt::format("x{}", below(25)), person = fmt::format("p{}", below(4));
        if (kind < 2) {
            std::string all = source();
            if (chance(80)) all += fmt::format(R"(,"gender":"{}")", chance(50) ? "male" : "female");
            if (chance(80)) all += chance(20) ? R"(,"birthDate":"2026-11-15")" : R"(,"birthDate":"1983-04-13")";
            if (chance(20)) all += R"(,"deceasedDateTime":"2026-11-14")";
            if (chance(70))
                all += fmt::format(R"(,"identifier":[{{"system":"urn:oid:2.16.156.10011.1.3","value":"{}"}}])",
                                   resident_ids[below(4)]);
            if (chance(70)) all += R"(,"managingOrganization":{"reference":"Organization/o1"})";
            put("Patient", person, all);
        } else if (kind < 6) {
            std::string all =
                source() + fmt::format(R"(,"status":"finished","class":{{"code":"{}"}})", chance(70) ? "AMB" : "IMP");
            if (chance(90)) all += fmt::format(R"(,"subject":{{"reference":"Patient/{}"}})", person);
            if (chance(90)) all += fmt::format(R"(,"period":{{"start":"{}","end":"{}"}})", moment(), moment());
            if (chance(60)) all += fmt::format(R"(,"serviceProvider":{{"reference":"Organization/o{}"}})", below(2));
            put("Encounter", id, all);
        } else if (kind < 9) {
            put("Condition", id,
                source() +
                    fmt::format(
                        R"(,"category":[{{"coding":[{{"code":"encounter-diagnosis"}}]}}],"code":{{"coding":[{{"system":"urn:oid:2.16.156.10011.2.3.3.11","code":"{}"}}]}},"subject":{{"reference":"Patient/{}"}},"encounter":{{"reference":"Encounter/x1"}},"recordedDate":"{}")",
                        chance(50) ? "O80.000" : "J06.900", person, moment()));
        } else {
            constexpr const char* types[] = {"Patient", "Encounter", "Condition"};
            const std::uint32_t which = below(3);
            erase(types[which], which == 0 ? person : id);
        }
    }

private:
    std::mt19937_64 random_;
    testing::ScratchFolder folder_;
    testing::StoppedClock clock_;
    const std::string engine_ = testing::store_beside(folder_.path());
    std::unique_ptr<record::Store> store_;
};

std::optional<Told> told(const std::string& source, const std::string& control) {
    if (control == "3") return std::nullopt;
    return Told{1'795'305'600'000 + (source.back() - '0') * 86'400'000ll, control == "5" ? 1'795'500'000'000 : 0};
}

Options options_of(Record& record) {
    Options options;
    options.store = record.engine();
    options.around.knows_code = [](std::string_view, std::string_view code) { return std::optional<bool>(code[0] != 'O'); };
    options.told = told;
    options.follow = false;
    return options;
}

using Figures = std::map<std::tuple<std::int64_t, std::string, std::string>, std::string>;

Figures figures_of(const Quality& quality) {
    Figures out;
    for (const Line& line : quality.figures({.from = -1'000'000, .to = 1'000'000})) {
        std::string text = std::to_string(line.counts.n);
        for (const auto& rule : line.counts.rules) text += fmt::format(" {}/{}", rule.failed, rule.tested);
        out[{line.day, line.who, line.set}] = text;
    }
    return out;
}

/// Slow and plain: every resource there is now, judged; events grouped by what makes them the same.
class Oracle {
public:
    Oracle(Record& record, const Rulebook& book) : record_(record), book_(book) {}

    Figures figures() {
        Around around = options_of(record_).around;
        around.offset_minutes = 480;
        Judge judge(book_, around);
        std::map<std::string, json::Value> people;
        json::Arena arena;
        std::vector<json::Value> all;
        record_.store().reader(access::Viewer::program("oracle")).scan(nullptr, [&](const record::Version& version) {
            const json::Value resource = *json::parse(arena.keep(version.body), arena);
            if (version.type->name == "Patient") people[version.id] = resource;
            all.push_back(resource);
            return true;
        });
        std::map<std::tuple<std::int64_t, std::string, std::string>, Counts> sums;
        std::map<std::pair<std::uint64_t, std::string>, std::set<std::pair<std::int64_t, std::string>>> events;
        for (const json::Value resource : all) {
            const std::string_view about = resource["subject"]["reference"].string();
            const auto person = people.find(std::string(about.substr(std::min(about.size(), std::size_t{8}))));
            const json::Value patient = person == people.end() ? json::Value{} : person->second;
            const auto arrived = [&](std::size_t set) {
                return arrival(*fhir::find_resource(resource["resourceType"].string()), std::string(resource["id"].string()),
                               book_.sets()[set].id);
            };
            for (const Verdict& verdict : judge.judge(resource, patient, arrived)) {
                const Set& set = book_.sets()[verdict.set];
                Counts& counts = sums[{verdict.day, verdict.who, set.id}];
                counts.rules.resize(set.rules.size());
                ++counts.n;
                for (std::size_t i = 0; i < set.rules.size(); ++i) {
                    counts.rules[i].tested += verdict.marks[i] != Mark::untested;
                    counts.rules[i].failed += verdict.marks[i] == Mark::failed;
                }
                if (verdict.key == 0) continue;
                ++counts.rules[static_cast<std::size_t>(set.twice)].tested;
                events[{verdict.key, verdict.who + "\n" + set.id}].emplace(
                    verdict.day, std::string(resource["resourceType"].string()) + "/" + std::string(resource["id"].string()));
            }
        }
        for (const auto& [key, members] : events) {
            const std::string who = key.second.substr(0, key.second.find('\n')),
                              kind = key.second.substr(key.second.find('\n') + 1);
            for (auto each = std::next(members.begin()); each != members.end(); ++each)
                ++sums[{each->first, who, kind}].rules[static_cast<std::size_t>(book_.set(kind)->twice)].failed;
        }
        Figures out;
        for (const auto& [place, counts] : sums) {
            std::string text = std::to_string(counts.n);
            for (const auto& rule : counts.rules) text += fmt::format(" {}/{}", rule.failed, rule.tested);
            out[place] = text;
        }
        return out;
    }

private:
    Record& record_;
    const Rulebook& book_;

    /// The first version that belonged to the set and said when the event was; the set named in plain words.
    Arrived arrival(const fhir::Type& type, const std::string& id, const std::string& set) {
        record::Reader reader = record_.store().reader(access::Viewer::program("oracle"));
        const std::int64_t newest = reader.read(type, id)->version;
        for (std::int64_t number = 1;; ++number) {
            const auto version = reader.vread(type, id, number);
            if (!version.ok()) continue;
            json::Arena arena;
            const json::Value body = *json::parse(version->body, arena);
            if (number < newest && !tells(body, set)) continue;
            Arrived out{version->updated_ms, 0};
            const std::string source(body["meta"]["source"].string());
            const std::size_t hash = source.find('#');
            if (hash == std::string::npos) return out;
            out.told_ms = version->updated_ms;
            if (const auto said = told(source.substr(19, hash - 19), source.substr(hash + 1)))
                out.told_ms = std::max(said->received_ms, said->sent_ms);
            return out;
        }
    }
    static bool tells(json::Value body, const std::string& set) {
        const bool is_stay = body["class"]["code"].string() == "IMP";
        if (set == "person") return true;
        if (set == "death") return bool(body["deceasedDateTime"]);
        if (set == "diagnosis") return bool(body["recordedDate"]);
        if (set == "discharge") return is_stay && body["period"]["end"];
        return is_stay == (set == "admission") && body["period"]["start"];
    }
};

TEST(QualityFigures, KeptLiveAreThoseOfTheOracleAndOfMeasuringAnew) {
    const std::uint64_t seed = testing::seed();
    SCOPED_TRACE(fmt::format("XINGLIN_SEED={}", seed));
    for (int round = 0; round < 6; ++round) {
        Record record(seed + static_cast<std::uint64_t>(round));
        const Rulebook book = *Rulebook::read(content::Files());
        auto quality =
            std::make_unique<Quality>(record.store(), record.clock(), *Rulebook::parse(book.text()), options_of(record));
        for (int step = 0; step < 12; ++step) {
            for (std::uint32_t i = record.below(20); i > 0; --i) record.change();
            if (step == 7) {  // it goes on where it stopped
                quality.reset();
                quality =
                    std::make_unique<Quality>(record.store(), record.clock(), *Rulebook::parse(book.text()), options_of(record));
            }
            quality->catch_up();
            ASSERT_EQ(figures_of(*quality), Oracle(record, book).figures()) << "step " << step;
        }
        quality->measure_anew();
        record.change();
        quality->catch_up();
        EXPECT_EQ(figures_of(*quality), Oracle(record, book).figures());
        EXPECT_EQ(quality->state().differences, 0);
        EXPECT_EQ(quality->editions().size(), 1u) << "the same rules: the figures before are not kept";
    }
}

TEST(QualityFigures, OfManyChangesAreMeasuredAnewInSmallSteps) {
    Record record(7);
    const Rulebook book = *Rulebook::read(content::Files());
    Options options = options_of(record);
    options.step = 3;
    options.behind = 5;
    Quality quality(record.store(), record.clock(), *Rulebook::parse(book.text()), options);
    for (int step = 0; step < 4; ++step) {
        for (int i = 0; i < 25; ++i) record.change();
        quality.catch_up();
        ASSERT_EQ(figures_of(quality), Oracle(record, book).figures()) << "step " << step;
    }
}

TEST(QualityFigures, OfOtherRulesAreANewEditionAndThoseBeforeAreKept) {
    Record record(8);
    const Rulebook book = *Rulebook::read(content::Files());
    for (int i = 0; i < 60; ++i) record.change();
    Figures before;
    {
        Quality quality(record.store(), record.clock(), *Rulebook::parse(book.text()), options_of(record));
        quality.catch_up();
        before = figures_of(quality);
    }
    std::string text = book.text();
    text.replace(text.find("\"hours\":24"), 10, "\"hours\":72");
    Quality quality(record.store(), record.clock(), *Rulebook::parse(text), options_of(record));
    quality.catch_up();
    EXPECT_EQ(figures_of(quality), Oracle(record, *Rulebook::parse(text)).figures());
    const auto editions = quality.editions();
    ASSERT_EQ(editions.size(), 2u);
    EXPECT_EQ(editions[1].state, "kept");
    Figures kept;
    for (const Line& line : quality.figures({.from = -1'000'000, .to = 1'000'000, .edition = editions[1].number})) {
        std::string counts = std::to_string(line.counts.n);
        for (const auto& rule : line.counts.rules) counts += fmt::format(" {}/{}", rule.failed, rule.tested);
        kept[{line.day, line.who, line.set}] = counts;
    }
    EXPECT_EQ(kept, before);
    EXPECT_EQ(quality.book(editions[1].number)->text(), book.text());
}

TEST(QualityFigures, AreRightAgainWhicheverStatementFails) {
    const Rulebook book = *Rulebook::read(content::Files());
    bool failed = true;
    for (int after = 0; failed; after += after < 30 ? 1 : 37) {
        Record record(9);
        auto plan = std::make_shared<testing::FailingPlan>();
        Options options = options_of(record);
        options.wrap = [plan](std::unique_ptr<sql::Connection> inner) { return testing::make_failing(std::move(inner), plan); };
        for (int i = 0; i < 12; ++i) record.change();
        Quality quality(record.store(), record.clock(), *Rulebook::parse(book.text()), options);
        plan->fail_after(after);
        failed = false;
        for (int i = 0; i < 3; ++i) {
            try {
                quality.catch_up();
                for (int change = 0; change < 8; ++change) record.change();
            } catch (const sql::Broken&) {
                failed = true;
                plan->fail_after(testing::FailingPlan::never);
            }
        }
        plan->fail_after(testing::FailingPlan::never);
        quality.catch_up();
        ASSERT_EQ(figures_of(quality), Oracle(record, book).figures()) << "after statement " << after;
    }
}

}  // namespace
}  // namespace xinglin::quality
