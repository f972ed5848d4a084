// SPDX-License-Identifier: Apache-2.0
// A record read beside the process that serves it.
#include "feed/feed.h"
#include "record/find.h"
#include "record/record.h"
#include "record/setting.h"

namespace xinglin::record {

struct Archive::Inside {
    std::unique_ptr<sql::Connection> connection;
    Numbers numbers;
    Compressor compressor;
    std::int16_t offset_minutes = 0;
    Context context() { return {*connection, numbers, compressor, offset_minutes}; }
};

Archive::Archive(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Archive::~Archive() = default;

Result<std::unique_ptr<Archive>> Archive::open(const std::filesystem::path& folder) {
    const auto file = folder / "record.db";
    auto inside = std::make_unique<Inside>();
    try {
        inside->connection = sql::open_sqlite(file, {.read_only = true, .cache_bytes = 16 << 20});
        inside->connection->begin_read();
        inside->numbers = read_numbers(*inside->connection);
        inside->offset_minutes =
            static_cast<std::int16_t>(std::stoi(setting(*inside->connection, "offset_minutes").value_or("0")));
        auto& query = inside->connection->prepare("SELECT number, tid, bytes FROM record_dictionary ORDER BY number");
        while (query.step()) inside->compressor.add_dictionary(query.integer(0), query.integer(1), query.text(2));
    } catch (const std::exception& broken) {
        return refuse(IssueCode::exception, file.string(), std::string("cannot be read (") + broken.what() + ")");
    }
    return std::make_unique<Archive>(std::move(inside));
}

Position Archive::position() { return feed::last(*inside_->connection).position; }
Position Archive::position_at(std::int64_t ms) { return feed::position_at(*inside_->connection, ms); }
std::int16_t Archive::offset_minutes() const { return inside_->offset_minutes; }
void Archive::changes(Position after, Position upto, const std::function<bool(const Change&)>& each) {
    for_each_change(inside_->context(), after, upto, {}, each);
}

}  // namespace xinglin::record
