// SPDX-License-Identifier: Apache-2.0
#include "simulation/declared_exceptions.h"

namespace tributary::simulation {

std::vector<std::string> DeclaredExceptions(const v1::Plan& plan) {
  std::vector<std::string> exceptions;
  if (plan.training().has_time_limit()) {
    exceptions.emplace_back(
        "training.time_limit: kept by trainers against the wall clock, so the "
        "same seed may give another model");
  }
  return exceptions;
}

}  // namespace tributary::simulation
