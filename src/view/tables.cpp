// SPDX-License-Identifier: Apache-2.0
// Tables as others see them: wishes in, states and rows out.
#include "view/tables.h"

#include <charconv>
#include <thread>

#include <fmt/format.h>

#include "view/follower.h"
#include "view/library.h"

namespace xinglin::view {

struct Tables::Inside {
    Inside(record::Store& store, const calendar::Clock& clock, TablesOptions given)
        : options(given), follower(store, clock, std::move(given)) {}

    TablesOptions options;
    std::mutex work_lock;  // held by whoever steps the follower
    Follower follower;
    struct Reader {
        std::unique_ptr<sql::Connection> connection;
        std::uint64_t of = 0;  // Follower::times_made when it was opened
    };
    std::mutex readers_lock;  // guards readers
    std::vector<Reader> readers;
    std::thread thread;

    void run();
    void give_up_connections() {
        follower.forget_connection();
        const std::lock_guard lock(readers_lock);
        readers.clear();
    }
    Reader take();
    void give_back(Reader reader) {
        const std::lock_guard lock(readers_lock);
        if (readers.size() < 4 && reader.of == follower.times_made()) readers.push_back(std::move(reader));
    }
};

Tables::Inside::Reader Tables::Inside::take() {
    const std::uint64_t made = follower.times_made();
    {
        const std::lock_guard lock(readers_lock);
        while (!readers.empty()) {
            Reader reader = std::move(readers.back());
            readers.pop_back();
            if (reader.of == made) return reader;
        }
    }
    return {sql::open(follower.place(), {.read_only = true, .cache_bytes = 8ll << 20}), made};
}

void Tables::Inside::run() {
    auto& shown = follower.shown();
    for (;;) {
        auto wait = options.poll;
        try {
            const std::lock_guard work(work_lock);
            if (!follower.step()) return;
        } catch (const std::exception& broken) {  // the disk, the connection, memory: tried again in a second
            const std::lock_guard lock(shown.lock);
            for (auto& [name, state] : shown.states) {
                state.state = "failed";
                state.error = broken.what();
            }
            wait = std::chrono::milliseconds(1'000);
            give_up_connections();
        }
        std::unique_lock lock(shown.lock);
        const std::uint64_t turns = shown.turns;
        shown.changed.wait_for(lock, wait, [&] { return shown.stopping || shown.turns != turns; });
        if (shown.stopping) return;
    }
}

Tables::Tables(record::Store& store, const calendar::Clock& clock, std::vector<Definition> views, TablesOptions options)
    : inside_(std::make_unique<Inside>(store, clock, std::move(options))) {
    {
        auto& shown = inside_->follower.shown();
        const std::lock_guard lock(shown.lock);
        for (Definition& view : views) {
            if (!check(view).ok()) continue;
            const std::string name = filed_name(view.name());
            shown.states[name] = {.name = view.name(), .state = "building"};
            shown.wanted.insert_or_assign(name, Wanted{std::move(view), 1});
        }
    }
    if (inside_->options.follow) inside_->thread = std::thread([this] { inside_->run(); });
}

Tables::~Tables() {
    {
        auto& shown = inside_->follower.shown();
        const std::lock_guard lock(shown.lock);
        shown.stopping = true;
        shown.changed.notify_all();
    }
    if (inside_->thread.joinable()) inside_->thread.join();
}

Result<Done> Tables::check(const Definition& view) {
    if (view.name().empty()) return refuse(IssueCode::required, "name", "is missing, a table needs one");
    if (view.name().size() > 50) return refuse(IssueCode::value, "name", "is longer than 50 characters");
    std::map<std::string, std::string> names;
    for (const Column& column : view.columns()) {
        if (column.name.size() > 63)
            return refuse(IssueCode::value, column.where + ".name", "is longer than 63 characters, which a table cannot have");
        const auto [known, is_new] = names.emplace(filed_name(column.name), column.name);
        if (!is_new)
            return refuse(IssueCode::duplicate, column.where + ".name",
                          fmt::format("differs from {} in case only, which is one name to a table", known->second));
    }
    if (view.columns().size() > 900)
        return refuse(IssueCode::too_costly, "select", "has more than 900 columns, which a table cannot have");
    return Done{};
}

Result<Done> Tables::keep(const Definition& view) {
    XINGLIN_CHECK(check(view));
    auto& shown = inside_->follower.shown();
    const std::lock_guard lock(shown.lock);
    const auto known = shown.wanted.find(filed_name(view.name()));
    // A turn of 1 may be fulfilled by a table found in the file; this one is to be made from what is given.
    const std::uint64_t turn = known == shown.wanted.end() ? 2 : known->second.turn + 1;
    shown.wanted.insert_or_assign(filed_name(view.name()), Wanted{view, turn});
    TableState& state = shown.states[filed_name(view.name())];
    state.name = view.name();
    state.state = "building";
    ++shown.turns;
    shown.changed.notify_all();
    return Done{};
}

void Tables::drop(std::string_view name) {
    auto& shown = inside_->follower.shown();
    const std::lock_guard lock(shown.lock);
    shown.wanted.erase(filed_name(name));
    shown.states.erase(filed_name(name));
    ++shown.turns;
    shown.changed.notify_all();
}

Result<Done> Tables::rebuild(std::string_view name) {
    auto& shown = inside_->follower.shown();
    const std::lock_guard lock(shown.lock);
    const auto known = shown.wanted.find(filed_name(name));
    if (known == shown.wanted.end()) return refuse(IssueCode::not_found, "name", "there is no table of this view, save it first");
    ++known->second.turn;
    shown.states[known->first].state = "building";
    ++shown.turns;
    shown.changed.notify_all();
    return Done{};
}

std::vector<TableState> Tables::states() const {
    auto& shown = inside_->follower.shown();
    const std::lock_guard lock(shown.lock);
    std::vector<TableState> all;
    for (const auto& [name, state] : shown.states) all.push_back(state);
    return all;
}

std::optional<TableState> Tables::state(std::string_view name) const {
    auto& shown = inside_->follower.shown();
    const std::lock_guard lock(shown.lock);
    const auto found = shown.states.find(filed_name(name));
    return found == shown.states.end() ? std::nullopt : std::optional(found->second);
}

void Tables::catch_up() {
    const std::lock_guard work(inside_->work_lock);
    try {
        inside_->follower.step();
    } catch (...) {
        inside_->give_up_connections();
        throw;
    }
}

namespace {
struct After {
    std::string id;
    std::int64_t row = -1;
};
std::optional<After> parse_after(std::string_view text) {
    if (text.empty()) return After{};
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    After after{std::string(text.substr(0, colon))};
    const auto end = std::from_chars(text.data() + colon + 1, text.data() + text.size(), after.row);
    return end.ec == std::errc() && end.ptr == text.data() + text.size() ? std::optional(after) : std::nullopt;
}
}  // namespace

Result<TablePage> Tables::rows(std::string_view name, std::string_view after, std::size_t count) const {
    const auto from = parse_after(after);
    if (!from) return refuse(IssueCode::value, "after", "is not what a page gave as next");
    auto reader = inside_->take();
    sql::Connection* const connection = reader.connection.get();
    connection->begin_read();
    TablePage page;
    auto& made = connection->prepare("SELECT definition, rows FROM views_table WHERE name = ?");
    made.bind(1, filed_name(name));
    const bool there = made.step();
    const std::string text = there ? std::string(made.text(0)) : "";
    page.total = there ? static_cast<std::uint64_t>(made.integer(1)) : 0;
    made.reset();
    if (!there) {
        connection->commit();
        inside_->give_back(std::move(reader));
        return refuse(IssueCode::not_found, "name", "there is no table of this view yet, see whether it is being built");
    }
    XINGLIN_TRY(const Definition definition, Definition::compile(text));
    page.columns.assign(definition.columns().begin(), definition.columns().end());
    std::string sql = "SELECT _id, _row";
    for (const Column& column : page.columns) sql += fmt::format(", \"{}\"", column.name);
    sql += fmt::format(" FROM \"{}\" WHERE (_id, _row) > (?, ?) ORDER BY _id, _row LIMIT ?", table_name(name, false));
    auto& query = connection->prepare(sql);
    query.bind(1, from->id).bind(2, from->row).bind(3, static_cast<std::int64_t>(count) + 1);
    std::string last;
    while (query.step()) {
        if (page.rows.size() == count) {
            page.next = last;
            query.reset();
            break;
        }
        std::string row = "[";
        for (std::size_t i = 0; i < page.columns.size(); ++i) {
            if (i > 0) row += ',';
            write_stored(query, static_cast<int>(i) + 2, storage_of(page.columns[i]), row);
        }
        page.rows.push_back(row + "]");
        last = fmt::format("{}:{}", query.text(0), query.integer(1));
    }
    connection->commit();
    inside_->give_back(std::move(reader));
    return page;
}

}  // namespace xinglin::view
