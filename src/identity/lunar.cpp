// SPDX-License-Identifier: Apache-2.0
// Years of the Chinese calendar as GB/T 33661-2017 reckons them (true sun and moon, Beijing time): facts of astronomy, here as ICU's calendar tells
// them; lunar_test holds them against it and against published New Years.
#include "identity/lunar.h"

#include <array>
#include <cstddef>

#include "calendar/calendar.h"

namespace xinglin::identity {

namespace {

constexpr std::uint32_t first_year = 1900;
/// Lowest thirteen bits: which months have thirty days, in order, the leap month included; four: after which month the leap
/// month comes; above: New Year, (month - 1) * 31 + day.
constexpr std::array<std::uint32_t, 201> years{
    0x3f16d2, 0x640752, 0x4e0ea5, 0x3ab64a, 0x5e064b, 0x460a9b, 0x329556, 0x58056a, 0x420b59, 0x2c5752, 0x520752, 0x3cdb25,
    0x620b25, 0x4a0a4b, 0x34b4ab, 0x5a02ad, 0x44056b, 0x2e6b69, 0x540da9, 0x40fd92, 0x660e92, 0x4e0d25, 0x38da4d, 0x5e0a56,
    0x4802b6, 0x3095b5, 0x5806d4, 0x420ea9, 0x2e5e92, 0x520e92, 0x3ccd26, 0x60052b, 0x4a0a57, 0x34b2b6, 0x5a0b5a, 0x4606d4,
    0x306ec9, 0x540749, 0x3ef693, 0x640a93, 0x4e052b, 0x36ca5b, 0x5c0aad, 0x48056a, 0x329b55, 0x580ba4, 0x420b49, 0x2c5a93,
    0x520a95, 0x3af52d, 0x600536, 0x4a0aad, 0x36b5aa, 0x5a0db2, 0x460da4, 0x307d49, 0x560d4a, 0x3f0a95, 0x620a97, 0x4e0556,
    0x38cab5, 0x5c0ad5, 0x4806d2, 0x328ea5, 0x580ea5, 0x42064a, 0x2a6c97, 0x500a9b, 0x3cf55a, 0x60056a, 0x4a0b69, 0x36b752,
    0x5c0b52, 0x440b25, 0x2e964b, 0x540a4b, 0x3f14ab, 0x6202ad, 0x4c056d, 0x38cb69, 0x5e0da9, 0x480d92, 0x329d25, 0x580d25,
    0x435a4d, 0x660a56, 0x5002b6, 0x3ae5b5, 0x6006d5, 0x4a0ea9, 0x36be92, 0x5c0e92, 0x460d26, 0x2e6a56, 0x520a57, 0x3f14d6,
    0x64035a, 0x4c06d5, 0x38aec9, 0x5e0749, 0x480693, 0x30952b, 0x56052b, 0x400a5b, 0x2c555a, 0x50056a, 0x3afb55, 0x620ba4,
    0x4c0b49, 0x34ba93, 0x5a0a95, 0x44052d, 0x2e8a6d, 0x520ab5, 0x3f35aa, 0x6405d2, 0x4e0da5, 0x38dd4a, 0x5e0e4a, 0x480c95,
    0x32952e, 0x560556, 0x400ab5, 0x2c55b2, 0x5206d2, 0x3acea5, 0x600f25, 0x4c064a, 0x34ac97, 0x5804ab, 0x42055b, 0x2e6ad6,
    0x540b69, 0x3f7752, 0x640b52, 0x4e0b25, 0x38da4b, 0x5c0a4b, 0x4604ab, 0x30a55b, 0x5605ad, 0x400b6a, 0x2c5b52, 0x520d92,
    0x3cfd25, 0x600d25, 0x4a0a55, 0x34b4ad, 0x5a04b6, 0x4205b5, 0x2e6daa, 0x540ec9, 0x411e92, 0x640e92, 0x4e0d26, 0x38ca56,
    0x5c0a57, 0x4604d6, 0x3086d5, 0x560755, 0x420749, 0x2a6e93, 0x500693, 0x3af52b, 0x60052b, 0x480a5b, 0x34b55a, 0x5a056a,
    0x440b65, 0x2e974a, 0x540b49, 0x3f1a95, 0x640a95, 0x4c052d, 0x36caad, 0x5c0ab5, 0x4805aa, 0x308ba5, 0x560da5, 0x420d4a,
    0x2c7c95, 0x500c96, 0x3af94e, 0x600556, 0x4a0ab5, 0x34b5b2, 0x5a06d2, 0x440ea5, 0x308e4a, 0x52068b, 0x3d0c97, 0x6204ab,
    0x4c055b, 0x36cad6, 0x5c0b6a, 0x480752, 0x329725, 0x560b45, 0x400a8b, 0x2a549b, 0x5004ab,
};

}  // namespace

std::uint32_t solar_of_lunar(std::uint32_t date, bool leap_month) {
    const std::uint32_t year = date / 10'000, month = date / 100 % 100, day = date % 100;
    if (year < first_year || year >= first_year + years.size() || month < 1 || month > 12 || day < 1 || day > 30) return 0;
    const std::uint32_t told = years[year - first_year], leap = told >> 13 & 15, new_year = (told >> 17) - 1;
    if (leap_month && leap != month) return 0;
    const std::uint32_t before = month - 1 + (leap_month || (leap != 0 && month > leap) ? 1 : 0);
    std::int64_t days = day - 1;
    for (std::uint32_t i = 0; i < before; ++i) days += 29 + (told >> i & 1);
    if (day > 29 + (told >> before & 1)) return 0;
    const auto start = calendar::days_from_civil(static_cast<int>(year), static_cast<int>(new_year / 31 + 1),
                                                 static_cast<int>(new_year % 31 + 1));
    const auto civil = calendar::civil_from_days(start + days);
    return static_cast<std::uint32_t>(civil.year * 10'000 + civil.month * 100 + civil.day);
}

bool are_one_day_told_lunar(std::uint32_t a, std::uint32_t b) {
    for (const auto& [lunar, solar] : {std::pair(a, b), std::pair(b, a)}) {
        if (lunar >= solar || solar - lunar > 10'400) continue;  // three to seven weeks behind
        if (solar_of_lunar(lunar, false) == solar || solar_of_lunar(lunar, true) == solar) return true;
    }
    return false;
}

}  // namespace xinglin::identity
