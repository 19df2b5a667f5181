// SPDX-License-Identifier: Apache-2.0
// What a person sees while a simulation runs: a bar on a terminal, plain lines
// elsewhere.
//
// One thread. Lifetime: the stream outlives it.
#pragma once

#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>

#include "simulation/observer.h"

namespace tributary::simulation {

// How a round's metrics read: "accuracy 0.9432  loss 0.2113".
std::string FormatMetrics(const round::Metrics& metrics);

class Progress final : public Observer {
 public:
  enum class Style { kBar, kLines };
  Progress(std::ostream& out, Style style, int rounds);

  void OnRound(const RoundSummary& round) override;
  void OnEvaluation(int round, const round::Metrics& metrics) override;
  void OnAbandoned(const round::AbandonRound& attempt) override;
  void OnUpdate() override;
  // Ends the bar's line.
  void Finish();

 private:
  using WallClock = std::chrono::steady_clock;
  double Elapsed() const;
  void Draw();

  std::ostream& out_;
  const Style style_;
  const int rounds_;
  int done_ = 0;
  std::uint64_t updates_ = 0;
  std::string metrics_;
  const WallClock::time_point started_ = WallClock::now();
  WallClock::time_point drawn_;
};

}  // namespace tributary::simulation
