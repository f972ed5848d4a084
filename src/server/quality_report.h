// SPDX-License-Identifier: Apache-2.0
// Inside the room: the figures of data quality gathered for a period, by institution: what the page, the workbook and the letter show.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "quality/quality.h"
#include "server/house.h"

namespace xinglin::server {

struct QualityInstitution {
    std::string id;              // of its Organization; "source:ID" when nobody knows whose it is; "-" when the data does not say
    std::string name;            // "" when not known
    bool is_registered = false;  // as the registries have it: else a stray, to be joined there
    std::vector<std::string> who;  // as the figures call it
    quality::Sheet sheet;          // of the whole period
    std::map<std::int64_t, quality::Sheet> days;
    quality::Messages messages;
    std::vector<std::string> sources;
    quality::Scores scores;
};

struct QualityReport {
    std::int64_t from = 0, to = 0;  // days since 1970
    std::string set;
    std::shared_ptr<const quality::Rulebook> book;
    std::vector<QualityInstitution> institutions;  // worst first; those with too little to judge last
    quality::Sheet sheet;                          // of all
    quality::Scores scores;
    std::int64_t institutions_judged = 0;
};

struct QualityAsked {
    std::int64_t from = 0, to = 0;
    std::string organization, set;
};

QualityReport quality_report(House& house, const QualityAsked& asked);
/// Does the sheet hold enough to be judged?
bool is_judged(const quality::Rulebook& book, const quality::Scores& scores);
std::string day_text(std::int64_t day);
/// One sheet without others than this set.
quality::Sheet only_set(const quality::Sheet& sheet, const std::string& set);

}  // namespace xinglin::server
