// SPDX-License-Identifier: Apache-2.0
// Inside the room: whose a resource is.
#pragma once

#include <unordered_map>
#include <unordered_set>

#include "bulk/bulk.h"
#include "text/text.h"

namespace xinglin::bulk {

/// Whether a reference found in a resource is one of a search parameter, by itself or through what the parameter includes.
inline bool counts_as(const search::Parameter& parameter, const search::Reference& reference) {
    const auto& also = parameter.includes;
    const bool by_it =
        reference.parameter == &parameter || std::find(also.begin(), also.end(), reference.parameter) != also.end();
    return by_it && search::counts_for(parameter, reference);
}

/// Does a resource belong to a patient asked for? From the resource itself, as it was.
class Compartment {
public:
    explicit Compartment(const std::vector<std::string>* patients) {
        if (patients) asked_.emplace(patients->begin(), patients->end());
    }

    bool has(const fhir::Type& type, std::string_view body) {
        const bool is_patient = type.name == "Patient";
        if (is_patient && !asked_) return true;
        if (!is_patient && body.find("Patient/") == std::string_view::npos) return false;
        const auto names = fhir::compartment_parameters("Patient", type.name);
        if (names.empty() && !is_patient) return false;
        if (plainly_names(body, plain_members(type, names))) return true;
        arena_.clear();
        const auto resource = json::parse(body, arena_, {.depth = 1'000, .bytes = body.size() + 1});
        if (!resource.ok()) return false;
        if (is_patient && is_asked(resource->find("id").string())) return true;
        entries_.clear();
        search::extract(type, *resource, 0, entries_);
        for (const search::Reference& reference : entries_.references) {
            if (reference.type == "Patient" && is_asked(reference.id) && counts(type, names, reference)) return true;
        }
        return false;
    }

private:
    /// Members that are compartment parameters as they stand ("subject" of Observation.subject): found without parsing.
    const std::vector<std::string>& plain_members(const fhir::Type& type, std::span<const std::string_view> names) {
        const auto [place, is_new] = plain_.try_emplace(&type);
        if (!is_new) return place->second;
        for (const std::string_view name : names) {
            const search::Parameter* parameter = search::find_parameter(type, name);
            for (std::string_view path : text::split(parameter ? parameter->expression : std::string_view(), '|')) {
                while (path.starts_with(' ')) path.remove_prefix(1);
                while (path.ends_with(' ')) path.remove_suffix(1);
                if (!path.starts_with(type.name) || path.substr(type.name.size(), 1) != ".") continue;
                path.remove_prefix(type.name.size() + 1);
                const std::size_t dot = path.find('.');
                if (dot != std::string_view::npos && path.substr(dot) != ".where(resolve() is Patient)") continue;
                place->second.emplace_back(path.substr(0, dot));
            }
        }
        return place->second;
    }

    /// A member at the top, {"reference":"Patient/ID", of a patient asked for.
    bool plainly_names(std::string_view body, const std::vector<std::string>& members) const {
        constexpr std::string_view mark = "\":{\"reference\":\"Patient/";
        int depth = 0;
        for (std::size_t i = 0; i < body.size(); ++i) {
            const char c = body[i];
            if (c == '{' || c == '[') ++depth;
            else if (c == '}' || c == ']') --depth;
            if (c != '"') continue;
            const std::size_t start = ++i;
            while (i < body.size() && body[i] != '"') i += body[i] == '\\' ? 2 : 1;
            if (depth != 1 || body.substr(i, mark.size()) != mark) continue;
            const std::string_view name = body.substr(start, i - start);
            if (std::find(members.begin(), members.end(), name) == members.end()) continue;
            const std::string_view rest = body.substr(i + mark.size());
            if (is_asked(rest.substr(0, rest.find_first_of("\"/")))) return true;
        }
        return false;
    }

    bool is_asked(std::string_view id) const { return !asked_ || asked_->contains(std::string(id)); }
    static bool counts(const fhir::Type& type, std::span<const std::string_view> names, const search::Reference& reference) {
        for (const std::string_view name : names) {
            const search::Parameter* parameter = search::find_parameter(type, name);
            if (parameter && counts_as(*parameter, reference)) return true;
        }
        return false;
    }

    std::optional<std::unordered_set<std::string>> asked_;
    std::unordered_map<const fhir::Type*, std::vector<std::string>> plain_;
    json::Arena arena_;
    search::Entries entries_;
};

}  // namespace xinglin::bulk
