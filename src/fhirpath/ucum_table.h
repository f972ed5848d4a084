// SPDX-License-Identifier: Apache-2.0
// UCUM's units as data: code, whether prefixes go before it, and what it is in terms of others.
//
// Source: UCUM 2.1 table of units (ucum-essence), the part that occurs in clinical data.
#pragma once

#include <string_view>

namespace xinglin::fhirpath {

struct UcumRow {
    std::string_view code;
    bool metric;
    std::string_view value;  // decimal
    std::string_view unit;   // of that value; base units name themselves
};

struct UcumPrefix {
    std::string_view code;
    int power_of_ten;
};

inline constexpr UcumPrefix ucum_prefixes[] = {
    {"Y", 24}, {"Z", 21}, {"E", 18}, {"P", 15}, {"T", 12}, {"G", 9},   {"M", 6},   {"k", 3},   {"h", 2},   {"da", 1},
    {"d", -1}, {"c", -2}, {"m", -3}, {"u", -6}, {"n", -9}, {"p", -12}, {"f", -15}, {"a", -18}, {"z", -21}, {"y", -24},
};

inline constexpr std::string_view ucum_base_units[] = {"m", "s", "g", "rad", "K", "C", "cd"};

inline constexpr UcumRow ucum_rows[] = {
    // dimensionless
    {"10*", false, "10", "1"},
    {"10^", false, "10", "1"},
    {"%", false, "1", "10*-2"},
    {"[ppth]", false, "1", "10*-3"},
    {"[ppm]", false, "1", "10*-6"},
    {"[ppb]", false, "1", "10*-9"},
    {"[pptr]", false, "1", "10*-12"},
    {"mol", true, "6.0221367", "10*23"},
    {"eq", true, "1", "mol"},
    {"osm", true, "1", "mol"},
    {"[pi]", false, "3.1415926535897932384626433832795028841971693993751", "1"},
    // SI
    {"sr", true, "1", "rad2"},
    {"Hz", true, "1", "s-1"},
    {"N", true, "1", "kg.m/s2"},
    {"Pa", true, "1", "N/m2"},
    {"J", true, "1", "N.m"},
    {"W", true, "1", "J/s"},
    {"A", true, "1", "C/s"},
    {"V", true, "1", "J/C"},
    {"F", true, "1", "C/V"},
    {"Ohm", true, "1", "V/A"},
    {"S", true, "1", "Ohm-1"},
    {"Wb", true, "1", "V.s"},
    {"T", true, "1", "Wb/m2"},
    {"H", true, "1", "Wb/A"},
    {"lm", true, "1", "cd.sr"},
    {"lx", true, "1", "lm/m2"},
    {"Bq", true, "1", "s-1"},
    {"Gy", true, "1", "J/kg"},
    {"Sv", true, "1", "J/kg"},
    {"kat", true, "1", "mol/s"},
    // used with SI
    {"gon", false, "0.9", "deg"},
    {"deg", false, "2", "[pi].rad/360"},
    {"'", false, "1", "deg/60"},
    {"''", false, "1", "'/60"},
    {"l", true, "1", "dm3"},
    {"L", true, "1", "l"},
    {"ar", true, "100", "m2"},
    {"t", true, "1000", "kg"},
    {"bar", true, "100000", "Pa"},
    {"u", true, "1.6605402", "10*-24.g"},
    {"eV", true, "1.60217733", "10*-19.J"},
    {"AU", false, "149597.870691", "Mm"},
    {"pc", true, "3.085678", "10*16.m"},
    // time
    {"min", false, "60", "s"},
    {"h", false, "60", "min"},
    {"d", false, "24", "h"},
    {"wk", false, "7", "d"},
    {"a_t", false, "365.24219", "d"},
    {"a_j", false, "365.25", "d"},
    {"a_g", false, "365.2425", "d"},
    {"a", false, "1", "a_j"},
    {"mo_s", false, "29.53059", "d"},
    {"mo_j", false, "1", "a_j/12"},
    {"mo_g", false, "1", "a_g/12"},
    {"mo", false, "1", "mo_j"},
    // constants
    {"[c]", true, "299792458", "m/s"},
    {"[g]", true, "9.80665", "m/s2"},
    {"[e]", true, "1.60217733", "10*-19.C"},
    {"[m_e]", true, "9.1093897", "10*-28.g"},
    {"[m_p]", true, "1.6726231", "10*-24.g"},
    {"[k]", true, "1.380658", "10*-23.J/K"},
    // CGS and older
    {"Ky", true, "1", "cm-1"},
    {"Gal", true, "1", "cm/s2"},
    {"dyn", true, "1", "g.cm/s2"},
    {"erg", true, "1", "dyn.cm"},
    {"P", true, "1", "dyn.s/cm2"},
    {"St", true, "1", "cm2/s"},
    {"G", true, "1", "10*-4.T"},
    {"Ci", true, "37", "10*9.Bq"},
    {"R", true, "2.58", "10*-4.C/kg"},
    {"RAD", true, "100", "erg/g"},
    {"REM", true, "1", "RAD"},
    {"cal", true, "4.184", "J"},
    {"cal_th", true, "4.184", "J"},
    {"cal_IT", true, "4.1868", "J"},
    {"[Cal]", false, "1", "kcal_th"},
    {"atm", false, "101325", "Pa"},
    {"m[H2O]", true, "9.80665", "kPa"},
    {"m[Hg]", true, "133.3220", "kPa"},
    {"[HP]", false, "550", "[ft_i].[lbf_av]/s"},
    {"[lbf_av]", false, "1", "[lb_av].[g]"},
    {"gf", true, "1", "g.[g]"},
    {"[psi]", false, "1", "[lbf_av]/[in_i]2"},
    {"tex", true, "1", "g/km"},
    {"[den]", false, "1", "g/9/km"},
    // lengths, areas, volumes, masses of trade and household
    {"[in_i]", false, "2.54", "cm"},
    {"[ft_i]", false, "12", "[in_i]"},
    {"[yd_i]", false, "3", "[ft_i]"},
    {"[mi_i]", false, "5280", "[ft_i]"},
    {"[nmi_i]", false, "1852", "m"},
    {"[kn_i]", false, "1", "[nmi_i]/h"},
    {"[fth_i]", false, "6", "[ft_i]"},
    {"[sin_i]", false, "1", "[in_i]2"},
    {"[sft_i]", false, "1", "[ft_i]2"},
    {"[cin_i]", false, "1", "[in_i]3"},
    {"[cft_i]", false, "1", "[ft_i]3"},
    {"[cyd_i]", false, "1", "[yd_i]3"},
    {"[mil_i]", false, "1", "10*-3.[in_i]"},
    {"[hd_i]", false, "4", "[in_i]"},
    {"[acr_us]", false, "4046.872609874252", "m2"},
    {"[gal_us]", false, "231", "[in_i]3"},
    {"[qt_us]", false, "1", "[gal_us]/4"},
    {"[pt_us]", false, "1", "[qt_us]/2"},
    {"[gil_us]", false, "1", "[pt_us]/4"},
    {"[foz_us]", false, "1", "[gil_us]/4"},
    {"[fdr_us]", false, "1", "[foz_us]/8"},
    {"[min_us]", false, "1", "[fdr_us]/60"},
    {"[cup_us]", false, "16", "[tbs_us]"},
    {"[tbs_us]", false, "1", "[foz_us]/2"},
    {"[tsp_us]", false, "1", "[tbs_us]/3"},
    {"[cup_m]", false, "240", "mL"},
    {"[tbs_m]", false, "15", "mL"},
    {"[tsp_m]", false, "5", "mL"},
    {"[foz_m]", false, "30", "mL"},
    {"[gal_br]", false, "4.54609", "l"},
    {"[qt_br]", false, "1", "[gal_br]/4"},
    {"[pt_br]", false, "1", "[qt_br]/2"},
    {"[foz_br]", false, "1", "[pt_br]/20"},
    {"[gr]", false, "64.79891", "mg"},
    {"[lb_av]", false, "7000", "[gr]"},
    {"[oz_av]", false, "1", "[lb_av]/16"},
    {"[dr_av]", false, "1", "[oz_av]/16"},
    {"[ston_av]", false, "2000", "[lb_av]"},
    {"[lton_av]", false, "2240", "[lb_av]"},
    {"[stone_av]", false, "14", "[lb_av]"},
    {"[oz_tr]", false, "480", "[gr]"},
    {"[lb_tr]", false, "12", "[oz_tr]"},
    {"[oz_m]", false, "28", "g"},
    {"[car_m]", false, "0.2", "g"},
    {"[carAu]", false, "1", "10*0/24"},
    {"[diop]", true, "1", "/m"},
    {"[p'diop]", false, "1", "rad"},
    {"[mesh_i]", false, "1", "/[in_i]"},
    {"[Ch]", false, "1", "mm/[pi]"},
    {"[drp]", false, "1", "ml/20"},
    {"[in_i'H2O]", false, "1", "m[H2O].[in_i]/m"},
    {"[in_i'Hg]", false, "1", "m[Hg].[in_i]/m"},
    {"[PRU]", false, "1", "mm[Hg].s/ml"},
    {"[wood'U]", false, "1", "mm[Hg].min/L"},
    {"[HPF]", false, "1", "1"},
    {"[LPF]", false, "100", "1"},
    {"[MET]", false, "3.5", "mL/min/kg"},
    {"[degR]", false, "5", "K/9"},
    {"[BTU]", false, "1.05505585262", "kJ"},
    {"[BTU_th]", false, "1.05435", "kJ"},
    {"[BTU_IT]", false, "1.05505585262", "kJ"},
    {"Ao", false, "0.1", "nm"},
    {"b", false, "100", "fm2"},
    {"att", false, "1", "kgf/cm2"},
    {"mho", true, "1", "S"},
    {"ph", true, "0.0001", "lx"},
    {"circ", false, "2", "[pi].rad"},
    {"bit", true, "1", "1"},
    {"By", true, "8", "bit"},
    {"Bd", true, "1", "/s"},
    {"[smoot]", false, "67", "[in_i]"},
    {"U", true, "1", "umol/min"},
    {"st", true, "1", "m3"},
    {"[S]", false, "1", "10*-13.s"},
    {"[tb'U]", false, "1", "[arb'U]"},
};

/// Units of a procedure's own making, which compare only with themselves.
inline constexpr std::string_view ucum_arbitrary[] = {
    "[iU]",        "[IU]",      "[arb'U]",   "[USP'U]",  "[GPL'U]",  "[MPL'U]",       "[APL'U]", "[beth'U]",
    "[anti'Xa'U]", "[todd'U]",  "[dye'U]",   "[smgy'U]", "[bdsk'U]", "[ka'U]",        "[knk'U]", "[mclg'U]",
    "[CFU]",       "[CCID_50]", "[TCID_50]", "[EID_50]", "[PFU]",    "[FFU]",         "[BAU]",   "[AU]",
    "[Amb'a'1'U]", "[PNU]",     "[Lf]",      "[D'ag'U]", "[FEU]",    "[ELU]",         "[EU]",    "[DDU]",
    "[FIU]",       "[D_ag'U]",  "[hp'_X]",   "[hp'_C]",  "[hp'_M]",  "[hp'_Q]",       "[kp_X]",  "[kp_C]",
    "[kp_M]",      "[kp_Q]",    "B",         "Np",       "[pH]",     "[m/s2/Hz^0.5]", "[tu'U]",  "[mIU]",
};

}  // namespace xinglin::fhirpath
