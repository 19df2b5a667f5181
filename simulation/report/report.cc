// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/report.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "simulation/report/page.h"
#include "simulation/report/target.h"

namespace tributary::simulation {
namespace {

constexpr const char* kMetricPrefix = "metrics.";
// What clients judged (simulation/client_evaluation.h).
constexpr const char* kClients = "metrics.client_";
constexpr const char* kMean = "_mean";
constexpr const char* kEpsilon = "privacy.epsilon";
constexpr const char* kClipNorm = "privacy.clip_norm";
constexpr const char* kTasks = "effort.tasks.";
constexpr const char* kSpent = "effort.spent.";
constexpr const char* kWasted = "effort.wasted.";

std::string Readable(std::string column) {
  std::replace(column.begin(), column.end(), '_', ' ');
  return column;
}

// What of a run the page has not shown yet, and how the rest is drawn.
class ReportWriter {
 public:
  explicit ReportWriter(const RunRecord& run)
      : run_(run), page_(run.PlanValueOf("name"), Subtitle(run)) {
    for (const std::string& column : run.Columns()) left_.insert(column);
    for (const char* column :
         {"round", "attempt", "opened_seconds", "virtual_seconds"}) {
      left_.erase(column);
    }
  }

  std::string Write() {
    AddFigures();
    AddCurves();
    AddPrivacy();
    AddClients();
    AddPartition();
    AddTime();
    AddParticipation();
    AddEffort();
    AddOthers();
    AddExceptions();
    page_.AddHeading("Effective plan");
    page_.AddLiteral(run_.plan_text);
    return page_.Html();
  }

 private:
  static std::string Subtitle(const RunRecord& run) {
    std::string text = absl::StrCat("tributary-simulate: ", run.status.end);
    if (!run.status.reason.empty()) {
      absl::StrAppend(&text, ", ", run.status.reason);
    }
    if (run.status.device != "cpu") {
      absl::StrAppend(&text, "; trained on ", run.status.device);
    }
    return text;
  }

  void AddFigures();
  void AddCurves();
  void AddPrivacy();
  void AddClients();
  void AddPartition();
  void AddTime();
  void AddParticipation();
  void AddEffort();
  std::string HowTasksEnded();
  void AddOthers();
  void AddExceptions();

  // The rest of the names of the columns that begin so.
  std::vector<std::string> NamesBehind(const std::string& prefix) const;
  Quantity QuantityOfColumn(const std::string& column) const;
  // What the evaluator judged.
  std::vector<std::string> CentralMetrics() const;
  // The columns over rounds in one chart.
  std::string Over(const std::string& title, const std::string& y_label,
                   const std::vector<std::string>& columns,
                   LineChart::Base base);

  const RunRecord& run_;
  Page page_;
  std::set<std::string> left_;
};

std::vector<std::string> ReportWriter::NamesBehind(
    const std::string& prefix) const {
  std::vector<std::string> names;
  for (const std::string& column : run_.Columns()) {
    if (column.starts_with(prefix)) {
      names.push_back(column.substr(prefix.size()));
    }
  }
  return names;
}

std::vector<std::string> ReportWriter::CentralMetrics() const {
  std::vector<std::string> metrics = NamesBehind(kMetricPrefix);
  std::erase_if(metrics, [](const std::string& metric) {
    return (kMetricPrefix + metric).starts_with(kClients);
  });
  return metrics;
}

Quantity ReportWriter::QuantityOfColumn(const std::string& column) const {
  const auto points = run_.Over("round", column);
  const bool is_whole = std::ranges::all_of(points, [](const Point& point) {
    return point.y == std::floor(point.y);
  });
  return QuantityOf(column, is_whole ? Values::kWhole : Values::kFractional);
}

std::string ReportWriter::Over(const std::string& title,
                               const std::string& y_label,
                               const std::vector<std::string>& columns,
                               LineChart::Base base) {
  LineChart chart{.title = title,
                  .x_label = "round",
                  .y_label = y_label,
                  .curves = {},
                  .base = base};
  for (const std::string& column : columns) {
    left_.erase(column);
    auto points = run_.Over("round", column);
    if (points.empty()) continue;
    chart.y_quantity = QuantityOfColumn(column);
    chart.curves.push_back({Readable(column), std::move(points)});
  }
  return DrawLineChart(chart);
}

void ReportWriter::AddFigures() {
  std::vector<Page::Figure> figures;
  figures.push_back({"rounds", FormatCount(run_.rounds.size()),
                     absl::StrCat("of ", run_.PlanValueOf("stop.rounds"))});
  for (const std::string& metric : CentralMetrics()) {
    const auto points = run_.Over("round", kMetricPrefix + metric);
    const auto best = BestOf(points, BetterOf(metric));
    figures.push_back(
        {metric, FormatQuantity(Quantity::kNumber, points.back().y),
         absl::StrCat("best ", FormatQuantity(Quantity::kNumber, best->y),
                      " in round ", FormatCount(best->x))});
  }
  if (const auto loss = run_.Last("train_loss")) {
    figures.push_back({"training loss",
                       FormatQuantity(Quantity::kNumber, *loss),
                       "in the last round"});
  }
  if (const auto& privacy = run_.status.privacy) {
    figures.push_back({"epsilon",
                       FormatQuantity(Quantity::kNumber, privacy->epsilon),
                       absl::StrFormat("at delta %g", privacy->delta)});
  }
  if (const auto updates = run_.Total("accepted")) {
    figures.push_back({"updates", FormatCount(*updates), "accepted"});
  }
  if (const auto end = run_.Last("virtual_seconds")) {
    figures.push_back({"virtual time", FormatQuantity(Quantity::kSeconds, *end),
                       "what devices would take"});
  }
  if (const auto wall = run_.Total("wall_seconds")) {
    figures.push_back({"wall time", FormatQuantity(Quantity::kSeconds, *wall),
                       "what this simulation took"});
  }
  if (run_.status.parameters > 0) {
    figures.push_back({"model",
                       FormatCount(static_cast<double>(run_.status.parameters)),
                       "weights"});
  }
  page_.AddFigures(figures);
}

void ReportWriter::AddCurves() {
  page_.AddHeading("Curves");
  if (run_.rounds.empty()) {
    page_.AddText("No round was released.");
    return;
  }
  std::vector<std::string> metrics = CentralMetrics();
  // The training loss has a chart even where no loss is evaluated.
  if (std::ranges::find(metrics, "loss") == metrics.end()) {
    metrics.push_back("loss");
  }
  std::vector<std::string> charts;
  for (const std::string& metric : metrics) {
    const std::string column = kMetricPrefix + metric;
    for (const char* x : {"round", "virtual_seconds"}) {
      const bool is_over_rounds = std::string_view(x) == "round";
      LineChart chart{
          .title = absl::StrCat(
              metric, is_over_rounds ? " over rounds" : " over virtual time"),
          .x_label = is_over_rounds ? "round" : "virtual time",
          .x_quantity = is_over_rounds ? Quantity::kCount : Quantity::kSeconds,
          .y_label = metric,
          .curves = {}};
      if (metric == "loss") {
        chart.curves.push_back({"evaluation", run_.Over(x, column)});
        chart.curves.push_back({"training", run_.Over(x, "train_loss")});
        std::erase_if(chart.curves,
                      [](const Curve& curve) { return curve.points.empty(); });
        left_.erase("train_loss");
      } else {
        chart.curves.push_back({metric, run_.Over(x, column)});
      }
      double target = 0;
      if (run_.PlanValueOf("stop.metric") == metric &&
          absl::SimpleAtod(run_.PlanValueOf("stop.target"), &target)) {
        chart.target = target;
      }
      charts.push_back(DrawLineChart(chart));
    }
    left_.erase(column);
  }
  page_.AddCharts(charts);
}

void ReportWriter::AddPrivacy() {
  const auto& privacy = run_.status.privacy;
  const std::string& masks = run_.status.masks;
  if (!privacy && masks == "none") return;
  page_.AddHeading("Privacy");
  if (masks == "on") {
    page_.AddText("Updates were masked: secure sessions were held.");
  } else if (masks == "skipped") {
    page_.AddText(
        "Masks were skipped: updates were added up as they are. Sums and "
        "models are those of secure sessions.");
  }
  if (!privacy) return;
  page_.AddText(absl::StrFormat(
      "(%g, %g)-differential privacy of the released models after %d "
      "releases. Unit: %s; neighbours: %s; sampling: %s; accountant: %s. "
      "Noise: %s, multiplier %g. It is a promise about a run whose noise is "
      "secret: this one's came from the plan's seed.",
      privacy->epsilon, privacy->delta, privacy->releases, privacy->unit,
      privacy->neighbours, privacy->sampling, privacy->accountant,
      privacy->noise, privacy->noise_multiplier));
  std::vector<std::string> charts = {
      Over("Epsilon spent", "epsilon", {kEpsilon}, LineChart::Base::kZero),
      Over("Clip norm of the updates", "L2 norm", {kClipNorm},
           LineChart::Base::kZero)};
  for (const std::string& metric : CentralMetrics()) {
    charts.push_back(DrawLineChart(
        {.title = metric + " over epsilon",
         .x_label = "epsilon",
         .x_quantity = Quantity::kNumber,
         .y_label = metric,
         .curves = {{metric, run_.Over(kEpsilon, kMetricPrefix + metric)}}}));
  }
  page_.AddCharts(charts);
}

void ReportWriter::AddClients() {
  const auto names = NamesBehind(kClients);
  if (names.empty()) return;
  page_.AddHeading("Each client on examples of its own");
  page_.AddText(
      "The released model, with the client's own values where the strategy "
      "gives it some, on examples that nobody trains on. The worst decile is "
      "the mean over the tenth of the clients that is served worst; the "
      "smaller "
      "the deviation over clients, the fairer.");
  std::vector<Page::Figure> figures;
  std::vector<std::string> charts;
  if (const auto count = run_.Last(absl::StrCat(kClients, "count"))) {
    figures.push_back({"clients", FormatCount(*count), "that judged"});
  }
  left_.erase(absl::StrCat(kClients, "count"));
  for (const std::string& name : names) {
    if (!name.ends_with(kMean)) continue;
    const std::string metric =
        name.substr(0, name.size() - std::string_view(kMean).size());
    const std::string column = kClients + metric;
    const auto last = [&](const char* what) {
      const auto value = run_.Last(column + what);
      return value ? FormatQuantity(Quantity::kNumber, *value) : "-";
    };
    figures.push_back({absl::StrCat(metric, " of the clients"), last(kMean),
                       absl::StrCat("worst decile ", last("_worst_decile"),
                                    ", standard deviation ", last("_stddev"))});
    LineChart chart{.title = absl::StrCat(metric, " of the clients"),
                    .x_label = "round",
                    .y_label = metric,
                    .curves = {}};
    for (const auto& [what, label] :
         {std::pair(kMean, "mean"), std::pair("_worst_decile", "worst decile"),
          std::pair("_stddev", "standard deviation")}) {
      left_.erase(column + what);
      auto points = run_.Over("round", column + what);
      if (!points.empty()) chart.curves.push_back({label, std::move(points)});
    }
    charts.push_back(DrawLineChart(chart));
  }
  page_.AddFigures(figures);
  page_.AddCharts(charts);
}

void ReportWriter::AddPartition() {
  if (run_.partition.empty() && run_.partition_picture.empty()) return;
  page_.AddHeading("Clients and their data");
  if (!run_.partition_picture.empty()) {
    page_.AddPicture(run_.partition_picture, run_.partition);
  } else {
    page_.AddLiteral(run_.partition);
  }
}

void ReportWriter::AddTime() {
  Curve virtual_time{"virtual time", {}};
  for (const auto& [round, numbers] : run_.rounds) {
    const auto opened = numbers.find("opened_seconds");
    const auto released = numbers.find("virtual_seconds");
    if (opened != numbers.end() && released != numbers.end()) {
      virtual_time.points.push_back(
          {static_cast<double>(round), released->second - opened->second});
    }
  }
  const LineChart chart{.title = "Virtual time of a round",
                        .x_label = "round",
                        .y_label = "time",
                        .y_quantity = Quantity::kSeconds,
                        .curves = {std::move(virtual_time)},
                        .base = LineChart::Base::kZero};
  std::vector<std::string> charts = {DrawLineChart(chart)};
  charts.push_back(Over("Wall time of a round", "time", {"wall_seconds"},
                        LineChart::Base::kZero));
  if (std::ranges::all_of(charts, &std::string::empty)) return;
  page_.AddHeading("Time");
  page_.AddCharts(charts);
}

void ReportWriter::AddParticipation() {
  std::vector<std::string> charts = {
      Over("Clients of a round", "clients",
           {"asked", "accepted", "outliers", "quarantined"},
           LineChart::Base::kZero),
      Over("Examples of a round", "examples", {"examples"},
           LineChart::Base::kZero)};
  if (run_.Total("abandoned_attempts").value_or(0) > 0) {
    charts.push_back(Over("Abandoned attempts", "attempts",
                          {"abandoned_attempts"}, LineChart::Base::kZero));
  }
  left_.erase("abandoned_attempts");
  if (std::ranges::all_of(charts, &std::string::empty)) return;
  page_.AddHeading("Who took part");
  page_.AddCharts(charts);
}

std::string ReportWriter::HowTasksEnded() {
  LineChart chart{.title = "How tasks ended",
                  .x_label = "round",
                  .y_label = "tasks",
                  .y_quantity = Quantity::kCount,
                  .curves = {},
                  .base = LineChart::Base::kZero};
  for (const std::string& outcome : NamesBehind(kTasks)) {
    left_.erase(kTasks + outcome);
    Curve curve{Readable(outcome), {}};
    // What did not happen in a round is not written down there.
    for (const auto& [round, numbers] : run_.rounds) {
      const auto found = numbers.find(kTasks + outcome);
      curve.points.push_back({static_cast<double>(round),
                              found == numbers.end() ? 0 : found->second});
    }
    chart.curves.push_back(std::move(curve));
  }
  return DrawLineChart(chart);
}

void ReportWriter::AddEffort() {
  const auto spendings = NamesBehind(kSpent);
  std::vector<std::string> charts = {HowTasksEnded()};
  std::vector<Page::Figure> figures;
  for (const std::string& name : spendings) {
    const double spent = run_.Total(kSpent + name).value_or(0);
    const double wasted = run_.Total(kWasted + name).value_or(0);
    const Quantity quantity = QuantityOf(name, Values::kFractional);
    figures.push_back({Readable(name), FormatQuantity(quantity, spent),
                       spent > 0 ? absl::StrFormat("%.1f %% of it wasted",
                                                   100 * wasted / spent)
                                 : ""});
    LineChart chart{.title = Readable(name) + " of a round",
                    .x_label = "round",
                    .y_label = Readable(name),
                    .y_quantity = quantity,
                    .curves = {{"spent", run_.Over("round", kSpent + name)},
                               {"wasted", run_.Over("round", kWasted + name)}},
                    .base = LineChart::Base::kZero};
    charts.push_back(DrawLineChart(chart));
    left_.erase(kSpent + name);
    left_.erase(kWasted + name);
  }
  if (std::ranges::all_of(charts, &std::string::empty)) return;
  page_.AddHeading("Effort and waste of the devices");
  page_.AddText(
      "In virtual bytes, time and energy. Wasted is what went into tasks that "
      "were not counted: stragglers, lost clients, refused updates.");
  page_.AddFigures(figures);
  page_.AddCharts(charts);
  if (!run_.devices.empty()) page_.AddLiteral(run_.devices);
}

void ReportWriter::AddOthers() {
  if (left_.empty()) return;
  std::vector<std::string> charts;
  const std::vector<std::string> columns(left_.begin(), left_.end());
  for (const std::string& column : columns) {
    charts.push_back(Over(Readable(column), Readable(column), {column},
                          LineChart::Base::kLowest));
  }
  page_.AddHeading("More figures");
  page_.AddCharts(charts);
}

void ReportWriter::AddExceptions() {
  page_.AddHeading("Declared exceptions");
  if (run_.status.exceptions.empty()) {
    page_.AddText(
        "None: rounds, sessions, training, sums and encodings are those of a "
        "coordinator and its clients.");
  } else {
    page_.AddList(run_.status.exceptions);
  }
}

}  // namespace

std::string MakeReport(const RunRecord& run) {
  return ReportWriter(run).Write();
}

}  // namespace tributary::simulation
