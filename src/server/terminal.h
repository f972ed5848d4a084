// SPDX-License-Identifier: Apache-2.0
// Inside the room: what commands say on the terminal, and the numbers they end with.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "outcome/outcome.h"
#include "sql/sql.h"

namespace xinglin::server {

/// Exit statuses of every command.
constexpr int exit_done = 0, exit_refused = 1, exit_usage = 2, exit_environment = 3;

/// Prints "error: WHERE: WHAT, REMEDY" as one line on standard error and returns `code`.
int complain(std::string_view where, std::string_view what, int code);
int refused(const Outcome& outcome);      // exit_refused
int environment(const Outcome& outcome);  // exit_environment
/// A broken disk or database, with what to do about it.
int broken(const sql::Broken& error, std::string_view where);
std::string remedy(sql::Broken::Why why);

/// A line on standard error that is written over again; silent when standard error is no terminal.
class Progress {
public:
    Progress();
    ~Progress();  // ends the line
    void show(const std::string& line);

private:
    bool terminal_, shown_ = false;
    std::chrono::steady_clock::time_point last_{};
};

/// "12,345"
std::string grouped(std::uint64_t number);

}  // namespace xinglin::server
