// SPDX-License-Identifier: Apache-2.0
// What is UCUM, and conversions, against facts of the UCUM functional tests (2018-10-11) and of UCUM's own tables.
#include <gtest/gtest.h>

#include <cmath>

#include "fhirpath/fhirpath.h"

namespace xinglin::fhirpath {
namespace {

TEST(Ucum, KnowsTheUnitsOfClinicalData) {
    for (const char* unit : {"m",
                             "/m",
                             "10*3/ul",
                             "10*-3/ul",
                             "10*+3/ul",
                             "m[H2O]",
                             "10*23",
                             "rad2",
                             "m3.kg-1.s-2",
                             "4.[pi].10*-7.N/A2",
                             "rad2{a}",
                             "{a}.rad2{b}",
                             "1{c}",
                             "{e}",
                             "%",
                             "dB[10.nV]",
                             "[cup_us]",
                             "[foz_br]",
                             "[gal_br]",
                             "[pt_br]",
                             "[qt_br]",
                             "[sft_i]",
                             "[sin_i]",
                             "[syd_i]",
                             "[tbs_us]",
                             "[tsp_us]",
                             "1/d",
                             "1/min",
                             "meq",
                             "mU",
                             "U/l",
                             "ug/min",
                             "[mi_us]",
                             "[in_us]",
                             "/[HPF]",
                             "/[LPF]",
                             "[APL'U]",
                             "[GPL'U]",
                             "[IU]/mL",
                             "[MPL'U]",
                             "10*12/L",
                             "Cel",
                             "fmol/L",
                             "g/g",
                             "kU/L",
                             "m[IU]/L",
                             "mm[Hg]",
                             "nmol/h/mL",
                             "u[IU]/mL",
                             "umol/2.h",
                             "[arb'U]",
                             "dyn.s/(cm5.m2)",
                             "[bdsk'U]",
                             "K/W",
                             "{bsa}",
                             "cm[H2O]",
                             "kg{body_wt}",
                             "cm[H2O].s/L",
                             "mmol/(8.h.kg)",
                             "[drp]",
                             "dB[SPL]",
                             "L/(8.h)",
                             "[ka'U]",
                             "REM",
                             "g{creat}",
                             "[knk'U]",
                             "osm",
                             "[mclg'U]",
                             "g.m/m2{hb}",
                             "g.m/{hb}",
                             "pH",
                             "[ppb]",
                             "[todd'U]",
                             "[in_i'Hg]",
                             "/[arb'U]",
                             "mL/{hb}.m2",
                             "10*3{rbc}",
                             "10.L/(min.m2)",
                             "mL/cm[H2O]",
                             "ueq",
                             "Bq",
                             "Gy",
                             "hL",
                             "nkat",
                             "dB",
                             "lm",
                             "kat/kg",
                             "eV",
                             "Ohm.m",
                             "10*3/mm3",
                             "mbar.s/L",
                             "pt",
                             "Sv",
                             "a/m",
                             "Wb",
                             "mosm/L"})
        EXPECT_TRUE(ucum_valid(unit)) << unit;
}

TEST(Ucum, RefusesWhatOnlyLooksLikeOne) {
    for (const char* unit :
         {"",      "m/",       "10+3/ul", "rad2{錠}", "{a}rad2{b}",   "{|}1",    "iU",      "molv",    "[BETH'U]",
          "[iIU]", "m[iIU]/L", "g/12h",   "mL/10h",   "mmol/kg[H20]", "cm[H20]", "ug(8.h)", "ug(8hr)", "U/1h",
          "m//s",  "(m",       "m)",      "{",        "m^2",          " m",      "m s"})
        EXPECT_FALSE(ucum_valid(unit)) << unit;
}

TEST(Ucum, ConvertsAsTheFunctionalTestsSay) {
    struct Fact {
        const char *value, *from, *to;
        double outcome;
    };
    constexpr Fact facts[] = {{"6.3", "m", "m", 6.3},
                              {"6.3", "mm", "m", 0.0063},
                              {"6.3", "mm", "cm", 0.63},
                              {"6.3", "s.m-1", "s/m", 6.3},
                              {"6.3", "s.mm-1", "s.m-1", 6300},
                              {"6.3", "s.mm-2", "s.m-2", 6.3e6},
                              {"6.3", "s/m/g", "s.m-1.g-1", 6.3},
                              {"6.3", "ms/m/g", "s.m-1.g-1", 0.0063},
                              {"6.3", "s/mm/g", "s.m-1.g-1", 6300},
                              {"6.3", "s/m/mg", "s.m-1.g-1", 6300},
                              {"6.3", "s/m.mg", "s.m-1.g", 0.0063},
                              {"6.30", "4.s/m", "s/m", 25.2},
                              {"6.3", "s/4/m", "s/m", 1.575},
                              {"6.3", "ms/mm", "s/m", 6.3},
                              {"6.30", "[in_i]", "m", 0.16002},
                              {"6.300", "[in_i]", "cm", 16.002},
                              {"6.3", "g.m.s-2.A-2", "g.m.C-2", 6.3},
                              {"1", "10*-7.s", "s", 1e-7},
                              {"1", "4.[pi].10*-7.N", "N", 1.25663706143591729538506e-6},
                              {"1", "[mu_0]", "g.m.C-2", 1.25663706143591729538506e-3},
                              {"1", "m[Hg]", "g.s-2.m-1", 133322000},
                              {"1", "S", "g-1.m-2.C2.s", 0.001},
                              {"1", "[ly]", "cm", 946073047258080000.0},
                              {"1", "1/[ly]", "cm-1", 1.05700083402461546370946e-18},
                              {"1.2", "g.m", "m.g", 1.2},
                              // UCUM's tables, and the house's daily bread
                              {"37", "Cel", "[degF]", 98.6},
                              {"98.6", "[degF]", "Cel", 37},
                              {"120", "mm[Hg]", "kPa", 15.99864},
                              {"5.6", "g/dL", "g/L", 56},
                              {"4.5", "10*12/L", "10*6/uL", 4.5},
                              {"70", "[lb_av]", "kg", 31.7514659}};
    for (const Fact& fact : facts) {
        const auto converted = ucum_convert(fact.value, fact.from, fact.to);
        ASSERT_TRUE(converted.ok()) << fact.from << " → " << fact.to << ": " << converted.outcome().line();
        EXPECT_NEAR(std::stod(*converted) / fact.outcome, 1, 1e-12) << fact.from << " → " << fact.to << " = " << *converted;
    }
}

TEST(Ucum, ConvertsDecimalsExactly) {
    EXPECT_EQ(*ucum_convert("0.1", "g", "mg"), "100");
    EXPECT_EQ(*ucum_convert("5.60", "g/dL", "g/L"), "56");
    EXPECT_EQ(*ucum_convert("0.3", "m", "cm"), "30") << "0.30000000000000004 is not 0.3";
    EXPECT_EQ(*ucum_convert("1", "[ly]", "cm"), "946073047258080000");
    EXPECT_EQ(ucum_canonical_value("5.6", "g/dL")->first, ucum_canonical_value("56", "g/L")->first);
    EXPECT_EQ(ucum_canonical_value("5.6", "g/dL")->second, "m-3.g");
    EXPECT_EQ(ucum_canonical_value("5.6", "nothing"), std::nullopt);
}

TEST(Ucum, SaysWhatCannotBeConverted) {
    EXPECT_EQ(ucum_convert("x", "m", "cm").outcome().issues[0].where, "value");
    EXPECT_EQ(ucum_convert("1", "metre", "cm").outcome().issues[0].where, "from");
    EXPECT_EQ(ucum_convert("1", "m", "").outcome().issues[0].where, "to");
    EXPECT_EQ(ucum_convert("1", "mmol/L", "mg/dL").outcome().issues[0].where, "to");
    EXPECT_FALSE(ucum_convert("1", "[iU]", "[arb'U]").ok());
    EXPECT_FALSE(ucum_convert(std::string(5'000, '9'), "m", "cm").ok());
}

}  // namespace
}  // namespace xinglin::fhirpath
