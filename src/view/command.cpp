// SPDX-License-Identifier: Apache-2.0
// The command line of views.
#include "view/command.h"

#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "view/suite.h"
#include "view/view.h"

namespace xinglin::view {

namespace {

constexpr int refused = 1, usage = 2, environment = 3;
constexpr std::size_t gather_bytes = 1u << 18;

int complain(std::ostream& err, const std::string& line, int status) {
    err << "error: " << line << '\n';
    return status;
}

std::optional<std::string> read_file(const std::filesystem::path& file) {
    std::error_code error;
    if (std::filesystem::is_directory(file, error)) return std::nullopt;
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf()))
        return in && in.peek() == std::ifstream::traits_type::eof() ? std::optional(std::string()) : std::nullopt;
    return std::move(text).str();
}

int run_tests(const RunCommand& command, std::ostream& out, std::ostream& err) {
    std::vector<std::pair<std::string, SuiteResult>> results;
    int passed = 0, failed = 0;
    for (const auto& file : command.tests) {
        const auto text = read_file(file);
        if (!text) return complain(err, file.string() + ": cannot be read, name a file", environment);
        auto result = run_suite(*text);
        if (!result.ok()) return complain(err, file.string() + ": " + result.outcome().line(), refused);
        passed += result->passed;
        failed += result->failed;
        results.emplace_back(file.filename().string(), std::move(*result));
    }
    out << report(results) << '\n';
    err << fmt::format("{} passed, {} failed\n", passed, failed);
    return failed == 0 ? 0 : refused;
}

/// Rows in the format asked for, written in large pieces.
class Writer {
public:
    Writer(const Definition& definition, std::string_view format, std::ostream& out)
        : columns_(definition.columns()), format_(format), out_(out) {
        if (format == "csv") write_csv_header(columns_, text_);
        if (format == "json") text_ += '[';
    }
    void add(Row row) {
        if (format_ == "csv") {
            write_csv(row, text_);
        } else {
            if (format_ == "json" && !first_) text_ += ',';
            write_object(columns_, row, text_);
            if (format_ == "ndjson") text_ += '\n';
        }
        first_ = false;
        if (text_.size() > gather_bytes) flush();
    }
    void finish() {
        if (format_ == "json") text_ += "]\n";
        flush();
    }

private:
    std::span<const Column> columns_;
    std::string_view format_;
    std::ostream& out_;
    std::string text_;
    bool first_ = true;
    void flush() {
        out_ << text_;
        text_.clear();
    }
};

}  // namespace

int run_command(const RunCommand& command, std::ostream& out, std::ostream& err) {
    if (!command.tests.empty()) return run_tests(command, out, err);
    if (command.view.empty() || command.resources.empty())
        return complain(err, "view run: give --view and --resources, or --tests, see `xinglin view run --help`", usage);
    const auto text = read_file(command.view);
    if (!text) return complain(err, command.view.string() + ": cannot be read, name a file", environment);
    const auto definition = Definition::compile(*text);
    if (!definition.ok()) {
        for (const Issue& issue : definition.outcome().issues) complain(err, issue.where + ": " + issue.what, refused);
        return refused;
    }
    std::error_code error;
    std::ifstream in(command.resources, std::ios::binary);
    if (!in || std::filesystem::is_directory(command.resources, error))
        return complain(err, command.resources.string() + ": cannot be read, name a file", environment);
    Writer writer(*definition, command.format, out);
    Runner runner(*definition, command.environment);
    const Sink sink = [&writer](Row row) { writer.add(row); };
    json::Arena arena;
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
        if (line.find_first_not_of(" \t\r\xEF\xBB\xBF") == std::string::npos) continue;
        arena.clear();
        const std::string_view content = std::string_view(line).substr(number == 1 && line.starts_with("\xEF\xBB\xBF") ? 3 : 0);
        const auto resource = json::parse(content, arena);
        const auto done = resource.ok() ? runner.run(*resource, sink) : Result<Done>(resource.outcome());
        if (done.ok()) continue;
        writer.finish();
        return complain(err, fmt::format("{}:{}: {}", command.resources.string(), number, done.outcome().line()), refused);
    }
    writer.finish();
    return 0;
}

}  // namespace xinglin::view
