// SPDX-License-Identifier: Apache-2.0
// Tables and shared documents for `xinglin intake`: csv:MAPPING, xlsx:MAPPING, cda.
#include "server/intake_table_formats.h"

#include <fmt/format.h>

#include "cda/cda.h"
#include "server/mapping_shelf.h"
#include "table/mapping.h"
#include "text/text.h"

namespace xinglin::server {

namespace fs = std::filesystem;

namespace {

class TableFormat : public IntakeFormat {
public:
    TableFormat(table::Mapping mapping, const content::Files& files, bool is_xlsx)
        : mapping_(std::move(mapping)), files_(files), terms_(files_, clock_), is_xlsx_(is_xlsx) {}

    bool takes(const fs::path& file) const override {
        const std::string suffix = text::lower_ascii(file.extension().string());
        return is_xlsx_ ? suffix == ".xlsx" : suffix == ".csv" || suffix == ".tsv" || suffix == ".txt";
    }

    Result<Done> read(const fs::path& file, const message::Sender& sender,
                      const std::function<void(IntakeItem)>& each) const override {
        auto opened = is_xlsx_ ? table::read_xlsx(table::Source::file(file), {.sheet = mapping_.sheet()})
                               : table::read_csv(table::Source::file(file), {.encoding = sender.encoding});
        if (!opened.ok()) return std::move(opened).outcome();
        table::ConversionOptions options;
        options.lookup = terminology_lookup(terms_);
        options.today = calendar::instant_text(clock_.now_ms()).substr(0, 10);
        XINGLIN_TRY(auto conversion, table::Conversion::begin(mapping_, sender, **opened, std::move(options)));
        for (table::Item item;; item = {}) {
            const auto more = conversion.next(item);
            if (!more.ok()) {  // what came before has been handed over; the rest is one line of the report
                each({"rest", "", "", more.outcome()});
                return Done{};
            }
            if (!*more) return Done{};
            give(item, each);
        }
    }

private:
    static void give(table::Item& item, const std::function<void(IntakeItem)>& each) {
        const auto name = [](std::uint64_t row) { return fmt::format("row {}", row); };
        IntakeItem first{name(item.rows.front()), "", "", Outcome{}};
        for (std::size_t i = 1; i < item.rows.size(); ++i) first.further.push_back(name(item.rows[i]));
        if (item.converted) {
            first.control_id = item.converted->facts.control_id;
            first.content = item.converted->bundle;
            first.result = std::move(*item.converted);
        } else {
            first.result = std::move(item.refusal);
        }
        each(std::move(first));
    }

    table::Mapping mapping_;
    content::Files files_;
    calendar::SystemClock clock_;
    terminology::Terminology terms_;
    bool is_xlsx_;
};

class CdaFormat : public IntakeFormat {
public:
    explicit CdaFormat(cda::Knowledge knowledge) : knowledge_(std::move(knowledge)) {}

    bool takes(const fs::path& file) const override {
        const std::string suffix = text::lower_ascii(file.extension().string());
        return suffix == ".xml" || suffix == ".cda";
    }

    Result<Done> read(const fs::path& file, const message::Sender& sender,
                      const std::function<void(IntakeItem)>& each) const override {
        XINGLIN_TRY(std::string bytes, read_message_file(file));
        auto converted = cda::convert(bytes, sender, knowledge_);
        const std::string control_id = converted.ok() ? converted->facts.control_id : "";
        each({"1", control_id, std::move(bytes), std::move(converted)});
        return Done{};
    }

private:
    cda::Knowledge knowledge_;
};

Result<std::unique_ptr<IntakeFormat>> make_table(std::string_view argument, const content::Files& files, bool is_xlsx) {
    if (argument.empty())
        return refuse(IssueCode::value, "FORMAT",
                      fmt::format("needs a mapping, as {}:clinic_visits or {}:my_mapping.json", is_xlsx ? "xlsx" : "csv",
                                  is_xlsx ? "xlsx" : "csv"));
    XINGLIN_TRY(table::Mapping mapping, MappingShelf(files, {}).load(argument));
    return std::unique_ptr<IntakeFormat>(std::make_unique<TableFormat>(std::move(mapping), files, is_xlsx));
}

}  // namespace

Result<std::unique_ptr<IntakeFormat>> make_csv(std::string_view argument, const content::Files& files) {
    return make_table(argument, files, false);
}

Result<std::unique_ptr<IntakeFormat>> make_xlsx(std::string_view argument, const content::Files& files) {
    return make_table(argument, files, true);
}

Result<std::unique_ptr<IntakeFormat>> make_cda(std::string_view, const content::Files& files) {
    XINGLIN_TRY(cda::Knowledge knowledge, cda::Knowledge::read(files));
    return std::unique_ptr<IntakeFormat>(std::make_unique<CdaFormat>(std::move(knowledge)));
}

}  // namespace xinglin::server
