// SPDX-License-Identifier: Apache-2.0
#include "simulation/skew.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tributary::simulation {
namespace {

constexpr std::size_t kMostClasses = 64;

std::vector<int> Classes(std::span<const float> targets) {
  std::set<int> classes;
  for (const float target : targets) {
    if (!(std::abs(target) <= 65535) || target != std::floor(target)) return {};
    classes.insert(static_cast<int>(target));
    if (classes.size() > kMostClasses) return {};
  }
  return {classes.begin(), classes.end()};
}

}  // namespace

Skew MeasureSkew(const Partition& partition, std::span<const float> targets) {
  Skew skew{.classes = Classes(targets), .clients = {}};
  skew.clients.resize(partition.clients());
  for (std::size_t k = 0; k < partition.clients(); ++k) {
    Skew::Client& client = skew.clients[k];
    const auto examples = partition.Of(k);
    client.examples = examples.size();
    client.histogram.resize(skew.classes.size());
    if (skew.classes.empty() || examples.empty()) continue;
    for (const std::uint32_t example : examples) {
      const auto at = std::lower_bound(skew.classes.begin(), skew.classes.end(),
                                       static_cast<int>(targets[example]));
      ++client.histogram[at - skew.classes.begin()];
    }
    double squares = 0;
    for (const std::size_t count : client.histogram) {
      const double share = static_cast<double>(count) / examples.size();
      squares += share * share;
    }
    client.effective_classes = 1 / squares;
  }
  return skew;
}

std::string FormatSkew(const Skew& skew) {
  std::vector<std::size_t> sizes;
  std::size_t total = 0;
  double effective = 0;
  for (const auto& client : skew.clients) {
    sizes.push_back(client.examples);
    total += client.examples;
    effective += client.effective_classes;
  }
  std::sort(sizes.begin(), sizes.end());
  std::string text = absl::StrFormat(
      "%d clients, %d examples; smallest %d, median %d, largest %d\n",
      sizes.size(), total, sizes.front(), sizes[sizes.size() / 2],
      sizes.back());
  if (!skew.classes.empty()) {
    absl::StrAppendFormat(
        &text, "%d classes; effective classes of a client, mean: %.2f\n",
        skew.classes.size(), effective / skew.clients.size());
  }
  absl::StrAppendFormat(&text, "\n%-12s %8s", "client", "examples");
  if (!skew.classes.empty()) absl::StrAppendFormat(&text, " %9s", "effective");
  for (const int label : skew.classes) {
    absl::StrAppendFormat(&text, " %5s", absl::StrCat("[", label, "]"));
  }
  text += '\n';
  for (std::size_t k = 0; k < skew.clients.size(); ++k) {
    const auto& client = skew.clients[k];
    absl::StrAppendFormat(&text, "%-12s %8d", ClientName(k), client.examples);
    if (!skew.classes.empty()) {
      absl::StrAppendFormat(&text, " %9.2f", client.effective_classes);
    }
    for (const std::size_t count : client.histogram) {
      absl::StrAppendFormat(&text, " %5d", count);
    }
    text += '\n';
  }
  return text;
}

}  // namespace tributary::simulation
