// SPDX-License-Identifier: Apache-2.0
// For tests only: an intake on either engine, with a format so simple that one sees what happens.
//
// A message is "application|facility|control id|patient|sent at|observation|value", called hl7v2 here because that is a format
// sources may have. It becomes a Patient and an Observation, both under ids that stay the same. A value of "?" cannot be converted.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "intake/intake.h"
#include "intake/source.h"
#include "testing/postgres.h"
#include "testing/testing.h"
#include "text/text.h"

namespace xinglin::intake {

inline Result<message::Facts> simple_facts(std::string_view bytes) {
    const auto parts = text::split(bytes, '|');
    if (parts.size() != 7) return refuse(IssueCode::invalid, "message", "expected seven parts");
    return message::Facts{.kind = "SIMPLE",
                          .control_id = std::string(parts[2]),
                          .application = std::string(parts[0]),
                          .facility = std::string(parts[1]),
                          .patient = std::string(parts[3]),
                          .sent_at = std::string(parts[4])};
}

inline Result<message::Converted> simple_convert(std::string_view bytes, const Source& source, std::string_view) {
    XINGLIN_TRY(message::Facts facts, simple_facts(bytes));
    const auto parts = text::split(bytes, '|');
    if (parts[6] == "?") return refuse(IssueCode::value, "VALUE-1", "is a question mark; send a number");
    json::Arena arena;
    message::Draft draft(arena, source.sender(), facts);
    const std::string patient =
        draft.put(message::stable_id(source.id, "Patient", parts[3]), arena.object({{"resourceType", arena.string("Patient")}}));
    draft.put(message::stable_id(source.id, "Observation", parts[5]),
              arena.object({{"resourceType", arena.string("Observation")},
                            {"status", arena.string("final")},
                            {"code", arena.object({{"text", arena.string(parts[5])}})},
                            {"subject", arena.object({{"reference", arena.string(patient)}})},
                            {"valueString", arena.string(parts[6])}}));
    message::Converted converted{.facts = std::move(facts)};
    if (parts[5].starts_with("tree")) {  // as converters do that hand over a value
        converted.arena = std::make_shared<json::Arena>();
        converted.tree = converted.arena->copy(draft.tree());
    } else {
        converted.bundle = draft.bundle();
    }
    return converted;
}

inline Format simple_format() {
    Format format{.name = "hl7v2"};
    format.glance = simple_facts;
    format.convert = simple_convert;
    return format;
}

/// Rows of a text file, each a message; a row "#" cannot be read, "##" ends what can, "wait FILE" waits for a file.
inline Format rows_format() {
    Format format = simple_format();
    format.name = "csv";
    format.split = [](const std::filesystem::path& file, const Source&, std::string_view,
                      const std::function<bool(Item)>& each) -> Result<Done> {
        const std::string content = testing::read_file(file);
        std::size_t number = 0;
        for (const std::string_view row : text::split(content, '\n')) {
            ++number;
            if (row.empty()) continue;
            if (row.starts_with("wait ")) {  // a long file: goes on when that file is there
                while (!std::filesystem::exists(row.substr(5))) std::this_thread::sleep_for(std::chrono::milliseconds(2));
                continue;
            }
            const std::string where = "row " + std::to_string(number);
            if (row == "##") return refuse(IssueCode::invalid, where, "the file is torn here; send it again");
            if (!each({where, std::string(row), row == "#" ? "is a comment" : ""})) break;
        }
        return Done{};
    };
    return format;
}

inline std::string simple(std::string_view control, std::string_view patient, std::string_view observation,
                          std::string_view value, std::string_view sent = "2026-11-22T08:00:00+08:00",
                          std::string_view application = "HIS") {
    return fmt::format("{}|H1|{}|{}|{}|{}|{}", application, control, patient, sent, observation, value);
}

/// A house with an intake: a record, a ledger, two sources ("a" over MLLP, "files" from a folder).
class TestIntake {
public:
    explicit TestIntake(const std::string& engine = "sqlite") : store_(engine == "postgres" ? testing::fresh_postgres() : "") {}
    ~TestIntake() { close(); }

    void open(Options options = {}) {
        close();
        record::Options of_record;
        of_record.store = store_;
        auto opened = record::Store::open(folder.path(), clock, of_record);
        ASSERT_TRUE(opened.ok()) << opened.outcome().line();
        record = std::move(*opened);
        ingest = std::make_unique<ingest::Transactions>(*record);
        options.data = folder.path();
        options.store = store_;
        options.threads = 2;
        auto made = Intake::open(options, *record, *ingest, clock, content, {simple_format(), rows_format(), fhir_format()});
        ASSERT_TRUE(made.ok()) << made.outcome().line();
        intake = std::move(*made);
        if (!intake->source("a")) add("a", "mllp", "hl7v2", R"({"senders":["HIS^H1"]})");
    }
    void close() {
        intake.reset();
        ingest.reset();
        record.reset();
    }
    void add(std::string_view id, std::string_view kind, std::string_view format, std::string_view settings = "{}") {
        json::Arena arena;
        const auto value = json::parse(
            fmt::format(R"({{"id":"{}","name":"{}","kind":"{}","format":"{}","settings":{}}})", id, id, kind, format, settings),
            arena);
        ASSERT_TRUE(value.ok());
        auto source = read_source(*value, intake->new_source());
        ASSERT_TRUE(source.ok()) << source.outcome().line();
        const auto saved = intake->save_source(*source, !intake->source(id));
        ASSERT_TRUE(saved.ok()) << saved.outcome().line();
    }
    Result<Receipt> send(std::string bytes, std::string source = "a") {
        Arrival arrival;
        arrival.source = std::move(source);
        arrival.bytes = std::move(bytes);
        return intake->receive_and_wait(std::move(arrival));
    }
    Result<Receipt> send_shared(std::string bytes) {
        Arrival arrival;
        arrival.format = "hl7v2";
        arrival.bytes = std::move(bytes);
        return intake->receive_and_wait(std::move(arrival));
    }
    /// "a: received 3 = stored 2 + rejected 1" of today, and that it balances.
    DayLine today(const std::string& source = "a") {
        const auto lines = intake->day((clock.now_ms() + 8 * 3'600'000) / 86'400'000, source);
        EXPECT_EQ(lines.size(), 1u);
        if (lines.empty()) return {};
        const Counts& counts = lines[0].counts;
        EXPECT_TRUE(lines[0].balanced) << counts.received << " = " << counts.stored << " + " << counts.rejected << " + "
                                       << counts.duplicate << " + " << counts.ignored << " + " << lines[0].waiting;
        return lines[0];
    }
    /// Value of an observation in the record; "" when there is none.
    std::string value(std::string_view observation, std::string_view source = "a") {
        const auto read = record->reader(access::Viewer::program("test"))
                              .read(*fhir::find_resource("Observation"), message::stable_id(source, "Observation", observation));
        if (!read.ok()) return "";
        json::Arena arena;
        return std::string((*json::parse(read->body, arena))["valueString"].string());
    }
    /// Every version of everything, without numbers and times, by address: versions one after the other.
    std::map<std::string, std::string> everything(record::Store& store) {
        std::map<std::string, std::string> all;
        auto reader = store.reader(access::Viewer::program("test"));
        reader.changes(0, reader.position(), [&](const record::Change& change) {
            all[fmt::format("{}/{}", change.type->name, change.id)] += change.text + "\n";
            return true;
        });
        return all;
    }

    testing::ScratchFolder folder;
    testing::StoppedClock clock;
    content::Files content;
    std::unique_ptr<record::Store> record;
    std::unique_ptr<ingest::Transactions> ingest;
    std::unique_ptr<Intake> intake;

private:
    std::string store_;
};

}  // namespace xinglin::intake
