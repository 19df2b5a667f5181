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

struct ProgressState {
  int done = 0;    // rounds
  int before = 0;  // of them, those made before the run was interrupted
  int rounds = 0;
  std::uint64_t updates = 0;        // accepted in all
  std::uint64_t round_updates = 0;  // in the present round
  std::uint64_t round_size = 0;     // in the round before
  double seconds = 0;               // of wall time
  std::string metrics;
};

// "[######..................] round 6/24  58 clients/s  0:18 left  accuracy
// 0.9432". Time left is that of the rounds since the run began or went on, the
// present one in part.
std::string FormatBar(const ProgressState& state);

class Progress final : public Observer {
 public:
  enum class Style { kBar, kLines };
  // `before`: rounds that are made already.
  Progress(std::ostream& out, Style style, int rounds, int before = 0);

  void OnRound(const RoundSummary& round) override;
  void OnEvaluation(int round, const round::Metrics& metrics) override;
  void OnAbandoned(const round::AbandonRound& attempt) override;
  void OnUpdate() override;
  // Ends the bar's line.
  void Finish();

 private:
  using WallClock = std::chrono::steady_clock;
  void Draw();

  std::ostream& out_;
  const Style style_;
  ProgressState state_;
  const WallClock::time_point started_ = WallClock::now();
  WallClock::time_point drawn_;
};

}  // namespace tributary::simulation
