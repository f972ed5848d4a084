// SPDX-License-Identifier: Apache-2.0
// Writing figures of data quality down for others: Excel, and what goes into a letter.
#include "server/quality_papers.h"

#include <unistd.h>

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "table/sheet_writer.h"

namespace xinglin::server {

namespace {

constexpr std::int64_t day_ms = 86'400'000;

/// A file of its own, gone at the end.
class PassingFile {
public:
    PassingFile() {
        std::string pattern = (std::filesystem::temp_directory_path() / "xinglin-XXXXXX.xlsx").string();
        const int file = mkstemps(pattern.data(), 5);
        if (file >= 0) {
            close(file);
            path_ = pattern;
        }
    }
    ~PassingFile() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove(path_, ignored);
    }
    PassingFile(const PassingFile&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

class Workbook {
public:
    Workbook(const QualityReport& report, const ShownCounts& shown, const std::string& language, table::SheetWriter& writer)
        : report_(report), shown_(shown), language_(language), zh_(language != "en"), writer_(writer) {}

    Result<Done> write() {
        XINGLIN_CHECK(summary());
        XINGLIN_CHECK(by_set());
        XINGLIN_CHECK(failing());
        return writer_.close();
    }

private:
    const QualityReport& report_;
    const ShownCounts& shown_;
    const std::string& language_;
    const bool zh_;
    table::SheetWriter& writer_;

    std::string either(std::string_view zh, std::string_view en) const { return std::string(zh_ ? zh : en); }
    static table::Cell cell(const quality::Score& score) {
        return score ? table::Cell::count(std::round(*score * 100) / 100) : table::Cell{};
    }
    std::string name(const QualityInstitution& one) const {
        if (one.id == "-") return either("未注明机构", "Institution not said");
        return one.name.empty() ? one.id : one.name;
    }
    std::string title() const {
        return fmt::format("{} {} – {}", either("数据质量", "Data quality"), day_text(report_.from), day_text(report_.to));
    }
    void add_scores(std::vector<table::Cell>& cells, const quality::Scores& scores, const std::string& shown_as) const {
        const bool hidden = shown_.is_hidden(shown_as, scores.volume);
        cells.push_back(hidden ? table::Cell{} : cell(scores.total));
        for (const quality::Score& each : scores.of) cells.push_back(hidden ? table::Cell{} : cell(each));
        cells.push_back(hidden ? table::Cell::of(shown_.text(shown_as, scores.volume))
                               : table::Cell::count(static_cast<double>(scores.volume)));
    }
    void add_heads(std::vector<table::SheetColumn>& columns) const {
        for (const auto& [zh, en] : {std::pair("总分", "Score"),
                                     {"完整", "Complete"},
                                     {"及时", "In time"},
                                     {"有效", "Valid"},
                                     {"一致", "Consistent"},
                                     {"不重复", "Told once"},
                                     {"数据量", "Resources"}})
            columns.push_back({either(zh, en), 10});
    }

    Result<Done> summary() {
        std::vector<table::SheetColumn> columns{{either("机构", "Institution"), 32}, {either("机构编号", "Id"), 36}};
        add_heads(columns);
        for (const auto& [zh, en] : {std::pair("报文", "Messages"), {"拒收", "Rejected"}, {"重复", "Repeated"}})
            columns.push_back({either(zh, en), 10});
        columns.push_back({either("是否可评", "Judged"), 10});
        XINGLIN_CHECK(writer_.sheet(either("机构汇总", "Summary"), columns, title()));
        for (const QualityInstitution& one : report_.institutions) {
            std::vector<table::Cell> cells{table::Cell::of(name(one)), table::Cell::of(one.id)};
            add_scores(cells, one.scores, one.id);
            for (const std::int64_t count : {one.messages.received, one.messages.rejected, one.messages.duplicate})
                cells.push_back(table::Cell::count(static_cast<double>(count)));
            cells.push_back(
                table::Cell::of(is_judged(*report_.book, one.scores) ? either("是", "yes") : either("数据少", "too little")));
            XINGLIN_CHECK(writer_.row(cells));
        }
        return Done{};
    }

    Result<Done> by_set() {
        std::vector<table::SheetColumn> columns{{either("机构", "Institution"), 32}, {either("数据集", "Data set"), 22}};
        add_heads(columns);
        XINGLIN_CHECK(writer_.sheet(either("按数据集", "By data set"), columns, title()));
        for (const QualityInstitution& one : report_.institutions) {
            for (const quality::Set& set : report_.book->sets()) {
                const quality::Sheet sheet = only_set(one.sheet, set.id);
                if (sheet.empty()) continue;
                std::vector<table::Cell> cells{table::Cell::of(name(one)), table::Cell::of(set.name.in(language_))};
                add_scores(cells, quality::score(*report_.book, sheet), one.id + " " + set.id);
                XINGLIN_CHECK(writer_.row(cells));
            }
        }
        return Done{};
    }

    Result<Done> failing() {
        const std::vector<table::SheetColumn> columns{
            {either("机构", "Institution"), 32}, {either("数据集", "Data set"), 22}, {either("指标", "Measure"), 14},
            {either("规则", "Rule"), 40},        {either("检查", "Tested"), 10},     {either("未通过", "Failed"), 10},
            {either("占比", "Share"), 10},       {either("扣分", "Cost"), 10},       {either("整改办法", "How to mend it"), 60}};
        XINGLIN_CHECK(writer_.sheet(either("未通过的规则", "Failing rules"), columns, title()));
        constexpr std::string_view measures[] = {"完整", "及时", "有效", "一致", "不重复"};
        for (const QualityInstitution& one : report_.institutions) {
            for (const quality::Failing& each : quality::failing(*report_.book, one.sheet)) {
                const auto counts = one.sheet.find(each.set->id);
                if (shown_.is_hidden(one.id + " " + each.set->id, counts == one.sheet.end() ? 0 : counts->second.n) ||
                    shown_.is_hidden("tested", each.tested))
                    continue;
                XINGLIN_CHECK(writer_.row(
                    {table::Cell::of(name(one)), table::Cell::of(each.set->name.in(language_)),
                     table::Cell::of(
                         either(measures[static_cast<std::size_t>(each.rule->measure)], quality::text(each.rule->measure))),
                     table::Cell::of(each.rule->name.in(language_)), table::Cell::count(static_cast<double>(each.tested)),
                     table::Cell::count(static_cast<double>(each.failed)),
                     table::Cell::share(each.tested > 0 ? static_cast<double>(each.failed) / static_cast<double>(each.tested)
                                                        : 0),
                     table::Cell::count(std::round(each.cost * 1000) / 1000), table::Cell::of(each.rule->mend.in(language_))}));
            }
        }
        return Done{};
    }
};

/// Ids of some that failed a rule: the number of the message where there is one, and the resource.
std::vector<std::string> examples_of(House& house, const std::vector<quality::Example>& kept, const quality::Failing& failing,
                                     const access::Viewer& viewer, bool zh) {
    constexpr std::size_t most = 4;
    std::vector<std::string> out;
    record::Reader reader = house.store->reader(viewer);
    for (const quality::Example& each : kept) {
        if (each.set != failing.set->id || each.rule != failing.rule->id || out.size() == most) continue;
        const std::size_t slash = each.id.find('/');
        const fhir::Type* type = fhir::find_resource(each.id.substr(0, slash));
        if (!type) continue;
        const auto version = reader.read(*type, each.id.substr(slash + 1));
        if (!version.ok()) continue;
        json::Arena arena;
        const auto resource = json::parse(version->body, arena, {.depth = 1'000, .bytes = version->body.size() + 1});
        const std::string_view source = resource.ok() ? (*resource)["meta"]["source"].string() : std::string_view{};
        const std::size_t hash = source.find('#');
        std::string words = each.id;
        if (hash != std::string_view::npos)
            words = (zh ? "报文 " : "message ") + std::string(source.substr(hash + 1)) + (zh ? "，" : ", ") + words;
        out.push_back(std::move(words));
    }
    return out;
}

std::string letter_word(House& house, std::string_view member, const std::string& language, std::string absent) {
    json::Arena arena;
    const auto parsed = json::parse(arena.keep(house.content->read("quality/letter.json").value_or("{}")), arena);
    if (!parsed.ok()) return absent;
    const std::string_view found = (*parsed)[member][language].string();
    return found.empty() ? std::move(absent) : std::string(found);
}

}  // namespace

Result<std::string> quality_workbook(const QualityReport& report, const ShownCounts& shown, const std::string& language) {
    const PassingFile file;
    if (file.path().empty())
        return refuse(IssueCode::exception, "disk",
                      "a temporary file cannot be made, make room in the folder for temporary files");
    XINGLIN_TRY(auto writer, table::SheetWriter::create(file.path()));
    XINGLIN_CHECK(Workbook(report, shown, language, *writer).write());
    std::ifstream in(file.path(), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

quality::Letter quality_letter(House& house, const QualityReport& all, const QualityInstitution& one,
                               const access::Viewer& viewer, const std::string& language) {
    quality::Letter letter;
    letter.language = language;
    const bool zh = language != "en";
    letter.from = letter_word(house, "from", language, zh ? "区域卫生健康信息中心" : "Regional Health Information Centre");
    letter.contact = letter_word(house, "contact", language, "");
    letter.institution = one.name.empty() ? one.id : one.name;
    const std::int64_t today = (house.clock.now_ms() + house.store->offset_minutes() * 60'000ll) / day_ms;
    letter.first_day = day_text(all.from);
    letter.last_day = day_text(all.to);
    letter.issued = day_text(today);
    letter.mend_until = day_text(today + all.book->scoring().days_to_mend);
    letter.reference = fmt::format("{}〔{}〕{}-{}", zh ? "数质函" : "DQ", letter.issued.substr(0, 4),
                                   letter.issued.substr(5, 2) + letter.issued.substr(8, 2), one.id.substr(0, 6));
    letter.scores = one.scores;
    letter.of_all = all.scores;
    letter.messages = one.messages;
    letter.good = all.book->scoring().good;
    letter.fair = all.book->scoring().fair;
    letter.of_institutions = all.institutions_judged;
    for (std::int64_t i = 0; i < all.institutions_judged; ++i) {
        if (all.institutions[static_cast<std::size_t>(i)].id == one.id) letter.rank = all.institutions_judged - i;
    }
    letter.edition = house.quality->state().edition;
    for (const quality::Set& set : all.book->sets()) {
        const quality::Sheet sheet = only_set(one.sheet, set.id);
        if (!sheet.empty()) letter.sets.push_back({set.name.in(language), quality::score(*all.book, sheet)});
    }
    const auto kept = house.quality->examples(one.who, {.from = all.from, .to = all.to});
    for (const quality::Failing& each : quality::failing(*all.book, one.sheet)) {
        if (letter.problems.size() == 5) break;
        letter.problems.push_back({each.set->name.in(language), each.rule->name.in(language), each.rule->mend.in(language),
                                   each.tested, each.failed, each.cost, examples_of(house, kept, each, viewer, zh)});
    }
    return letter;
}

}  // namespace xinglin::server
