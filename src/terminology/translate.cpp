// SPDX-License-Identifier: Apache-2.0
// $translate: what a code is called in another system, by concept maps read from either side.
#include <algorithm>

#include "terminology/map_table.h"

namespace xinglin::terminology {

namespace {

constexpr std::size_t most_other_maps = 10;

/// Seen from the other side. Source: FHIR R4, concept-map-equivalence.
std::string_view turned(std::string_view equivalence) {
    constexpr std::pair<std::string_view, std::string_view> pairs[] = {
        {"wider", "narrower"}, {"narrower", "wider"}, {"subsumes", "specializes"}, {"specializes", "subsumes"}};
    for (const auto& [from, to] : pairs) {
        if (equivalence == from) return to;
    }
    return equivalence;
}

bool is_match(std::string_view equivalence) { return equivalence != "unmatched" && equivalence != "disjoint"; }

}  // namespace

MapTable::MapTable(json::Value concept_map) {
    for (const json::Node& node : concept_map["group"].items()) add_group(json::Value(&node));
    std::stable_sort(entries_.begin(), entries_.end(),
                     [this](const Entry& a, const Entry& b) { return text(a.code) < text(b.code); });
    by_target_.resize(entries_.size());
    for (std::uint32_t i = 0; i < by_target_.size(); ++i) by_target_[i] = i;
    std::stable_sort(by_target_.begin(), by_target_.end(),
                     [this](std::uint32_t a, std::uint32_t b) { return text(entries_[a].target) < text(entries_[b].target); });
    pool_.shrink_to_fit();
    entries_.shrink_to_fit();
}

Piece MapTable::keep(std::string_view text) {
    if (text.empty()) return {};
    const Piece piece{static_cast<std::uint32_t>(pool_.size()), static_cast<std::uint32_t>(text.size())};
    pool_ += text;
    return piece;
}

std::uint8_t MapTable::equivalence_number(std::string_view text) {
    const auto found = std::find(equivalences_.begin(), equivalences_.end(), text);
    if (found != equivalences_.end() || equivalences_.size() == 255)
        return static_cast<std::uint8_t>(found - equivalences_.begin());
    equivalences_.emplace_back(text);
    return static_cast<std::uint8_t>(equivalences_.size() - 1);
}

void MapTable::add_group(json::Value group) {
    const json::Value unmapped = group["unmapped"];
    const auto number = static_cast<std::uint32_t>(groups_.size());
    groups_.push_back({std::string(group["source"].string()), std::string(group["target"].string()),
                       std::string(unmapped["mode"].string()), std::string(unmapped["code"].string()),
                       std::string(unmapped["display"].string()), std::string(unmapped["url"].string())});
    for (const json::Node& node : group["element"].items()) {
        const json::Value element(&node);
        const Piece code = keep(element["code"].string()), display = keep(element["display"].string());
        for (const json::Node& target : element["target"].items()) {
            const json::Value to(&target);
            const std::string_view target_code = to["code"].string(), source_code = element["code"].string();
            // ICD's own shape: the target is the beginning of the source
            const Piece kept = !target_code.empty() && source_code.starts_with(target_code)
                                   ? Piece{code.at, static_cast<std::uint32_t>(target_code.size())}
                                   : keep(target_code);
            entries_.push_back({number, code, kept, keep(to["display"].string()), keep(to["comment"].string()), display,
                                equivalence_number(to["equivalence"].string())});
        }
    }
}

std::vector<const MapTable::Entry*> MapTable::find(std::string_view code, bool reverse) const {
    std::vector<const Entry*> found;
    if (reverse) {
        auto at = std::lower_bound(by_target_.begin(), by_target_.end(), code, [this](std::uint32_t i, std::string_view wanted) {
            return text(entries_[i].target) < wanted;
        });
        for (; at != by_target_.end() && text(entries_[*at].target) == code; ++at) found.push_back(&entries_[*at]);
        return found;
    }
    auto at = std::lower_bound(entries_.begin(), entries_.end(), code,
                               [this](const Entry& entry, std::string_view wanted) { return text(entry.code) < wanted; });
    for (; at != entries_.end() && text(at->code) == code; ++at) found.push_back(&*at);
    return found;
}

std::size_t MapTable::bytes() const { return pool_.capacity() + entries_.capacity() * sizeof(Entry) + by_target_.capacity() * 4; }

Result<std::shared_ptr<const MapTable>> MapKeeper::table(const Here& edition) {
    const std::string key = edition->where() + std::to_string(edition->offset);
    {
        const std::shared_lock lock(lock_);
        const auto found = kept_.find(key);
        if (found != kept_.end() && found->second.first == edition) return found->second.second;
    }
    json::Arena arena;
    XINGLIN_TRY(const json::Value resource, library_.resource(*edition, arena));
    auto table = std::make_shared<const MapTable>(resource);
    const std::unique_lock lock(lock_);
    kept_[key] = {edition, table};
    return table;
}

std::size_t MapKeeper::bytes() const {
    const std::shared_lock lock(lock_);
    std::size_t bytes = 0;
    for (const auto& [key, entry] : kept_) bytes += entry.second->bytes();
    return bytes;
}

namespace {

class Translator {
public:
    Translator(const Terminology& terminology, const TranslateRequest& request, Translation& answer)
        : terminology_(terminology), request_(request), answer_(answer) {}

    /// `follow`: reads another map, for codes that this one does not have.
    template <typename Follow>
    void use(const MapTable& table, const std::string& url, Follow follow) {
        std::vector<bool> mapped(table.groups().size());
        for (const MapTable::Entry* entry : table.find(request_.code, request_.reverse)) {
            const MapTable::Group& group = table.groups()[entry->group];
            const std::string& from = request_.reverse ? group.target : group.source;
            const std::string& to = request_.reverse ? group.source : group.target;
            if (!fits(from, request_.system) || !fits(to, request_.target_system)) continue;
            mapped[entry->group] = true;
            const std::string_view code = table.text(request_.reverse ? entry->code : entry->target);
            const std::string_view equivalence = request_.reverse ? turned(table.equivalence(*entry)) : table.equivalence(*entry);
            if (code.empty() && is_match(equivalence)) continue;
            add(equivalence, to, code, table.text(request_.reverse ? entry->source_display : entry->display), url,
                table.text(entry->comment));
        }
        if (request_.reverse) return;
        for (std::size_t i = 0; i < mapped.size(); ++i) {
            const MapTable::Group& group = table.groups()[i];
            if (mapped[i] || !fits(group.source, request_.system) || !fits(group.target, request_.target_system)) continue;
            if (group.unmapped_mode == "provided") add("equal", group.target, request_.code, "", url, "");
            if (group.unmapped_mode == "fixed")
                add("inexact", group.target, group.unmapped_code, group.unmapped_display, url, "");
            if (group.unmapped_mode == "other-map") follow(group.unmapped_map);
        }
    }

private:
    const Terminology& terminology_;
    const TranslateRequest& request_;
    Translation& answer_;

    static bool fits(std::string_view system, std::string_view wanted) {
        return wanted.empty() || system.empty() || Canonical(system).url == Canonical(wanted).url;
    }

    void add(std::string_view equivalence, const std::string& system, std::string_view code, std::string_view display,
             const std::string& url, std::string_view comment) {
        Translation::Match match{
            std::string(equivalence), {system, "", std::string(code), std::string(display)}, url, std::string(comment)};
        if (match.concept_.display.empty() && !code.empty()) match.concept_.display = terminology_.display(system, code);
        answer_.matches.push_back(std::move(match));
    }
};

}  // namespace

Result<Translation> Terminology::translate(const TranslateRequest& request) const {
    if (request.code.empty()) return refuse(IssueCode::required, "code", "is needed: which code is to be translated?");
    const Now now = library_->now();
    Translation answer;
    Translator translator(*this, request, answer);
    std::vector<std::string> seen;
    const std::function<void(const std::string&)> follow = [&](const std::string& url) {
        const Canonical named(url);
        if (seen.size() >= most_other_maps || std::find(seen.begin(), seen.end(), url) != seen.end())
            return;  // maps that send us round
        seen.push_back(url);
        const Here edition = library_->find(*now, Kind::map, named.url, named.version, request.date);
        if (!edition) return;
        if (const auto table = maps_->table(edition); table.ok()) translator.use(**table, edition->url, follow);
    };
    if (request.inline_definition) {
        if (request.inline_definition["resourceType"].string() != "ConceptMap")
            return refuse(IssueCode::invalid, "conceptMap", "expected a ConceptMap resource");
        translator.use(MapTable(request.inline_definition), std::string(request.inline_definition["url"].string()), follow);
    } else if (!request.map.empty()) {
        const Canonical named(request.map);
        if (!library_->find(*now, Kind::map, named.url, request.map_version.empty() ? named.version : request.map_version,
                            request.date))
            return refuse(IssueCode::not_found, "url", "the concept map " + std::string(named.url) + " is not known here");
        follow(request.map_version.empty() ? std::string(request.map)
                                           : std::string(named.url) + "|" + std::string(request.map_version));
    } else {
        if (request.system.empty()) return refuse(IssueCode::required, "system", "is needed when no map is named");
        const std::string_view source = request.reverse ? request.target : request.source,
                               target = request.reverse ? request.source : request.target;
        for (const auto& [url, editions] : now->maps) {
            const Here edition = library_->find(*now, Kind::map, url, "", request.date);
            if (!edition || (!source.empty() && edition->map_source != source) ||
                (!target.empty() && edition->map_target != target))
                continue;
            XINGLIN_TRY(const auto table, maps_->table(edition));
            translator.use(*table, edition->url, follow);
        }
    }
    answer.result =
        std::any_of(answer.matches.begin(), answer.matches.end(), [](const auto& match) { return is_match(match.equivalence); });
    if (!answer.result)
        answer.message =
            answer.matches.empty() ? "no concept map here has this code" : "the maps say that there is no such code there";
    return answer;
}

}  // namespace xinglin::terminology
