// SPDX-License-Identifier: Apache-2.0
// Inside the room: the log, one JSON object a line on standard error, without personal data.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace xinglin::server {

/// Safe from any thread. Whoever logs sees to it that no field holds a name, an identifier or a search value.
class Log {
public:
    using Field = std::pair<std::string_view, std::variant<std::string, std::int64_t, double>>;
    using Fields = std::initializer_list<Field>;

    Log();
    ~Log();
    void info(std::string_view event, Fields fields = {});
    void warn(std::string_view event, Fields fields = {});
    void error(std::string_view event, Fields fields = {});

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace xinglin::server
