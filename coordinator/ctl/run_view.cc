// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/run_view.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace tributary::ctl {
namespace {

constexpr std::size_t kBarWidth = 30;
// More columns would not fit beside the rest.
constexpr std::size_t kMostMetrics = 4;

std::string Tenths(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

bool IsEnded(v1::RunState state) {
  return state != v1::RUNNING && state != v1::PAUSED;
}

std::string Words(const std::string& enum_name) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(enum_name), {{"_", " "}});
}

// "12 training, staleness 1.5 in the mean, 4 at most"
std::string BufferText(const v1::RunBuffer& buffer) {
  return absl::StrCat(buffer.training_clients(), " training, staleness ",
                      Tenths(buffer.mean_staleness()), " in the mean, ",
                      buffer.max_staleness(), " at most");
}

// "epsilon 1.25 of 8 at delta 1e-06, unit client, ..."
std::string PrivacyLine(const v1::RunPrivacy& privacy) {
  const bool is_known = privacy.problem().empty();
  const char* none = is_known ? "(not yet)" : "(unknown)";
  return absl::StrCat(
      "epsilon ",
      privacy.has_epsilon() ? absl::StrCat(privacy.epsilon()) : none, " of ",
      privacy.budget(), " at delta ", privacy.delta(), "; unit ",
      Words(v1::PrivacyPlan::Unit_Name(privacy.unit())), ", neighbours ",
      Words(v1::PrivacyPlan::Neighbours_Name(privacy.neighbours())),
      ", noise multiplier ", privacy.noise_multiplier(), "; ",
      is_known ? absl::StrCat(privacy.debits()) : none, " of ",
      privacy.most_debits(), " debits",
      is_known ? ""
               : absl::StrCat("; what was spent is unknown: ",
                              Shown(privacy.problem())));
}

}  // namespace

std::string StateText(v1::RunState state) {
  return absl::AsciiStrToLower(v1::RunState_Name(state));
}

std::vector<std::string> RunLines(const v1::RunDetail& detail, Style style,
                                  int rounds) {
  const v1::RunSummary& summary = detail.summary();
  std::vector<std::string> lines;
  lines.push_back(absl::StrCat("run ", Shown(summary.run()), "  plan ",
                               Shown(summary.plan_name()), "  population ",
                               Shown(summary.population()), "  ",
                               StateText(summary.state())));
  if (!summary.message().empty()) lines.push_back(Shown(summary.message()));
  lines.push_back(absl::StrCat(
      Bar(summary.released_rounds(), summary.total_rounds(), kBarWidth), " ",
      summary.released_rounds(), " of ", summary.total_rounds(), " rounds"));
  if (!IsEnded(summary.state())) {
    lines.push_back(absl::StrCat(
        Bar(detail.accepted_updates(), detail.wanted_updates(), kBarWidth), " ",
        detail.accepted_updates(), " of ", detail.wanted_updates(),
        " updates in round ", detail.round(), ", ", Shown(detail.phase()),
        detail.attempt() > 1 ? absl::StrCat(", attempt ", detail.attempt())
                             : "",
        "; ",
        detail.has_buffer()
            ? BufferText(detail.buffer())
            : absl::StrCat(detail.asked_clients(), " asked, ",
                           detail.waiting_clients(), " waiting"),
        detail.quarantined_clients() > 0
            ? absl::StrCat(", ", detail.quarantined_clients(), " in quarantine")
            : ""));
  }
  if (detail.has_privacy()) lines.push_back(PrivacyLine(detail.privacy()));
  if (detail.rounds_size() == 0) return lines;

  std::set<std::string> metrics;
  for (const auto& round : detail.rounds()) {
    for (const auto& [name, value] : round.metrics()) metrics.insert(name);
  }
  while (metrics.size() > kMostMetrics) metrics.erase(std::prev(metrics.end()));
  std::vector<Column> columns = {{"ROUND", Align::kRight},
                                 {"UPDATES", Align::kRight},
                                 {"EXAMPLES", Align::kRight},
                                 {"TRAIN LOSS", Align::kRight}};
  for (const std::string& name : metrics) {
    columns.push_back({absl::AsciiStrToUpper(Shown(name)), Align::kRight});
  }
  columns.push_back({"SECONDS", Align::kRight});
  Table table(columns);
  for (int i = std::max(0, detail.rounds_size() - rounds);
       i < detail.rounds_size(); ++i) {
    const v1::RoundRecord& round = detail.rounds(i);
    std::vector<std::string> cells = {
        absl::StrCat(round.round()), absl::StrCat(round.accepted()),
        round.has_total_weight() ? absl::StrCat(round.total_weight()) : "-",
        round.has_train_loss() ? Decimal(round.train_loss()) : "-"};
    for (const std::string& name : metrics) {
      const auto found = round.metrics().find(name);
      cells.push_back(found == round.metrics().end() ? ""
                                                     : Decimal(found->second));
    }
    cells.push_back(Tenths(round.seconds()));
    table.Add(std::move(cells));
  }
  for (std::string& line : table.Lines(style)) lines.push_back(std::move(line));
  return lines;
}

std::vector<std::string> RefusalLines(const v1::RunDetail& detail) {
  const std::map<std::string, std::uint64_t> sorted(detail.refusals().begin(),
                                                    detail.refusals().end());
  std::string text;
  for (const auto& [reason, count] : sorted) {
    if (count == 0) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ", Shown(reason), " ", count);
  }
  if (text.empty()) return {};
  return {"refused: " + text};
}

std::string RoundLine(const v1::RoundRecord& round,
                      std::uint32_t total_rounds) {
  return absl::StrCat(
      "round ", round.round(), "/", total_rounds, "  updates ",
      round.accepted(),
      round.has_total_weight()
          ? absl::StrCat("  examples ", round.total_weight())
          : "",
      round.has_train_loss()
          ? absl::StrCat("  train loss ", Decimal(round.train_loss()))
          : "",
      "  ", Tenths(round.seconds()), " s",
      round.attempts() > 1 ? absl::StrCat("  attempt ", round.attempts()) : "");
}

std::string MetricsText(const v1::RoundRecord& round) {
  const std::map<std::string, double> sorted(round.metrics().begin(),
                                             round.metrics().end());
  std::string text;
  for (const auto& [name, value] : sorted) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", Shown(name), " ",
                    Decimal(value));
  }
  return text;
}

}  // namespace tributary::ctl
