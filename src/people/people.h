// SPDX-License-Identifier: Apache-2.0
// Find a person by what a clerk types: name or part of it, pinyin, initials, identifier, phone, birth date.
//
// A view of the feed in its own file (people.db): it follows the record by itself, may be deleted at any time, and is
// then built again. `find` is safe from any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"
#include "outcome/outcome.h"
#include "record/record.h"

namespace xinglin::people {

/// One Patient as a list shows it. Identifier, phone and address are masked.
struct Person {
    std::string id, name, pinyin, sex, birth_date, address, identifier, phone;
    bool deceased = false;
    bool closed = false;  // there is such a person, whose record this viewer may not open; nothing else is said then
    std::string matched;  // name pinyin initials identifier phone birth_date
};

struct Request {
    std::string q;             // words; all of them must fit. Empty: everyone, in order of name
    std::uint32_t count = 20;  // at most 100
    std::string after;         // Page::next of the page before
};
struct Page {
    std::optional<std::uint64_t> total;  // exact, or absent when there are too many to count
    std::uint64_t population = 0;
    std::vector<Person> people;
    std::string next;
};

class People {
public:
    /// Opens or makes people.db in the store's folder and starts following.
    explicit People(record::Store& store);
    ~People();

    Result<Page> find(const access::Viewer& viewer, const Request& request) const;
    /// Returns when everything committed before the call can be found.
    void catch_up();
    record::Position position() const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
    Result<Page> find_page(const access::Viewer& viewer, const Request& asked) const;
};

/// Name as shown: official or usual name, `text` if written, else family and given in the order of the script.
std::string display_name(json::Value patient);
std::string display_address(json::Value patient);
/// Down to the town: "浙江省杭州市西湖区转塘街道****"; as it is where it says no more. Of what it cannot divide nothing is left.
std::string masked_address(std::string_view whole);
/// What an identifier is called: type.text, type.coding.display, or the end of its system.
std::string identifier_label(json::Value identifier);
/// A Patient's list entry, masked; `matched` left empty.
Person summary(json::Value patient);

}  // namespace xinglin::people
