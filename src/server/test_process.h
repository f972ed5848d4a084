// SPDX-License-Identifier: Apache-2.0
// For tests only: the real program in a process of its own.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "http/client.h"
#include "json/json.h"
#include "testing/testing.h"

extern char** environ;

namespace xinglin::server {

/// The binary under test: XINGLIN_BINARY, or the one beside this test.
inline std::string program() {
    if (const char* named = std::getenv("XINGLIN_BINARY")) return named;
    return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "xinglin").string();
}

inline std::string whole_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream content;
    content << in.rdbuf();
    return std::move(content).str();
}

/// Starts `arguments[0]` with its output going to `out` (a descriptor) and its errors to a file; `in`: what it reads.
inline pid_t start(const std::vector<std::string>& arguments, int out, const std::filesystem::path& errors, int in = -1) {
    std::vector<char*> pointers;
    for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (in >= 0) posix_spawn_file_actions_adddup2(&actions, in, 0);
    else posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_addopen(&actions, 2, errors.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    pid_t process = 0;
    const int code = posix_spawnp(&process, arguments[0].c_str(), &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    return code == 0 ? process : -1;
}

inline int exit_status(pid_t process) {
    int status = 0;
    while (waitpid(process, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct Ended {
    int status = -1;
    std::string out, err;
};
/// Runs any program to its end.
inline Ended run(const std::vector<std::string>& arguments) {
    const testing::ScratchFolder folder;
    const auto out = folder.path() / "out", err = folder.path() / "err";
    const int descriptor = open(out.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const pid_t process = start(arguments, descriptor, err);
    close(descriptor);
    if (process < 0) return {};
    Ended ended;
    ended.status = exit_status(process);
    ended.out = whole_file(out);
    ended.err = whole_file(err);
    return ended;
}

/// Runs a command of the program to its end.
inline Ended command(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program());
    return run(arguments);
}

class RunningServer {
public:
    /// Starts `prefix… xinglin serve --data folder --port 0 more…` and waits until it is ready or has ended. Without "strict" among
    /// `more` it is a demonstration, which demands no second factor of administrators.
    explicit RunningServer(const std::filesystem::path& folder, std::vector<std::string> more = {},
                           std::vector<std::string> prefix = {})
        : errors_(scratch_.path() / "stderr") {
        std::vector<std::string> arguments = std::move(prefix);
        for (const char* each : {"serve", "--data"}) arguments.emplace_back(each);
        arguments.insert(arguments.end() - 2, program());
        arguments.push_back(folder.string());
        if (std::erase(more, "strict") == 0) more.emplace_back("--demo");
        if (std::find(more.begin(), more.end(), "--port") == more.end()) more.insert(more.end(), {"--port", "0"});
        arguments.insert(arguments.end(), more.begin(), more.end());
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) return;
        process_ = start(arguments, ends[1], errors_);
        close(ends[1]);
        out_ = ends[0];
        read_ready();
    }
    ~RunningServer() {
        if (process_ > 0) kill_now();
        if (out_ >= 0) close(out_);
    }
    RunningServer(const RunningServer&) = delete;

    bool ready() const { return port_ != 0; }
    std::uint16_t port() const { return port_; }
    pid_t process() const { return process_; }
    std::string ready_line() const { return line_; }
    std::string errors() const { return whole_file(errors_); }
    /// Sends a signal and waits for the end.
    int stop(int signal = SIGTERM) {
        kill(process_, signal);
        return wait();
    }
    int wait() {
        const int status = exit_status(process_);
        process_ = -1;
        return status;
    }
    void kill_now() { stop(SIGKILL); }

    http::Client client() const {
        auto connected = http::Client::connect({.port = port_});
        if (!connected.ok()) throw std::runtime_error(connected.outcome().line());
        return std::move(connected).value();
    }

private:
    void read_ready() {
        char c = 0;
        while (read(out_, &c, 1) == 1 && c != '\n') line_ += c;
        const auto colon = line_.rfind(':');
        if (line_.starts_with("ready http") && colon != std::string::npos)
            port_ = static_cast<std::uint16_t>(std::stoi(line_.substr(colon + 1)));
    }
    testing::ScratchFolder scratch_;
    std::filesystem::path errors_;
    pid_t process_ = -1;
    int out_ = -1;
    std::uint16_t port_ = 0;
    std::string line_;
};

/// A system's connection: every request carries its token.
class Caller {
public:
    Caller(const RunningServer& server, std::string token) : client_(server.client()), token_(std::move(token)) {}

    http::Response send(std::string method, std::string target, std::string body = {},
                        std::string type = "application/fhir+json") {
        http::Request request;
        request.method = std::move(method);
        request.target = std::move(target);
        request.body = std::move(body);
        if (!token_.empty()) request.headers.add("Authorization", "Bearer " + token_);
        if (!request.body.empty()) request.headers.add("Content-Type", std::move(type));
        for (const auto& [name, value] : extra) request.headers.add(name, value);
        auto answer = client_.send(request);
        if (answer.ok()) return std::move(answer).value();
        http::Response none;
        none.status = 0;
        none.body = answer.outcome().line();
        return none;
    }
    http::Response get(std::string target) { return send("GET", std::move(target)); }

    std::vector<std::pair<std::string, std::string>> extra;  // headers sent with every request

private:
    http::Client client_;
    std::string token_;
};

/// The text at a path of member names in a JSON body; "" when absent.
inline std::string member(const http::Response& response, std::initializer_list<std::string_view> path) {
    json::Arena arena;
    const auto parsed = json::parse(response.body, arena);
    if (!parsed.ok()) return "";
    json::Value at = *parsed;
    for (const auto key : path) at = at[key];
    return std::string(at.text());
}

/// How many versions the days of a timeline count.
inline std::uint64_t versions_told(const http::Response& timeline) {
    json::Arena arena;
    const auto parsed = json::parse(timeline.body, arena);
    std::uint64_t sum = 0;
    if (!parsed.ok()) return sum;
    for (const json::Node& day : (*parsed)["days"].items()) sum += std::stoull("0" + std::string(json::Value(&day)["versions"].text()));
    return sum;
}

inline std::string without_line_end(std::string text) {
    while (text.ends_with('\n')) text.pop_back();
    return text;
}

/// Adds a client by the command line and returns its token.
inline std::string add_client(const std::filesystem::path& folder, const std::string& name,
                              const std::string& scope = "system/*.cruds") {
    const Ended ended = command({"client", "add", "--data", folder.string(), "--name", name, "--scope", scope});
    EXPECT_EQ(ended.status, 0) << ended.err;
    return without_line_end(ended.out);
}

}  // namespace xinglin::server
