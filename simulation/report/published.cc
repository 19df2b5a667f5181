// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/published.h"

#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "simulation/report/quantity.h"
#include "simulation/report/target.h"

namespace tributary::simulation {
namespace {

constexpr std::string_view kHeader = "run,rounds";
constexpr const char* kNothing = "-";

absl::Status Expected(const std::filesystem::path& file, int line,
                      std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(file.string(), ":", line, ": expected ", std::string(what)));
}

// Tenths are what interpolation can say.
std::string Tenths(const std::optional<double>& rounds) {
  return rounds ? absl::StrFormat("%.1f", *rounds) : kNothing;
}

}  // namespace

absl::StatusOr<Published> ReadPublished(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) {
    return absl::NotFoundError(absl::StrCat(file.string(), ": cannot be read"));
  }
  Published published;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (number == 1) {
      if (line != kHeader) return Expected(file, 1, "\"run,rounds\"");
      continue;
    }
    const std::size_t comma = line.rfind(',');
    double rounds = 0;
    if (comma == 0 || comma == std::string::npos ||
        !absl::SimpleAtod(line.substr(comma + 1), &rounds) || !(rounds > 0)) {
      return Expected(file, number, "a run's folder, a comma, rounds over 0");
    }
    published[line.substr(0, comma)] = rounds;
  }
  if (published.empty()) return Expected(file, 2, "a run and its rounds");
  return published;
}

Table PublishedTable(std::span<const RunRecord> runs,
                     const Published& published) {
  Table table = {{"run", "target", "best", "rounds run", "to target",
                  "published", "ratio", "wall time"}};
  for (const RunRecord& run : runs) {
    const std::string metric = run.PlanValueOf("stop.metric");
    const Better better = BetterOf(metric);
    const auto curve = run.Over("round", absl::StrCat("metrics.", metric));
    double target = 0;
    const bool has_target =
        absl::SimpleAtod(run.PlanValueOf("stop.target"), &target);
    std::optional<double> reached;
    if (has_target) reached = ReachedAt(curve, target, better);
    const auto best = BestOf(curve, better);
    const auto paper = published.find(run.Name());
    const bool is_known = paper != published.end();
    const auto wall = run.Total("wall_seconds");
    std::string name = run.Name();
    if (run.status.end != "finished") {
      absl::StrAppend(&name, " (", run.status.end, ")");
    }
    table.push_back(
        {std::move(name),
         has_target
             ? absl::StrCat(metric, better == Better::kHigher ? " >= " : " <= ",
                            FormatQuantity(Quantity::kNumber, target))
             : kNothing,
         best ? FormatQuantity(Quantity::kNumber, best->y) : kNothing,
         FormatCount(static_cast<double>(run.rounds.size())), Tenths(reached),
         is_known ? FormatCount(paper->second) : kNothing,
         is_known && reached ? absl::StrFormat("%.2f", *reached / paper->second)
                             : kNothing,
         wall ? FormatQuantity(Quantity::kSeconds, *wall) : kNothing});
  }
  return table;
}

}  // namespace tributary::simulation
