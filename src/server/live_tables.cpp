// SPDX-License-Identifier: Apache-2.0
// Tables by their mappings, and national shared documents, as formats of messages.
#include <chrono>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>

#include <fmt/format.h>

#include "calendar/calendar.h"
#include "cda/cda.h"
#include "server/live_formats.h"
#include "table/mapping.h"

namespace xinglin::server {

namespace {

/// Mappings as they are now: read again when the last look is two seconds ago, because an operator may have saved another.
class Mappings {
public:
    explicit Mappings(MappingText text) : text_(std::move(text)) {}

    Result<table::Mapping> find(std::string_view name) {
        const std::lock_guard lock(mutex_);
        const auto now = std::chrono::steady_clock::now();
        Known& known = known_[std::string(name)];
        if (known.mapping && now - known.looked < std::chrono::seconds(2)) return *known.mapping;
        const auto text = text_(name);
        if (!text)
            return refuse(IssueCode::not_found, "mapping",
                          fmt::format("there is no mapping {}; see content/mappings or save one", name));
        known.looked = now;
        if (known.mapping && known.text == *text) return *known.mapping;
        XINGLIN_TRY(table::Mapping mapping, table::Mapping::read(*text));
        known.text = *text;
        known.mapping = std::move(mapping);
        return *known.mapping;
    }

private:
    struct Known {
        std::string text;
        std::optional<table::Mapping> mapping;
        std::chrono::steady_clock::time_point looked;
    };
    const MappingText text_;
    std::mutex mutex_;  // guards known_
    std::map<std::string, Known> known_;
};

std::string where_of(const table::Item& item) { return item.rows.empty() ? "row" : fmt::format("row {}", item.rows.front()); }

Result<Done> split(const std::filesystem::path& file, const intake::Source& source, const table::Mapping& mapping, bool is_xlsx,
                   const std::function<bool(intake::Item)>& each) {
    auto opened = is_xlsx ? table::read_xlsx(table::Source::file(file), {.sheet = mapping.sheet()})
                          : table::read_csv(table::Source::file(file), {.encoding = source.encoding});
    if (!opened.ok()) return std::move(opened).outcome();
    table::Rows& rows = **opened;
    table::ConversionOptions options;
    options.split_only = true;
    XINGLIN_TRY(table::Conversion conversion, table::Conversion::begin(mapping, source.sender(), rows, std::move(options)));
    for (;;) {
        table::Item item;
        XINGLIN_TRY(const bool more, conversion.next(item));
        if (!more) return Done{};
        intake::Item one{where_of(item), std::move(item.raw), ""};
        if (!item.refusal.issues.empty()) {
            one.where = item.refusal.issues.front().where;
            one.refusal = item.refusal.issues.front().what;
        }
        if (!each(std::move(one))) return Done{};
    }
}

/// The last day that a date of this source may name where its column says `not_future`.
std::string last_day(const intake::Source& source) {
    constexpr std::int64_t day_ms = 86'400'000, minute_ms = 60'000;
    const std::int64_t now_ms = calendar::SystemClock().now_ms() + source.offset_minutes * minute_ms;
    return calendar::instant_text(now_ms + source.ahead_days * day_ms).substr(0, 10);
}

intake::Format table_format(std::string name, std::shared_ptr<Mappings> mappings, const table::Lookup& lookup) {
    intake::Format format{.name = name};
    format.convert = [mappings, lookup](std::string_view bytes, const intake::Source& source,
                                        std::string_view variant) -> Result<message::Converted> {
        XINGLIN_TRY(const table::Mapping mapping, mappings->find(variant));
        table::ConversionOptions options;
        options.lookup = lookup;
        options.today = last_day(source);
        return table::convert_one(bytes, mapping, source.sender(), std::move(options));
    };
    format.split = [mappings, is_xlsx = name == "xlsx"](const std::filesystem::path& file, const intake::Source& source,
                                                        std::string_view variant, const auto& each) -> Result<Done> {
        XINGLIN_TRY(const table::Mapping mapping, mappings->find(variant));
        return split(file, source, mapping, is_xlsx, each);
    };
    return format;
}

}  // namespace

MappingText mapping_text(const std::filesystem::path& data, const content::Files& content) {
    return [data, &content](std::string_view name) -> std::optional<std::string> {
        if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") != std::string_view::npos)
            return std::nullopt;
        std::ifstream saved(data / "mappings" / (std::string(name) + ".json"), std::ios::binary);
        std::ostringstream text;
        if (saved && text << saved.rdbuf()) return std::move(text).str();
        for (auto& [known, json] : table::shelved(content)) {
            if (known == name) return std::move(json);
        }
        return std::nullopt;
    };
}

Result<Done> add_table_formats(const content::Files& content, const MappingText& mappings_text, const table::Lookup& lookup,
                               std::vector<intake::Format>& all) {
    const auto mappings = std::make_shared<Mappings>(mappings_text);  // shared by the functions of both formats
    all.push_back(table_format("csv", mappings, lookup));
    all.push_back(table_format("xlsx", mappings, lookup));
    XINGLIN_TRY(cda::Knowledge knowledge, cda::Knowledge::read(content));
    intake::Format documents{.name = "cda"};
    documents.glance = [knowledge](std::string_view bytes) { return cda::glance(bytes, knowledge); };
    documents.convert = [knowledge](std::string_view bytes, const intake::Source& source, std::string_view) {
        return cda::convert(bytes, source.sender(), knowledge);
    };
    all.push_back(std::move(documents));
    return Done{};
}

}  // namespace xinglin::server
