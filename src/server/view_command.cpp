// SPDX-License-Identifier: Apache-2.0
// `xinglin rebuild-views`: builds tables of views again, without a server.
#include <iostream>

#include "content/content.h"
#include "record/record.h"
#include "server/commands.h"
#include "server/house_terminology.h"
#include "server/terminal.h"
#include "view/library.h"
#include "view/tables.h"

namespace xinglin::server {

/// With the built-in terminology, for memberOf(); it is read when it is first asked.
int run_view(view::RunCommand options) {
    const content::Files files;
    const calendar::SystemClock clock;
    const terminology::Terminology terms(files, clock);
    options.environment.member_of = [&terms](std::string_view value_set, std::string_view system, std::string_view code) {
        return terms.has(value_set, system, code);
    };
    return view::run_command(options, std::cout, std::cerr);
}

int rebuild_views(const RebuildCommand& options) {
    content::Files files;
    if (!options.content.empty()) {
        auto over = content::Files::over(options.content);
        if (!over.ok()) return environment(over.outcome());
        files = std::move(*over);
    }
    const view::Library library(files, options.data / "views");
    if (!fs::is_directory(options.data))
        return complain(options.data.string(), "is not a data folder, name one", exit_environment);
    std::vector<view::Definition> all;
    bool found = options.name.empty();
    for (const view::Shelved& one : library.list()) {
        all.push_back(one.definition);
        found = found || view::filed_name(one.definition.name()) == view::filed_name(options.name);
    }
    if (!found) return complain(options.name, "there is no view of this name, see content/views and DIR/views", exit_refused);
    const calendar::SystemClock clock;
    record::Options record_options;
    if (sql::is_postgres(options.store)) record_options.store = options.store;
    auto store = record::Store::open(options.data, clock, record_options);
    if (!store.ok()) return environment(store.outcome());
    const terminology::Terminology terms(files, clock, stored_terminology(**store));
    view::Environment views;
    views.member_of = [&terms](std::string_view value_set, std::string_view system, std::string_view code) {
        return terms.has(value_set, system, code);
    };
    view::Tables tables(**store, clock, std::move(all), {.store = record_options.store, .environment = views, .follow = false});
    for (const view::TableState& state : tables.states()) {
        if (!options.name.empty() && view::filed_name(state.name) != view::filed_name(options.name)) continue;
        if (const auto done = tables.rebuild(state.name); !done.ok()) return refused(done.outcome());
    }
    tables.catch_up();
    for (const view::TableState& state : tables.states()) {
        if (!options.name.empty() && view::filed_name(state.name) != view::filed_name(options.name)) continue;
        std::printf("%s: %s rows, up to position %lld%s\n", state.name.c_str(), grouped(state.rows).c_str(),
                    static_cast<long long>(state.position),
                    state.resources_failed == 0
                        ? ""
                        : (", " + grouped(state.resources_failed) + " resources without rows: " + state.error).c_str());
    }
    return exit_done;
}

}  // namespace xinglin::server
