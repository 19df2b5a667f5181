// SPDX-License-Identifier: Apache-2.0
// How unlike the clients of a partition are: sizes and label histograms.
//
//   effective classes of a client = 1 / sum_c p_c^2
//
// with p_c the share of class c in its examples (the inverse Simpson index): 1
// if it holds one class only, C if it holds C classes equally. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "simulation/partition.h"

namespace tributary::simulation {

struct Skew {
  // The classes that occur, increasing; empty if targets are no classes or are
  // more than 64 classes.
  std::vector<int> classes;
  struct Client {
    std::size_t examples = 0;
    std::vector<std::size_t> histogram;  // as long as `classes`
    double effective_classes = 0;        // 0 without examples or classes
  };
  std::vector<Client> clients;
};

Skew MeasureSkew(const Partition& partition, std::span<const float> targets);

// A summary, then one line a client.
std::string FormatSkew(const Skew& skew);

}  // namespace tributary::simulation
