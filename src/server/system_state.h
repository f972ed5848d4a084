// SPDX-License-Identifier: Apache-2.0
// Inside the room: how the house is doing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "http/http.h"

namespace xinglin::server {

struct House;

struct Check {
    std::string name;
    std::string status;  // good warning critical
    std::string detail;
};
/// Can we write, read, and write down who reads?
std::vector<Check> checks(House& house);
bool is_ready(const std::vector<Check>& checks);

std::int64_t memory_bytes();  // resident
std::int64_t disk_free_bytes(House& house);
/// A quantile (0.5, 0.99) of answer times, from the buckets, in ms.
double answer_ms(const http::ServerFigures& figures, double quantile);

}  // namespace xinglin::server
