// SPDX-License-Identifier: Apache-2.0
// Inside the room: rules and a viewer become a guard.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "card/card.h"
#include "consent/consent.h"
#include "policy/book.h"
#include "record/guard.h"
#include "search/search.h"

namespace xinglin::policy {

using SetPtr = std::shared_ptr<const record::PatientSet>;

/// What compiling asks of the house.
class Sets {
public:
    virtual ~Sets() = default;
    virtual SetPtr of_search(const std::string& search) = 0;
    virtual std::vector<std::int64_t> of_ids(const std::vector<std::string>& ids) = 0;
    virtual std::vector<std::string> sources_of(const access::Viewer& viewer) = 0;
    virtual std::vector<consent::Provision> provisions(const access::Viewer& viewer) = 0;
    virtual std::vector<consent::Emergency> emergencies(const access::Viewer& viewer) = 0;
    virtual std::vector<card::Presence> shown(const access::Viewer& viewer) = 0;
    virtual std::vector<consent::Proxy> wards(const access::Viewer& viewer) = 0;
    virtual std::vector<std::string> own(const access::Viewer& viewer) = 0;
    virtual std::int64_t now_ms() const = 0;
};

struct Compiled {
    std::shared_ptr<const record::Guard> guard;
    std::vector<std::pair<std::string, SetPtr>> of;  // the searched sets, by their searches
    std::optional<std::int64_t> ends_ms;             // when the first emergency, shown card or proxy in it ends
};
Compiled compile(const Book& book, const std::vector<Rule>& rules, const access::Viewer& viewer, Sets& sets);

/// "Encounter?service-provider=Organization/1".
Result<search::Query> query_of(std::string_view search, std::int64_t now_ms);

}  // namespace xinglin::policy
