// SPDX-License-Identifier: Apache-2.0
#include "simulation/checkpoint_keeper.h"

#include <algorithm>
#include <utility>

#include "simulation/checkpoint_file.h"

namespace tributary::simulation {

CheckpointKeeper::CheckpointKeeper(std::filesystem::path results,
                                   RunIdentity identity,
                                   std::chrono::seconds every,
                                   const std::atomic<bool>& interrupted,
                                   std::ostream& report)
    : results_(std::move(results)),
      identity_(std::move(identity)),
      every_(every),
      interrupted_(interrupted),
      report_(report) {}

Intermission::Wish CheckpointKeeper::Ask() {
  if (interrupted_.load(std::memory_order_relaxed)) {
    is_stopping_ = true;
    return Wish::kSaveAndStop;
  }
  const bool is_due = every_.count() > 0 && WallClock::now() >= due_;
  return is_due ? Wish::kSave : Wish::kGoOn;
}

absl::Status CheckpointKeeper::Save(const Simulation& simulation) {
  constexpr int kTimesAsLong = 20;
  const WallClock::time_point began = WallClock::now();
  const absl::Status saved = SaveNow(simulation);
  const WallClock::time_point ended = WallClock::now();
  due_ = ended +
         std::max<WallClock::duration>(every_, kTimesAsLong * (ended - began));
  if (saved.ok() || is_stopping_) return saved;
  report_ << "\nno checkpoint: " << saved.message() << "\n";
  return absl::OkStatus();
}

absl::Status CheckpointKeeper::SaveNow(const Simulation& simulation) const {
  if (auto saved = SaveClientStates(results_, simulation, ClientFile{});
      !saved.ok()) {
    return saved;
  }
  return SaveRun(results_, identity_, simulation, ClientFile{}.of);
}

}  // namespace tributary::simulation
