// SPDX-License-Identifier: Apache-2.0
// `xinglin validate`: is this FHIR R4? Structure first, then R4's rules and profiles, of the built-in content or a folder's.
#include <zlib.h>

#include <cstdio>

#include "fhir/fhir.h"
#include "json/json.h"
#include "profile/profile.h"
#include "server/commands.h"
#include "server/terminal.h"
#include "terminology/terminology.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

constexpr std::size_t largest_file = 1u << 30;

struct Finding {
    std::string file;
    std::uint64_t line;  // of NDJSON; 0 otherwise
    Issue issue;
};

/// The whole file, unpacked when it is packed.
Result<std::string> read_whole(const fs::path& file) {
    std::error_code error;
    if (!fs::is_regular_file(file, error))
        return refuse(IssueCode::not_found, file.string(), "is not there or not a file, name a file");
    const gzFile in = gzopen(file.c_str(), "rb");
    if (!in) return refuse(IssueCode::not_found, file.string(), "cannot be read, see to its permissions");
    std::string content;
    std::string buffer(1u << 18, '\0');
    int got = 0;
    while ((got = gzread(in, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0 && content.size() <= largest_file) {
        content.append(buffer, 0, static_cast<std::size_t>(got));
    }
    gzclose(in);
    if (got < 0) return refuse(IssueCode::not_found, file.string(), "cannot be unpacked, it is damaged or cut off");
    if (content.size() > largest_file) return refuse(IssueCode::too_costly, file.string(), "is larger than 1 GiB, split it");
    return content;
}

bool is_lines(const fs::path& file) {
    const std::string name = file.string();
    for (const std::string_view suffix : {".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz"}) {
        if (name.ends_with(suffix)) return true;
    }
    return false;
}

/// What is checked against: profiles and value sets of the content; nothing of it with --structure-only.
struct Standard {
    calendar::SystemClock clock;
    content::Files files;
    std::unique_ptr<const terminology::Terminology> terminology;
    std::optional<profile::Book> book;
    profile::Ask ask;
};

Result<std::unique_ptr<Standard>> prepare(const ValidateCommand& options) {
    auto standard = std::make_unique<Standard>();
    if (options.structure_only) return standard;
    if (!options.content.empty()) {
        XINGLIN_TRY(standard->files, content::Files::over(options.content));
    }
    standard->terminology = std::make_unique<const terminology::Terminology>(standard->files, standard->clock);
    XINGLIN_TRY(standard->book, profile::built_in(standard->files));
    standard->ask.profiles = options.profiles;
    standard->ask.everything = options.warnings;
    for (const std::string& url : options.profiles) {
        if (!standard->book->knows(url))
            return refuse(IssueCode::not_found, "--profile",
                          url + " is not in the content; name another or add it with --content");
    }
    standard->ask.member_of = [&terms = *standard->terminology](std::string_view set, std::string_view system,
                                                                std::string_view code) { return terms.has(set, system, code); };
    return standard;
}

class Validation {
public:
    explicit Validation(const Standard& standard) : standard_(standard) {}

    void check_file(const fs::path& file) {
        file_ = file.string();
        line_ = 0;
        const auto content = read_whole(file);
        if (!content.ok()) {
            unreadable_ = true;
            return add(content.outcome());
        }
        if (!is_lines(file)) return check(*content);
        for (const std::string_view line : text::split(*content, '\n')) {
            ++line_;
            if (line.find_first_not_of(" \t\r") != std::string_view::npos) check(line);
        }
    }
    const std::vector<Finding>& findings() const { return findings_; }
    std::uint64_t resources() const { return resources_; }
    bool unreadable() const { return unreadable_; }
    std::uint64_t errors() const { return errors_; }

private:
    void check(std::string_view content) {
        ++resources_;
        json::Arena arena;
        const auto first = content.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
        const bool is_xml = first != std::string_view::npos && content[first] == '<';
        const auto resource = is_xml ? fhir::from_xml(content, arena) : json::parse(content, arena, {.bytes = largest_file});
        if (!resource.ok()) return add(resource.outcome());
        Outcome outcome = fhir::validate(*resource);
        if (standard_.book && fhir::find_resource((*resource)["resourceType"].string())) {
            for (Issue& issue : standard_.book->check(*resource, standard_.ask).issues)
                outcome.issues.push_back(std::move(issue));
        }
        add(outcome);
    }
    void add(const Outcome& outcome) {
        for (const Issue& issue : outcome.issues) {
            findings_.push_back({file_, line_, issue});
            if (issue.severity == Severity::error || issue.severity == Severity::fatal) ++errors_;
        }
    }

    const Standard& standard_;
    std::string file_;
    std::uint64_t line_ = 0, resources_ = 0, errors_ = 0;
    bool unreadable_ = false;
    std::vector<Finding> findings_;
};

void print_json(const Validation& validation, std::string_view language) {
    json::Arena arena;
    std::vector<json::Value> all;
    for (const Finding& finding : validation.findings()) {
        all.push_back(
            arena.object({{"file", arena.string(finding.file)},
                          {"line", finding.line == 0 ? arena.null() : arena.number(static_cast<std::int64_t>(finding.line))},
                          {"severity", arena.string(fhir_code(finding.issue.severity))},
                          {"code", arena.string(fhir_code(finding.issue.code))},
                          {"key", finding.issue.key.empty() ? arena.null() : arena.string(finding.issue.key)},
                          {"where", arena.string(finding.issue.where)},
                          {"what", arena.string(profile::words(finding.issue, language))}}));
    }
    std::printf("%s\n", json::write(arena.object({{"valid", arena.boolean(validation.errors() == 0)},
                                                  {"resources", arena.number(static_cast<std::int64_t>(validation.resources()))},
                                                  {"issues", arena.array(all)}}))
                            .c_str());
}

}  // namespace

int validate(const ValidateCommand& options) {
    const auto standard = prepare(options);
    if (!standard.ok()) {
        const Issue& first = standard.outcome().issues.front();
        return complain(first.where, first.what, exit_environment);
    }
    Validation validation(**standard);
    const std::string_view language = options.chinese ? "zh" : "en";
    for (const fs::path& file : options.files) validation.check_file(file);
    if (options.json) {
        print_json(validation, language);
    } else {
        for (const Finding& finding : validation.findings()) {
            const std::string line = finding.line == 0 ? "" : ":" + std::to_string(finding.line);
            std::printf("%s%s: %s: %s: %s\n", finding.file.c_str(), line.c_str(),
                        std::string(fhir_code(finding.issue.severity)).c_str(), finding.issue.where.c_str(),
                        profile::words(finding.issue, language).c_str());
        }
        if (validation.errors() == 0) std::printf("%s resources, all valid\n", grouped(validation.resources()).c_str());
    }
    if (validation.errors() == 0) return exit_done;
    if (validation.unreadable()) return complain("validate", "a file could not be read, see above", exit_environment);
    return complain("validate",
                    grouped(validation.errors()) + " errors in " + grouped(validation.resources()) + " resources, see above",
                    exit_refused);
}

}  // namespace xinglin::server
