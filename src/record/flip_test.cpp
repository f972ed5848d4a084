// SPDX-License-Identifier: Apache-2.0
// One bit of the file is flipped: the store is refused by name, or verify says so, or nothing that is stored has changed.
// Whatever verify says, a damaged body is refused, never shown.
//
// XINGLIN_FLIPS says how many bits (default 120).
#include <gtest/gtest.h>

#include <fstream>

#include "record/body.h"
#include "record/test_workload.h"
#include "testing/power_disk.h"

namespace xinglin::record {
namespace {

bool is_packed(std::string_view bytes) { return bytes.starts_with("\x28\xb5\x2f\xfd"); }  // a frame of zstd

using Tables = std::vector<std::pair<std::string, int>>;  // name, columns

/// Asked of the sound file only: SQLite opens a table whose kind reads "Table" as any other.
Tables tables_of(const std::filesystem::path& file) {
    auto connection = sql::open_sqlite(file, {.cache_bytes = 1 << 20});
    Tables tables;
    auto& names = connection->prepare(
        "SELECT m.name, (SELECT count(*) FROM pragma_table_info(m.name)) FROM sqlite_schema m WHERE m.type = 'table' ORDER BY 1");
    while (names.step()) tables.emplace_back(names.text(0), static_cast<int>(names.integer(1)));
    return tables;
}

/// Every row of these tables, as text; nothing when SQLite itself finds the file damaged. Packed bodies are left to
/// versions_of: a frame has bits that mean nothing (RFC 8878 section 3.1.1.3.2.1, the reserved ones of the modes).
std::optional<std::string> rows_of(const std::filesystem::path& file, const Tables& tables) {
    try {
        auto connection = sql::open_sqlite(file, {.cache_bytes = 1 << 20});
        std::string all;
        for (const auto& [name, columns] : tables) {
            all += name + "\n";
            auto& rows = connection->prepare("SELECT * FROM \"" + name + "\"");
            while (rows.step()) {
                for (int column = 0; column < columns; ++column) {
                    std::string_view text = rows.text(column);
                    if (text == "0") text = {};  // one bit makes an empty value of a 0, which reads as 0
                    all += fmt::format("{}:{}|", rows.is_null(column) ? -1 : static_cast<int>(text.size()),
                                       is_packed(text) ? "packed" : text);
                }
                all += "\n";
            }
        }
        return all;
    } catch (const sql::Broken&) {
        return std::nullopt;
    }
}

/// Every version there ever was, in the order of the feed.
std::vector<std::string> versions_of(Store& store) {
    std::vector<std::string> versions;
    auto reader = store.reader(test_viewer());
    reader.changes(0, reader.position(), [&](const Change& change) {
        versions.push_back(
            fmt::format("{}/{} {} {} {}", change.type->name, change.id, change.version, change.updated_ms, change.text));
        return true;
    });
    return versions;
}

std::string text_of(const Version& version) {
    json::Arena arena;
    const auto parsed = json::parse(version.body, arena);
    std::string text = parsed.ok() ? body_text(*parsed).text : "not JSON";
    constexpr std::string_view meta = ",\"meta\":{}";  // none of them had any
    if (const auto at = text.find(meta); at != std::string::npos) text.erase(at, meta.size());
    return text;
}

TEST(Flip, OfAnyBitIsFoundAndNoDamagedBodyIsShown) {
    const std::uint64_t seed = testing::seed();
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    const testing::StoppedClock clock;
    testing::ScratchFolder scratch;
    testing::PowerDisk disk;  // for its speed
    const auto open = [&](const std::filesystem::path& folder) {
        return Store::open(folder, clock, {.cache_bytes = 1 << 20, .fresh_rows = 60, .offset_minutes = std::int16_t{0}});
    };
    const auto data = scratch.path() / "data";
    std::map<std::string, std::set<std::string>> texts;  // of every version, by "Type/id"
    std::vector<std::string> versions;
    {
        Workload workload(open(data).value(), {});
        workload.run(random(), 60, true);
        {
            auto reader = workload.store().reader(test_viewer());
            reader.changes(0, reader.position(), [&](const Change& change) {
                if (!change.deleted) texts[std::string(change.type->name) + "/" + change.id].insert(change.text);
                return true;
            });
        }
        versions = versions_of(workload.store());
        (void)workload.close();
    }
    const Tables tables = tables_of(data / "record.db");
    const auto before = rows_of(data / "record.db", tables);
    const std::string whole = testing::read_file(data / "record.db");
    const char* asked = std::getenv("XINGLIN_FLIPS");
    int refused = 0, found = 0, unused = 0;
    for (int i = 0; i < (asked ? std::atoi(asked) : 120) && !::testing::Test::HasFailure(); ++i) {
        const std::size_t byte = random() % whole.size(), bit = random() % 8;
        SCOPED_TRACE(fmt::format("bit {} of byte {} ({} of page {})", bit, byte, byte % 4096, byte / 4096 + 1));
        testing::ScratchFolder copy;
        std::string changed = whole;
        changed[byte] = static_cast<char>(changed[byte] ^ (1 << bit));
        std::ofstream(copy.path() / "record.db", std::ios::binary) << changed;
        auto store = open(copy.path());
        if (!store.ok()) {
            EXPECT_NE(store.outcome().line().find("record.db"), std::string::npos) << store.outcome().line();
            ++refused;
            continue;
        }
        const auto problems = (*store)->verify(true);
        std::optional<Reader> reader((*store)->reader(test_viewer()));
        for (const auto& [name, told] : texts) {
            const std::size_t slash = name.find('/');
            try {
                const auto read = reader->read(*fhir::find_resource(name.substr(0, slash)), name.substr(slash + 1));
                if (read.ok()) {
                    EXPECT_TRUE(told.contains(text_of(*read))) << name << " is shown as " << read->body;
                }
            } catch (const sql::Broken& broken) {
                EXPECT_FALSE(std::string_view(broken.what()).empty());
            }
        }
        reader.reset();
        if (problems.empty()) {
            EXPECT_EQ(versions_of(**store), versions) << "a version has changed and verify found nothing";
        }
        (void)close(std::move(*store));
        if (!problems.empty()) {
            ++found;
            continue;
        }
        EXPECT_EQ(rows_of(copy.path() / "record.db", tables), before) << "something stored has changed and verify found nothing";
        ++unused;
    }
    std::printf("%zu bytes; %d refused at opening, %d found by verify, %d in unused space\n", whole.size(), refused, found,
                unused);
}

}  // namespace
}  // namespace xinglin::record
