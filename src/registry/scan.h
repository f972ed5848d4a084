// SPDX-License-Identifier: Apache-2.0
// What a hand scanner reads off a device, a pack or a box: one code each (一物一码), taken apart.
#pragma once

#include <string>
#include <string_view>

#include "outcome/outcome.h"

namespace xinglin::registry {

struct Scanned {
    std::string scheme;   // gs1, gtin, trace (药品追溯码), plain
    std::string product;  // which product it is: GTIN-14, or the first seven digits of a trace code
    std::string lot, serial;
    std::string made, expires;  // "2027-06-30"
};

/// Takes a GS1 element string with brackets "(01)…(17)…(10)…(21)…" or as scanners send it, with GS (0x1D) after fields of open length and
/// perhaps a symbology identifier (]d2, ]C1, ]e0, ]Q3) before it; a GTIN of 8, 12, 13 or 14 digits; a drug's trace code of 20 digits; or any
/// other code of up to 100 characters. Refuses, by position, what is cut off, a wrong check digit, a day that is none.
/// Source: GS1 General Specifications; NMPAB/T 1002-2019.
Result<Scanned> read_scan(std::string_view text);

/// The check digit of a GTIN, of all digits but the last.
char gtin_check_digit(std::string_view digits);

}  // namespace xinglin::registry
