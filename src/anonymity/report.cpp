// SPDX-License-Identifier: Apache-2.0
// The report that goes with a release: what was done to reach k, and what risk stays.
#include "anonymity/anonymity.h"

namespace xinglin::anonymity {

namespace {

using json::Value;

Value number(json::Arena& arena, std::uint64_t value) { return arena.number(static_cast<std::int64_t>(value)); }
Value real(json::Arena& arena, double value) { return arena.number(fmt::format("{:.4f}", value)); }
struct Said {
    std::string_view zh, en;
};
Value words(json::Arena& arena, const auto& text) {
    return arena.object({{"zh", arena.string(text.zh)}, {"en", arena.string(text.en)}});
}

Value risks(json::Arena& arena, const Risks& all) {
    return arena.object({{"share_above", real(arena, all.share_above)},
                         {"highest", real(arena, all.highest)},
                         {"average", real(arena, all.average)}});
}

Value measured(json::Arena& arena, const Measured& all) {
    std::vector<Value> sizes;
    for (const auto& [name, counts] : all.sizes)
        sizes.push_back(arena.object(
            {{"size", arena.string(name)}, {"classes", number(arena, counts[0])}, {"persons", number(arena, counts[1])}}));
    const double share = all.persons == 0 ? 0 : static_cast<double>(all.below_k) / static_cast<double>(all.persons);
    return arena.object({{"persons", number(arena, all.persons)},
                         {"suppressed", number(arena, all.suppressed)},
                         {"classes", number(arena, all.classes)},
                         {"smallest_class", number(arena, all.smallest)},
                         {"persons_below_k", number(arena, all.below_k)},
                         {"share_below_k", real(arena, share)},
                         {"sizes", arena.array(sizes)},
                         {"persons_below_l", number(arena, all.below_l)},
                         {"least_distinct", number(arena, all.least_distinct)},
                         {"least_entropy_l", real(arena, all.least_entropy_l)},
                         {"most_t", real(arena, all.most_t)},
                         {"information_lost", real(arena, all.loss)},
                         {"prosecutor", risks(arena, all.prosecutor)},
                         {"journalist", risks(arena, all.journalist)},
                         {"marketer", real(arena, all.marketer)}});
}

constexpr Said limits[] = {
    {"k 只按上列准标识符计算。就诊日期（已按人平移）、诊断、用药和检验结果的组合本身也可能认出某个人，未计入。",
     "k counts the quasi-identifiers above only. Dates of visits (shifted by person), diagnoses, medicines and results can point "
     "at somebody "
     "by their combination; they are not counted."},
    {"多次发布不得合并使用：同一人在两次发布中的类别可以相交。每次发布有自己的假名和日期偏移。",
     "Releases must not be put together: classes of two releases can be intersected. Each has pseudonyms and shifts of its own."},
    {"机构以假名出现，但从规模和服务项目可能推知是哪一家。",
     "Institutions are pseudonyms, yet size and services may tell which one it is."},
    {"敏感属性按表中的诊断类别计算，其他诊断不受 l 保护。",
     "The sensitive attribute is the groups of diagnoses of the rules; l guards no other diagnosis."},
};

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else if (c == '&') out += "&amp;";
        else if (c == '"') out += "&quot;";
        else out += c;
    }
    return out;
}

std::string both(std::string_view zh, std::string_view en) { return fmt::format("{} <i>{}</i>", escaped(zh), escaped(en)); }
std::string row(const std::string& name, const std::string& before, const std::string& after) {
    return fmt::format("<tr><th>{}</th><td>{}</td><td>{}</td></tr>\n", name, before, after);
}
std::string percent(double share) { return fmt::format("{:.2f} %", share * 100); }
double share_of(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

constexpr std::string_view style =
    "body{font:15px/1.6 system-ui,'Noto Sans CJK SC',sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1f2a27}"
    "h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}i{color:#5d6b66;font-style:normal;font-size:.85em;margin-left:.3em}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #dfe5e2}"
    "td{font-variant-numeric:tabular-nums}.no{color:#a3321f}.yes{color:#1d6b4f}@media print{body{margin:0}}";

std::string figures(const Measured& before, const Measured& after, const Goals& goals) {
    const auto plain = [](std::uint64_t value) { return fmt::format("{}", value); };
    const auto two = [](double value) { return fmt::format("{:.2f}", value); };
    std::string out =
        "<table><tr><th></th><th>" + both("处理前", "before") + "</th><th>" + both("发布时", "as released") + "</th></tr>\n";
    out += row(both("人数", "persons"), plain(before.persons), plain(after.persons));
    out += row(both("整人删除", "suppressed persons"), plain(before.suppressed), plain(after.suppressed));
    out += row(both("等价类", "classes"), plain(before.classes), plain(after.classes));
    out += row(both("最小等价类", "smallest class"), plain(before.smallest), plain(after.smallest));
    out += row(both(fmt::format("不足 {} 人的等价类中的人", goals.k), fmt::format("persons in classes below {}", goals.k)),
               plain(before.below_k) + " · " + percent(share_of(before.below_k, before.persons)),
               plain(after.below_k) + " · " + percent(share_of(after.below_k, after.persons)));
    out += row(both("最少不同敏感值（l）", "least distinct sensitive values (l)"), plain(before.least_distinct),
               plain(after.least_distinct));
    out += row(both("最小熵 l", "least entropy l"), two(before.least_entropy_l), two(after.least_entropy_l));
    out += row(both("与总体的最大距离（t）", "largest distance to the whole (t)"), two(before.most_t), two(after.most_t));
    out += row(both("检察官风险：最高、平均", "prosecutor risk: highest, average"),
               percent(before.prosecutor.highest) + " · " + percent(before.prosecutor.average),
               percent(after.prosecutor.highest) + " · " + percent(after.prosecutor.average));
    out += row(both("记者风险：最高、平均", "journalist risk: highest, average"),
               percent(before.journalist.highest) + " · " + percent(before.journalist.average),
               percent(after.journalist.highest) + " · " + percent(after.journalist.average));
    out += row(both("营销者风险", "marketer risk"), percent(before.marketer), percent(after.marketer));
    out += row(both("丢失的信息", "information lost"), percent(before.loss), percent(after.loss));
    return out + "</table>\n";
}

std::string size_table(const Measured& before, const Measured& after) {
    std::string out = "<h2>" + both("等价类的大小", "sizes of classes") + "</h2>\n<table><tr><th>" + both("人数", "persons") +
                      "</th><th>" + both("处理前", "before") + "</th><th>" + both("发布时", "as released") + "</th></tr>\n";
    for (std::size_t i = 0; i < after.sizes.size(); ++i) {
        const auto cell = [i](const Measured& of) {
            return fmt::format("{} ({})", of.sizes[i].second[0], of.sizes[i].second[1]);
        };
        out += row(after.sizes[i].first, cell(before), cell(after));
    }
    return out + "</table>\n";
}

}  // namespace

std::string why_not(const Rules& rules, const Found& found) {
    if (found.reached || !rules.goals.refuses_when_missed) return "";
    return fmt::format(
        "k = {} and l = {} cannot be reached with at most {} % of the {} persons left out: release more persons, or lower k, "
        "l or suppressed_most_percent in deidentify/release.json (--content), or let it say \"when_missed\": \"release\"",
        rules.goals.k, rules.goals.l, rules.goals.suppressed_most_percent, found.before.persons);
}

Value report_json(const Rules& rules, const Found& found, const Release& release, json::Arena& arena) {
    std::vector<Value> quasi, told;
    for (std::size_t i = 0; i < rules.quasi.size(); ++i) {
        const std::uint8_t level = found.after.node[i];
        quasi.push_back(arena.object({{"name", arena.string(rules.quasi[i].name)},
                                      {"title", words(arena, rules.quasi[i].title)},
                                      {"level", number(arena, level)},
                                      {"of", number(arena, rules.quasi[i].levels.size())},
                                      {"told_as", words(arena, rules.quasi[i].levels[level].title)}}));
    }
    for (const Said& each : limits) told.push_back(words(arena, each));
    return arena.object({{"release", arena.string(release.name)},
                         {"made_at", arena.string(release.made_at)},
                         {"rules", arena.string(rules.edition)},
                         {"rules_of_elements", arena.string(release.edition)},
                         {"key", arena.string(release.key_mark)},
                         {"k", number(arena, rules.goals.k)},
                         {"l", number(arena, rules.goals.l)},
                         {"suppressed_most_percent", real(arena, rules.goals.suppressed_most_percent)},
                         {"reached", arena.boolean(found.reached)},
                         {"quasi", arena.array(quasi)},
                         {"before", measured(arena, found.before)},
                         {"after", measured(arena, found.after)},
                         {"nodes", number(arena, found.nodes)},
                         {"nodes_tried", number(arena, found.tried)},
                         {"minimal_nodes", number(arena, found.minimal.size())},
                         {"resources_left_out", number(arena, release.left_out)},
                         {"rare_diagnoses", number(arena, release.rare_codes)},
                         {"persons_joined", arena.boolean(release.persons_joined)},
                         {"limits", arena.array(told)}});
}

std::string report_page(const Rules& rules, const Found& found, const Release& release) {
    std::string out = fmt::format(
        "<!doctype html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width,initial-scale=1\"><title>{0}</title><style>{1}</style></head><body>\n<h1>{2}</h1>\n"
        "<p>{0} · {3}</p>\n<p class=\"{4}\">{5}</p>\n",
        escaped(release.name), style, both("去标识化发布：残余风险报告", "De-identified release: residual risk"),
        escaped(release.made_at), found.reached ? "yes" : "no",
        found.reached
            ? both(fmt::format("达到 k = {}、l = {}", rules.goals.k, rules.goals.l),
                   fmt::format("k = {}, l = {} reached", rules.goals.k, rules.goals.l))
            : both(fmt::format("未达到 k = {}、l = {}，按规则仍然发布", rules.goals.k, rules.goals.l),
                   fmt::format("k = {}, l = {} not reached, released because the rules say so", rules.goals.k, rules.goals.l)));
    out += "<h2>" + both("准标识符怎样说出", "how quasi-identifiers are told") + "</h2>\n<table>";
    for (std::size_t i = 0; i < rules.quasi.size(); ++i) {
        const Quasi& quasi = rules.quasi[i];
        const Level& level = quasi.levels[found.after.node[i]];
        out += row(both(quasi.title.zh, quasi.title.en), both(level.title.zh, level.title.en),
                   fmt::format("{} / {}", found.after.node[i], quasi.levels.size() - 1));
    }
    out += "</table>\n<h2>" + both("数字", "figures") + "</h2>\n" + figures(found.before, found.after, rules.goals);
    out += size_table(found.before, found.after) + "<h2>" + both("这份报告没有说的", "what this report does not say") +
           "</h2>\n<ul>";
    for (const Said& each : limits) out += fmt::format("<li>{}<br><i>{}</i></li>\n", escaped(each.zh), escaped(each.en));
    out += fmt::format("</ul>\n<p><i>{} · {} · {} · {}</i></p>\n</body></html>\n", escaped(rules.edition),
                       escaped(release.edition), escaped(release.key_mark), release.persons_joined ? "persons" : "Patients");
    return out;
}

}  // namespace xinglin::anonymity
