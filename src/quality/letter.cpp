// SPDX-License-Identifier: Apache-2.0
// What the letter says, in either language.
#include "quality/letter.h"

#include <fmt/format.h>

#include <algorithm>

#include "calendar/calendar.h"
#include "quality/page.h"

namespace xinglin::quality {

namespace {

constexpr std::size_t most_problems = 5, most_examples = 5, most_sets = 30;
constexpr Style red_head{.size = 22, .bold = true, .align = PANGO_ALIGN_CENTER, .red = 0.72, .green = 0.1, .blue = 0.08};
constexpr Style heading{.size = 12, .bold = true};
constexpr Style body{.size = 11};
constexpr Style cell{.size = 9.5};
constexpr Style note{.size = 8.5, .red = 0.35, .green = 0.42, .blue = 0.46};

std::string grouped(std::int64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
    return digits;
}
/// One decimal; what is not whole never reads 100.
std::string said(const Score& score) {
    if (!score) return "—";
    if (*score >= 100) return "100";
    return fmt::format("{:.1f}", std::min(*score, 99.9));
}

class Writer {
public:
    Writer(const Letter& letter, Pages& pages) : letter_(letter), pages_(pages), zh_(letter.language != "en") {}

    void write() {
        head();
        overall();
        by_set();
        problems();
        what_to_do();
        signature();
    }

private:
    const Letter& letter_;
    Pages& pages_;
    const bool zh_;

    std::string either(std::string_view zh, std::string_view en) const { return std::string(zh_ ? zh : en); }
    std::string institution() const { return tidy(letter_.institution, 60); }
    std::string day(const std::string& iso) const {
        if (!zh_ || !calendar::parse_date(iso) || iso.size() != 10) return tidy(iso, 20);
        return fmt::format("{}年{}月{}日", iso.substr(0, 4), std::atoi(iso.substr(5, 2).c_str()),
                           std::atoi(iso.substr(8, 2).c_str()));
    }
    void text(const std::string& words, double gap = 6) {
        Style style = body;
        if (zh_) style.indent = 22;
        pages_.paragraph(words, style, gap);
    }
    std::string grade() const {
        if (!letter_.scores.total) return either("未评", "not judged");
        const double shown = std::stod(said(letter_.scores.total));
        return shown >= letter_.good   ? either("优良", "good")
               : shown >= letter_.fair ? either("一般", "fair")
                                       : either("较差", "poor");
    }

    void head() {
        pages_.paragraph(tidy(letter_.from, 40), red_head, 8);
        pages_.rule(1.6, red_head, 6);
        Style right = note;
        right.align = PANGO_ALIGN_RIGHT;
        pages_.paragraph(tidy(letter_.reference, 60), right, 14);
        Style title{.size = 16, .bold = true, .align = PANGO_ALIGN_CENTER};
        pages_.paragraph(zh_ ? "关于" + institution() + "数据质量情况的函" : "On the quality of the data of " + institution(),
                         title, 16);
        Style addressee = body;
        addressee.bold = true;
        pages_.paragraph(zh_ ? institution() + "：" : "To: " + institution(), addressee, 6);
        text(zh_ ? fmt::format("现将贵单位{}至{}上报数据的质量情况函告如下，请据此整改。", day(letter_.first_day),
                               day(letter_.last_day))
                 : fmt::format("This is how the data stands that you sent from {} to {}, and what to mend.", letter_.first_day,
                               letter_.last_day),
             10);
    }

    void overall() {
        pages_.keep(120);
        pages_.paragraph(either("一、总体情况", "1. Overall"), heading, 4);
        std::string words = zh_ ? fmt::format("本期共收到数据{}条", grouped(letter_.scores.volume))
                                : fmt::format("{} resources arrived", grouped(letter_.scores.volume));
        if (letter_.messages.received > 0)
            words += zh_ ? fmt::format("（报文{}条，其中拒收{}条、重复{}条）", grouped(letter_.messages.received),
                                       grouped(letter_.messages.rejected), grouped(letter_.messages.duplicate))
                         : fmt::format(" ({} messages, of which {} rejected, {} repeated)", grouped(letter_.messages.received),
                                       grouped(letter_.messages.rejected), grouped(letter_.messages.duplicate));
        words += zh_ ? fmt::format("，综合得分{}分，等级为“{}”", said(letter_.scores.total), grade())
                     : fmt::format("; the score is {} ({})", said(letter_.scores.total), grade());
        if (letter_.rank > 0)
            words += zh_ ? fmt::format("，在{}家可评机构中列第{}位", letter_.of_institutions, letter_.rank)
                         : fmt::format(", place {} of {} institutions", letter_.rank, letter_.of_institutions);
        text(words + either("。", "."), 6);
        const std::vector<Pages::Column> columns(7, {1.0 / 7, PANGO_ALIGN_CENTER});
        row(columns,
            {either("", ""), either("总分", "Score"), either("完整", "Complete"), either("及时", "In time"),
             either("有效", "Valid"), either("一致", "Consistent"), either("不重复", "Told once")},
            true);
        row(columns, scores_row(either("贵单位", "You"), letter_.scores), false);
        row(columns, scores_row(either("全部机构", "All"), letter_.of_all), false);
        pages_.gap(12);
    }
    static std::vector<std::string> scores_row(std::string name, const Scores& scores) {
        std::vector<std::string> cells{std::move(name), said(scores.total)};
        for (const Score& each : scores.of) cells.push_back(said(each));
        return cells;
    }
    void row(const std::vector<Pages::Column>& columns, const std::vector<std::string>& cells, bool head) {
        Style style = cell;
        style.bold = head;
        pages_.row(columns, cells, style, head);
    }

    void by_set() {
        pages_.keep(80);
        pages_.paragraph(either("二、各数据集", "2. By data set"), heading, 4);
        std::vector<Pages::Column> columns{{0.27}, {0.11, PANGO_ALIGN_RIGHT}};
        for (int i = 0; i < 5; ++i) columns.push_back({0.1, PANGO_ALIGN_RIGHT});
        columns.push_back({0.12, PANGO_ALIGN_RIGHT});
        row(columns,
            {either("数据集", "Data set"), either("得分", "Score"), either("完整", "Compl."), either("及时", "In time"),
             either("有效", "Valid"), either("一致", "Consist."), either("不重复", "Once"), either("数据量", "Resources")},
            true);
        for (std::size_t i = 0; i < std::min(letter_.sets.size(), most_sets); ++i) {
            auto cells = scores_row(tidy(letter_.sets[i].set, 40), letter_.sets[i].scores);
            cells.push_back(grouped(letter_.sets[i].scores.volume));
            row(columns, cells, false);
        }
        pages_.gap(12);
    }

    void problems() {
        pages_.keep(80);
        pages_.paragraph(either("三、主要问题", "3. What is wrong"), heading, 4);
        if (letter_.problems.empty()) text(either("本期没有未通过的规则。", "No rule failed."), 10);
        for (std::size_t i = 0; i < std::min(letter_.problems.size(), most_problems); ++i) {
            const LetterProblem& each = letter_.problems[i];
            const double share =
                each.tested > 0 ? 100.0 * static_cast<double>(each.failed) / static_cast<double>(each.tested) : 0;
            pages_.keep(64);
            Style strong = body;
            strong.bold = true;
            pages_.paragraph(fmt::format("{}. {}{}{}", i + 1, tidy(each.set, 40), either("：", ": "), tidy(each.name, 80)),
                             strong, 2);
            text(zh_ ? fmt::format("检查{}条，未通过{}条（{:.1f}%），扣{:.2f}分。", grouped(each.tested), grouped(each.failed),
                                   share, each.cost)
                     : fmt::format("{} tested, {} failed ({:.1f}%), costing {:.2f} points.", grouped(each.tested),
                                   grouped(each.failed), share, each.cost),
                 2);
            text(either("整改办法：", "How to mend it: ") + tidy(each.mend, 200), 2);
            Style small = note;
            small.indent = zh_ ? 22 : 0;
            for (std::size_t j = 0; j < std::min(each.examples.size(), most_examples); ++j)
                pages_.paragraph(either("例：", "Example: ") + tidy(each.examples[j], 90), small, 1);
            pages_.gap(6);
        }
        pages_.gap(4);
    }

    void what_to_do() {
        pages_.keep(90);
        pages_.paragraph(either("四、整改要求", "4. What to do"), heading, 4);
        text(zh_ ? fmt::format("请对照上述问题逐项整改，于{}"
                               "前完成，并将更正后的数据沿用原业务编号重新上报。平台收到后自动重新计算，无须另行报告；"
                               "对规则或数字有异议的，请在同一期限内书面提出。",
                               day(letter_.mend_until))
                 : fmt::format(
                       "Mend these by {} and send the corrected data under its former numbers. The platform measures it as it "
                       "arrives, "
                       "no report is needed. Whoever disagrees with a rule or a figure, say so in writing by the same day.",
                       letter_.mend_until),
             6);
        text(tidy(letter_.contact, 120), 24);
    }

    void signature() {
        pages_.keep(90);
        Style right = body;
        right.align = PANGO_ALIGN_RIGHT;
        pages_.paragraph(tidy(letter_.from, 40) + either("（盖章）", " (seal)"), right, 4);
        pages_.paragraph(day(letter_.issued), right, 20);
        pages_.rule(0.5, note, 4);
        pages_.paragraph(
            zh_ ? fmt::format("本函由平台按数据质量规则（第{}"
                              "版）自动计算，不含个人信息；举例只列报文号和资源编号，可据此在本单位系统中查找原始记录。",
                              letter_.edition)
                : fmt::format("Measured by the platform's rules (edition {}). It names no person: examples are numbers of "
                              "messages and ids of resources.",
                              letter_.edition),
            note, 0);
    }
};

}  // namespace

Result<std::string> letter_pdf(const Letter& letter) {
    Pages pages(letter.language == "en" ? "Data quality: " + tidy(letter.institution, 60)
                                        : "数据质量函：" + tidy(letter.institution, 60));
    if (!pages.can_write("函年月日机构数据质量"))
        return refuse(IssueCode::exception, "font",
                      "no font with Chinese characters is installed, install fonts-wqy-microhei or fonts-noto-cjk");
    Writer(letter, pages).write();
    std::string bytes = pages.finish();
    if (bytes.empty()) return refuse(IssueCode::exception, "letter", "could not be written, memory may be short; try again");
    return bytes;
}

}  // namespace xinglin::quality
