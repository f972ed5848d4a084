// SPDX-License-Identifier: Apache-2.0
// The search mix: every kind of query that design.md sets a target for, with entries touched beside the times.
#pragma once

#include <string>
#include <vector>

#include "record/record.h"

namespace xinglin::bench {

/// Prints p50, p99, index rows touched and results of each kind. `patients`: ids to ask for.
void search_mix(record::Store& store, const std::vector<std::string>& patients);
/// Prints the processor time of each kind as somebody who sees everything, the region without its sensitive labels, half of the
/// patients, or a village of 2,000, under rules such as a clinician's.
void guarded_mix(record::Store& store, const std::vector<std::string>& patients);
/// A terminology for the mix: value set "bench:N" holds N codes, those in use among them.
search::Terminology mix_terminology();

}  // namespace xinglin::bench
