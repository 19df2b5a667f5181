// SPDX-License-Identifier: Apache-2.0
// Saves a run into its results folder now and then, and when it is interrupted.
//
// With several ranks they decide together: whoever is interrupted stops all,
// and the first one has the clock. Each saves its clients' states, the first
// one all else.
//
// One thread; the flag may be set from anywhere. Lifetime: the flag, the
// ranks and the stream outlive it.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <ostream>

#include "simulation/intermission.h"
#include "simulation/ranks/ranks.h"
#include "simulation/run_identity.h"

namespace tributary::simulation {

class CheckpointKeeper final : public Intermission {
 public:
  // Saves between the first rounds after each `every` of wall time; zero: only
  // when interrupted. Where saving takes long it is done less often, so that it
  // takes at most a twentieth of the time.
  CheckpointKeeper(std::filesystem::path results, RunIdentity identity,
                   std::chrono::milliseconds every,
                   const std::atomic<bool>& interrupted, Ranks& ranks,
                   std::ostream& report);

  Wish Ask() override;
  // One that was only due and cannot be saved is told, and the run goes on.
  absl::Status Save(const Simulation& simulation) override;

 private:
  using WallClock = std::chrono::steady_clock;
  Wish OwnWish() const;
  absl::Status SaveNow(const Simulation& simulation) const;
  // How something went that every rank did: the first error of any.
  absl::Status Together(const absl::Status& own) const;

  const std::filesystem::path results_;
  const RunIdentity identity_;
  const std::chrono::milliseconds every_;
  const std::atomic<bool>& interrupted_;
  Ranks& ranks_;
  std::ostream& report_;
  WallClock::time_point due_ = WallClock::now() + every_;
  bool is_stopping_ = false;
  absl::Status lost_;  // touch with the other ranks
};

}  // namespace tributary::simulation
