// SPDX-License-Identifier: Apache-2.0
#include "simulation/progress.h"

#include "absl/strings/str_format.h"

namespace tributary::simulation {

std::string FormatMetrics(const round::Metrics& metrics) {
  std::string text;
  for (const auto& [name, value] : metrics) {
    absl::StrAppendFormat(&text, "%s%s %.4f", text.empty() ? "" : "  ", name,
                          value);
  }
  return text;
}

Progress::Progress(std::ostream& out, Style style, int rounds)
    : out_(out), style_(style), rounds_(rounds) {}

double Progress::Elapsed() const {
  return std::chrono::duration<double>(WallClock::now() - started_).count();
}

void Progress::OnRound(const RoundSummary& round) {
  done_ = round.round;
  if (style_ == Style::kBar) {
    Draw();
    return;
  }
  const std::chrono::duration<double> now = round.committed.time_since_epoch();
  out_ << absl::StrFormat(
      "round %d of %d: %d of %d updates, train loss %.4f, at %.1f s\n",
      round.round, rounds_, round.accepted, round.asked, round.train_loss,
      now.count());
}

void Progress::OnEvaluation(int round, const round::Metrics& metrics) {
  metrics_ = FormatMetrics(metrics);
  if (style_ == Style::kBar) {
    Draw();
  } else {
    out_ << absl::StrFormat("round %d: %s\n", round, metrics_);
  }
}

void Progress::OnAbandoned(const round::AbandonRound& attempt) {
  if (style_ == Style::kBar) out_ << "\r\x1b[K";
  out_ << absl::StrFormat("round %d, attempt %d, abandoned: %s\n",
                          attempt.round, attempt.attempt, attempt.reason);
}

void Progress::OnUpdate() {
  ++updates_;
  // A terminal needs no more than ten pictures a second.
  if (style_ == Style::kBar &&
      WallClock::now() - drawn_ > std::chrono::milliseconds(100)) {
    Draw();
  }
}

void Progress::Draw() {
  drawn_ = WallClock::now();
  constexpr int kWidth = 24;
  const int filled = rounds_ > 0 ? kWidth * done_ / rounds_ : 0;
  const double elapsed = Elapsed();
  const std::string bar =
      std::string(filled, '#') + std::string(kWidth - filled, '.');
  out_ << absl::StrFormat("\r\x1b[K[%s] round %d/%d  %s  %.0f clients/s", bar,
                          done_, rounds_, metrics_,
                          elapsed > 0 ? updates_ / elapsed : 0.0);
  if (done_ > 0 && done_ < rounds_) {
    const int left =
        static_cast<int>(elapsed / done_ * (rounds_ - done_) + 0.5);
    out_ << absl::StrFormat("  %d:%02d left", left / 60, left % 60);
  }
  out_ << std::flush;
}

void Progress::Finish() {
  if (style_ == Style::kBar && (done_ > 0 || updates_ > 0)) out_ << "\n";
}

}  // namespace tributary::simulation
