// SPDX-License-Identifier: Apache-2.0
// Objects and resources in the making, and the bundle they end in.
#include "hl7v2/conversion.h"

#include <fmt/format.h>

#include "text/text.h"

namespace xinglin::hl7v2 {

// ---- Object -----------------------------------------------------------------------------------------------------------------

Object::Member* Object::find(std::string_view key) {
    for (Member& each : members_) {
        if (each.key == key) return &each;
    }
    return nullptr;
}
const Object::Member* Object::find(std::string_view key) const { return const_cast<Object*>(this)->find(key); }

void Object::set(std::string_view key, json::Value value) {
    if (value && !find(key)) members_.push_back({key, false, {value}});
}

void Object::put(std::string_view key, json::Value value) {
    if (!value) return;
    if (Member* const member = find(key)) member->values = {value};
    else members_.push_back({key, false, {value}});
}

void Object::add(std::string_view key, json::Value value) {
    if (!value) return;
    Member* const member = find(key);
    if (!member) {
        members_.push_back({key, true, {value}});
        return;
    }
    if (member->values.size() < 64) {
        for (const json::Value each : member->values) {
            if (json::identical(each, value)) return;
        }
    }
    member->values.push_back(value);
}

void Object::text(std::string_view key, std::string_view text) { set(key, c_->string(text)); }

void Object::extend(std::string_view url, std::string_view value_key, json::Value value) {
    if (value) add("extension", c_->arena.object({{"url", c_->arena.string(url)}, {value_key, value}}));
}

bool Object::has(std::string_view key) const { return find(key) != nullptr; }

bool Object::has_value() const {
    for (const Member& each : members_) {
        if (each.key.starts_with("value")) return true;
    }
    return false;
}

json::Value Object::get(std::string_view key) const {
    const Member* const member = find(key);
    return member ? member->values.front() : json::Value{};
}

void Object::drop(std::string_view key) {
    std::erase_if(members_, [&](const Member& each) { return each.key == key; });
}

std::size_t Object::count(std::string_view key) const {
    const Member* const member = find(key);
    return member ? member->values.size() : 0;
}

json::Value Object::value() const {
    if (members_.empty()) return {};
    std::vector<std::pair<std::string_view, json::Value>> out;
    out.reserve(members_.size());
    for (const Member& each : members_)
        out.emplace_back(each.key, each.is_list ? c_->arena.array(each.values) : each.values.front());
    return c_->arena.object(out);
}

json::Value Thing::reference(std::string_view display) const {
    return c_->arena.object({{"reference", c_->arena.string(fmt::format("{}/{}", type, id))}, {"display", c_->string(display)}});
}

// ---- Conversion -------------------------------------------------------------------------------------------------------------

Conversion::Conversion(const Message& message, const message::Sender& sender, const Tables& tables, const Limits& limits,
                       message::Facts facts)
    : message(message), sender(sender), tables(tables), limits(limits), facts(std::move(facts)), cells(message.fields.size()) {
    notes = message.notes;
    const Segment& header = message.segments.front();
    const std::string_view country = message.field(header, 17), language = message.field(header, 19);
    is_chinese = country.starts_with("CHN") || country == "CN" || language.starts_with("zh") || text::has_han(*message.text);
    offset_minutes = sender.offset_minutes;
    if (const auto sent = calendar::parse_date_time(this->facts.sent_at); sent && sent->offset_minutes)
        offset_minutes = *sent->offset_minutes;
}

Thing& Conversion::thing(std::string_view type, std::string_view key) {
    std::string name = fmt::format("{}|{}", type, key);
    if (const auto found = by_key_.find(name); found != by_key_.end()) return *found->second;
    things.emplace_back(*this, type, message::stable_id(sender.id, type, key));
    by_key_.emplace(std::move(name), &things.back());
    return things.back();
}

bool Conversion::has_thing(std::string_view type, std::string_view key) const {
    return by_key_.contains(fmt::format("{}|{}", type, key));
}

void Conversion::carry(Seg segment, Object& object, std::span<const Line> lines) {
    at_segment = segment.segment();
    for (const Line& line : lines) {
        const Field field = segment[line.field];
        if (field.empty()) continue;
        at_field = line.field;
        if (!line.many) {
            const json::Value value = line.make(*this, field.first());
            if (line.url.empty()) object.set(line.key, value);
            else object.extend(line.url, line.key, value);
            continue;
        }
        for (const Part part : field.all()) {
            const json::Value value = line.make(*this, part);
            if (line.url.empty()) object.add(line.key, value);
            else object.extend(line.url, line.key, value);
        }
    }
}

void Conversion::anchor(Seg segment, Thing& thing) { anchors_.emplace(segment.segment(), &thing); }

void Conversion::note(std::string where, std::string what, std::string_view key) {
    if (notes.size() < 2000) notes.push_back({std::move(where), std::move(what), std::string(key)});
}

std::string Conversion::here() const { return at_segment ? message.place(*at_segment, at_field) : std::string("message"); }

std::string_view Conversion::keep(std::string_view raw) {
    const auto trim = [](std::string_view text) {
        while (!text.empty() && static_cast<unsigned char>(text.front()) <= 0x20) text.remove_prefix(1);
        while (!text.empty() && static_cast<unsigned char>(text.back()) <= 0x20) text.remove_suffix(1);
        return text;
    };
    bool plain = true;
    for (const char c : raw) {
        if (c == message.delimiters.escape || static_cast<unsigned char>(c) < 0x20) plain = false;
    }
    if (plain) return trim(raw);
    return trim(arena.keep(unescape(raw, message.delimiters)));
}

json::Value Conversion::string(std::string_view text) { return text.empty() ? json::Value{} : arena.string(text); }

json::Value Conversion::coding(std::string_view system, std::string_view code, std::string_view display) {
    return arena.object({{"system", string(system)}, {"code", string(code)}, {"display", string(display)}});
}

json::Value Conversion::concept_of(std::string_view system, std::string_view code, std::string_view display,
                                   std::string_view text) {
    return arena.object({{"coding", arena.array({coding(system, code, display)})}, {"text", string(text)}});
}

namespace {
/// The choice a member belongs to ("occurrenceTiming" → "occurrence"); "" for others.
std::string_view choice_of(std::string_view key) {
    for (const std::string_view each :
         {"occurrence", "effective", "performed", "onset", "abatement", "deceased", "multipleBirth", "collected", "product"}) {
        if (key.size() > each.size() && key.starts_with(each) && key[each.size()] >= 'A' && key[each.size()] <= 'Z') return each;
    }
    return {};
}
}  // namespace

void Conversion::put_all(message::Draft& draft, message::Converted& out) {
    for (const Segment& segment : message.segments) leftovers(segment);
    for (const Thing& each : things) {
        std::vector<std::pair<std::string_view, json::Value>> head = {{"resourceType", arena.string(each.type)}};
        const json::Value body = each.value();
        std::vector<std::string_view> chosen;
        for (const json::Member& member : body.members()) {
            if (const std::string_view choice = choice_of(member.key()); !choice.empty()) {
                if (std::find(chosen.begin(), chosen.end(), choice) != chosen.end()) {  // two orders of one number
                    note(std::string(each.type), fmt::format("says {} in two ways; the first is kept", choice), "not-carried");
                    continue;
                }
                chosen.push_back(choice);
            }
            head.emplace_back(member.key(), member.value());
        }
        const std::string reference = draft.put(each.id, arena.object(head));
        if (each.is_lesser) out.lesser.push_back(reference);
    }
    out.facts = facts;
    out.notes = std::move(notes);
}

message::Converted Conversion::finish() {
    message::Draft draft(arena, sender, facts);
    message::Converted out;
    put_all(draft, out);
    out.bundle = draft.bundle();
    return out;
}

message::Converted Conversion::finish_as_tree() {
    message::Draft draft(arena, sender, facts);
    message::Converted out;
    put_all(draft, out);
    out.arena = std::make_shared<json::Arena>();  // shared: whoever stores it keeps it to the end
    out.tree = out.arena->copy(draft.tree());     // without what the conversion made and dropped on the way
    return out;
}

}  // namespace xinglin::hl7v2
