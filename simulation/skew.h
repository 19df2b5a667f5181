// SPDX-License-Identifier: Apache-2.0
// How unlike the clients of a partition are: sizes, label histograms and
// shifts of their features.
//
//   effective classes of client k = 1 / sum_c p_kc^2
//   distance of client k          = 1/2 sum_c |p_kc - p_c|
//
// with p_kc the share of class c in the client's examples and p_c that in all.
// The first is the inverse Simpson index: 1 if the client holds one class only,
// C if it holds C classes equally. The second is the total variation distance
// of its labels from the whole: 0 if they are alike, towards 1 if the client
// holds what hardly anybody else does.
//
// Immutable; any thread. Histograms are counted when they are asked for, so a
// million clients cost nothing but the summary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "simulation/labels.h"
#include "simulation/partition.h"
#include "simulation/partitions/feature_shift.h"

namespace tributary::simulation {

class Skew {
 public:
  struct Client {
    std::size_t examples = 0;
    std::vector<std::uint32_t> histogram;  // as long as classes()
    double effective_classes = 0;          // 0 without examples or classes
    double distance = 0;                   // likewise
  };
  struct Summary {
    std::size_t smallest = 0;  // examples of a client
    std::size_t median = 0;    // the upper one of an even number
    std::size_t largest = 0;
    // Means over the clients with examples; 0 without classes.
    double effective_classes = 0;
    double distance = 0;
  };

  // The partition outlives it. `owners`: whose data each part is, if they are
  // anybody's.
  Skew(const Partition& partition, std::span<const float> targets,
       FeatureShift shift = {}, std::vector<std::string> owners = {});

  const Partition& partition() const { return partition_; }
  const FeatureShift& shift() const { return shift_; }
  // Whose data the client's are, printable; empty if nobody's.
  std::string OwnerOf(std::size_t client) const;
  // The classes that occur, increasing; empty if targets are no classes or are
  // more than 128 classes.
  const std::vector<int>& classes() const { return labels_.classes; }
  const Summary& summary() const { return summary_; }
  Client Of(std::size_t client) const;

 private:
  const Partition& partition_;
  const FeatureShift shift_;
  const std::vector<std::string> owners_;
  Labels labels_;
  std::vector<double> whole_;  // the share of each class
  Summary summary_;
};

// A few lines, without names of clients.
std::string FormatSummary(const Skew& skew);
// One line a client, or a part where several clients hold the same examples,
// under a line of headings.
void WriteTable(const Skew& skew, std::ostream& out);

}  // namespace tributary::simulation
