// SPDX-License-Identifier: Apache-2.0
// /api/v1/quality: figures of data quality by institution, data set and day. Counts, and ids for those who may read them; no person.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/quality_papers.h"
#include "server/route.h"
#include "server/small_counts.h"

namespace xinglin::server {

namespace {

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::int64_t most_days = 3'660, usual_days = 30, days_ahead = 60;

bool may_see(Visit& visit) {
    if (visit.viewer.may_operate() || visit.viewer.may_administer() || visit.viewer.role == access::Role::planner) return true;
    visit.refuse(
        refuse(IssueCode::forbidden, "role", "only administrators, operators and planners see the figures of data quality"));
    return false;
}

Result<QualityAsked> asked_of(Visit& visit) {
    const std::int64_t today = (visit.house.clock.now_ms() + visit.house.store->offset_minutes() * 60'000ll) / day_ms;
    const auto day_of = [&](std::string_view name, std::int64_t absent) -> Result<std::int64_t> {
        const std::string text = visit.parameter(name);
        if (text.empty()) return absent;
        const auto moment = calendar::parse_date(text);
        if (!moment || moment->precision != calendar::Precision::day)
            return refuse(IssueCode::value, std::string(name), "must be a day, 2026-11-22");
        return calendar::days_from_civil(moment->year, moment->month, moment->day);
    };
    QualityAsked asked;
    // Where senders' clocks run ahead, as those of a made-up city do, the newest day is not today.
    XINGLIN_TRY(asked.to, day_of("to", std::max(today, visit.house.quality->newest_day(today + days_ahead).value_or(today))));
    XINGLIN_TRY(asked.from, day_of("from", asked.to - usual_days + 1));
    if (asked.from > asked.to) return refuse(IssueCode::value, "from", "must not be after to");
    if (asked.to - asked.from >= most_days) return refuse(IssueCode::too_costly, "from", "at most ten years at once");
    asked.organization = visit.parameter("organization");
    asked.set = visit.parameter("set");
    if (!asked.set.empty() && !visit.house.quality->book()->set(asked.set))
        return refuse(IssueCode::not_found, "set", "there is no such data set, /api/v1/quality/rules lists them");
    return asked;
}

json::Value number(json::Arena& arena, quality::Score score) {
    return score ? arena.number(fmt::format("{:.2f}", *score)) : arena.null();
}

/// Where the volume (`name`) may not be told, scores are not either: two thirds say that there were three.
json::Value scores_json(json::Arena& arena, const quality::Scores& scores, bool judged, const ShownCounts& shown,
                        const std::string& name, std::vector<std::pair<std::string_view, json::Value>> members) {
    const bool hidden = shown.is_hidden(name, scores.volume);
    members.emplace_back("score", number(arena, hidden ? quality::Score{} : scores.total));
    members.emplace_back("judged", arena.boolean(judged));
    for (std::size_t i = 0; i < quality::measures; ++i)
        members.emplace_back(quality::text(static_cast<quality::Measure>(i)),
                             number(arena, hidden ? quality::Score{} : scores.of[i]));
    members.emplace_back("volume", shown.value(arena, name, scores.volume));
    return arena.object(members);
}

json::Value words_json(json::Arena& arena, const quality::Words& words) {
    return arena.object({{"zh-CN", arena.string(words.zh)}, {"en", arena.string(words.en)}});
}

/// `who`: an institution and a space, "" for all.
json::Value sets_json(json::Arena& arena, const quality::Rulebook& book, const quality::Sheet& sheet, const ShownCounts& shown,
                      const std::string& who) {
    std::vector<json::Value> out;
    for (const quality::Set& set : book.sets()) {
        const quality::Sheet one = only_set(sheet, set.id);
        if (one.empty()) continue;
        const quality::Scores scores = quality::score(book, one);
        out.push_back(scores_json(arena, scores, is_judged(book, scores), shown, who + set.id,
                                  {{"set", arena.string(set.id)}, {"name", words_json(arena, set.name)}}));
    }
    return arena.array(out);
}

json::Value trend_json(json::Arena& arena, const quality::Rulebook& book, const std::map<std::int64_t, quality::Sheet>& days,
                       const ShownCounts& shown, const std::string& who) {
    std::vector<json::Value> out;
    for (const auto& [day, sheet] : days) {
        const quality::Scores scores = quality::score(book, sheet);
        const std::string name = who + "/" + day_text(day);
        const bool hidden = shown.is_hidden(name, scores.volume);
        out.push_back(arena.object({{"day", arena.string(day_text(day))},
                                    {"score", number(arena, hidden ? quality::Score{} : scores.total)},
                                    {"volume", shown.value(arena, name, scores.volume)}}));
    }
    return arena.array(out);
}

json::Value institution_json(json::Arena& arena, const quality::Rulebook& book, const QualityInstitution& one,
                             const ShownCounts& shown) {
    std::vector<json::Value> sources;
    for (const std::string& source : one.sources) sources.push_back(arena.string(source));
    return scores_json(arena, one.scores, is_judged(book, one.scores), shown, one.id,
                       {{"id", arena.string(one.id)},
                        {"name", arena.string(one.name)},
                        {"registered", arena.boolean(one.is_registered)},
                        {"messages", arena.object({{"received", arena.number(one.messages.received)},
                                                   {"rejected", arena.number(one.messages.rejected)},
                                                   {"duplicate", arena.number(one.messages.duplicate)}})},
                        {"sources", arena.array(sources)},
                        {"sets", sets_json(arena, book, one.sheet, shown, one.id + " ")},
                        {"trend", trend_json(arena, book, one.days, shown, one.id)}});
}

json::Value scoring_json(json::Arena& arena, const quality::Scoring& scoring) {
    std::vector<std::pair<std::string_view, json::Value>> weights;
    for (std::size_t i = 0; i < quality::measures; ++i)
        weights.emplace_back(quality::text(static_cast<quality::Measure>(i)),
                             arena.number(fmt::format("{:g}", scoring.weights[i])));
    return arena.object({{"weights", arena.object(weights)},
                         {"good", arena.number(fmt::format("{:g}", scoring.good))},
                         {"fair", arena.number(fmt::format("{:g}", scoring.fair))},
                         {"few", arena.number(scoring.few)},
                         {"days_to_mend", arena.number(std::int64_t{scoring.days_to_mend})}});
}

json::Value state_json(House& house, json::Arena& arena) {
    const quality::State state = house.quality->state();
    return arena.object(
        {{"edition", arena.number(state.edition)},
         {"building", arena.boolean(state.building)},
         {"done", arena.number(state.done)},
         {"behind", arena.number(std::max<std::int64_t>(0, state.record_position - state.position))},
         {"measured_at", state.measured_ms > 0 ? arena.string(calendar::instant_text(state.measured_ms)) : arena.null()},
         {"differences", state.differences >= 0 ? arena.number(state.differences) : arena.null()},
         {"error", arena.string(state.error)}});
}

void overview(Visit& visit) {
    if (!may_see(visit)) return;
    const auto asked = asked_of(visit);
    if (!asked.ok()) return visit.refuse(asked.outcome());
    const QualityReport report = quality_report(visit.house, *asked);
    json::Arena arena;
    const ShownCounts shown = shown_quality(visit.house, report, sees_counts(visit.viewer));
    std::vector<json::Value> institutions;
    std::map<std::int64_t, quality::Sheet> days;
    for (const QualityInstitution& one : report.institutions) {
        institutions.push_back(institution_json(arena, *report.book, one, shown));
        for (const auto& [day, sheet] : one.days) {
            for (const auto& [set, counts] : sheet) days[day][set] += counts;
        }
    }
    visit.answer(200, arena.object({{"from", arena.string(day_text(report.from))},
                                    {"to", arena.string(day_text(report.to))},
                                    {"all", scores_json(arena, report.scores, true, shown, "",
                                                        {{"institutions", arena.number(report.institutions_judged)},
                                                         {"sets", sets_json(arena, *report.book, report.sheet, shown, "")},
                                                         {"trend", trend_json(arena, *report.book, days, shown, "")}})},
                                    {"institutions", arena.array(institutions)},
                                    {"scoring", scoring_json(arena, report.book->scoring())},
                                    {"state", state_json(visit.house, arena)}}));
}

/// Examples of one rule: resources for those who may read records, messages for those who may run the platform.
json::Value examples_json(Visit& visit, json::Arena& arena, const std::vector<quality::Example>& all,
                          const quality::Failing& failing) {
    constexpr std::size_t most = 5;
    std::vector<json::Value> out;
    record::Reader reader = visit.house.store->reader(visit.viewer);
    for (const quality::Example& each : all) {
        if (each.set != failing.set->id || each.rule != failing.rule->id || out.size() == most) continue;
        const std::size_t slash = each.id.find('/');
        const fhir::Type* type = fhir::find_resource(each.id.substr(0, slash));
        const auto version = type ? reader.read(*type, each.id.substr(slash + 1)) : Result<record::Version>(Outcome{});
        if (!version.ok()) continue;  // gone since
        json::Arena inside;
        const auto resource = json::parse(version->body, inside, {.depth = 1'000, .bytes = version->body.size() + 1});
        const std::string_view source = resource.ok() ? (*resource)["meta"]["source"].string() : std::string_view{};
        constexpr std::string_view ours = "urn:xinglin:source:";
        json::Value message;
        if (const std::size_t hash = source.find('#'); source.starts_with(ours) && hash != std::string_view::npos) {
            const auto times = visit.house.intake->times(std::string(source.substr(ours.size(), hash - ours.size())),
                                                         std::string(source.substr(hash + 1)));
            if (times && visit.viewer.may_operate()) message = arena.string(std::to_string(times->number));
        }
        if (visit.viewer.may_read())
            visit.house.write_down(visit.viewer, visit.request, "quality", 200, type->name, version->id, "example");
        out.push_back(arena.object({{"type", arena.string(type->name)},
                                    {"id", visit.viewer.may_read() ? arena.string(version->id) : json::Value{}},
                                    {"message", message}}));
    }
    return arena.array(out);
}

json::Value failing_json(Visit& visit, json::Arena& arena, const QualityReport& report, const QualityInstitution& one,
                         const ShownCounts& shown, bool examples) {
    std::vector<quality::Example> kept;
    if (examples) kept = visit.house.quality->examples(one.who, {.from = report.from, .to = report.to, .set = report.set});
    // What is tested is what there is of the set: as hidden as that.
    const auto is_hidden = [&](const quality::Failing& each) {
        const auto counts = one.sheet.find(each.set->id);
        return shown.is_hidden(one.id + " " + each.set->id, counts == one.sheet.end() ? 0 : counts->second.n) ||
               shown.is_hidden("tested", each.tested);
    };
    const auto of_set = [&](const quality::Failing& each, std::int64_t count) {
        return is_hidden(each) ? arena.string("*") : arena.number(count);
    };
    std::vector<json::Value> out;
    for (const quality::Failing& each : quality::failing(*report.book, one.sheet)) {
        out.push_back(arena.object({{"set", arena.string(each.set->id)},
                                    {"set_name", words_json(arena, each.set->name)},
                                    {"rule", arena.string(each.rule->id)},
                                    {"measure", arena.string(quality::text(each.rule->measure))},
                                    {"name", words_json(arena, each.rule->name)},
                                    {"mend", words_json(arena, each.rule->mend)},
                                    {"tested", of_set(each, each.tested)},
                                    {"failed", of_set(each, each.failed)},
                                    {"cost", is_hidden(each) ? arena.null() : arena.number(fmt::format("{:.3f}", each.cost))},
                                    {"examples", examples ? examples_json(visit, arena, kept, each) : json::Value{}}}));
    }
    return arena.array(out);
}

void institution(Visit& visit) {
    if (!may_see(visit)) return;
    auto asked = asked_of(visit);
    if (!asked.ok()) return visit.refuse(asked.outcome());
    asked->organization = visit.holes[0];
    const QualityReport report = quality_report(visit.house, *asked);
    if (report.institutions.empty())
        return visit.refuse(
            refuse(IssueCode::not_found, "id", "has no figures in this period; widen from and to, or check the id"));
    const QualityInstitution& one = report.institutions.front();
    const bool examples = visit.viewer.may_operate() || visit.viewer.may_read();
    const ShownCounts shown = shown_quality(visit.house, report, sees_counts(visit.viewer));
    visit.house.write_down(visit.viewer, visit.request, "quality", 200, "Organization",
                           one.id.find(':') == std::string::npos ? one.id : "",
                           day_text(report.from) + " to " + day_text(report.to));
    json::Arena arena;
    visit.answer(200, arena.object({{"from", arena.string(day_text(report.from))},
                                    {"to", arena.string(day_text(report.to))},
                                    {"institution", institution_json(arena, *report.book, one, shown)},
                                    {"failing", failing_json(visit, arena, report, one, shown, examples)},
                                    {"scoring", scoring_json(arena, report.book->scoring())}}));
}

void rules(Visit& visit) {
    if (!may_see(visit)) return;
    const auto book = visit.house.quality->book();
    json::Arena arena;
    std::vector<json::Value> sets;
    for (const quality::Set& set : book->sets()) {
        std::vector<json::Value> all;
        for (const quality::Rule& rule : set.rules)
            all.push_back(arena.object({{"rule", arena.string(rule.id)},
                                        {"measure", arena.string(quality::text(rule.measure))},
                                        {"weight", arena.number(fmt::format("{:g}", rule.weight))},
                                        {"name", words_json(arena, rule.name)},
                                        {"mend", words_json(arena, rule.mend)}}));
        std::vector<json::Value> other;
        for (const double hours : set.other_hours) other.push_back(arena.number(fmt::format("{:g}", hours)));
        sets.push_back(arena.object({{"set", arena.string(set.id)},
                                     {"name", words_json(arena, set.name)},
                                     {"resource", arena.string(set.type->name)},
                                     {"hours", set.hours > 0 ? arena.number(fmt::format("{:g}", set.hours)) : arena.null()},
                                     {"other_hours", arena.array(other)},
                                     {"rules", arena.array(all)}}));
    }
    std::vector<json::Value> editions;
    for (const quality::KeptEdition& each : visit.house.quality->editions())
        editions.push_back(arena.object({{"edition", arena.number(each.number)},
                                         {"state", arena.string(each.state)},
                                         {"made_at", arena.string(calendar::instant_text(each.made_ms))}}));
    visit.answer(200, arena.object({{"scoring", scoring_json(arena, book->scoring())},
                                    {"sets", arena.array(sets)},
                                    {"editions", arena.array(editions)},
                                    {"state", state_json(visit.house, arena)}}));
}

std::string language_of(const Visit& visit) { return visit.parameter("lang") == "en" ? "en" : "zh-CN"; }

void send_file(Visit& visit, std::string_view type, const std::string& name, bool inside, std::string bytes) {
    http::Response response = http::Response::text(200, type, std::move(bytes));
    response.headers.set("Cache-Control", "no-store");
    response.headers.set("Content-Disposition", std::string(inside ? "inline" : "attachment") + "; filename=\"" + name + "\"");
    visit.respond(std::move(response));
}

void workbook(Visit& visit) {
    if (!may_see(visit)) return;
    const auto asked = asked_of(visit);
    if (!asked.ok()) return visit.refuse(asked.outcome());
    const QualityReport report = quality_report(visit.house, *asked);
    auto bytes = quality_workbook(report, shown_quality(visit.house, report, sees_counts(visit.viewer)), language_of(visit));
    if (!bytes.ok()) return visit.refuse(bytes.outcome());
    visit.house.write_down(visit.viewer, visit.request, "export", 200, "", "", "quality.xlsx");
    send_file(visit, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
              "quality-" + day_text(report.from) + "-" + day_text(report.to) + ".xlsx", false, std::move(*bytes));
}

/// Examples are ids, so the letter is for those who run the platform.
void letter(Visit& visit) {
    if (!visit.viewer.may_operate())
        return visit.refuse(
            refuse(IssueCode::forbidden, "role", "only administrators and operators write letters to institutions"));
    auto asked = asked_of(visit);
    if (!asked.ok()) return visit.refuse(asked.outcome());
    if (asked->organization.empty())
        return visit.refuse(refuse(IssueCode::required, "organization", "is missing: the id of the institution to write to"));
    const std::string id = std::exchange(asked->organization, "");
    const QualityReport all = quality_report(visit.house, *asked);
    const auto one = std::find_if(all.institutions.begin(), all.institutions.end(),
                                  [&](const QualityInstitution& each) { return each.id == id; });
    if (one == all.institutions.end())
        return visit.refuse(
            refuse(IssueCode::not_found, "organization", "has no figures in this period; widen from and to, or check the id"));
    auto bytes = quality::letter_pdf(
        quality_letter(visit.house, all, *one, access::Viewer::program("quality letter"), language_of(visit)));
    if (!bytes.ok()) return visit.refuse(bytes.outcome());
    visit.house.write_down(visit.viewer, visit.request, "letter", 200, "Organization",
                           id.find(':') == std::string::npos ? id : "", "");
    send_file(visit, "application/pdf", "letter-" + day_text(all.from) + "-" + day_text(all.to) + ".pdf", true,
              std::move(*bytes));
}

void measure_anew(Visit& visit) {
    if (!visit.viewer.may_operate())
        return visit.refuse(
            refuse(IssueCode::forbidden, "role", "only administrators and operators have everything measured anew"));
    visit.house.quality->measure_anew();
    visit.house.write_down(visit.viewer, visit.request, "quality", 202, "", "", "measure anew");
    json::Arena arena;
    visit.answer(202, arena.object({{"state", state_json(visit.house, arena)}}));
}

constexpr Route routes[] = {
    {"GET", "/api/v1/quality", Who::logged_in,
     "Data quality by institution: ?from &to (days; without them the last 30 days with figures) &organization &set. Scores 0 to "
     "100; null: not measured. "
     "judged: enough resources to judge by. For administrators, operators and planners.",
     "",
     R"({"from":"2026-10-24","to":"2026-11-22","all":{"institutions":41,"score":93.10,"sets":[],"trend":[]},"institutions":[{"id":"…","name":"…","registered":true,"score":88.20,"judged":true,"completeness":91.00,"timeliness":70.10,"validity":99.20,"consistency":99.90,"duplicates":98.00,"volume":1200,"messages":{"received":900,"rejected":3,"duplicate":12},"sources":["renmin"],"sets":[{"set":"outpatient-visit","score":90.00}],"trend":[{"day":"2026-11-22","score":88.00,"volume":40}]}],"scoring":{"good":95,"fair":85,"few":20},"state":{"edition":1,"building":false,"behind":0}})",
     overview},
    {"GET", "/api/v1/quality/institutions/{id}", Who::logged_in,
     "One institution: its sets, its trend, and the rules that failed, worst first, with examples: ids of resources for those "
     "who read records, of "
     "messages for those who run the platform. Is audited.",
     "",
     R"({"from":"…","to":"…","institution":{"id":"…","score":88.20},"failing":[{"set":"person","rule":"resident-id","measure":"completeness","tested":300,"failed":14,"cost":0.321,"examples":[{"type":"Patient","id":"…","message":"812"}]}]})",
     institution},
    {"GET", "/api/v1/quality/rules", Who::logged_in,
     "What is asked of data, in plain words, and the editions that figures are kept of.", "",
     R"({"scoring":{"weights":{"completeness":0.3}},"sets":[{"set":"person","name":{"zh-CN":"…","en":"…"},"resource":"Patient","hours":null,"rules":[]}],"editions":[{"edition":1,"state":"shown"}]})",
     rules},
    {"GET", "/api/v1/quality.xlsx", Who::logged_in,
     "The same as a workbook: sheets summary, by data set, failing rules; ?lang=zh-CN or en. Is audited.", "", "an XLSX file",
     workbook},
    {"GET", "/api/v1/quality/letter", Who::logged_in,
     "A letter to an institution as PDF: ?organization &from &to &lang. For administrators and operators. Is audited.", "",
     "a PDF file", letter},
    {"POST", "/api/v1/quality/measure", Who::logged_in,
     "Measures the whole record anew, beside the figures shown, and compares: state.differences then says how many lines "
     "differed.",
     "", R"({"state":{"edition":1,"building":true}})", measure_anew},
};

}  // namespace

std::span<const Route> quality_routes() { return routes; }

}  // namespace xinglin::server
