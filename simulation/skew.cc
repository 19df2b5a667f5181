// SPDX-License-Identifier: Apache-2.0
#include "simulation/skew.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tributary::simulation {
namespace {

// More columns than this nobody reads.
constexpr std::size_t kMostClasses = 128;

Labels ReadableLabels(std::span<const float> targets) {
  auto labels = FindLabels(targets);
  if (!labels.ok() || labels->classes.size() > kMostClasses) return {};
  return *std::move(labels);
}

}  // namespace

Skew::Skew(const Partition& partition, std::span<const float> targets,
           FeatureShift shift, std::vector<std::string> owners)
    : partition_(partition),
      shift_(std::move(shift)),
      owners_(std::move(owners)),
      labels_(ReadableLabels(targets)),
      whole_(labels_.classes.size(), 0) {
  for (const std::uint16_t label : labels_.of) ++whole_[label];
  for (double& share : whole_) share /= static_cast<double>(labels_.of.size());

  // Parts stand for clients: each part has as many holders as the next.
  std::vector<std::size_t> sizes(partition_.parts());
  std::size_t with_examples = 0;
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    const Client client = Of(k);
    sizes[k] = client.examples;
    if (client.examples == 0) continue;
    ++with_examples;
    summary_.effective_classes += client.effective_classes;
    summary_.distance += client.distance;
  }
  if (with_examples > 0) {
    summary_.effective_classes /= static_cast<double>(with_examples);
    summary_.distance /= static_cast<double>(with_examples);
  }
  if (sizes.empty()) return;
  std::sort(sizes.begin(), sizes.end());
  summary_.smallest = sizes.front();
  summary_.median = sizes[sizes.size() / 2];
  summary_.largest = sizes.back();
}

Skew::Client Skew::Of(std::size_t k) const {
  const auto examples = partition_.Of(k);
  Client client{.examples = examples.size(),
                .histogram = std::vector<std::uint32_t>(classes().size(), 0)};
  if (classes().empty() || examples.empty()) return client;
  for (const std::uint32_t example : examples) {
    ++client.histogram[labels_.of[example]];
  }
  double squares = 0;
  double differences = 0;
  for (std::size_t c = 0; c < whole_.size(); ++c) {
    const double share = static_cast<double>(client.histogram[c]) /
                         static_cast<double>(examples.size());
    squares += share * share;
    differences += std::abs(share - whole_[c]);
  }
  client.effective_classes = 1 / squares;
  client.distance = differences / 2;
  return client;
}

std::string Skew::OwnerOf(std::size_t client) const {
  if (owners_.empty()) return {};
  return absl::Utf8SafeCHexEscape(owners_[client % owners_.size()]);
}

std::string FormatSummary(const Skew& skew) {
  const Partition& partition = skew.partition();
  const Skew::Summary& summary = skew.summary();
  std::string text = absl::StrFormat(
      "%d clients, %d examples; smallest %d, median %d, largest %d\n",
      partition.honest(), partition.examples(), summary.smallest,
      summary.median, summary.largest);
  if (partition.adversaries() > 0) {
    absl::StrAppendFormat(
        &text,
        "attack: %d adversaries more, from %s on; the first holds what %s "
        "holds, and so on\n",
        partition.adversaries(), ClientName(partition.honest()), ClientName(0));
  }
  if (!skew.classes().empty()) {
    absl::StrAppendFormat(
        &text,
        "%d classes; effective classes of a client, mean: %.2f; distance of "
        "its labels from the whole, mean: %.3f\n",
        skew.classes().size(), summary.effective_classes, summary.distance);
  }
  if (partition.holders() > 1) {
    absl::StrAppendFormat(
        &text,
        "repeat: each example is held by %d clients; client k holds what "
        "client k modulo %d holds\n",
        partition.holders(), partition.parts());
  }
  const FeatureShift& shift = skew.shift();
  if (shift.HasNoise()) {
    absl::StrAppendFormat(
        &text,
        "feature shift: noise of %.4g to %.4g, more from client to "
        "client\n",
        shift.NoiseOf(0), shift.NoiseOf(partition.honest() - 1));
  }
  if (shift.HasRotation()) {
    text += "feature shift: images are rotated by an angle of each client\n";
  }
  return text;
}

void WriteTable(const Skew& skew, std::ostream& out) {
  const bool has_classes = !skew.classes().empty();
  const FeatureShift& shift = skew.shift();
  // With a shift, clients that hold the same examples differ all the same.
  const std::size_t lines =
      shift.IsIdentity() ? skew.partition().parts() : skew.partition().honest();
  std::string line = absl::StrFormat("%-12s %8s", "client", "examples");
  if (has_classes) {
    absl::StrAppendFormat(&line, " %9s %8s", "effective", "distance");
  }
  if (shift.HasNoise()) absl::StrAppendFormat(&line, " %9s", "noise");
  if (shift.HasRotation()) absl::StrAppendFormat(&line, " %8s", "degrees");
  for (const int label : skew.classes()) {
    absl::StrAppendFormat(&line, " %5s", absl::StrCat("[", label, "]"));
  }
  if (!skew.OwnerOf(0).empty()) line += "  owner";
  out << line << '\n';
  for (std::size_t k = 0; k < lines; ++k) {
    const Skew::Client client = skew.Of(k);
    line = absl::StrFormat("%-12s %8d", ClientName(k), client.examples);
    if (has_classes) {
      absl::StrAppendFormat(&line, " %9.2f %8.3f", client.effective_classes,
                            client.distance);
    }
    if (shift.HasNoise()) {
      absl::StrAppendFormat(&line, " %9.4g", shift.NoiseOf(k));
    }
    if (shift.HasRotation()) {
      absl::StrAppendFormat(&line, " %8.2f", shift.DegreesOf(k));
    }
    for (const std::uint32_t count : client.histogram) {
      absl::StrAppendFormat(&line, " %5d", count);
    }
    const std::string owner = skew.OwnerOf(k);
    if (!owner.empty()) absl::StrAppend(&line, "  ", owner);
    out << line << '\n';
  }
}

}  // namespace tributary::simulation
