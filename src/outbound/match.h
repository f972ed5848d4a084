// SPDX-License-Identifier: Apache-2.0
// Inside the room: a channel made ready: its conditions and columns compiled. Immutable, safe from many threads.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fhirpath/fhirpath.h"
#include "outbound/channel.h"

namespace xinglin::outbound {

class Compiled {
public:
    /// Refuses what read_channel would.
    static Result<std::shared_ptr<const Compiled>> make(Channel channel);

    const Channel& channel() const { return channel_; }
    bool sends(const fhir::Type& type) const { return rules_.contains(&type); }
    enum class Verdict : std::uint8_t { no, yes, confidential };
    /// Does this version go out? `why`, if given, says in words why not.
    Verdict judge(const fhir::Type& type, json::Value resource, std::string* why = nullptr) const;
    const std::vector<fhirpath::Expression>& columns() const { return columns_; }

private:
    explicit Compiled(Channel channel) : channel_(std::move(channel)) {}
    Channel channel_;
    struct Rule {
        std::unique_ptr<fhirpath::Expression> where;  // nullptr: always
        std::vector<search::Criterion> search;
    };
    std::map<const fhir::Type*, Rule> rules_;
    std::vector<fhirpath::Expression> columns_;
};

/// Has it no label of confidentiality but these?
bool may_go_out(json::Value resource, const std::vector<std::string>& labels);

/// Same text, same line of deliveries: a patient's stay in order. Never 0.
std::int64_t lane_of(std::string_view patient_or_resource);

}  // namespace xinglin::outbound
