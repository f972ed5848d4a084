// SPDX-License-Identifier: Apache-2.0
// Looking entries up: lists, codes, the tree.
#include "registry/catalogue.h"

#include <algorithm>

#include "text/text.h"

namespace xinglin::registry {

namespace {

constexpr std::size_t deepest = 64;  // levels of a hierarchy that anyone walks

/// Whom an entry names, each once.
std::set<std::string> named_by(const Entry& entry) {
    std::set<std::string> all;
    for (const std::string* each : {&entry.parent, &entry.organization, &entry.practitioner, &entry.department}) {
        if (!each->empty()) all.insert(*each);
    }
    return all;
}

bool is_organization(Kind kind) { return kind == Kind::institution || kind == Kind::department; }
bool is_place(Kind kind) { return kind == Kind::site || kind == Kind::ward || kind == Kind::bed; }

/// What a tree shows below `parent`.
bool is_part(const Entry& entry, std::string_view parent) {
    if (is_organization(entry.kind) || entry.kind == Kind::area) return entry.parent == parent;
    if (is_place(entry.kind)) return entry.parent == parent || (entry.parent.empty() && entry.organization == parent);
    return false;
}

bool before(const Entry& a, const Entry& b) {
    if (a.kind != b.kind) return a.kind < b.kind;
    if (a.kind == Kind::institution && a.class_code != b.class_code)
        return a.class_code.empty() != b.class_code.empty() ? b.class_code.empty() : a.class_code < b.class_code;
    if (a.kind == Kind::area && a.area != b.area) return a.area < b.area;
    if (a.order != b.order) return a.order < b.order;
    return a.id < b.id;
}

bool fits(const Entry& entry, const Question& question) {
    if (question.kinds.empty() && (entry.kind == Kind::role || entry.kind == Kind::affiliation))
        return false;  // they join others
    if (!question.kinds.empty() && std::find(question.kinds.begin(), question.kinds.end(), entry.kind) == question.kinds.end())
        return false;
    if (!question.area.empty() && !entry.area.starts_with(question.area)) return false;
    if (!question.class_code.empty() && !entry.class_code.starts_with(question.class_code)) return false;
    if (!question.state.empty() && entry.state != question.state) return false;
    if (!question.at.empty() && !entry.is_in_force(question.at)) return false;
    return question.source.empty() || entry.source == question.source;
}

int name_rank(std::string_view folded, std::string_view word, int worst) {
    if (folded == word) return worst - 2;
    return folded.starts_with(word) ? worst - 1 : worst;
}

}  // namespace

std::string matched_by(const Entry& entry, const std::vector<std::string>& words, int& rank) {
    rank = 0;
    if (words.empty()) return {};
    for (const std::string& word : words) {
        if (entry.search.find(word) == std::string::npos) return {};
    }
    const std::string& word = words.front();
    for (const Code& code : entry.codes) {
        if (text::fold(code.value) == word) return rank = code.is_current ? 0 : 1, code.is_current ? "code" : "former_code";
    }
    for (const Name& name : entry.names) {
        const std::string folded = text::fold(name.text);
        if (folded.find(word) != std::string::npos)
            return rank = name_rank(folded, word, name.is_current ? 4 : 7), name.is_current ? "name" : "former_name";
    }
    for (const Code& code : entry.codes) {
        if (text::fold(code.value).find(word) != std::string::npos) return rank = 9, code.is_current ? "code" : "former_code";
    }
    const bool begins = entry.search.find('\n' + word) != std::string::npos;
    rank = begins ? 10 : 11;
    std::string firsts;
    text::spell(entry.name(), [&](std::string_view syllable, bool) {
        if (!syllable.empty()) firsts += syllable.front();
    });
    return firsts.find(word) != std::string::npos ? "initials" : "pinyin";
}

void Catalogue::put(EntryPtr entry) {
    const std::string reference = entry->reference();
    erase(reference);
    for (const std::string& each : named_by(*entry)) pointing_[each].insert(reference);
    for (const Code& code : entry->codes) by_code_[text::fold(code.value)].insert(reference);
    entries_.emplace(reference, std::move(entry));
}

void Catalogue::erase(std::string_view reference) {
    const auto found = entries_.find(std::string(reference));
    if (found == entries_.end()) return;
    const auto drop = [&](auto& map, const std::string& key) {
        const auto at = map.find(key);
        if (at == map.end()) return;
        at->second.erase(found->first);
        if (at->second.empty()) map.erase(at);
    };
    for (const std::string& each : named_by(*found->second)) drop(pointing_, each);
    for (const Code& code : found->second->codes) drop(by_code_, text::fold(code.value));
    entries_.erase(found);
}

void Catalogue::clear() {
    entries_.clear();
    by_code_.clear();
    pointing_.clear();
}

EntryPtr Catalogue::find(std::string_view reference) const {
    const auto found = entries_.find(std::string(reference));
    return found == entries_.end() ? nullptr : found->second;
}

std::unordered_set<std::string> Catalogue::within(const std::string& reference) const {
    std::unordered_set<std::string> seen{reference};
    std::vector<std::string> open{reference};
    if (const EntryPtr self = find(reference); self && self->kind == Kind::area && !self->area.empty()) {
        for (const auto& [key, entry] : entries_) {
            if (entry->kind == Kind::institution && entry->area.starts_with(self->area) && seen.insert(key).second)
                open.push_back(key);
        }
    }
    while (!open.empty()) {
        const std::string at = std::move(open.back());
        open.pop_back();
        const auto named = pointing_.find(at);
        if (named == pointing_.end()) continue;
        for (const std::string& each : named->second) {
            if (!seen.insert(each).second) continue;
            const EntryPtr entry = find(each);
            if (!entry) continue;
            if (entry->kind == Kind::role) seen.insert(entry->practitioner);  // who works there belongs to it
            if (is_organization(entry->kind) || is_place(entry->kind) || entry->kind == Kind::area) open.push_back(each);
            if (entry->kind == Kind::affiliation && entry->parent == at && seen.insert(entry->organization).second)
                open.push_back(entry->organization);
        }
    }
    return seen;
}

Listed Catalogue::list(const Question& question) const {
    struct Ranked {
        int rank;
        Hit hit;
    };
    std::vector<std::string> words;
    const std::string folded = text::fold(question.q);
    for (const std::string_view word : text::split(folded, ' ')) {
        if (!word.empty() && words.size() < 8) words.emplace_back(word);
    }
    std::unordered_set<std::string> inside;
    if (!question.within.empty()) inside = within(question.within);
    std::vector<Ranked> all;
    for (const auto& [reference, entry] : entries_) {
        if (!fits(*entry, question) || (!question.within.empty() && !inside.contains(reference))) continue;
        int rank = 0;
        std::string matched = matched_by(*entry, words, rank);
        if (!words.empty() && matched.empty()) continue;
        all.push_back({rank, {entry, std::move(matched)}});
    }
    const std::size_t end = std::min(all.size(), question.skip + question.count);
    std::partial_sort(
        all.begin(), all.begin() + static_cast<std::ptrdiff_t>(end), all.end(),
        [](const Ranked& a, const Ranked& b) { return a.rank != b.rank ? a.rank < b.rank : before(*a.hit.entry, *b.hit.entry); });
    Listed out{.total = all.size()};
    for (std::size_t i = question.skip; i < end; ++i) out.hits.push_back(std::move(all[i].hit));
    return out;
}

std::vector<Known> Catalogue::who_has(std::string_view code, std::string_view system, std::string_view at) const {
    std::vector<Known> out;
    const auto found = by_code_.find(text::fold(code));
    if (found == by_code_.end()) return out;
    for (const std::string& reference : found->second) {
        const EntryPtr entry = find(reference);
        for (const Code& each : entry->codes) {
            if (text::fold(each.value) != text::fold(code) || (!system.empty() && each.system != system)) continue;
            if (!at.empty() && !each.days.hold(at)) continue;
            EntryPtr now = entry;
            for (std::size_t step = 0; step < deepest && now && !now->successor().empty(); ++step) {
                const EntryPtr next = find(now->successor());
                if (!next || next == entry) break;
                now = next;
            }
            out.push_back({entry, now, each});
            break;
        }
    }
    std::stable_sort(out.begin(), out.end(), [](const Known& a, const Known& b) {
        if (a.code.is_current != b.code.is_current) return a.code.is_current;
        return (a.entry->state == "active") > (b.entry->state == "active");
    });
    return out;
}

bool Catalogue::is_in_cycle(const Entry& entry) const {
    const std::string self = entry.reference();
    const Entry* at = &entry;
    for (std::size_t step = 0; step < deepest; ++step) {
        if (at->parent.empty()) return false;
        if (at->parent == self) return true;
        const auto up = entries_.find(at->parent);
        if (up == entries_.end()) return false;
        at = up->second.get();
    }
    return false;  // leads into a cycle, or is too deep; it is not the one to blame
}

bool Catalogue::is_top(const Entry& entry) const {
    if (entry.kind != Kind::institution && entry.kind != Kind::department) return false;
    if (entry.parent.empty()) return entry.kind == Kind::institution;
    return !entries_.contains(entry.parent) || is_in_cycle(entry);
}

std::vector<EntryPtr> Catalogue::parts(std::string_view reference) const {
    std::vector<EntryPtr> out;
    if (reference.empty()) {
        for (const auto& [key, entry] : entries_) {
            if (is_top(*entry)) out.push_back(entry);
        }
        return out;
    }
    const EntryPtr self = find(reference);
    if (self && self->kind == Kind::area && !self->area.empty()) {
        for (const auto& [key, entry] : entries_) {
            if (entry->kind == Kind::institution && entry->area == self->area) out.push_back(entry);
        }
    }
    for (const EntryPtr& each : pointing(reference, {})) {
        if (is_part(*each, reference)) out.push_back(each);
        if (self && self->kind == Kind::alliance && each->kind == Kind::affiliation && each->parent == reference) {
            if (const EntryPtr member = find(each->organization)) out.push_back(member);
        }
    }
    return out;
}

std::vector<Node> Catalogue::children(std::string_view reference, std::string_view at) const {
    std::vector<Node> out;
    for (EntryPtr& each : parts(reference)) {
        if (!at.empty() && !each->is_in_force(at)) continue;
        const std::string below = each->reference();
        out.push_back({std::move(each), counts(below)});
    }
    std::sort(out.begin(), out.end(), [](const Node& a, const Node& b) { return before(*a.entry, *b.entry); });
    return out;
}

std::vector<EntryPtr> Catalogue::above(std::string_view reference) const {
    std::vector<EntryPtr> out;
    std::unordered_set<std::string> seen{std::string(reference)};
    EntryPtr at = find(reference);
    while (at && out.size() < deepest) {
        const std::string& up = at->parent.empty() ? at->organization : at->parent;
        if (up.empty() || !seen.insert(up).second) break;
        at = find(up);
        if (at) out.insert(out.begin(), at);
    }
    return out;
}

std::vector<EntryPtr> Catalogue::pointing(std::string_view reference, const std::vector<Kind>& kinds) const {
    std::vector<EntryPtr> out;
    const auto found = pointing_.find(std::string(reference));
    if (found == pointing_.end()) return out;
    for (const std::string& each : found->second) {
        EntryPtr entry = find(each);
        if (entry && (kinds.empty() || std::find(kinds.begin(), kinds.end(), entry->kind) != kinds.end()))
            out.push_back(std::move(entry));
    }
    std::sort(out.begin(), out.end(), [](const EntryPtr& a, const EntryPtr& b) { return before(*a, *b); });
    return out;
}

Counts Catalogue::counts(std::string_view reference) const {
    Counts out;
    const EntryPtr self = find(reference);
    out.parts = parts(reference).size();
    std::unordered_set<std::string> people;
    for (const std::string& each : within(std::string(reference))) {
        const EntryPtr entry = find(each);
        if (!entry || entry->state != "active") continue;
        out.institutions += entry->kind == Kind::institution && entry != self;
        out.departments += entry->kind == Kind::department && entry != self;
        out.beds += entry->kind == Kind::bed;
        out.devices += entry->kind == Kind::device;
        if (entry->kind == Kind::role) people.insert(entry->practitioner);
    }
    out.staff = people.size();
    return out;
}

std::vector<Trouble> Catalogue::troubles() const {
    std::vector<Trouble> out;
    for (const auto& [reference, entry] : entries_) {
        if (!entry->parent.empty() && !entries_.contains(entry->parent))
            out.push_back({"missing_parent", reference, entry->parent});
        else if (is_in_cycle(*entry)) out.push_back({"cycle", reference, entry->parent});
        else if (const EntryPtr up = find(entry->parent); up && up->state != "active" && entry->state == "active")
            out.push_back({"closed_parent", reference, entry->parent});
        for (const Code& code : entry->codes) {
            if (entry->kind == Kind::device && code.system == udi_system) continue;  // of the model, not of the piece
            if (!code.is_current || entry->state != "active" || code.system.starts_with("urn:xinglin:source:")) continue;
            for (const Known& other : who_has(code.value, code.system, "")) {
                if (other.code.is_current && other.entry->state == "active" && other.entry->kind == entry->kind &&
                    reference < other.entry->reference())
                    out.push_back({"shared_code", reference, other.entry->reference()});
            }
        }
    }
    std::sort(out.begin(), out.end(), [](const Trouble& a, const Trouble& b) {
        return std::tie(a.kind, a.reference, a.other) < std::tie(b.kind, b.reference, b.other);
    });
    return out;
}

}  // namespace xinglin::registry
