// SPDX-License-Identifier: Apache-2.0
// The command line, read by CLI11; words and options stand in command_words.cpp.
#include <sqlite3.h>

#include <iostream>

#include "json/json.h"
#include "server/command_words.h"
#include "server/commands.h"
#include "server/house.h"
#include "server/keys_command.h"
#include "server/terminal.h"
#include "sql/sql.h"

namespace xinglin::server {

namespace {

/// Words and options for bash, one line for each place: "user add: --data --name …".
int print_completion(const CLI::App& app) {
    std::cout << "# bash completion for xinglin: source <(xinglin completion)\n_xinglin() {\n  local "
                 "words=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\" list=\"\"\n  case \"$words\" in\n";
    std::vector<std::pair<std::string, const CLI::App*>> places;
    for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
        for (const CLI::App* grandchild : child->get_subcommands([](const CLI::App*) { return true; }))
            places.emplace_back(child->get_name() + " " + grandchild->get_name(), grandchild);
        places.emplace_back(child->get_name(), child);
    }
    places.emplace_back("", &app);
    for (const auto& [prefix, at] : places) {
        std::cout << "    \"" << prefix << "\"" << (prefix.empty() ? "" : "*") << ") list=\"";
        for (const CLI::App* child : at->get_subcommands([](const CLI::App*) { return true; }))
            std::cout << child->get_name() << ' ';
        for (const CLI::Option* option : at->get_options()) {
            if (!option->get_lnames().empty()) std::cout << "--" << option->get_lnames().front() << ' ';
        }
        std::cout << "\" ;;\n";
    }
    std::cout << "  esac\n  COMPREPLY=($(compgen -W \"$list\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n  [ ${#COMPREPLY[@]} -gt 0 ] "
                 "|| COMPREPLY=($(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -o filenames -F _xinglin xinglin\n";
    return exit_done;
}

/// What is to be done, or an exit status when that is all.
int parse(int argc, char** argv, Action& action) {
    CLI::App app{"Xinglin: a FHIR R4 health record for a region", "xinglin"};
    app.require_subcommand(1);
    app.footer(
        "Example:\n  xinglin serve --data DIR\nEvery word has its own --help with an example. Exit status: 0 done, 1 refused, 2 "
        "usage, 3 environment.");
    app.set_version_flag("--version", "xinglin " + std::string(version()));
    add_words(app, action,
              argc > 2 && std::string_view(argv[1]) == "intake" &&
                  (std::string_view(argv[2]) == "ledger" || std::string_view(argv[2]) == "replay"));
    DataKeys data_keys;
    add_data_keys(app, data_keys);
    CLI::App* completion = word(app, "completion", "Print the completion script for bash", "source <(xinglin completion)");
    completion->callback([&app, &action] {
        action = nullptr;
        print_completion(app);
    });
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
        const CLI::App* at = &app;
        std::string name = "xinglin";
        while (!at->get_subcommands().empty()) {
            at = at->get_subcommands().front();
            name += " " + at->get_name();
        }
        return complain(name, std::string(error.what()) + ", see `" + name + " --help`", exit_usage);
    }
    const int prepared = prepare_data_keys(app, data_keys);
    if (prepared != exit_done) action = nullptr;
    return prepared;
}

}  // namespace

int print_version(bool json) {
    if (json) {
        xinglin::json::Arena arena;
        std::printf("%s\n", xinglin::json::write(arena.object({{"version", arena.string(version())},
                                                               {"built", arena.string(built())},
                                                               {"sqlite", arena.string(sqlite3_libversion())}}))
                                .c_str());
    } else {
        std::printf("xinglin %s, built %s, SQLite %s\n", std::string(version()).c_str(), std::string(built()).c_str(),
                    sqlite3_libversion());
    }
    return exit_done;
}

int run(int argc, char** argv) {
    try {
        if (argc > 1 && std::string_view(argv[1]) == "fhirpath") {
            const std::vector<std::string> arguments(argv + 2, argv + argc);
            return run_fhirpath(arguments);
        }
        Action action;
        const int status = parse(argc, argv, action);
        return action ? action() : status;
    } catch (const sql::Broken& error) {
        return broken(error, "data folder");
    } catch (const std::bad_alloc&) {
        return complain("memory", "there is not enough, close other programs or import smaller files", exit_environment);
    } catch (const std::exception& error) {
        return complain("xinglin", std::string(error.what()) + ", see to the machine and try again", exit_environment);
    }
}

}  // namespace xinglin::server
