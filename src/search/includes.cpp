// SPDX-License-Identifier: Apache-2.0
// Which parameters find what others find already, so that nothing is indexed twice.
//
// "combo-code" asks for Observation.code and Observation.component.code, which "code" and "component-code" ask for too;
// "patient" asks for those of "subject" that name a Patient. Half of a typical record's references are such pairs.
#include <algorithm>
#include <set>

#include "search/catalogue.h"

namespace xinglin::search {
namespace {

using Parts = std::set<std::string>;

std::string written(const Path& path, std::size_t steps) {
    std::string out = path.from_resource ? "/" : "";
    for (std::size_t i = 0; i < steps; ++i) {
        const Step& step = path.steps[i];
        out += static_cast<char>('0' + static_cast<int>(step.kind));
        out += step.name;
        out += '=';
        out += step.value;
        out += '/';
    }
    return out;
}

Parts parts_of(const Details& details) {
    Parts parts;
    for (const Path& path : details.paths) parts.insert(written(path, path.steps.size()));
    return parts;
}

bool is_indexed(const Details& details) {
    const Parameter& parameter = details.parameter;
    return parameter.type != ParamType::composite && parameter.type != ParamType::special && parameter.code != "_id" &&
           parameter.code != "_lastUpdated";
}

/// The T of where(resolve() is T) when every path ends so.
std::string_view target_of(const Details& details) {
    std::string_view target;
    for (const Path& path : details.paths) {
        if (path.steps.empty() || path.steps.back().kind != Step::Kind::where_target) return {};
        if (!target.empty() && target != path.steps.back().name) return {};
        target = path.steps.back().name;
    }
    return target;
}

void include(Details& details, const Details& other) {
    const auto add = [&](const Parameter* parameter) {
        if (std::find(details.includes.begin(), details.includes.end(), parameter) == details.includes.end())
            details.includes.push_back(parameter);
    };
    add(&other.parameter);
    for (const Parameter* further : other.includes) add(further);
}

struct Candidate {
    Details* details;
    Parts parts;
};

/// Largest first, whichever of `candidates` finds only things in `wanted` and something not yet found.
Parts cover(Details& details, const Parts& wanted, const std::vector<Candidate>& candidates) {
    const bool own = target_of(details).empty();  // `wanted` are the paths of `details` itself
    Parts covered;
    for (auto at = candidates.rbegin(); at != candidates.rend(); ++at) {
        const Details& other = *at->details;
        if (&other == &details || other.parameter.type != details.parameter.type || at->parts.empty()) continue;
        if (!std::includes(wanted.begin(), wanted.end(), at->parts.begin(), at->parts.end())) continue;
        if (std::includes(covered.begin(), covered.end(), at->parts.begin(), at->parts.end())) continue;
        if (own && at->parts == wanted && other.parameter.index > details.parameter.index) continue;
        include(details, other);
        covered.insert(at->parts.begin(), at->parts.end());
    }
    return covered;
}

}  // namespace

void find_includes(std::span<Details*> parameters) {
    std::vector<Candidate> candidates;
    for (Details* details : parameters) {
        details->residual = details->paths;
        details->present_bits = std::uint64_t{1} << details->parameter.bit;
        if (is_indexed(*details) && target_of(*details).empty()) candidates.push_back({details, parts_of(*details)});
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Candidate& a, const Candidate& b) { return a.parts.size() < b.parts.size(); });
    for (Candidate& candidate : candidates) {
        Details& details = *candidate.details;
        const Parts covered = cover(details, candidate.parts, candidates);
        std::erase_if(details.residual, [&](const Path& path) { return covered.contains(written(path, path.steps.size())); });
    }
    for (Details* details : parameters) {
        const std::string_view target = target_of(*details);
        if (target.empty()) continue;
        Parts stripped;
        for (const Path& path : details->paths) stripped.insert(written(path, path.steps.size() - 1));
        const Parts covered = cover(*details, stripped, candidates);
        details->targets.assign(1, fhir::find_type(target)->name);
        if (covered == stripped) {
            details->restricted = true;
            details->residual.clear();
        } else {
            details->includes.clear();
        }
    }
    for (Details* details : parameters) {
        for (const Parameter* included : details->includes) {
            // Targets are declared by hand in R4: what one of two equal paths may name, the other may.
            Details& other =
                **std::find_if(parameters.begin(), parameters.end(), [&](Details* d) { return &d->parameter == included; });
            if (details->restricted) {
                other.restricted_by.push_back(&details->parameter);
            } else {
                other.present_bits |= std::uint64_t{1} << details->parameter.bit;
                for (const std::string_view target : other.targets) {
                    if (std::find(details->targets.begin(), details->targets.end(), target) == details->targets.end())
                        details->targets.push_back(target);
                }
            }
        }
    }
}

}  // namespace xinglin::search
