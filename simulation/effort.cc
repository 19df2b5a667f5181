// SPDX-License-Identifier: Apache-2.0
#include "simulation/effort.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tributary::simulation {
namespace {

double Percent(double part, double whole) {
  return whole > 0 ? 100 * part / whole : 0;
}

void AppendLine(std::string& table, const std::string& name,
                const Effort& effort) {
  const std::uint64_t lost =
      effort.Of(Outcome::kLostBefore) + effort.Of(Outcome::kLostTraining) +
      effort.Of(Outcome::kLostUploading) + effort.Of(Outcome::kUnavailable);
  constexpr double kMib = 1 << 20;
  absl::StrAppendFormat(
      &table,
      "%-16s %9d %9d %9d %9d %9d %12.1f %12.1f %12.1f %8.1f %12.1f %8.1f\n",
      name, effort.Tasks(), effort.Of(Outcome::kCounted),
      effort.Of(Outcome::kLate), lost,
      effort.Of(Outcome::kFailed) + effort.Of(Outcome::kRefused),
      static_cast<double>(effort.spent.bytes_down) / kMib,
      static_cast<double>(effort.spent.bytes_up) / kMib,
      effort.spent.training_seconds / 3600,
      Percent(effort.wasted.training_seconds, effort.spent.training_seconds),
      effort.spent.joules / 1e3,
      Percent(effort.wasted.joules, effort.spent.joules));
}

}  // namespace

std::string_view Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kCounted:
      return "counted";
    case Outcome::kLate:
      return "late";
    case Outcome::kLostBefore:
      return "lost_before";
    case Outcome::kLostTraining:
      return "lost_training";
    case Outcome::kLostUploading:
      return "lost_uploading";
    case Outcome::kUnavailable:
      return "unavailable";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kRefused:
      return "refused";
  }
  return "unknown";
}

Spending& Spending::operator+=(const Spending& other) {
  bytes_down += other.bytes_down;
  bytes_up += other.bytes_up;
  training_seconds += other.training_seconds;
  network_seconds += other.network_seconds;
  joules += other.joules;
  return *this;
}

std::uint64_t Effort::Tasks() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t each : tasks) sum += each;
  return sum;
}

void Effort::Add(Outcome outcome, const Spending& spending) {
  ++tasks[static_cast<std::size_t>(outcome)];
  spent += spending;
  if (outcome != Outcome::kCounted) wasted += spending;
}

Effort& Effort::operator+=(const Effort& other) {
  for (std::size_t i = 0; i < kOutcomes; ++i) tasks[i] += other.tasks[i];
  spent += other.spent;
  wasted += other.wasted;
  return *this;
}

std::string FormatEfforts(const std::vector<std::string>& classes,
                          const std::vector<Effort>& efforts) {
  std::string table = absl::StrFormat(
      "%-16s %9s %9s %9s %9s %9s %12s %12s %12s %8s %12s %8s\n", "devices",
      "tasks", "counted", "late", "lost", "failed", "MiB down", "MiB up",
      "training h", "wasted %", "kJ", "wasted %");
  Effort all;
  for (std::size_t i = 0; i < classes.size() && i < efforts.size(); ++i) {
    AppendLine(table, classes[i], efforts[i]);
    all += efforts[i];
  }
  if (classes.size() > 1) AppendLine(table, "all", all);
  return table;
}

}  // namespace tributary::simulation
