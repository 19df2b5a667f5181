// SPDX-License-Identifier: Apache-2.0
// What each client of a population keeps to judge models on.
//
// Pure: the same partition, fraction and key give the same parts.
#pragma once

#include "privacy/crypto/random.h"
#include "simulation/partition.h"

namespace tributary::simulation {

// Two partitions of the same clients: together they hold what one held, each
// example once. Adversaries judge nothing: they are in `train` alone.
struct HeldOut {
  Partition train;
  Partition test;
};

// Of a part of n examples floor(fraction x n), but at least one if n > 1, are
// for the test, drawn by KeyedStream(run_key, "client test <part>"). Clients
// that hold the same examples keep the same ones. `fraction` is in (0, 1).
HeldOut HoldOut(const Partition& whole, double fraction, const Key& run_key);

}  // namespace tributary::simulation
