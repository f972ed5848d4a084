// SPDX-License-Identifier: Apache-2.0
// Gathering figures by institution: who stands behind a source, what it is called, what its messages did.
#include "server/quality_report.h"

#include <fmt/format.h>

#include <algorithm>

namespace xinglin::server {

namespace {

constexpr std::int64_t day_ms = 86'400'000;

/// Organizations by id and by the source that told of them.
class Institutions {
public:
    explicit Institutions(House& house) : house_(house) {
        record::Reader reader = house.store->reader(access::Viewer::program("quality"));
        reader.scan(fhir::find_resource("Organization"), [&](const record::Version& version) {
            json::Arena arena;
            const auto organization = json::parse(version.body, arena, {.depth = 1'000, .bytes = version.body.size() + 1});
            if (!organization.ok()) return true;
            names_[version.id] = (*organization)["name"].string();
            constexpr std::string_view ours = "urn:xinglin:source:";
            const std::string_view source = (*organization)["meta"]["source"].string();
            if (!source.starts_with(ours)) return true;
            const std::string from(source.substr(ours.size(), source.find('#') - ours.size()));
            by_source_.emplace(from, version.id);
            told_by_[version.id] = from;
            return true;
        });
    }
    std::string of_source(const std::string& source) const {
        if (const auto known = house_.intake->source(source); known && !known->organization.empty()) {
            const std::size_t slash = known->organization.rfind('/');
            return slash == std::string::npos ? known->organization : known->organization.substr(slash + 1);
        }
        const auto found = by_source_.find(source);
        return found == by_source_.end() ? "source:" + source : found->second;
    }
    /// As the report calls whom the figures call `who`.
    std::string id_of(const std::string& who) const {
        if (who.empty()) return "-";
        if (who.starts_with("source:")) return of_source(who.substr(7));
        // Registered, or joined to what is: the same as the registries say.
        if (const registry::EntryPtr entry = house_.registry->now("Organization/" + who); entry && !entry->is_stray)
            return entry->id;
        // A document or a table calls the institution in its own way: what the source is set to counts.
        const auto told = told_by_.find(who);
        if (told == told_by_.end()) return who;
        const std::string id = of_source(told->second);
        return names_.contains(id) ? id : who;
    }
    bool is_registered(const std::string& id) const {
        const registry::EntryPtr entry = house_.registry->find("Organization/" + id);
        return entry && !entry->is_stray;
    }
    std::string name_of(const std::string& id) const {
        if (const auto found = names_.find(id); found != names_.end()) return found->second;
        if (!id.starts_with("source:")) return "";
        const auto source = house_.intake->source(id.substr(7));
        return source && !source->name.empty() ? source->name : id.substr(7);
    }

private:
    House& house_;
    std::map<std::string, std::string, std::less<>> names_, by_source_, told_by_;
};

void add_messages(House& house, const QualityAsked& asked, const Institutions& known,
                  std::map<std::string, QualityInstitution>& all) {
    const std::int64_t offset_ms = house.store->offset_minutes() * 60'000ll;
    for (const auto& [source, counts] :
         house.intake->received(asked.from * day_ms - offset_ms, (asked.to + 1) * day_ms - offset_ms)) {
        if (source == intake::unknown_source) continue;
        const std::string id = known.of_source(source);
        if (!asked.organization.empty() && id != asked.organization) continue;
        QualityInstitution& one = all[id];
        one.messages.received += counts.received;
        one.messages.rejected += counts.rejected;
        one.messages.duplicate += counts.duplicate;
        one.sources.push_back(source);
    }
}

}  // namespace

std::string day_text(std::int64_t day) {
    const calendar::Civil civil = calendar::civil_from_days(day);
    return fmt::format("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day);
}

quality::Sheet only_set(const quality::Sheet& sheet, const std::string& set) {
    quality::Sheet out;
    if (const auto found = sheet.find(set); found != sheet.end()) out.emplace(set, found->second);
    return out;
}

bool is_judged(const quality::Rulebook& book, const quality::Scores& scores) {
    return scores.total.has_value() && scores.volume >= book.scoring().few;
}

QualityReport quality_report(House& house, const QualityAsked& asked) {
    QualityReport report{.from = asked.from, .to = asked.to, .set = asked.set, .book = house.quality->book()};
    const Institutions known(house);
    std::map<std::string, QualityInstitution> all;
    for (const quality::Line& line : house.quality->figures({.from = asked.from, .to = asked.to, .set = asked.set})) {
        const std::string id = known.id_of(line.who);
        if (!asked.organization.empty() && id != asked.organization) continue;
        QualityInstitution& one = all[id];
        if (std::find(one.who.begin(), one.who.end(), line.who) == one.who.end()) one.who.push_back(line.who);
        one.sheet[line.set] += line.counts;
        one.days[line.day][line.set] += line.counts;
        report.sheet[line.set] += line.counts;
    }
    if (asked.set.empty()) add_messages(house, asked, known, all);
    for (auto& [id, one] : all) {
        one.id = id;
        one.name = known.name_of(id);
        one.is_registered = known.is_registered(id);
        one.scores = quality::score(*report.book, one.sheet, one.messages);
        report.institutions_judged += is_judged(*report.book, one.scores);
        report.institutions.push_back(std::move(one));
    }
    report.scores = quality::score(*report.book, report.sheet);
    std::stable_sort(report.institutions.begin(), report.institutions.end(),
                     [&](const QualityInstitution& a, const QualityInstitution& b) {
                         const bool judged_a = is_judged(*report.book, a.scores), judged_b = is_judged(*report.book, b.scores);
                         if (judged_a != judged_b) return judged_a;
                         return a.scores.total.value_or(101) < b.scores.total.value_or(101);
                     });
    return report;
}

}  // namespace xinglin::server
