// SPDX-License-Identifier: Apache-2.0
// Looking entries up: lists, codes, the tree.
#include "registry/catalogue.h"

#include <algorithm>
#include <cctype>

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
bool is_part(const Entry& entry, std::string_view parent, std::string_view at) {
    if (entry.is_stray) return false;
    const std::string_view above = entry.parent_on(at);
    if (is_organization(entry.kind) || entry.kind == Kind::area) return above == parent;
    if (is_place(entry.kind)) return above == parent || (above.empty() && entry.organization == parent);
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
    if (entry.is_stray != question.strays) return false;
    if (question.kinds.empty() && (entry.kind == Kind::role || entry.kind == Kind::affiliation))
        return false;  // they join others
    if (!question.kinds.empty() && std::find(question.kinds.begin(), question.kinds.end(), entry.kind) == question.kinds.end())
        return false;
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

std::string_view matched_by(const Entry& entry, const std::vector<std::string>& words, int& rank) {
    rank = 0;
    if (words.empty()) return {};
    for (const std::string& word : words) {
        if (entry.search.find(word) == std::string::npos) return {};
    }
    const std::string& word = words.front();
    const bool is_like_a_code = std::any_of(word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c); });
    const Code* begins_code = nullptr;
    for (const Code& code : entry.codes) {
        const std::string folded = text::fold(code.value);
        if (folded == word) return rank = code.is_current ? 0 : 1, code.is_current ? "code" : "former_code";
        if (!begins_code && folded.find(word) != std::string::npos) begins_code = &code;
    }
    for (const Name& name : entry.names) {
        const std::string folded = text::fold(name.text);
        if (folded.find(word) != std::string::npos)
            return rank = name_rank(folded, word, name.is_current ? 4 : 7), name.is_current ? "name" : "former_name";
    }
    const auto by_code = [&](int points) {
        rank = points;
        return begins_code->is_current ? std::string_view("code") : std::string_view("former_code");
    };
    if (begins_code && is_like_a_code) return by_code(9);
    std::string firsts, whole;
    text::spell(entry.name(), [&](std::string_view syllable, bool) {
        whole += syllable;
        if (!syllable.empty()) firsts += syllable.front();
    });
    const bool is_spelled = whole.find(word) != std::string::npos || firsts.find(word) != std::string::npos;
    if (begins_code && !is_spelled) return by_code(12);  // part of a number that has letters: "renmin-001"
    const bool begins = entry.search.find('\n' + word) != std::string::npos;
    const bool is_place = entry.kind == Kind::institution || entry.kind == Kind::alliance;  // named after a town, mostly
    rank = begins || is_place ? 10 : 11;
    return firsts.find(word) != std::string::npos ? "initials" : "pinyin";
}

void Catalogue::put(EntryPtr entry) {
    const std::string reference = entry->reference();
    erase(reference);
    for (const std::string& each : named_by(*entry)) pointing_[each].insert(reference);
    for (const FormerParent& each : entry->former_parents) once_part_[each.reference].insert(reference);
    for (const Code& code : entry->codes) by_code_[text::fold(code.value)].insert(reference);
    for (const Name& name : entry->names) by_name_[plain_name(name.text)].insert(reference);
    number(entry, reference);
    entries_.emplace(reference, std::move(entry));
}

void Catalogue::number(const EntryPtr& entry, const std::string& reference) {
    if (empty_slots_ > 1'000 && empty_slots_ * 2 > slots_.size()) {  // mostly what was: numbered anew
        slots_.clear();
        numbers_.clear();
        grams_.clear();
        empty_slots_ = 0;
        for (const auto& [key, each] : entries_) {
            numbers_[key] = static_cast<std::uint32_t>(slots_.size());
            grams_.add(each->search, static_cast<std::uint32_t>(slots_.size()));
            slots_.push_back(each);
        }
    }
    const auto next = static_cast<std::uint32_t>(slots_.size());
    numbers_[reference] = next;
    grams_.add(entry->search, next);
    slots_.push_back(entry);
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
    for (const FormerParent& each : found->second->former_parents) drop(once_part_, each.reference);
    for (const Code& code : found->second->codes) drop(by_code_, text::fold(code.value));
    for (const Name& name : found->second->names) drop(by_name_, plain_name(name.text));
    const auto numbered = numbers_.find(found->first);
    slots_[numbered->second] = nullptr;
    ++empty_slots_;
    numbers_.erase(numbered);
    entries_.erase(found);
}

void Catalogue::clear() {
    entries_.clear();
    slots_.clear();
    numbers_.clear();
    empty_slots_ = 0;
    grams_.clear();
    by_code_.clear();
    by_name_.clear();
    pointing_.clear();
    once_part_.clear();
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
            if (entry->kind == Kind::institution && lies_in(*entry, self->area) && seen.insert(key).second) open.push_back(key);
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
        const EntryPtr* entry;
        std::string_view matched;
    };
    std::vector<std::string> words;
    const std::string folded = text::fold(question.q);
    for (const std::string_view word : text::split(folded, ' ')) {
        if (!word.empty() && words.size() < 8) words.emplace_back(word);
    }
    std::unordered_set<std::string> inside;
    if (!question.within.empty()) inside = within(question.within);
    const std::string area = present_area(question.area);
    std::vector<Ranked> all;
    const auto look = [&](const EntryPtr& entry) {
        if (!entry || !fits(*entry, question) || (!area.empty() && !lies_in(*entry, area))) return;
        int rank = 0;
        const std::string_view matched = matched_by(*entry, words, rank);
        if (!words.empty() && matched.empty()) return;
        if (!question.within.empty() && !inside.contains(entry->reference())) return;
        all.push_back({rank, &entry, matched});
    };
    if (const auto* some = grams_.candidates({words.begin(), words.end()}); some) {
        for (const std::uint32_t number : *some) look(slots_[number]);
    } else {
        for (const EntryPtr& each : slots_) look(each);
    }
    const std::size_t end = std::min(all.size(), question.skip + question.count);
    std::partial_sort(
        all.begin(), all.begin() + static_cast<std::ptrdiff_t>(end), all.end(),
        [](const Ranked& a, const Ranked& b) { return a.rank != b.rank ? a.rank < b.rank : before(**a.entry, **b.entry); });
    Listed out{.total = all.size()};
    for (std::size_t i = question.skip; i < end; ++i) out.hits.push_back({*all[i].entry, std::string(all[i].matched)});
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
            if (!at.empty() && (!each.days.hold(at) || !entry->days.hold(at))) continue;
            out.push_back({entry, now(entry), each});
            break;
        }
    }
    std::stable_sort(out.begin(), out.end(), [](const Known& a, const Known& b) {
        if (a.code.is_current != b.code.is_current) return a.code.is_current;
        return (a.entry->state == "active") > (b.entry->state == "active");
    });
    return out;
}

EntryPtr Catalogue::now(EntryPtr entry) const {
    const EntryPtr first = entry;
    for (std::size_t step = 0; step < deepest && entry && !entry->successor().empty(); ++step) {
        const EntryPtr next = find(entry->successor());
        if (!next || next == first) break;
        entry = next;
    }
    return entry;
}

std::string Catalogue::present_area(std::string_view code) const {
    if (code.size() < 2) return std::string(code);
    for (const Known& known : who_has(code, division_system, "")) {
        if (!known.now || known.now->kind != Kind::area || known.now->area.empty()) continue;
        if (known.now->state == "active") return known.now->area;
        EntryPtr heir;
        for (const Event& event : known.now->events) {
            if (event.kind != "divided") continue;
            if (heir) return std::string(code);  // several: only a boundary could tell
            heir = find(event.target);
        }
        return heir ? heir->area : std::string(code);
    }
    for (const std::size_t length : {9u, 6u, 4u, 2u}) {  // what lies in something that has another code by now
        if (length >= code.size()) continue;
        if (who_has(code.substr(0, length), division_system, "").empty()) continue;
        return present_area(code.substr(0, length)) + std::string(code.substr(length));
    }
    return std::string(code);
}

bool Catalogue::lies_in(const Entry& entry, std::string_view area) const {
    if (entry.area.empty()) return false;
    return entry.area.starts_with(area) || present_area(entry.area).starts_with(area);
}

std::vector<EntryPtr> Catalogue::named(std::string_view name, const fhir::Type* type) const {
    std::vector<EntryPtr> out;
    const std::string plain = plain_name(name);
    const auto found = plain.empty() ? by_name_.end() : by_name_.find(plain);
    if (found == by_name_.end()) return out;
    for (const std::string& reference : found->second) {
        EntryPtr entry = find(reference);
        if (entry->type == type && !entry->is_stray) out.push_back(std::move(entry));
    }
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
    if (entry.is_stray) return false;
    if (entry.kind != Kind::institution && entry.kind != Kind::department) return false;
    if (entry.parent.empty()) return entry.kind == Kind::institution;
    return !entries_.contains(entry.parent) || is_in_cycle(entry);
}

std::vector<EntryPtr> Catalogue::parts(std::string_view reference, std::string_view at) const {
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
            if (entry->kind == Kind::institution && !entry->is_stray && present_area(entry->area) == self->area)
                out.push_back(entry);
        }
    }
    for (const EntryPtr& each : pointing(reference, {})) {
        if (is_part(*each, reference, at)) out.push_back(each);
        if (self && self->kind == Kind::alliance && each->kind == Kind::affiliation && each->parent == reference) {
            if (const EntryPtr member = find(each->organization)) out.push_back(member);
        }
    }
    if (const auto once = once_part_.find(std::string(reference)); !at.empty() && once != once_part_.end()) {
        for (const std::string& key : once->second) {
            EntryPtr each = find(key);
            if (each && each->parent != reference && is_part(*each, reference, at)) out.push_back(std::move(each));
        }
    }
    return out;
}

std::vector<Node> Catalogue::children(std::string_view reference, std::string_view at) const {
    std::vector<Node> out;
    for (EntryPtr& each : parts(reference, at)) {
        if (!at.empty() && !each->is_in_force(at)) continue;
        const std::string below = each->reference();
        out.push_back({std::move(each), counts(below)});
    }
    std::sort(out.begin(), out.end(), [](const Node& a, const Node& b) { return before(*a.entry, *b.entry); });
    return out;
}

std::vector<EntryPtr> Catalogue::above(std::string_view reference, std::string_view at) const {
    std::vector<EntryPtr> out;
    std::unordered_set<std::string> seen{std::string(reference)};
    EntryPtr self = find(reference);
    while (self && out.size() < deepest) {
        std::string up(self->parent_on(at));
        if (up.empty()) up = self->organization;
        if (up.empty() || !seen.insert(up).second) break;
        self = find(up);
        if (self) out.insert(out.begin(), self);
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
        if (!entry || entry->state != "active" || entry->is_stray) continue;
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
        if (entry->is_stray) continue;
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
