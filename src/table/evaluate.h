// SPDX-License-Identifier: Apache-2.0
// Inside the room: the bodies of a mapping, filled with the values of the rows of one group.
#pragma once

#include <span>

#include "table/plan.h"

namespace xinglin::table {

class Evaluation {
public:
    /// `rows`: the values of each row of the group, by column of the plan.
    Evaluation(const Plan& plan, const message::Sender& sender, std::span<const std::vector<Value>> rows, json::Arena& arena);

    /// Finds which resources there are, and their ids. Refuses (where: "", the caller knows the row) one without a key.
    Result<Done> identify();
    bool exists(std::size_t resource, std::size_t row) const { return !ids_[resource][place(resource, row)].empty(); }
    const std::string& id(std::size_t resource, std::size_t row) const { return ids_[resource][place(resource, row)]; }
    /// The whole resource without its id.
    json::Value body(std::size_t resource, std::size_t row);
    std::string words(const Node& node, std::size_t row);

private:
    std::size_t place(std::size_t resource, std::size_t row) const { return plan_.resources[resource].each_row ? row : 0; }
    bool holds(const Condition& condition, std::size_t row) const;
    std::string id_of(const ResourcePlan& resource, std::size_t row);
    json::Value value(const Node& node, std::size_t row);
    json::Value object(const Node& node, std::size_t row, bool whole);
    json::Value list(const Node& node, std::size_t row);
    json::Value reference(std::size_t resource, std::size_t row);

    const Plan& plan_;
    const message::Sender& sender_;
    std::span<const std::vector<Value>> rows_;
    json::Arena& arena_;
    std::vector<std::vector<std::string>> ids_;  // by resource, by row (one where it is not made for each row)
};

}  // namespace xinglin::table
