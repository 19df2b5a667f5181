// SPDX-License-Identifier: Apache-2.0
#include "simulation/progress.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tributary::simulation {

namespace {

// "0:07", "12:34", "3:05:00".
std::string FormatClock(long long seconds) {
  if (seconds < 3600) {
    return absl::StrFormat("%d:%02d", seconds / 60, seconds % 60);
  }
  return absl::StrFormat("%d:%02d:%02d", seconds / 3600, seconds / 60 % 60,
                         seconds % 60);
}

}  // namespace

std::string FormatMetrics(const round::Metrics& metrics) {
  std::string text;
  for (const auto& [name, value] : metrics) {
    absl::StrAppendFormat(&text, "%s%s %.4f", text.empty() ? "" : "  ", name,
                          value);
  }
  return text;
}

std::string FormatBar(const ProgressState& state) {
  constexpr int kWidth = 24;
  double rounds = state.done;
  if (state.round_size > 0 && state.done < state.rounds) {
    rounds += std::min(1.0, static_cast<double>(state.round_updates) /
                                static_cast<double>(state.round_size));
  }
  const double share = state.rounds > 0 ? rounds / state.rounds : 0;
  const int filled = static_cast<int>(kWidth * std::min(share, 1.0));
  std::string text = absl::StrFormat(
      "[%s%s] round %d/%d", std::string(filled, '#'),
      std::string(kWidth - filled, '.'), state.done, state.rounds);
  if (state.seconds > 0) {
    absl::StrAppendFormat(&text, "  %.3g clients/s",
                          static_cast<double>(state.updates) / state.seconds);
  }
  // The first round has what is set up once in it, and says nothing of its
  // length before its end.
  if (state.done > state.before && state.done < state.rounds) {
    const auto left = std::llround(state.seconds / (rounds - state.before) *
                                   (state.rounds - rounds));
    absl::StrAppend(&text, "  ", FormatClock(left), " left");
  }
  if (!state.metrics.empty()) absl::StrAppend(&text, "  ", state.metrics);
  return text;
}

Progress::Progress(std::ostream& out, Style style, int rounds, int before)
    : out_(out), style_(style) {
  state_.rounds = rounds;
  state_.done = before;
  state_.before = before;
}

void Progress::OnRound(const RoundSummary& round) {
  state_.done = round.round;
  state_.round_size = static_cast<std::uint64_t>(round.accepted);
  state_.round_updates = 0;
  if (style_ == Style::kBar) {
    Draw();
    return;
  }
  const std::chrono::duration<double> now = round.committed.time_since_epoch();
  // Under differential privacy nobody knows it.
  const std::string loss =
      round.aggregates
          ? absl::StrFormat("train loss %.4f, ", round.aggregates->train_loss)
          : "";
  out_ << absl::StrFormat("round %d of %d: %d of %d updates, %sat %.1f s\n",
                          round.round, state_.rounds, round.accepted,
                          round.asked, loss, now.count());
}

void Progress::OnEvaluation(int round, const round::Metrics& metrics) {
  state_.metrics = FormatMetrics(metrics);
  if (style_ == Style::kBar) {
    Draw();
  } else {
    out_ << absl::StrFormat("round %d: %s\n", round, state_.metrics);
  }
}

void Progress::OnAbandoned(const round::AbandonRound& attempt) {
  if (style_ == Style::kBar) out_ << "\r\x1b[K";
  out_ << absl::StrFormat("round %d, attempt %d, abandoned: %s\n",
                          attempt.round, attempt.attempt, attempt.reason);
}

void Progress::OnUpdate() {
  ++state_.updates;
  ++state_.round_updates;
  // A terminal needs no more than ten pictures a second.
  if (style_ == Style::kBar &&
      WallClock::now() - drawn_ > std::chrono::milliseconds(100)) {
    Draw();
  }
}

void Progress::Draw() {
  drawn_ = WallClock::now();
  state_.seconds = std::chrono::duration<double>(drawn_ - started_).count();
  // A line too long for the terminal is cut, not wrapped.
  out_ << "\r\x1b[K\x1b[?7l" << FormatBar(state_) << "\x1b[?7h" << std::flush;
}

void Progress::Finish() {
  if (style_ == Style::kBar && (state_.done > 0 || state_.updates > 0)) {
    out_ << "\n";
  }
}

}  // namespace tributary::simulation
