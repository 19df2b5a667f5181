// SPDX-License-Identifier: Apache-2.0
#include "tests/end_to_end/plans.h"

#include <sstream>

namespace tributary::testing {

std::string DigitsPlan(const SmallPlan& plan) {
  const std::string data =
      std::string(TRIBUTARY_SOURCE_DIR) + "/simulation/data/optdigits/";
  std::ostringstream text;
  if (plan.seed) text << "seed: " << *plan.seed << "\n";
  text << "name: digits\n"
       << "population: digits\n"
       << "model:\n"
       << "  architecture:\n"
       << "    mlp: {inputs: 64, hidden: [" << plan.hidden
       << "], outputs: 10}\n"
       << "round:\n"
       << "  cohort_size: " << plan.cohort_size << "\n"
       << "  deadline: 60s\n";
  if (plan.asynchronous.empty()) {
    text << "  over_selection: " << plan.over_selection << "\n"
         << "  min_updates: " << plan.min_updates << "\n"
         << "  selection_timeout: 200ms\n"
         << "  retry_backoff: 100ms\n";
  } else {
    text << "asynchronous: " << plan.asynchronous << "\n";
  }
  text << "training:\n"
       << "  epochs: 1\n"
       << "  batch_size: 16\n"
       << "  learning_rate: 0.1\n"
       << "update:\n"
       << "  max_abs: 4\n"
       << "  max_weight: " << plan.max_weight << "\n"
       << (plan.encoding.empty() ? "" : "  encoding: " + plan.encoding + "\n")
       << "server_optimizer:\n"
       << "  " << plan.server_optimizer << ": {}\n"
       << (plan.strategy.empty() ? "" : "strategy: " + plan.strategy + "\n")
       << "stop:\n"
       << "  rounds: " << plan.rounds << "\n"
       << "simulation:\n"
       << "  clients: " << plan.clients << "\n"
       << "  train: {csv: {path: \"" << data
       << "train.csv.gz\", scale: 0.0625}}\n"
       << "  test: {csv: {path: \"" << data
       << "test.csv.gz\", scale: 0.0625}}\n"
       << "  partition:\n"
       << "    dirichlet: {alpha: 0.5, min_examples: 8}\n"
       << plan.sections;
  return text.str();
}

}  // namespace tributary::testing
