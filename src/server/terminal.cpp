// SPDX-License-Identifier: Apache-2.0
// Errors as one line, progress as a line that stays where it is.
#include "server/terminal.h"

#include <unistd.h>

#include <cstdio>

namespace xinglin::server {

int complain(std::string_view where, std::string_view what, int code) {
    std::string line = "error: " + std::string(where) + ": " + std::string(what);
    for (char& c : line) {
        if (static_cast<unsigned char>(c) < ' ') c = ' ';
    }
    std::fprintf(stderr, "%s\n", line.c_str());
    return code;
}

int refused(const Outcome& outcome) {
    const std::string line = outcome.line();
    const auto colon = line.find(": ");
    return complain(line.substr(0, colon), colon == std::string::npos ? "" : line.substr(colon + 2), exit_refused);
}

int environment(const Outcome& outcome) {
    refused(outcome);
    return exit_environment;
}

std::string remedy(sql::Broken::Why why) {
    switch (why) {
        case sql::Broken::Why::full: return "the disk is full, free some space and start again";
        case sql::Broken::Why::corrupt: return "the file is damaged, restore a backup with `xinglin restore`";
        case sql::Broken::Why::busy: return "another program holds the file, stop it and try again";
        case sql::Broken::Why::read_only: return "the file may not be written, see to its owner and permissions";
        case sql::Broken::Why::io: return "the disk does not answer as it should, see to it and to the permissions";
        case sql::Broken::Why::lost: return "see to it that the database runs and can be reached, then try again";
        case sql::Broken::Why::memory: return "there is not enough memory, give it some and try again";
        case sql::Broken::Why::constraint:
        case sql::Broken::Why::other: return "see the message";
    }
    return "see the message";
}

int broken(const sql::Broken& error, std::string_view where) {
    return complain(where, std::string(error.what()) + ", " + remedy(error.why), exit_environment);
}

Progress::Progress() : terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
    if (shown_) std::fputc('\n', stderr);
}

void Progress::show(const std::string& line) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || (shown_ && now - last_ < std::chrono::milliseconds(100))) return;
    last_ = now;
    shown_ = true;
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    std::fflush(stderr);
}

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, ",");
    }
    return digits;
}

}  // namespace xinglin::server
