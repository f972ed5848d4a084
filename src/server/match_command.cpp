// SPDX-License-Identifier: Apache-2.0
// `xinglin match`: which records of a table are of one person.
#include <chrono>
#include <cstdio>

#include "person/settings.h"
#include "server/commands.h"
#include "server/terminal.h"

namespace xinglin::server {

int match_tables(const identity::Linkage& asked) {
    const auto settings = person::Settings::read(content::Files());
    if (!settings.ok()) return refused(settings.outcome());
    identity::Linkage linkage = asked;
    linkage.wording = settings->wording;
    const auto begin = std::chrono::steady_clock::now();
    const auto figures = identity::link(linkage);
    if (!figures.ok()) return refused(figures.outcome());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    std::printf("%s records, %s pairs, %s clusters of two and more (the largest %u); %s pairs compared under %u rules, %.1f s\n",
                grouped(figures->records).c_str(), grouped(figures->pairs).c_str(), grouped(figures->clusters).c_str(),
                figures->largest_cluster, grouped(figures->compared).c_str(), figures->rules, seconds.count());
    return exit_done;
}

}  // namespace xinglin::server
