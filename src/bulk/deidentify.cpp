// SPDX-License-Identifier: Apache-2.0
// A walk over a resource with R4's definition of it beside: what no rule allows does not come out.
#include "bulk/deidentify.h"

#include <charconv>

#include "bulk/deidentify_rules.h"
#include "calendar/calendar.h"

namespace xinglin::bulk {

namespace {

using json::Value;
constexpr std::string_view absent = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

bool is_primitive(const fhir::Match& match) { return match.type && match.type->type->kind == fhir::TypeKind::primitive; }

std::string as_uuid(const std::string& hex) {
    const std::string_view all = hex;
    return fmt::format("{}-{}-{}-{}-{}", all.substr(0, 8), all.substr(8, 4), all.substr(12, 4), all.substr(16, 4),
                       all.substr(20));
}

/// One for each resource.
class Walk {
public:
    Walk(const Deidentifier::Inside& rules, const Deidentifier& doer, json::Arena& arena, std::string_view person)
        : rules_(rules), doer_(doer), arena_(arena) {
        if (rules.dates != Dates::shift) return;
        unsigned number = 0;
        const std::string digits = rules.pseudonym("shift", person).substr(0, 8);
        std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
        days_back_ = 1 + static_cast<int>(number % 365);
    }

    /// A resource, at the root or inside another; nothing when it is left out.
    Value resource(Value value, bool contained) {
        const std::string_view name = value.find("resourceType").string();
        const fhir::Type* type = fhir::find_resource(name);
        if (!type || doer_.leaves_out(*type)) return {};
        const std::string_view id = value.find("id").string();
        const std::string pseudonym = contained ? rules_.pseudonym("contained", id) : doer_.id_of(*type, id);
        Value out = rules_.definitions.contains(std::string(name)) ? value : object(*type, value);
        if (!id.empty()) out = arena_.with_after(out, "resourceType", "id", arena_.string(pseudonym));
        return contained ? out : marked(out);
    }
    bool is_refused() const { return refused_; }

private:
    using Members = std::vector<std::pair<std::string_view, Value>>;

    Value object(const fhir::Type& type, Value value) {
        Members out;
        for (const json::Member& member : value.members()) {
            const std::string_view key = member.key();
            if (key == "resourceType") {
                out.emplace_back(key, member.value());
            } else if (key.starts_with('_')) {
                add_beside(type, key, member.value(), value, out);
            } else if (const fhir::Match match = fhir::match(type, key)) {
                add(type, key, match, member.value(), value, out);
            }
        }
        return out.empty() ? Value() : arena_.object(out);
    }

    void add(const fhir::Type& owner, std::string_view key, const fhir::Match& match, Value value, Value parent, Members& out) {
        const Act act = rules_.act_on(owner, key, match);
        const Value kept = value.is_array() ? list(act, match, value, parent) : one(act, match, value, parent);
        if (kept) out.emplace_back(key, kept);
        else if (match.element->min > 0) add_masked(key, match, value.is_array(), out);
    }

    /// What stands beside a primitive ("_birthDate"): its extensions that are known, when the primitive itself may stay.
    void add_beside(const fhir::Type& owner, std::string_view key, Value value, Value parent, Members& out) {
        const std::string_view plain = key.substr(1);
        const fhir::Match match = fhir::match(owner, plain);
        if (!match) return;
        const Act act = rules_.act_on(owner, plain, match);
        const bool gone = act == Act::remove || (act == Act::with_code && !parent.find("code"));
        const fhir::Type& element = *fhir::find_type("Element");
        Value kept;
        if (!gone && value.is_object()) kept = object(element, value);
        if (!gone && value.is_array()) {
            std::vector<Value> items;
            bool any = false;
            for (const json::Node& node : value.items()) {
                const Value item = Value(&node).is_object() ? object(element, Value(&node)) : Value();
                any = any || item;
                items.push_back(item ? item : arena_.null());
            }
            if (any) kept = arena_.array(items);
        }
        if (kept) out.emplace_back(key, kept);
        else if (match.element->min > 0 && !parent.find(plain)) add_masked(plain, match, value.is_array(), out);
    }

    void add_masked(std::string_view key, const fhir::Match& match, bool in_list, Members& out) {
        const Value reason = arena_.object({{"url", arena_.string(absent)}, {"valueCode", arena_.string("masked")}});
        const Value masked = arena_.object({{"extension", arena_.array({reason})}});
        if (is_primitive(match))
            out.emplace_back(arena_.keep(fmt::format("_{}", key)), in_list ? arena_.array({masked}) : masked);
        else out.emplace_back(key, in_list ? arena_.array({masked}) : masked);
    }

    Value list(Act act, const fhir::Match& match, Value value, Value parent) {
        std::vector<Value> items;
        for (const json::Node& node : value.items()) {
            const Value item(&node);
            const Value kept = item.is_null() && act != Act::remove ? item : one(act, match, item, parent);
            if (kept) items.push_back(kept);
        }
        return items.empty() ? Value() : arena_.array(items);
    }

    Value one(Act act, const fhir::Match& match, Value value, Value parent) {
        switch (act) {
            case Act::remove: return {};
            case Act::keep: return is_date(match) ? dated(match.type->type->name, value) : with_dates(value);
            case Act::pseudonym: return hashed(value, parent);
            case Act::reference: return reference(value.string());
            case Act::birth_year: return year(value.string());
            case Act::with_code: return parent.find("code") ? value : Value();
            case Act::age: return age(*match.type->type, value);
            case Act::walk:
            case Act::county_code: break;
        }
        if (!match.type || !value.is_object()) return {};
        const fhir::Type& type = *match.type->type;
        if (type.name == "Extension") return extension(match, value);
        if (type.kind != fhir::TypeKind::resource) return object(type, value);
        return resource(value, match.element->name == "contained");
    }

    /// The same identifier has the same pseudonym wherever it stands.
    Value hashed(Value value, Value parent) {
        if (!value.is_string()) return {};
        return arena_.string(rules_.pseudonym("identifier " + std::string(parent.find("system").string()), value.string()));
    }

    Value extension(const fhir::Match& match, Value value) {
        const std::string url(value.find("url").string());
        const auto rule = rules_.extensions.find(url);
        const bool inside_known = depth_of_known_ > 0;
        if (rule == rules_.extensions.end() && !inside_known) {
            if (match.element->name == "modifierExtension") refused_ = true;  // it may say the opposite without it
            return {};
        }
        const Act act = rule == rules_.extensions.end() ? Act::walk : rule->second;
        if (act == Act::remove) return {};
        if (act == Act::keep) return with_dates(value);
        if (act == Act::county_code) {
            const std::string_view code = value.find("valueString").string();
            return code.empty() ? Value() : arena_.with(value, "valueString", arena_.string(code.substr(0, 6)));
        }
        ++depth_of_known_;
        const Value out = object(*fhir::find_type("Extension"), value);
        --depth_of_known_;
        return out.members().size() < 2 ? Value() : out;  // an address without anything at it
    }

    /// "Patient/7/_history/2" → "Patient/<pseudonym>/_history/2"; of other servers' the whole address counts.
    Value reference(std::string_view written) {
        if (written.starts_with('#')) {
            if (written.size() == 1) return arena_.string(written);
            return arena_.string("#" + rules_.pseudonym("contained", written.substr(1)));
        }
        if (written.find('?') != std::string_view::npos) return {};
        if (written.starts_with("urn:")) return arena_.string("urn:uuid:" + as_uuid(rules_.pseudonym("urn", written)));
        std::string_view rest = written, history;
        if (const std::size_t at = rest.find("/_history/"); at != std::string_view::npos) {
            history = rest.substr(at);
            rest = rest.substr(0, at);
        }
        const std::size_t slash = rest.rfind('/');
        if (slash == std::string_view::npos) return {};
        const std::string_view upto_id = rest.substr(0, slash);
        const std::size_t before = upto_id.rfind('/');
        const bool elsewhere = before != std::string_view::npos;
        const std::string_view name = elsewhere ? upto_id.substr(before + 1) : upto_id;
        const fhir::Type* type = fhir::find_resource(name);
        if (!type) return {};
        const std::string id = elsewhere ? rules_.pseudonym("elsewhere", rest) : doer_.id_of(*type, rest.substr(slash + 1));
        return arena_.string(fmt::format("{}/{}{}", name, id, history));
    }

    static bool is_date(const fhir::Match& match) {
        if (!match.type) return false;
        const std::string_view name = match.type->type->name;
        return name == "date" || name == "dateTime" || name == "instant";
    }

    /// By the policy of dates. What is no date goes.
    Value dated(std::string_view type, Value value) {
        if (rules_.dates == Dates::keep || !value.is_string()) return value;
        const std::string_view text = value.string();
        const auto moment = type == "date" ? calendar::parse_date(text) : calendar::parse_date_time(text, true);
        if (!moment || text.size() < 4) return {};
        const bool whole = text.size() >= 10;
        if (rules_.dates == Dates::shift) {
            // Of a month or a year its middle is shifted.
            const int month = text.size() >= 7 ? moment->month : 7, day = whole ? moment->day : text.size() >= 7 ? 15 : 1;
            const auto to = calendar::civil_from_days(calendar::days_from_civil(moment->year, month, day) - days_back_);
            const std::string shifted = fmt::format("{:04}-{:02}-{:02}", to.year, to.month, to.day);
            return arena_.string(shifted.substr(0, std::min<std::size_t>(text.size(), 10)) +
                                 std::string(whole ? text.substr(10) : std::string_view()));
        }
        const std::size_t size = std::min<std::size_t>(text.size(), rules_.dates == Dates::month ? 7 : 4);
        std::string cut(text.substr(0, size));
        if (type == "instant") cut += size == 7 ? "-01T00:00:00Z" : "-01-01T00:00:00Z";
        return arena_.string(cut);
    }

    /// Of what is kept whole: every text that is a date, wherever it stands.
    Value with_dates(Value value) {
        if (rules_.dates == Dates::keep) return value;
        if (value.is_array()) {
            std::vector<Value> items;
            for (const json::Node& node : value.items()) items.push_back(with_dates(Value(&node)));
            return arena_.array(items);
        }
        if (value.is_object()) {
            Members members;
            for (const json::Member& member : value.members()) members.emplace_back(member.key(), with_dates(member.value()));
            return arena_.object(members);
        }
        const std::string_view text = value.string();
        if (text.size() < 7 || !calendar::parse_date_time(text, true)) return value;
        const Value plain = dated("dateTime", value);
        return plain ? plain : value;
    }

    Value year(std::string_view date) {
        int year = 0;
        if (date.size() < 4 || std::from_chars(date.data(), date.data() + 4, year).ptr != date.data() + 4) return {};
        return arena_.string(fmt::format("{:04}", std::max(year, rules_.least_year)));
    }

    /// More years than the rules tell apart are said to be more, and no more.
    Value age(const fhir::Type& type, Value value) {
        const std::string_view code = value.find("code").string(), unit = value.find("unit").string();
        double number = 0;
        const std::string_view digits = value.find("value").text();
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
        constexpr std::string_view years[] = {"a", "岁", "年", "year", "years", "yr", "yrs"};
        const std::string_view said = code.empty() ? unit : code;
        const double in_years = said == "mo"   ? number / 12
                                : said == "wk" ? number / 52.18
                                : said == "d"  ? number / 365.25
                                               : number;
        const bool is_time =
            said == "mo" || said == "wk" || said == "d" || std::find(std::begin(years), std::end(years), said) != std::end(years);
        if (!is_time || in_years < rules_.ages_up_to + 1) return object(type, value);
        return arena_.object({{"value", arena_.number(static_cast<std::int64_t>(rules_.ages_up_to))},
                              {"comparator", arena_.string(">")},
                              {"unit", arena_.string("a")},
                              {"system", arena_.string("http://unitsofmeasure.org")},
                              {"code", arena_.string("a")}});
    }

    /// meta.security says what was done.
    Value marked(Value resource) {
        const Value meta = resource.find("meta");
        std::vector<Value> labels;
        for (const json::Node& node : meta.find("security").items()) labels.emplace_back(&node);
        labels.push_back(arena_.object({{"system", arena_.string("http://terminology.hl7.org/CodeSystem/v3-ObservationValue")},
                                        {"code", arena_.string("PSEUDED")}}));
        const Value all = arena_.array(labels);
        return arena_.with_after(resource, "id", "meta",
                                 meta ? arena_.with(meta, "security", all) : arena_.object({{"security", all}}));
    }

    const Deidentifier::Inside& rules_;
    const Deidentifier& doer_;
    json::Arena& arena_;
    int depth_of_known_ = 0, days_back_ = 0;
    bool refused_ = false;
};

}  // namespace

Deidentifier::Deidentifier(std::unique_ptr<const Inside> inside) : inside_(std::move(inside)) {}
Deidentifier::Deidentifier(Deidentifier&&) noexcept = default;
Deidentifier::~Deidentifier() = default;

Result<Deidentifier> Deidentifier::make(const content::Files& files, std::string key, int year, Dates dates) {
    if (key.size() < key_bytes_least)
        return refuse(IssueCode::invalid, "key", fmt::format("must be {} bytes or longer", key_bytes_least));
    auto inside = std::make_unique<Inside>();
    inside->key = std::move(key);
    XINGLIN_CHECK(read_rules(files, *inside));
    inside->dates = dates;
    inside->least_year = year - inside->ages_up_to - 1;
    return Deidentifier(std::move(inside));
}

Value Deidentifier::apply(Value resource, json::Arena& arena, std::string_view person) const {
    const std::string own = fmt::format("{}/{}", resource.find("resourceType").string(), resource.find("id").string());
    Walk walk(*inside_, *this, arena, person.empty() ? own : person);
    const Value out = walk.resource(resource, false);
    return walk.is_refused() ? Value() : out;
}

bool Deidentifier::leaves_out(const fhir::Type& type) const { return inside_->left_out.contains(std::string(type.name)); }

std::string Deidentifier::id_of(const fhir::Type& type, std::string_view id) const {
    return inside_->pseudonym("id " + std::string(type.name), id);
}

const std::string& Deidentifier::edition() const { return inside_->edition; }

std::string Deidentifier::key_mark() const { return inside_->pseudonym("mark", "").substr(0, 8); }

}  // namespace xinglin::bulk
