// SPDX-License-Identifier: Apache-2.0
// A small ledger of two runs.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "privacy/dp/ledger.h"

namespace tributary::codec {

// Central noise on Poisson cohorts of 100 of 10,000, noise multiplier 1.
inline dp::Debit SomeDebit(std::uint32_t round, const char* run = "run-1") {
  return {.population = "sensors",
          .run = run,
          .round = round,
          .attempt = 1,
          .mechanism = {.sampling = dp::Sampling::kPoisson,
                        .rate = 0.01,
                        .statistics = {{.name = "update",
                                        .words = 1'000,
                                        .l1 = 600'000,
                                        .l2 = 20'000,
                                        .variance = 4e8}}},
          .delta = 1e-6,
          .clip_norm = 0.5,
          .contributors = 97,
          .plan = Sha256("plan")};
}

inline std::vector<dp::Entry> SomeEntries(std::uint32_t rounds) {
  dp::Chain chain;
  std::vector<dp::Entry> entries;
  for (std::uint32_t round = 1; round <= rounds; ++round) {
    entries.push_back(chain.Append(SomeDebit(round)));
  }
  return entries;
}

}  // namespace tributary::codec
