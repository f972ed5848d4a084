// SPDX-License-Identifier: Apache-2.0
// Queries drawn from the data: a resource is picked, a parameter that finds something in it, and a value near what it finds.
#include <algorithm>
#include <optional>

#include "search_oracle/inside.h"

namespace xinglin::search_oracle {
namespace {

using Pair = std::pair<std::string, std::string>;

class Draw {
public:
    Draw(const Oracle::Inside& inside, std::mt19937_64& random) : inside_(inside), random_(random) {}

    std::optional<Pair> pair(const std::string& type, int depth) {
        const int dice = number(100);
        if (dice < 12 && depth < 3) return chain(type, depth);
        if (dice < 24 && depth < 3) return has(type, depth);
        if (dice < 27) return Pair{"_id", std::string(resource(type)["id"].string())};
        return own(type);
    }

    std::size_t number(std::size_t below) {
        return below ? std::uniform_int_distribution<std::size_t>(0, below - 1)(random_) : 0;
    }

private:
    const Oracle::Inside& inside_;
    std::mt19937_64& random_;

    template <typename List>
    const auto& one_of(const List& list) {
        return list[number(std::size(list))];
    }
    bool often(std::size_t percent) { return number(100) < percent; }
    json::Value resource(const std::string& type) { return one_of(inside_.by_type.at(type)); }

    std::vector<const Row*> usable_rows(const std::string& type, bool references) {
        std::vector<const Row*> rows;
        for (const Row* row : rows_of(type)) {
            if (row->type == "special" || row->code == "_id" || row->code == "_lastUpdated") continue;
            if (!references || row->type == "reference") rows.push_back(row);
        }
        return rows;
    }

    static std::string escaped(std::string_view text) {
        std::string out;
        for (const char c : text) {
            if (c == ',' || c == '$' || c == '|' || c == '\\') out += '\\';
            out += c;
        }
        return out;
    }
    static std::string joined(std::string_view system, std::string_view code) { return escaped(system) + "|" + escaped(code); }

    std::optional<Pair> own(const std::string& type) {
        const auto rows = usable_rows(type, false);
        for (int attempt = 0; attempt < 30 && !rows.empty(); ++attempt) {
            const Row& row = *one_of(rows);
            const json::Value from = resource(type);
            if (often(5)) return Pair{std::string(row.code) + ":missing", often(50) ? "true" : "false"};
            if (row.type == "composite") {
                if (auto value = composite(row, from)) return Pair{row.code, *value};
                continue;
            }
            const FoundList& found = inside_.find(row, from);
            if (found.empty()) continue;
            const Found& picked = one_of(found);
            const std::string modifier = modifier_for(row, picked);
            std::string value = operand(row, modifier, picked);
            if (often(25) && !fhir::find_resource(modifier)) {
                const FoundList& more = inside_.find(row, resource(type));
                const std::string other = more.empty() ? "" : operand(row, modifier, one_of(more));
                if (!other.empty()) value += "," + other;
            }
            if (value.empty() || value[0] == ',') continue;
            return Pair{std::string(row.code) + (modifier.empty() ? "" : ":" + modifier), value};
        }
        return std::nullopt;
    }

    std::string modifier_for(const Row& row, const Found& found) {
        const int dice = number(10);
        if (row.type == "string") return dice < 2 ? "exact" : dice < 4 ? "contains" : "";
        const bool level = often(50);
        if (row.type == "token" && found.type == "boolean") return "";
        if (row.type == "token" && dice == 9 && found.type == "Identifier") return "of-type";
        if (row.type == "token" && dice == 8) return level ? "in" : "not-in";
        if (row.type == "token" && dice == 7 && found.type != "Identifier") return level ? "below" : "above";
        if (row.type == "token") return dice < 2 ? "not" : dice < 4 ? "text" : "";
        if (row.type == "uri") return dice < 3 ? "below" : dice < 5 ? "above" : "";
        if (row.type != "reference") return "";
        const Target place = target_of(found);
        if (dice > 7 && place.url.empty() && (place.type == "Location" || place.type == "Organization"))
            return level ? "below" : "above";
        if (dice < 2 && found.value["identifier"]["value"]) return "identifier";
        if (dice < 3 && found.value["display"]) return "text";
        const Target target = target_of(found);
        const bool known = fhir::find_resource(target.type) && target.url.empty();
        return dice < 6 && known && fits(row, target.type) ? target.type : "";
    }

    static bool fits(const Row& row, const std::string& type) {
        return row.targets.empty() || std::find(row.targets.begin(), row.targets.end(), type) != row.targets.end();
    }

    std::optional<std::string> composite(const Row& row, json::Value from) {
        const auto tuples = inside_.tuples(row, from);
        if (tuples.empty()) return std::nullopt;
        const auto& tuple = one_of(tuples);
        const bool swapped = row.code == "relationship";
        std::string value;
        for (std::size_t i = 0; i < tuple.size(); ++i) {
            const Row* part = find_row_by_url(from["resourceType"].string(), row.components[swapped ? 1 - i : i].definition);
            const std::string text = tuple[i].empty() ? "" : operand(*part, "", one_of(tuple[i]));
            if (text.empty()) return std::nullopt;
            value += (i ? "$" : "") + text;
        }
        return value;
    }

    std::optional<Pair> chain(const std::string& type, int depth) {
        const auto rows = usable_rows(type, true);
        for (int attempt = 0; attempt < 20 && !rows.empty(); ++attempt) {
            const Row& row = *one_of(rows);
            const FoundList& found = inside_.find(row, resource(type));
            if (found.empty()) continue;
            const Target target = target_of(one_of(found));
            if (!target.url.empty() || !fits(row, target.type) || !inside_.by_type.contains(target.type)) continue;
            const auto inner = pair(target.type, depth + 1);
            if (!inner) return std::nullopt;
            const bool typed = often(60) || !same_everywhere(row, inner->first);
            return Pair{std::string(row.code) + (typed ? ":" + target.type : "") + "." + inner->first, inner->second};
        }
        return std::nullopt;
    }

    /// Whether a plain parameter means the same kind of thing in every type the reference may name.
    static bool same_everywhere(const Row& row, const std::string& inner) {
        if (inner.starts_with("_has") || inner.find('.') != std::string::npos || row.targets.empty() || row.targets.size() > 20)
            return false;
        const std::string code = inner.substr(0, inner.find(':'));
        const std::string modifier = inner.find(':') == std::string::npos ? "" : inner.substr(code.size() + 1);
        if (!modifier.empty() && fhir::find_resource(modifier)) return false;
        if (modifier == "below" || modifier == "above" || modifier == "of-type") return false;
        std::string_view kind;
        for (const std::string_view type : row.targets) {
            const Row* other = find_row(type, code);
            if (!other) continue;
            if (!kind.empty() && kind != other->type) return false;
            kind = other->type;
        }
        return kind != "composite";
    }

    std::optional<Pair> has(const std::string& type, int depth) {
        for (int attempt = 0; attempt < 20; ++attempt) {
            const json::Value other = one_of(inside_.resources);
            const std::string from(other["resourceType"].string());
            const auto rows = usable_rows(from, true);
            if (rows.empty()) continue;
            const Row& row = *one_of(rows);
            const FoundList& found = inside_.find(row, other);
            const bool ours =
                std::any_of(found.begin(), found.end(), [&](const Found& each) { return target_of(each).type == type; });
            if (!ours || !fits(row, type)) continue;
            const auto inner = pair(from, depth + 1);
            if (!inner) return std::nullopt;
            return Pair{"_has:" + from + ":" + std::string(row.code) + ":" + inner->first, inner->second};
        }
        return std::nullopt;
    }

    // ---- values ------------------------------------------------------------------------------------------------------

    /// "" when nothing can be made of what was found.
    std::string operand(const Row& row, const std::string& modifier, const Found& found) {
        if (row.type == "string") return text(found, modifier);
        if (row.type == "uri") return escaped(uri_near(found.value.string(), modifier));
        if (row.type == "token") return token(found, modifier);
        if (row.type == "reference") return reference(found, modifier);
        if (row.type == "date") return date(found);
        if (row.type == "number") return number_near(found.value.is_number() ? found.value : found.value["low"]["value"], true);
        if (row.type == "quantity") return quantity(found);
        return "";
    }

    std::string_view any_text(json::Value value) {
        std::vector<std::string_view> all;
        if (value.is_string()) all.push_back(value.string());
        for (const json::Member& member : value.members()) {
            if (member.key() == "use" || member.key() == "type" || member.key() == "id") continue;
            if (member.value().is_string()) all.push_back(member.value().string());
            for (const json::Node& item : member.value().items()) all.push_back(json::Value(&item).string());
        }
        return all.empty() ? std::string_view() : one_of(all);
    }

    std::string text(const Found& found, const std::string& modifier) {
        const std::string whole(any_text(found.value));
        if (modifier == "exact" || whole.empty()) return escaped(whole);
        std::size_t from = modifier == "contains" ? number(whole.size()) : 0;
        std::size_t to = from + 1 + number(std::min<std::size_t>(whole.size() - from, 12));
        const auto inside = [&](std::size_t at) {
            return at < whole.size() && (static_cast<unsigned char>(whole[at]) & 0xC0) == 0x80;
        };
        while (inside(from)) ++from;
        while (inside(to)) ++to;
        std::string piece = whole.substr(from, to > from ? to - from : 0);
        if (often(50))
            std::transform(piece.begin(), piece.end(), piece.begin(),
                           [](unsigned char c) { return c < 128 ? std::toupper(c) : c; });
        const bool blank = piece.find_first_not_of(" \t\n\r") == std::string::npos;
        return blank ? "" : escaped(piece);
    }

    /// For :below a piece from the front, for :above something beneath.
    std::string uri_near(std::string_view uri, const std::string& modifier) {
        std::string made(uri);
        if (modifier == "above") return made + (often(50) ? "/and/more" : "#there");
        if (modifier == "below" && !made.empty()) {
            for (std::size_t cuts = number(3); cuts > 0 && made.find('/', 9) != std::string::npos; --cuts)
                made.resize(made.rfind('/') + (often(50) && made.back() != '/' ? 1 : 0));
        }
        return made;
    }

    std::string typed(json::Value identifier) {
        const json::Value coding = identifier["type"]["coding"][std::size_t{0}];
        if (coding["code"].string().empty() || identifier["value"].string().empty()) return "";
        return escaped(often(70) ? coding["system"].string() : std::string_view()) + "|" + escaped(coding["code"].string()) +
               "|" + escaped(identifier["value"].string());
    }

    std::string token(const Found& found, const std::string& modifier) {
        const json::Value value = found.value;
        if (modifier == "in" || modifier == "not-in") return "urn:oracle:vs:" + std::to_string(number(5));
        if (modifier == "of-type") return typed(value);
        json::Value coding = value;
        if (found.type == "boolean")
            return modifier == "text" ? "" : value ? std::string(value.text()) : found.boolean ? "true" : "false";
        if (found.type == "CodeableConcept")
            coding = value["coding"].size() ? value["coding"][number(value["coding"].size())] : json::Value();
        if (modifier == "text") {
            const std::string_view words = often(50) ? coding["display"].string() : value["text"].string();
            const std::string piece(words.substr(0, words.find(' ')));
            return escaped(piece);
        }
        std::string_view code = coding["code"].string(), system = coding["system"].string();
        if (found.type == "Identifier" || found.type == "ContactPoint") code = value["value"].string();
        if (value.is_string()) code = value.string();
        if (value.is_string()) system = found.system;
        if (modifier == "below" || modifier == "above") {
            if (code.empty() || system.empty()) return "";
            if (modifier == "below" && code.size() > 1 && often(60))
                code = code.substr(0, code.size() - 1 - number(code.size() - 1));
            if (static_cast<unsigned char>(code.back()) >= 0x80) return "";
            return joined(system, code);
        }
        const std::size_t dice = number(10);
        if (dice < 3 && !code.empty()) return joined(system, code);
        if (dice < 4 && !system.empty()) return joined(system, "");
        if (dice < 5 && !code.empty()) return joined("", code);
        return escaped(code);
    }

    std::string reference(const Found& found, const std::string& modifier) {
        if (modifier == "identifier") return token({"Identifier", found.value["identifier"], false, ""}, "");
        if (modifier == "text") return escaped(found.value["display"].string().substr(0, 4));
        const Target target = target_of(found);
        if (!target.url.empty()) {
            const std::string_view written = found.type == "Reference" ? found.value["reference"].string() : found.value.string();
            if (written.starts_with("#") || written.find(':') == std::string_view::npos) return "";
            return found.type == "Reference" ? escaped(target.url) : often(50) ? escaped(written) : escaped(target.url);
        }
        if (!fhir::find_resource(target.type) || target.id.empty()) return "";
        return often(40) ? escaped(target.id) : target.type + "/" + escaped(target.id);
    }

    std::string prefix() {
        static const std::string prefixes[] = {"", "", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"};
        return prefixes[number(std::size(prefixes))];
    }

    std::string date(const Found& found) {
        std::string_view written = found.value.string();
        if (found.type == "Period") written = often(50) ? found.value["start"].string() : found.value["end"].string();
        if (found.type == "Timing") written = found.value["event"][std::size_t{0}].string();
        if (found.type == "Timing" && written.empty()) written = found.value["repeat"]["boundsPeriod"]["start"].string();
        if (written.empty() || !calendar::parse_date_time(written)) return "";
        constexpr std::size_t lengths[] = {4, 7, 10, 100, 100};
        return prefix() + std::string(written.substr(0, lengths[number(5)]));
    }

    std::string number_near(json::Value value, bool prefixed) {
        std::string digits(value.text());
        if (digits.empty()) return "";
        if (const std::size_t point = digits.find('.');
            point != std::string::npos && often(40) && digits.find_first_of("eE") == std::string::npos) {
            digits.resize(often(50) ? point : std::min(digits.size(), point + 2));
        }
        if (often(20) && digits.back() >= '0' && digits.back() < '9' && digits.find_first_of("eE") == std::string::npos)
            ++digits.back();
        return (prefixed ? prefix() : "") + digits;
    }

    std::string quantity(const Found& found) {
        json::Value unit = found.value;
        if (found.type == "Range") unit = found.value["low"]["value"] ? found.value["low"] : found.value["high"];
        const std::string digits = number_near(unit["value"], true);
        if (digits.empty() || often(40)) return digits;
        const std::string_view system =
            found.type == "Money" ? std::string_view("urn:iso:std:iso:4217") : unit["system"].string();
        const std::string_view code = found.type == "Money" ? found.value["currency"].string() : unit["code"].string();
        if (system == "http://unitsofmeasure.org" && found.type != "Money" && often(40)) {
            constexpr std::string_view others[] = {"kg",    "g",      "mg",  "ug",   "m",   "cm", "mm",    "[in_i]", "L",
                                                   "mL",    "s",      "min", "h",    "d",   "wk", "a",     "mg/dL",  "g/L",
                                                   "ug/mL", "mm[Hg]", "kPa", "/min", "Cel", "K",  "[degF]"};
            const std::string other(one_of(others));
            const std::string value = digits.substr(std::min(digits.find_first_of("-0123456789"), digits.size()));
            // No more digits than a double holds: on which side of a value its rounding lies is nobody's to say.
            if (const auto there = fhirpath::ucum_convert(value, code, other); there.ok() && there->size() <= 15)
                return digits.substr(0, digits.size() - value.size()) + *there + "|" + joined(system, other);
        }
        if (often(50)) return digits + "|" + joined(system, code);
        return digits + "|" + joined("", often(50) ? code : unit["unit"].string());
    }
};

}  // namespace

std::string Asked::text() const {
    std::string text = type;
    char before = '?';
    for (const auto& [name, value] : pairs) {
        text += before + name + "=" + value;
        before = '&';
    }
    return text;
}

Asked random_query(const Oracle& oracle, std::mt19937_64& random) {
    Draw draw(oracle.inside(), random);
    for (;;) {
        Asked asked;
        const json::Value resource = oracle.resources()[draw.number(oracle.resources().size())];
        asked.type = resource["resourceType"].string();
        const std::size_t wanted = 1 + (draw.number(3) == 0) + (draw.number(9) == 0);
        while (asked.pairs.size() < wanted) {
            auto pair = draw.pair(asked.type, 0);
            if (!pair) break;
            asked.pairs.push_back(std::move(*pair));
        }
        if (!asked.pairs.empty()) return asked;
    }
}

}  // namespace xinglin::search_oracle
