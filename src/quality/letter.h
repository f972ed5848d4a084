// SPDX-License-Identifier: Apache-2.0
// The letter to an institution about its data, as PDF: period, scores, the worst problems with examples, what to mend and until when.
// It names no person: examples are numbers of messages and ids of resources.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "outcome/outcome.h"
#include "quality/score.h"

namespace xinglin::quality {

struct LetterProblem {
    std::string set, name, mend;  // in the letter's language
    std::int64_t tested = 0, failed = 0;
    double cost = 0;
    std::vector<std::string> examples;  // "MedicationRequest/abc", "11433"
};

struct Letter {
    std::string language = "zh-CN";  // or en
    std::string from, contact;       // who writes; how to reach them
    std::string reference;           // number of the letter
    std::string institution;
    std::string first_day, last_day, issued, mend_until;  // 2026-11-22
    Scores scores, of_all;
    Messages messages;
    std::int64_t rank = 0, of_institutions = 0;  // rank from the best, 1 …; 0: not ranked
    double good = 95, fair = 85;
    struct Row {
        std::string set;
        Scores scores;
    };
    std::vector<Row> sets;
    std::vector<LetterProblem> problems;  // worst first
    std::int64_t edition = 0;
};

/// The PDF, A4. Any text may stand in the fields; what is too long is cut. Refuses when no font with Chinese characters is installed.
Result<std::string> letter_pdf(const Letter& letter);

/// At most so many characters, white space and what cannot be seen as one space; always UTF-8.
std::string tidy(std::string_view text, std::size_t most);

}  // namespace xinglin::quality
