// SPDX-License-Identifier: Apache-2.0
// The log, written by spdlog: {"at":"…","level":"info","event":"…",…}.
#include "server/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "json/json.h"

namespace xinglin::server {

namespace {

std::string line_of(std::string_view event, Log::Fields fields) {
    std::string line = "\"event\":";
    json::write_string(event, line);
    for (const auto& [key, value] : fields) {
        line += ',';
        json::write_string(key, line);
        line += ':';
        if (const auto* text = std::get_if<std::string>(&value)) json::write_string(*text, line);
        if (const auto* whole = std::get_if<std::int64_t>(&value)) line += std::to_string(*whole);
        if (const auto* real = std::get_if<double>(&value)) line += fmt::format("{:.3f}", *real);
    }
    return line;
}

}  // namespace

struct Log::Inside {
    spdlog::logger logger{"xinglin", std::make_shared<spdlog::sinks::stderr_sink_mt>()};  // shared: spdlog asks for it
    Inside() {
        logger.set_pattern(R"({"at":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})", spdlog::pattern_time_type::utc);
        logger.flush_on(spdlog::level::info);
    }
};

Log::Log() : inside_(std::make_unique<Inside>()) {}
Log::~Log() = default;

void Log::info(std::string_view event, Fields fields) { inside_->logger.info("{}", line_of(event, fields)); }
void Log::warn(std::string_view event, Fields fields) { inside_->logger.warn("{}", line_of(event, fields)); }
void Log::error(std::string_view event, Fields fields) { inside_->logger.error("{}", line_of(event, fields)); }

}  // namespace xinglin::server
