// SPDX-License-Identifier: Apache-2.0
// Reads UCUM codes into factors and base units.
#include "fhirpath/unit.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "fhirpath/fhirpath.h"
#include "fhirpath/ucum_table.h"

namespace xinglin::fhirpath {

namespace {

/// One factor of a unit as written: "cm" to the 2.
struct Factor {
    std::string symbol;
    int exponent;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// term = ["/"] component { ("." | "/") component }
class UnitReader {
public:
    explicit UnitReader(std::string_view text) : text_(text) {}

    std::optional<std::vector<Factor>> read() {
        std::vector<Factor> factors;
        if (text_.size() > 200) return std::nullopt;
        if (text_.empty()) return factors;
        if (!term(factors, 1, 0) || at_ != text_.size()) return std::nullopt;
        return factors;
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;

    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(char c) {
        if (peek() != c) return false;
        ++at_;
        return true;
    }

    bool term(std::vector<Factor>& factors, int sign, int depth) {
        if (depth > 20) return false;
        int direction = take('/') ? -1 : 1;
        for (;;) {
            if (!component(factors, sign * direction, depth)) return false;
            if (take('.')) {
                direction = 1;
            } else if (take('/')) {
                direction = -1;
            } else {
                return true;
            }
        }
    }

    bool annotation() {
        if (!take('{')) return false;
        while (at_ < text_.size() && peek() != '}' && peek() > ' ' && peek() < 0x7F) ++at_;  // UCUM §12: 33 to 126
        return take('}');
    }

    bool component(std::vector<Factor>& factors, int sign, int depth) {
        if (peek() == '{') return annotation();
        if (take('(')) {
            if (!term(factors, sign, depth + 1) || !take(')')) return false;
        } else {
            std::string symbol = read_symbol();
            if (symbol.empty()) return false;
            const bool is_number = is_digit(symbol[0]) && symbol != "10*";
            const auto exponent = is_number ? std::optional(1) : read_exponent();  // "10+3" is not UCUM
            if (!exponent) return false;
            factors.push_back({std::move(symbol), sign * *exponent});
        }
        return peek() != '{' || annotation();
    }

    std::string read_symbol() {
        const std::size_t begin = at_;
        if (text_.substr(at_, 3) == "10*" || text_.substr(at_, 3) == "10^") {
            at_ += 3;
            return "10*";
        }
        if (is_digit(peek())) {
            while (is_digit(peek())) ++at_;
            return std::string(text_.substr(begin, at_ - begin));
        }
        while (at_ < text_.size() && std::string_view("./(){}+-").find(peek()) == std::string_view::npos && !is_digit(peek())) {
            if (peek() == '[') {
                const std::size_t close = text_.find(']', at_);
                if (close == std::string_view::npos) return {};
                at_ = close;
            }
            ++at_;
        }
        return std::string(text_.substr(begin, at_ - begin));
    }

    std::optional<int> read_exponent() {
        int sign = 1;
        if (peek() == '+' || peek() == '-') sign = text_[at_++] == '-' ? -1 : 1;
        else if (!is_digit(peek())) return 1;
        int value = 0;
        const std::size_t begin = at_;
        for (; is_digit(peek()); ++at_) {
            value = value * 10 + (peek() - '0');
            if (value > 40) return std::nullopt;
        }
        if (at_ == begin) return std::nullopt;
        return sign * value;
    }
};

void multiply_in(Unit& unit, const Unit& factor, int exponent) {
    const int times = exponent < 0 ? -exponent : exponent;
    for (int i = 0; i < times; ++i) {
        unit.numerator = (unit.numerator * (exponent < 0 ? factor.denominator : factor.numerator)).trimmed();
        unit.denominator = (unit.denominator * (exponent < 0 ? factor.numerator : factor.denominator)).trimmed();
    }
    for (std::size_t i = 0; i < unit.dimensions.size(); ++i) {
        unit.dimensions[i] = static_cast<std::int16_t>(unit.dimensions[i] + factor.dimensions[i] * exponent);
    }
    for (const auto& [name, power] : factor.arbitrary) {
        const auto found = std::find_if(unit.arbitrary.begin(), unit.arbitrary.end(),
                                        [&name = name](const auto& entry) { return entry.first == name; });
        if (found == unit.arbitrary.end()) {
            unit.arbitrary.emplace_back(name, power * exponent);
        } else if ((found->second += power * exponent) == 0) {
            unit.arbitrary.erase(found);
        }
    }
    std::sort(unit.arbitrary.begin(), unit.arbitrary.end());
}

struct Known {
    Unit unit;
    bool metric = false;
};

class UnitTable {
public:
    UnitTable() {
        for (std::size_t i = 0; i < std::size(ucum_base_units); ++i) {
            Known known;
            known.unit.dimensions[i] = 1;
            known.metric = true;
            known_.emplace(ucum_base_units[i], std::move(known));
        }
        for (const std::string_view code : ucum_arbitrary) {
            Known known;
            known.unit.arbitrary = {{code == "[IU]" ? "[iU]" : std::string(code), 1}};
            known.metric = true;
            known_.emplace(code, std::move(known));
        }
        // Rows may name later rows; a few rounds settle them all.
        for (int round = 0; round < 6; ++round) {
            for (const UcumRow& row : ucum_rows) {
                if (known_.count(std::string(row.code)) != 0) continue;
                auto unit = parse(row.unit);
                if (!unit) continue;
                unit->numerator = unit->numerator * *Decimal::parse(row.value);
                known_.emplace(row.code, Known{std::move(*unit), row.metric});
            }
        }
        special("Cel", "1", "1", "273.15", true);
        special("[degF]", "5", "9", "255.3722222222222222222222222222222222222222", false);
        special("[degRe]", "5", "4", "273.15", false);
    }

    std::optional<Unit> parse(std::string_view code) const {
        const auto factors = UnitReader(code).read();
        if (!factors) return std::nullopt;
        Unit unit;
        for (const Factor& factor : *factors) {
            const auto known = find(factor.symbol);
            if (!known) return std::nullopt;
            multiply_in(unit, *known, factor.exponent);
            if (unit.numerator.digits() > 300 || unit.denominator.digits() > 300) return std::nullopt;
            if (factors->size() == 1 && factor.exponent == 1) unit.offset = known->offset;
        }
        return unit;
    }

private:
    std::unordered_map<std::string, Known> known_;

    void special(std::string_view code, std::string_view numerator, std::string_view denominator, std::string_view offset,
                 bool metric) {
        Known known{*parse("K"), metric};
        known.unit.numerator = *Decimal::parse(numerator);
        known.unit.denominator = *Decimal::parse(denominator);
        known.unit.offset = *Decimal::parse(offset);
        known_.emplace(code, std::move(known));
    }

    std::optional<Unit> find(const std::string& symbol) const {
        if (const auto found = known_.find(symbol); found != known_.end()) return found->second.unit;
        if (is_digit(symbol[0])) {
            const auto number = Decimal::parse(symbol);
            if (!number || number->is_zero() || symbol.size() > 20) return std::nullopt;
            Unit unit;
            unit.numerator = *number;
            return unit;
        }
        for (const UcumPrefix& prefix : ucum_prefixes) {
            if (symbol.size() <= prefix.code.size() || symbol.compare(0, prefix.code.size(), prefix.code) != 0) continue;
            const auto found = known_.find(symbol.substr(prefix.code.size()));
            if (found == known_.end() || !found->second.metric) continue;
            Unit unit = found->second.unit;
            (prefix.power_of_ten < 0 ? unit.denominator : unit.numerator) =
                (prefix.power_of_ten < 0 ? unit.denominator : unit.numerator) * Decimal(1).shifted(std::abs(prefix.power_of_ten));
            unit.offset = Decimal();
            return unit;
        }
        return std::nullopt;
    }
};

const UnitTable& unit_table() {
    static const UnitTable table;
    return table;
}

}  // namespace

std::optional<Unit> parse_unit(std::string_view code) { return unit_table().parse(code); }

std::string dimension_text(const Unit& unit) {
    std::string out;
    const auto add = [&out](std::string_view name, int exponent) {
        if (exponent == 0) return;
        if (!out.empty()) out += '.';
        out += name;
        if (exponent != 1) out += std::to_string(exponent);
    };
    for (std::size_t i = 0; i < unit.dimensions.size(); ++i) add(ucum_base_units[i], unit.dimensions[i]);
    for (const auto& [name, exponent] : unit.arbitrary) add(name, exponent);
    return out.empty() ? "1" : out;
}

std::optional<std::string> unit_product(std::string_view a, std::string_view b, bool divide) {
    auto left = UnitReader(a).read();
    const auto right = UnitReader(b).read();
    if (!left || !right) return std::nullopt;
    for (const Factor& factor : *right) left->push_back({factor.symbol, divide ? -factor.exponent : factor.exponent});
    std::vector<Factor> gathered;
    for (const Factor& factor : *left) {
        if (factor.symbol == "1") continue;
        const auto found =
            std::find_if(gathered.begin(), gathered.end(), [&](const Factor& f) { return f.symbol == factor.symbol; });
        if (found == gathered.end()) {
            gathered.push_back(factor);
        } else {
            found->exponent += factor.exponent;
        }
    }
    std::string above, below;
    for (const Factor& factor : gathered) {
        if (factor.exponent == 0) continue;
        const int exponent = std::abs(factor.exponent);
        std::string& side = factor.exponent > 0 ? above : below;
        if (factor.exponent < 0) {
            side += '/';
        } else if (!side.empty()) {
            side += '.';
        }
        side += factor.symbol;
        if (exponent != 1) side += std::to_string(exponent);
    }
    if (above.empty() && below.empty()) return "1";
    return above + below;
}

std::optional<Canonical> ucum_canonical(std::string_view unit) {
    const auto parsed = parse_unit(unit);
    if (!parsed) return std::nullopt;
    const Decimal factor = Decimal::quotient(parsed->numerator, parsed->denominator).value_or(Decimal());
    return Canonical{factor.to_double(), parsed->offset.to_double(), dimension_text(*parsed)};
}

}  // namespace xinglin::fhirpath
