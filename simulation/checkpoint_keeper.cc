// SPDX-License-Identifier: Apache-2.0
#include "simulation/checkpoint_keeper.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "simulation/checkpoint_file.h"

namespace tributary::simulation {

CheckpointKeeper::CheckpointKeeper(std::filesystem::path results,
                                   RunIdentity identity,
                                   std::chrono::milliseconds every,
                                   const std::atomic<bool>& interrupted,
                                   Ranks& ranks, std::ostream& report)
    : results_(std::move(results)),
      identity_(std::move(identity)),
      every_(every),
      interrupted_(interrupted),
      ranks_(ranks),
      report_(report) {}

Intermission::Wish CheckpointKeeper::OwnWish() const {
  if (interrupted_.load(std::memory_order_relaxed)) return Wish::kSaveAndStop;
  const bool is_due =
      ranks_.rank() == 0 && every_.count() > 0 && WallClock::now() >= due_;
  return is_due ? Wish::kSave : Wish::kGoOn;
}

Intermission::Wish CheckpointKeeper::Ask() {
  const std::string own(1, static_cast<char>(OwnWish()));
  const auto all = ranks_.Gather(own);
  Wish most = Wish::kGoOn;
  if (all.ok()) {
    for (const std::string& each : *all) {
      most = std::max(most, static_cast<Wish>(each.front()));
    }
  } else {
    lost_ = all.status();
    most = Wish::kSaveAndStop;
  }
  is_stopping_ = most == Wish::kSaveAndStop;
  return most;
}

absl::Status CheckpointKeeper::Save(const Simulation& simulation) {
  if (!lost_.ok()) return lost_;
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
  const ClientFile file{.index = ranks_.rank(), .of = ranks_.size()};
  if (auto saved = Together(SaveClientStates(results_, simulation, file));
      !saved.ok()) {
    return saved;
  }
  return Together(file.index == 0
                      ? SaveRun(results_, identity_, simulation, file.of)
                      : absl::OkStatus());
}

absl::Status CheckpointKeeper::Together(const absl::Status& own) const {
  if (ranks_.size() == 1) return own;
  const auto all = ranks_.Gather(std::string(own.message()));
  if (!all.ok()) return all.status();
  for (std::size_t rank = 0; rank < all->size(); ++rank) {
    const std::string& message = (*all)[rank];
    if (message.empty()) continue;
    return absl::UnavailableError(absl::StrCat("rank ", rank, ": ", message));
  }
  return absl::OkStatus();
}

}  // namespace tributary::simulation
