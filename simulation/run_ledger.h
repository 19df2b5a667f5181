// SPDX-License-Identifier: Apache-2.0
// What the releases of a simulation cost, in the file privacy.ledger of its
// results folder: the entries that a coordinator would write, for `tributaryctl
// privacy report | verify FILE`. Each is on the disk before its release counts.
//
// One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "privacy/dp/ledger.h"
#include "simulation/observer.h"

namespace tributary::simulation {

inline constexpr const char* kLedgerFile = "privacy.ledger";

class RunLedger {
 public:
  // Goes on with the file, or begins it. What was cut off at its end is taken
  // away: its release did not count. DataLoss, naming the file, if it is
  // damaged otherwise.
  static absl::StatusOr<std::unique_ptr<RunLedger>> Open(
      const std::filesystem::path& file);
  ~RunLedger();
  RunLedger(const RunLedger&) = delete;
  RunLedger& operator=(const RunLedger&) = delete;

  // Returns once the entry is on the disk. One that is there already is charged
  // once; FailedPrecondition if that one cost something else.
  absl::Status Charge(const simulation::Charge& charge);
  // In how many of the charged releases each client's update was: appended,
  // once nothing more is charged.
  absl::Status WriteParticipation();

  // Of what was charged since it was opened.
  const dp::Spend& spend() const { return spend_; }

 private:
  RunLedger(std::filesystem::path file, int descriptor)
      : file_(std::move(file)), descriptor_(descriptor) {}

  absl::Status Append(std::string_view record);

  const std::filesystem::path file_;
  const int descriptor_;
  dp::Ledger ledger_;
  dp::Spend spend_;
  std::string population_;
  std::map<std::string, std::uint64_t> releases_;  // by client
};

}  // namespace tributary::simulation
