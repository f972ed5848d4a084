// SPDX-License-Identifier: Apache-2.0
// The table of readings is what ICU says. With XINGLIN_WRITE_READINGS=FILE (src/text/readings_table.cpp) it is written anew.
#include <gtest/gtest.h>

#include <unicode/translit.h>
#include <unicode/unistr.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>

#include "text/readings_table.h"
#include "text/text.h"
#include "text/utf8.h"

namespace xinglin::text {
namespace {

constexpr std::string_view digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-";

/// All of them in one go: ICU reads a character as it stands, whatever is beside it.
std::vector<std::string> readings_of_icu() {
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<icu::Transliterator> latin(icu::Transliterator::createInstance("Han-Latin", UTRANS_FORWARD, status));
    std::vector<std::string> all;
    for (char32_t c = first_in_table; c <= last_in_table; ++c) {
        icu::UnicodeString text(static_cast<UChar32>(c));
        latin->transliterate(text);
        std::string reading;
        text.trim().toUTF8String(reading);
        all.push_back(has_han(reading) ? std::string() : reading);
    }
    return all;
}

void write(const char* file, const std::vector<std::string>& readings) {
    std::map<std::string, std::size_t> numbers{{"", 0}};
    for (const std::string& reading : readings) numbers[reading];
    std::string syllables, coded;
    std::size_t next = 0;
    for (auto& [syllable, number] : numbers) {
        number = next++;
        syllables += (number == 0 ? "" : " ") + syllable;
    }
    for (const std::string& reading : readings) {
        coded += digits[numbers[reading] / 64];
        coded += digits[numbers[reading] % 64];
    }
    std::ofstream out(file);
    out << "// SPDX-License-Identifier: Apache-2.0\n// Written by readings_test.cpp, not by hand.\n#include "
           "\"text/readings_table.h\"\n\n"
           "// clang-format off\nnamespace xinglin::text {\n";
    const auto literal = [&](std::string_view name, std::string_view text) {
        out << "\nconst std::string_view " << name << " =";
        while (!text.empty()) {
            std::size_t length = std::min<std::size_t>(text.size(), 160);
            while (length < text.size() && (text[length] & 0xC0) == 0x80) ++length;
            out << "\n    \"" << text.substr(0, length) << '"';
            text.remove_prefix(length);
        }
        out << ";\n";
    };
    literal("table_syllables", syllables);
    literal("table_numbers", coded);
    out << "\n}  // namespace xinglin::text\n";
}

TEST(TableOfReadings, IsWhatIcuSays) {
    const std::vector<std::string> wanted = readings_of_icu();
    if (const char* file = std::getenv("XINGLIN_WRITE_READINGS")) return write(file, wanted);
    const auto syllables = split(table_syllables, ' ');
    ASSERT_EQ(table_numbers.size(), wanted.size() * 2);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const std::size_t number = digits.find(table_numbers[2 * i]) * 64 + digits.find(table_numbers[2 * i + 1]);
        ASSERT_LT(number, syllables.size());
        ASSERT_EQ(syllables[number], wanted[i]) << std::hex << first_in_table + i;
    }
}

}  // namespace
}  // namespace xinglin::text
