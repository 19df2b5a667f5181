// SPDX-License-Identifier: Apache-2.0
// Runs that differ in nothing but their seed, as one: what a setting is worth
// beyond chance. Pure.
//
// With m_s the metric in the last round that has it, of the run with seed s,
// over the n seeds of a setting:
//
//   mean +- sqrt(sum_s (m_s - mean)^2 / (n - 1))
//   gain: the same of m_s - b_s, b_s that of the first setting's run with the
//         same seed
#pragma once

#include <string>
#include <vector>

#include "simulation/report/comparison.h"
#include "simulation/report/run_record.h"
#include "simulation/report/table.h"

namespace tributary::simulation {

struct Repeats {
  // Of the first run, without what it says of the seed.
  std::string name;
  std::vector<const RunRecord*> runs;
};

// In the order of the first of each.
std::vector<Repeats> GroupBySeed(const Comparison& comparison);

// A row for each setting: the comparison's metric, what it gains over the first
// setting, and the same for what clients found of it, if they judged
// (simulation/client_evaluation.h), with their worst decile and their standard
// deviation. Empty if no setting was run with two seeds.
Table RepeatsTable(const Comparison& comparison);

}  // namespace tributary::simulation
