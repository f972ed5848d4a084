// SPDX-License-Identifier: Apache-2.0
// `xinglin content check`: is a folder laid out like content/ right? A table of checkers, one for each kind of content.
#include <cstdio>

#include "access/limits.h"
#include "access/rules.h"
#include "access/unusual.h"
#include "anonymity/anonymity.h"
#include "bulk/shelf_check.h"
#include "calendar/calendar.h"
#include "card/policy.h"
#include "cda/cda.h"
#include "consent/settings.h"
#include "content/content.h"
#include "outbound/channel.h"
#include "person/shelf_check.h"
#include "person/survivor.h"
#include "policy/label.h"
#include "profile/shelf_check.h"
#include "quality/shelf_check.h"
#include "server/commands.h"
#include "server/content_check.h"
#include "server/mapping_shelf.h"
#include "server/terminal.h"
#include "table/mapping.h"
#include "terminology/terminology.h"
#include "view/shelf_check.h"

namespace xinglin::server {

namespace {

void check_views(const content::Files& files, ContentReport& report) {
    view::check_shelf(files, report.complaints, report.checked);
}

void check_profiles(const content::Files& files, ContentReport& report) {
    const calendar::SystemClock clock;
    terminology::Terminology terminology(files, clock);
    const auto member_of = [&](std::string_view set, std::string_view system, std::string_view code) {
        return terminology.has(set, system, code);
    };
    profile::check_shelf(files, member_of, report.complaints, report.checked);
}

void check_deidentify(const content::Files& files, ContentReport& report) {
    bulk::check_shelf(files, report.complaints, report.checked);
    anonymity::check_shelf(files, report.complaints, report.checked);
}

void check_mappings(const content::Files& files, ContentReport& report) {
    const calendar::SystemClock clock;
    const terminology::Terminology terms(files, clock);
    table::check_shelf(files, terminology_lookup(terms), report.complaints, report.checked);
    if (const auto known = cda::Knowledge::read(files); !known.ok()) {
        const Issue& first = known.outcome().issues.front();
        report.complaints.push_back({first.where, "table", first.what});
    }
}

void check_channels(const content::Files& files, ContentReport& report) {
    outbound::check_shelf(files, report.complaints, report.checked);
}

void check_quality(const content::Files& files, ContentReport& report) {
    const calendar::SystemClock clock;
    const terminology::Terminology terms(files, clock);
    quality::Around around;
    around.knows_code = [&terms](std::string_view system, std::string_view code) {
        return terms.has(std::string(system) + "?fhir_vs", system, code);
    };
    around.member_of = [&terms](std::string_view set, std::string_view system, std::string_view code) {
        return terms.has(set, system, code);
    };
    quality::check_shelf(files, around, report.complaints, report.checked);
}

void check_access(const content::Files& files, ContentReport& report) {
    access::check_unusual(files, report.complaints, report.checked);
    access::check_shelf(files, report.complaints, report.checked);
    access::check_limits(files, report.complaints, report.checked);
    consent::check_shelf(files, report.complaints, report.checked);
    policy::check_shelf(files, report.complaints, report.checked);
}

void check_cards(const content::Files& files, ContentReport& report) {
    card::check_shelf(files, report.complaints, report.checked);
}

void check_persons(const content::Files& files, ContentReport& report) {
    person::check_shelf(files, report.complaints, report.checked);
    person::check_survivorship(files, report.complaints, report.checked);
}

// A kind of content brings its row: the folder it lies in, and what looks at it.
constexpr ContentChecker checkers[] = {
    {"deidentify", check_deidentify}, {"profiles", check_profiles}, {"views", check_views}, {"mappings", check_mappings},
    {"outbound", check_channels},     {"quality", check_quality},   {"card", check_cards},  {"persons", check_persons},
    {"access", check_access},
};

}  // namespace

std::span<const ContentChecker> content_checkers() { return checkers; }

int check_content(const ContentCommand& options) {
    auto files = content::Files::over(options.folder);
    if (!files.ok()) return environment(files.outcome());
    std::size_t wrong = 0;
    for (const ContentChecker& checker : content_checkers()) {
        ContentReport report;
        checker.check(*files, report);
        for (const ContentComplaint& complaint : report.complaints)
            std::printf("%s: %s: %s\n", complaint.file.c_str(), complaint.where.c_str(), complaint.what.c_str());
        std::printf("%s: %s checked, %s wrong\n", std::string(checker.folder).c_str(), grouped(report.checked).c_str(),
                    grouped(report.complaints.size()).c_str());
        wrong += report.complaints.size();
    }
    if (wrong == 0) return exit_done;
    return complain(options.folder.string(), grouped(wrong) + " things are wrong, see above", exit_refused);
}

}  // namespace xinglin::server
