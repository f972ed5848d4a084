// SPDX-License-Identifier: Apache-2.0
// Header fields: a short list, searched in order; names compare without case.
#include "http/field_text.h"
#include "http/http.h"

namespace xinglin::http {

bool same_name(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

bool list_has(std::string_view list, std::string_view token) {
    while (!list.empty()) {
        if (same_name(trimmed(take_item(list)), token)) return true;
    }
    return false;
}

std::string_view take_item(std::string_view& list, char separator) {
    const std::size_t end = list.find(separator);
    const std::string_view item = list.substr(0, end);
    list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
    return item;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

void Headers::set(std::string_view name, std::string value) {
    std::erase_if(all_, [&](const auto& field) { return same_name(field.first, name); });
    all_.emplace_back(name, std::move(value));
}

std::string_view Headers::get(std::string_view name) const {
    for (const auto& [field, value] : all_) {
        if (same_name(field, name)) return value;
    }
    return {};
}

bool Headers::has(std::string_view name) const {
    return std::any_of(all_.begin(), all_.end(), [&](const auto& field) { return same_name(field.first, name); });
}

Response Response::text(int status, std::string_view content_type, std::string body) {
    Response response;
    response.status = status;
    response.headers.add("Content-Type", std::string(content_type));
    response.body = std::move(body);
    return response;
}

}  // namespace xinglin::http
