// SPDX-License-Identifier: Apache-2.0
// Units against published conversion facts (UCUM 2.1; NIST SP 811 appendix B; SI brochure).
#include "fhirpath/unit.h"

#include <cmath>

#include <gtest/gtest.h>

#include "fhirpath/trial.h"
#include "fhirpath/ucum_table.h"

namespace xinglin::fhirpath {
namespace {

using trial::run;

TEST(Ucum, ConvertsAsPublished) {
    struct Fact {
        const char* from;
        const char* to;
        double factor;
    };
    constexpr Fact facts[] = {
        {"[in_i]", "cm", 2.54},
        {"[ft_i]", "m", 0.3048},
        {"[mi_i]", "km", 1.609344},
        {"[lb_av]", "kg", 0.45359237},
        {"[oz_av]", "g", 28.349523125},
        {"[gal_us]", "L", 3.785411784},
        {"[pt_us]", "mL", 473.176473},
        {"[foz_us]", "mL", 29.5735295625},
        {"[gal_br]", "L", 4.54609},
        {"atm", "kPa", 101.325},
        {"mm[Hg]", "Pa", 133.322},
        {"[psi]", "kPa", 6.894757293168},
        {"kcal_th", "kJ", 4.184},
        {"cal_IT", "J", 4.1868},
        {"bar", "Pa", 100000},
        {"wk", "d", 7},
        {"a", "d", 365.25},
        {"mo", "d", 30.4375},
        {"h", "s", 3600},
        {"%", "1", 0.01},
        {"[ppm]", "1", 1e-6},
        {"kat", "umol/s", 1e6},
        {"U", "nkat", 16.6666666666667},
        {"eV", "J", 1.60217733e-19},
        {"[Ch]", "mm", 0.318309886183791},
        {"deg", "rad", 0.0174532925199433},
        {"mg/dL", "g/L", 0.01},
        {"10*9/L", "/uL", 1000},
        {"10*3/uL", "10*9/L", 1},
        {"g/(24.h)", "g/d", 1},
        {"mL/min/{1.73_m2}", "mL/s", 1.0 / 60},
        {"kg/m2", "g/cm2", 0.1},
        {"ug/kg/min", "mg/kg/h", 0.06},
        {"meq/L", "mmol/L", 1},
        {"Ci", "Bq", 3.7e10},
        {"[nmi_i]", "m", 1852},
        {"[degR]", "K", 5.0 / 9},
        {"dyn.s/cm5", "Pa.s/m3", 1e5},
        {"m/s2", "Gal", 100},
        {"[drp]", "mL", 0.05},
        {"[gr]", "mg", 64.79891},
        {"dB[nonsense]", nullptr, 0},
        {"[iU]/mL", "k[iU]/L", 1},
        {"{cells}/uL", "/mL", 1000},
    };
    for (const Fact& fact : facts) {
        if (!fact.to) {
            EXPECT_FALSE(parse_unit(fact.from)) << fact.from;
            continue;
        }
        const auto value = convert({Decimal(1), fact.from}, fact.to, Loose::no);
        ASSERT_TRUE(value) << fact.from << " to " << fact.to;
        EXPECT_NEAR(value->to_double(), fact.factor, std::abs(fact.factor) * 1e-9) << fact.from << " to " << fact.to;
    }
}

TEST(Ucum, KnowsTemperaturesWithTheirZero) {
    EXPECT_EQ(run("37 'Cel' = 98.6 '[degF]'"), "true");
    EXPECT_EQ(run("0 'Cel' = 273.15 'K'"), "true");
    EXPECT_EQ(run("100 'Cel'.toQuantity('[degF]').value"), "212");
    EXPECT_EQ(run("36.5 'Cel' < 99 '[degF]'"), "true");
    const auto celsius = ucum_canonical("Cel");
    ASSERT_TRUE(celsius);
    EXPECT_DOUBLE_EQ(celsius->offset, 273.15);
    EXPECT_EQ(celsius->unit, "K");
    EXPECT_DOUBLE_EQ(ucum_canonical("mmol/Cel")->offset, 0);  // within a product it is a difference
}

TEST(Ucum, ReducesToBaseUnits) {
    EXPECT_EQ(ucum_canonical("N")->unit, "m.s-2.g");
    EXPECT_DOUBLE_EQ(ucum_canonical("N")->factor, 1000);
    EXPECT_EQ(ucum_canonical("mmol/L")->unit, "m-3");  // the mole is a number in UCUM
    EXPECT_EQ(ucum_canonical("1")->unit, "1");
    EXPECT_EQ(ucum_canonical("")->unit, "1");
    EXPECT_EQ(ucum_canonical("{score}")->unit, "1");
    EXPECT_EQ(ucum_canonical("[iU]/L")->unit, "m-3.[iU]");
    EXPECT_DOUBLE_EQ(ucum_canonical("mg/dL")->factor, ucum_canonical("g/m3")->factor * 10);
}

TEST(Ucum, RefusesWhatIsNoUnit) {
    for (const char* text : {"nonsense", "mg/", "/",    "mg//L", "(mg", "mg)", "{open", "[in_i", "m2000", "10*99",
                             "mg dL",    "kk",  "kmin", "mmHg",  "m+",  ".",   "m..s",  "%%",    "\xff",  "0"}) {
        EXPECT_FALSE(parse_unit(text)) << text;
    }
    EXPECT_FALSE(parse_unit(std::string(5000, '(')));
    EXPECT_FALSE(parse_unit(std::string(150, '(') + "m" + std::string(30, ')')));
}

TEST(Ucum, ReadsEveryRowOfItsTable) {
    for (const UcumRow& row : ucum_rows) {
        const auto unit = parse_unit(row.code);
        ASSERT_TRUE(unit) << row.code;
        if (row.metric) {
            const std::string milli = "m" + std::string(row.code);
            EXPECT_TRUE(parse_unit(milli)) << milli;
        }
    }
    for (const std::string_view code : ucum_arbitrary) EXPECT_TRUE(parse_unit(code)) << code;
}

TEST(Quantities, AddInTheFinerUnitAndMultiplyTheirUnits) {
    const std::pair<const char*, const char*> rows[] = {
        {"3 'm' + 3 'cm'", "303 'cm'"},
        {"3 'm' - 3 'cm'", "297 'cm'"},
        {"3 'm' + 3 'g'", ""},
        {"12 'cm' * 3 'cm'", "36 'cm2'"},
        {"3 'cm' * 12 'cm2'", "36 'cm3'"},
        {"12 'cm2' / 3 'cm'", "4 'cm'"},
        {"4.0 'g' / 2.0 'm'", "2 'g/m'"},
        {"6 'g' / 2 'g'", "3 '1'"},
        {"2 * 3 'g'", "6 'g'"},
        {"6 'g' / 2", "3 'g'"},
        {"1 day + 12 hours", "36 hours"},
        {"1 'g' / 0 'm'", ""},
        {"5 'g' mod 2 'g'", "!execution"},
        {"1 'x!' + 1 'y!'", ""},
        {"80 'kg' / (1.8 'm' * 1.8 'm') < 25 'kg/m2'", "true"},
        {"-(4 'g')", "-4 'g'"},
        {"8 days > 1 week", "true"},
        {"7 days = 1 week", "true"},
        {"1 year = 12 months", "true"},
        {"24 hours = 1 day", "true"},
        {"1 'cm'.comparable(1 '[in_i]')", "true"},
        {"1 'cm'.comparable(1 's')", "false"},
    };
    for (const auto& [expression, answer] : rows) EXPECT_EQ(run(expression), answer) << expression;
}

}  // namespace
}  // namespace xinglin::fhirpath
