// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/seeds.h"

#include <cstdlib>
#include <iostream>

#include "tests/catch.h"

namespace tributary::testing {
namespace {

int FromEnvironment(const char* name, int otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::atoi(value);
}

}  // namespace

void ForEachKillSeed(const std::function<void(int)>& body) {
  const int first = FromEnvironment("TRIBUTARY_KILL_SEED", 1);
  const int count = FromEnvironment("TRIBUTARY_KILL_SEEDS", 5);
  for (int seed = first; seed < first + count; ++seed) {
    std::cout << "kill seed " << seed << std::endl;
    INFO("TRIBUTARY_KILL_SEED=" << seed << " TRIBUTARY_KILL_SEEDS=1");
    body(seed);
  }
}

}  // namespace tributary::testing
