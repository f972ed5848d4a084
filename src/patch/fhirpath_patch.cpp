// SPDX-License-Identifier: Apache-2.0
// Source: FHIR R4, fhirpatch.html. Values and their "_name" siblings are moved together.
#include <charconv>
#include <map>

#include "fhirpath/fhirpath.h"
#include "patch/patch.h"
#include "patch/place.h"

namespace xinglin::patch {

namespace {

constexpr std::size_t operations_most = 1'000;
constexpr std::size_t nodes_most = 1'000'000;     // of the result
constexpr std::size_t work_most = 20'000'000;     // nodes looked at in all
constexpr std::uint64_t steps_most = 20'000'000;  // of all paths together
constexpr std::size_t depth_most = 50;            // of values given in parts

/// An element's value, and what stands under its name with an underscore.
struct Pair {
    json::Value value, sidecar;
    explicit operator bool() const { return value || sidecar; }
};

/// Where an element stands: in an object, under a name, perhaps as one of several.
struct Slot {
    Place owner;
    std::string key;
    std::optional<std::size_t> index;
};

Slot slot_at(Place place) {
    Slot slot;
    if (place.back().is_index) {
        slot.index = place.back().index;
        place.pop_back();
    }
    slot.key = place.back().key;
    if (slot.key.starts_with('_')) slot.key.erase(0, 1);
    place.pop_back();
    slot.owner = std::move(place);
    return slot;
}

class FhirPathPatch {
public:
    FhirPathPatch(json::Value document, json::Arena& arena) : document_(document), arena_(arena) {}

    Result<json::Value> apply(json::Value parameters) {
        if (parameters.find("resourceType").string() != "Parameters")
            return bad("Parameters", "must be a Parameters resource with one parameter \"operation\" for each change");
        const json::Value list = parameters.find("parameter");
        if (list.size() > operations_most) return refuse(IssueCode::too_costly, "Parameters.parameter", "holds more than 1,000");
        environment_.budget.steps =
            std::clamp<std::uint64_t>(steps_most / std::max<std::size_t>(1, list.size()), 20'000, 1'000'000);
        for (std::size_t i = 0; i < list.size(); ++i) {
            here_ = fmt::format("Parameters.parameter[{}]", i);
            const std::size_t nodes = weight(document_, nodes_most);
            work_ += nodes;
            if (nodes >= nodes_most || work_ > work_most)
                return refuse(IssueCode::too_costly, here_, "the patch makes the resource larger than can be handled");
            XINGLIN_CHECK(one(list[i]));
        }
        return document_;
    }

private:
    struct Operation {
        std::string_view type, path, name;
        json::Value value;  // the part
        std::map<std::string_view, std::size_t> numbers;
    };

    static Outcome bad(std::string where, std::string what) {
        return refuse(IssueCode::structure, std::move(where), std::move(what));
    }
    Outcome bad_part(std::string_view part, std::string what) const {
        return bad(fmt::format("{}.part[{}]", here_, part), std::move(what));
    }
    Outcome unfit(std::string_view part, std::string what) const {
        return refuse(IssueCode::value, fmt::format("{}.part[{}]", here_, part), std::move(what));
    }

    // ---- what is asked ----------------------------------------------------------------------------------------------

    Result<Operation> read(json::Value parameter) const {
        Operation operation;
        if (parameter.find("name").string() != "operation") return bad(here_ + ".name", "must be \"operation\"");
        for (const json::Node& node : parameter.find("part").items()) {
            const json::Value part(&node);
            const std::string_view name = part.find("name").string();
            const auto text = [&] {
                const json::Value code = part.find("valueCode");
                return code ? code.string() : part.find("valueString").string();
            };
            if (name == "type") operation.type = text();
            else if (name == "path") operation.path = text();
            else if (name == "name") operation.name = text();
            else if (name == "value") operation.value = part;
            else if (name == "index" || name == "source" || name == "destination") {
                const std::string_view digits = part.find("valueInteger").text();
                std::size_t number = 0;
                const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
                if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
                    return bad_part(name, "must have a valueInteger of 0 or more");
                operation.numbers[name] = number;
            } else {
                return bad_part(name, "is not a part of an operation: type, path, name, value, index, source, destination");
            }
        }
        if (operation.path.empty()) return bad_part("path", "is missing");
        return operation;
    }

    Result<std::size_t> number(const Operation& operation, std::string_view name) const {
        const auto found = operation.numbers.find(name);
        if (found == operation.numbers.end()) return bad_part(name, "is missing");
        return found->second;
    }

    Result<Done> one(json::Value parameter) {
        XINGLIN_TRY(const Operation operation, read(parameter));
        if (operation.type == "add") return add(operation);
        if (operation.type == "insert") return insert_item(operation);
        if (operation.type == "delete") return remove(operation);
        if (operation.type == "replace") return replace(operation);
        if (operation.type == "move") return move(operation);
        return bad_part("type", "must be add, insert, delete, replace or move");
    }

    /// The official case "Full Resource" writes Patient.text.div, though FHIRPath keeps that word for itself: an element, in backticks.
    static std::string with_div_named(std::string_view path) {
        std::string out;
        char quote = 0;
        for (std::size_t i = 0; i < path.size(); ++i) {
            const char c = path[i];
            if (quote != 0 && c == '\\') {
                out += c;
                if (++i < path.size()) out += path[i];
                continue;
            }
            if (quote == 0 && (c == '\'' || c == '`' || c == '"')) quote = c;
            else if (c == quote) quote = 0;
            out += c;
            const std::string_view next = path.substr(i + 1);
            const bool ends = next.size() == 3 || (next.size() > 3 && next.find_first_of("._[ )=", 3) == 3 && next[3] != '_');
            if (quote == 0 && c == '.' && next.starts_with("div") && ends) {
                out += "`div`";
                i += 3;
            }
        }
        return out;
    }

    // ---- where --------------------------------------------------------------------------------------------------------

    Result<fhirpath::Collection> found(const Operation& operation) const {
        fhirpath::CompileOptions options;
        options.context_type = fhir::find_resource(document_.find("resourceType").string());
        auto expression = fhirpath::Expression::compile(with_div_named(operation.path), options);
        if (!expression.ok()) return bad_part("path", "is no FHIRPath: " + expression.outcome().line());
        auto items = expression->evaluate(fhirpath::item_of(document_), environment_);
        if (!items.ok()) return unfit("path", items.outcome().line());
        return std::move(items).value();
    }

    Result<Place> place_of(const fhirpath::Item& item) const {
        if (item.kind == fhirpath::Item::Kind::node) {
            if (auto place = find(document_, item.value ? item.value : item.sidecar)) return std::move(*place);
        }
        return unfit("path", "must lead to elements of this resource; this is a value made on the way, or elsewhere");
    }

    Result<fhirpath::Item> single(const Operation& operation) const {
        XINGLIN_TRY(fhirpath::Collection items, found(operation));
        if (items.empty()) return unfit("path", "nothing is there");
        if (items.size() > 1) return unfit("path", fmt::format("leads to {} elements; it must be one", items.size()));
        return std::move(items.front());
    }

    Result<Slot> slot_of(const fhirpath::Item& item) const {
        XINGLIN_TRY(const Place place, place_of(item));
        if (place.empty()) return unfit("path", "the whole resource cannot be meant here; use PUT or DELETE");
        Slot slot = slot_at(place);
        XINGLIN_CHECK(may_change(slot.owner, slot.key, "path"));
        return slot;
    }

    /// All items of one list.
    Result<Slot> list_at(const Operation& operation) const {
        XINGLIN_TRY(const fhirpath::Collection items, found(operation));
        if (items.empty()) return unfit("path", "there is no such list; use add for its first element");
        XINGLIN_TRY(Slot slot, slot_of(items.front()));
        if (!slot.index) return unfit("path", "must lead to a list");
        for (const fhirpath::Item& item : items) {
            XINGLIN_TRY(const Slot other, slot_of(item));
            if (other.key != slot.key || !(at(document_, other.owner) == at(document_, slot.owner)))
                return unfit("path", "leads to several lists; it must be one");
        }
        if (items.size() != pairs(slot).size()) return unfit("path", "must lead to the whole list, not to some of its elements");
        slot.index.reset();
        return slot;
    }

    const fhir::Type* type_at(const Place& place) const {
        const fhir::Type* type = fhir::find_resource(document_.find("resourceType").string());
        json::Value tree = document_;
        for (const Stride& stride : place) {
            if (!type) return nullptr;
            tree = at(tree, {stride});
            if (stride.is_index) continue;
            const fhir::Match match = fhir::match(*type, stride.key.starts_with('_') ? stride.key.substr(1) : stride.key);
            type = match && match.type ? match.type->type : nullptr;
            if (stride.key.starts_with('_')) type = fhir::find_type("Element");
            if (const fhir::Type* inner = fhir::find_resource(tree.find("resourceType").string())) type = inner;
        }
        // Items of a list of resources name their type themselves.
        if (const fhir::Type* inner = fhir::find_resource(tree.find("resourceType").string())) type = inner;
        return type;
    }

    /// What only the server sets.
    Result<Done> may_change(const Place& owner, std::string_view key, std::string_view part) const {
        const bool own = owner.empty() && (key == "id" || key == "resourceType");
        const bool version = owner.size() == 1 && owner[0].key == "meta" && (key == "versionId" || key == "lastUpdated");
        if (own || version) return unfit(part, fmt::format("{} cannot be changed by a patch", key));
        return Done{};
    }

    // ---- values -------------------------------------------------------------------------------------------------------

    /// What a part brings, for an element of that type; also the type it says itself to be of.
    Result<Pair> value_of(json::Value part, const fhir::Type* type, const fhir::Type** said, std::size_t depth = 0) {
        if (!part) return bad_part("value", "is missing");
        if (depth > depth_most) return refuse(IssueCode::too_costly, here_, "its parts are nested too deeply");
        const fhir::Type& parameter = *fhir::find_type("Parameters.parameter");
        Pair pair;
        for (const json::Member& member : part.members()) {
            const bool is_sidecar = member.key().starts_with('_');
            const std::string_view key = member.key().substr(is_sidecar ? 1 : 0);
            if (!key.starts_with("value") || key.size() == 5) continue;
            const fhir::Match match = fhir::match(parameter, key);
            if (!match || !match.type) return bad_part("value", fmt::format("{} is not a type of FHIR", key));
            (is_sidecar ? pair.sidecar : pair.value) = arena_.copy(member.value());
            if (said) *said = match.type->type;
        }
        if (pair) return pair;
        if (const json::Value resource = part.find("resource")) return Pair{arena_.copy(resource), {}};
        if (!part.find("part").is_array()) return bad_part("value", "has neither a value[x], a resource nor parts");
        if (!type) return unfit("value", "parts do not fit here");
        XINGLIN_TRY(pair.value, from_parts(part, *type, depth));
        return pair;
    }

    Result<json::Value> from_parts(json::Value part, const fhir::Type& type, std::size_t depth) {
        json::Value object = arena_.object({});
        for (const json::Node& node : part.find("part").items()) {
            const json::Value inner(&node);
            const std::string_view name = inner.find("name").string();
            XINGLIN_TRY(object, added(object, type, name, inner, depth + 1));
        }
        return object;
    }

    /// The object with one more element.
    Result<json::Value> added(json::Value object, const fhir::Type& type, std::string_view name, json::Value part,
                              std::size_t depth = 0) {
        const fhir::Element* element = fhir::find_element(type, name);
        if (!element) return unfit("name", fmt::format("{} has no element \"{}\"", type.name, name));
        const fhir::Type* own = element->is_choice || element->types.empty() ? nullptr : element->types[0].type;
        const fhir::Type* said = nullptr;
        XINGLIN_TRY(const Pair pair, value_of(part, own, &said, depth));
        std::string key(name);
        if (element->is_choice) {
            if (!said) return unfit("value", fmt::format("\"{}\" needs a value of one of its types", name));
            key = fhir::json_key(*element, *said);
            if (!fhir::match(type, key)) return unfit("value", fmt::format("\"{}\" cannot be a {}", name, said->name));
            for (const json::Member& member : object.members()) {
                const std::string_view there = member.key().substr(member.key().starts_with('_') ? 1 : 0);
                if (const fhir::Match match = fhir::match(type, there); match && match.element == element)
                    return unfit("name", fmt::format("\"{}\" is already there; use replace", name));
            }
        }
        const bool is_list = element->max > 1;
        std::vector<Pair> all = pairs(object, key);
        if (!is_list && !all.empty()) return unfit("name", fmt::format("\"{}\" is already there; use replace", name));
        all.push_back(pair);
        return with_pairs(object, key, all, is_list);
    }

    // ---- lists and their siblings ---------------------------------------------------------------------------------------

    static std::vector<Pair> pairs(json::Value owner, const std::string& key) {
        const json::Value value = owner.find(key), sidecar = owner.find("_" + key);
        const auto present = [](json::Value one) { return one.is_null() ? json::Value() : one; };
        if (!value && !sidecar) return {};
        if (!value.is_array() && !sidecar.is_array()) return {{value, sidecar}};
        std::vector<Pair> all(std::max(value.size(), sidecar.size()));
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = {present(value[i]), present(sidecar[i])};
        return all;
    }
    std::vector<Pair> pairs(const Slot& slot) const { return pairs(at(document_, slot.owner), slot.key); }

    json::Value with_pairs(json::Value owner, const std::string& key, const std::vector<Pair>& all, bool is_list) {
        const auto side = [&](json::Value Pair::*half) {
            const bool any = std::any_of(all.begin(), all.end(), [&](const Pair& pair) { return bool(pair.*half); });
            if (!any) return json::Value();
            if (!is_list) return all.front().*half;
            std::vector<json::Value> items;
            for (const Pair& pair : all) items.push_back(pair.*half ? pair.*half : arena_.null());
            return arena_.array(items);
        };
        owner = arena_.with(owner, key, side(&Pair::value));
        return arena_.with(owner, "_" + key, side(&Pair::sidecar));
    }

    void set(const Place& owner, const std::string& key, const std::vector<Pair>& all, bool is_list) {
        document_ = put(document_, owner, with_pairs(at(document_, owner), key, all, is_list), arena_);
    }

    /// Takes an element away, and what is empty without it.
    void take(Slot slot) {
        for (bool only_sidecar = false;;) {
            std::vector<Pair> all = pairs(slot);
            const auto taken = all.begin() + static_cast<std::ptrdiff_t>(slot.index.value_or(0));
            taken->sidecar = {};
            if (!only_sidecar || !taken->value) all.erase(taken);
            set(slot.owner, slot.key, all, slot.index.has_value());
            if (slot.owner.empty() || at(document_, slot.owner).size() > 0) return;
            const Stride& last = slot.owner.back();
            only_sidecar = (last.is_index ? slot.owner[slot.owner.size() - 2] : last).key.starts_with('_');
            slot = slot_at(slot.owner);
        }
    }

    // ---- the operations -------------------------------------------------------------------------------------------------

    Result<Done> add(const Operation& operation) {
        if (operation.name.empty()) return bad_part("name", "is missing");
        XINGLIN_TRY(const fhirpath::Item item, single(operation));
        XINGLIN_TRY(const Place place, place_of(item));
        XINGLIN_CHECK(may_change(place, operation.name, "name"));
        if (item.type && item.type->kind == fhir::TypeKind::primitive) {  // its id and extensions stand beside it
            Slot slot = slot_at(place);
            std::vector<Pair> all = pairs(slot);
            Pair& pair = all[slot.index.value_or(0)];
            const json::Value beside = pair.sidecar ? pair.sidecar : arena_.object({});
            XINGLIN_TRY(pair.sidecar, added(beside, *fhir::find_type("Element"), operation.name, operation.value));
            set(slot.owner, slot.key, all, slot.index.has_value());
            return Done{};
        }
        const fhir::Type* type = item.type ? item.type : type_at(place);
        const json::Value owner = at(document_, place);
        if (!type || !owner.is_object()) return unfit("path", "leads to something that has no elements");
        XINGLIN_TRY(const json::Value changed, added(owner, *type, operation.name, operation.value));
        document_ = put(document_, place, changed, arena_);
        return Done{};
    }

    /// What stands in a slot, by the tables.
    fhir::Match element_at(const Slot& slot) const {
        const fhir::Type* owner = type_at(slot.owner);
        return owner ? fhir::match(*owner, slot.key) : fhir::Match{};
    }

    Result<Done> insert_item(const Operation& operation) {
        XINGLIN_TRY(const std::size_t index, number(operation, "index"));
        XINGLIN_TRY(const Slot slot, list_at(operation));
        std::vector<Pair> all = pairs(slot);
        if (index > all.size()) return unfit("index", fmt::format("{} is behind the end of a list of {}", index, all.size()));
        const fhir::Match match = element_at(slot);
        XINGLIN_TRY(const Pair pair, value_of(operation.value, match && match.type ? match.type->type : nullptr, nullptr));
        all.insert(all.begin() + static_cast<std::ptrdiff_t>(index), pair);
        set(slot.owner, slot.key, all, true);
        return Done{};
    }

    Result<Done> remove(const Operation& operation) {
        XINGLIN_TRY(const fhirpath::Collection items, found(operation));
        if (items.empty()) return Done{};  // there is nothing to delete: no error
        if (items.size() > 1) return unfit("path", fmt::format("leads to {} elements; only one can be deleted", items.size()));
        XINGLIN_TRY(Slot slot, slot_of(items.front()));
        take(std::move(slot));
        return Done{};
    }

    Result<Done> replace(const Operation& operation) {
        XINGLIN_TRY(const fhirpath::Item item, single(operation));
        XINGLIN_TRY(Slot slot, slot_of(item));
        const fhir::Match match = element_at(slot);
        const fhir::Type* said = nullptr;
        XINGLIN_TRY(const Pair pair, value_of(operation.value, match && match.type ? match.type->type : nullptr, &said));
        std::vector<Pair> all = pairs(slot);
        all[slot.index.value_or(0)] = pair;
        if (match && match.element->is_choice && said) {
            const std::string key = fhir::json_key(*match.element, *said);
            if (!fhir::match(*type_at(slot.owner), key))
                return unfit("value", fmt::format("\"{}\" cannot be a {}", match.element->name, said->name));
            if (key != slot.key) set(slot.owner, slot.key, {}, false);
            slot.key = key;
        }
        set(slot.owner, slot.key, all, slot.index.has_value());
        return Done{};
    }

    Result<Done> move(const Operation& operation) {
        XINGLIN_TRY(const std::size_t source, number(operation, "source"));
        XINGLIN_TRY(const std::size_t destination, number(operation, "destination"));
        XINGLIN_TRY(const Slot slot, list_at(operation));
        std::vector<Pair> all = pairs(slot);
        for (const auto& [name, index] : {std::pair("source", source), std::pair("destination", destination)}) {
            if (index >= all.size()) return unfit(name, fmt::format("{} is behind the end of a list of {}", index, all.size()));
        }
        const Pair moved = all[source];
        all.erase(all.begin() + static_cast<std::ptrdiff_t>(source));
        all.insert(all.begin() + static_cast<std::ptrdiff_t>(destination), moved);
        set(slot.owner, slot.key, all, true);
        return Done{};
    }

    json::Value document_;
    json::Arena& arena_;
    fhirpath::Environment environment_;  // resolves nothing but what is contained
    std::string here_;
    std::size_t work_ = 0;
};

}  // namespace

Result<json::Value> apply_fhirpath_patch(json::Value resource, json::Value parameters, json::Arena& arena) {
    return FhirPathPatch(resource, arena).apply(parameters);
}

}  // namespace xinglin::patch
