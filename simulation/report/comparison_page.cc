// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "absl/strings/str_cat.h"
#include "simulation/report/comparison.h"
#include "simulation/report/line_chart.h"
#include "simulation/report/page.h"
#include "simulation/report/repeats.h"

namespace tributary::simulation {
namespace {

// One column of every run over another.
std::string Overlay(const Comparison& comparison, LineChart chart,
                    const std::string& x, const std::string& y) {
  for (const ComparedRun& compared : comparison.runs) {
    chart.curves.push_back({compared.name, compared.run->Over(x, y)});
  }
  return DrawLineChart(chart);
}

}  // namespace

std::string MakeComparisonPage(const Comparison& comparison) {
  Page page(
      "Comparison of runs",
      absl::StrCat("tributary-simulate: ", comparison.runs.size(), " runs"));
  page.AddHeading("Results");
  page.AddText(absl::StrCat(
      "Target: ", DescribeTarget(comparison),
      ". Rounds and virtual time to it are counted on the best value so far "
      "and interpolated between evaluations."));
  page.AddTable(ResultsTable(comparison));
  if (const Table repeats = RepeatsTable(comparison); !repeats.empty()) {
    page.AddHeading("Beyond chance");
    page.AddText(
        "Runs that differ in their seed alone are a setting: mean and standard "
        "deviation of what they end with, and of the gain over the first "
        "setting with the same seed.");
    page.AddTable(repeats);
  }

  if (const Table privacy = PrivacyTable(comparison); !privacy.empty()) {
    page.AddHeading("Privacy");
    page.AddText(
        "What was spent on all releases, by the ledger of each run. Two "
        "epsilons compare only where the rest is the same.");
    page.AddTable(privacy);
  }

  page.AddHeading("Curves");
  const std::string& metric = comparison.metric;
  const std::string column = absl::StrCat("metrics.", metric);
  std::vector<std::string> charts;
  const LineChart over_rounds{.title = absl::StrCat(metric, " over rounds"),
                              .x_label = "round",
                              .y_label = metric,
                              .curves = {},
                              .target = comparison.target};
  charts.push_back(Overlay(comparison, over_rounds, "round", column));
  LineChart over_time = over_rounds;
  over_time.title = absl::StrCat(metric, " over virtual time");
  over_time.x_label = "virtual time";
  over_time.x_quantity = Quantity::kSeconds;
  charts.push_back(Overlay(comparison, over_time, "virtual_seconds", column));
  LineChart loss = over_rounds;
  loss.target.reset();
  loss.y_label = "loss";
  if (metric != "loss") {
    loss.title = "loss over rounds";
    charts.push_back(Overlay(comparison, loss, "round", "metrics.loss"));
  }
  loss.title = "training loss over rounds";
  charts.push_back(Overlay(comparison, loss, "round", "train_loss"));
  page.AddCharts(charts);

  page.AddHeading("Where the plans differ");
  const Table differences = DifferencesTable(comparison);
  if (differences.empty()) {
    page.AddText("Nowhere.");
  } else {
    page.AddTable(differences);
  }
  return page.Html();
}

}  // namespace tributary::simulation
