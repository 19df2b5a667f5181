// SPDX-License-Identifier: Apache-2.0
// Counters by name and labels, for the metrics page.
//
// Threads: any.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/runner/coordinator.h"

namespace tributary::coordinator {

class MetricBook {
 public:
  using Labels = std::map<std::string, std::string>;
  // Counters: tributary_updates_accepted_total, ...
  void Count(const std::string& name, const Labels& labels = {}, double by = 1);
  void Set(const std::string& name, const Labels& labels, double value);
  std::vector<Metric> All() const;

  // A metric with the help text and the kind of its name.
  static Metric Describe(const std::string& name, const Labels& labels,
                         double value);

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, Labels>, double> values_;
};

}  // namespace tributary::coordinator
