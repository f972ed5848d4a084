// SPDX-License-Identifier: Apache-2.0
// Inside the room: the words of the command line, for the one file that reads it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace xinglin::server {

/// What is to be done once everything is parsed; gives the exit status.
using Action = std::function<int()>;

/// A word with its description and an example.
CLI::App* word(CLI::App& parent, const std::string& name, const std::string& what, const std::string& example);
/// Every word of the program. `of_ledger`: `intake ledger` and `intake replay` are asked for, which have other options than `intake`.
void add_words(CLI::App& app, Action& action, bool of_ledger);

}  // namespace xinglin::server
