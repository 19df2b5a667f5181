// SPDX-License-Identifier: Apache-2.0
// The runs of a sweep: every case with every combination of the grid's values.
// Pure, but for ReadSweep, which reads one file.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tributary/v1/sweep.pb.h"

namespace tributary::simulation {

// More than anybody waits for.
inline constexpr std::size_t kMostRuns = 10'000;

// One run: its folder's name and its settings, the general ones first.
struct SweepRun {
  std::string name;
  std::vector<std::string> settings;
  friend bool operator==(const SweepRun&, const SweepRun&) = default;
};

// The file as a sweep, its plan's path made absolute against the file's folder;
// a file without the key "plan" is itself the plan of a sweep that has nothing
// but it. Errors name the file, the line and the key.
absl::StatusOr<v1::Sweep> ReadSweep(const std::filesystem::path& file);

// "training.learning_rate=0.1,0.3" as an axis. Commas in brackets, braces and
// quotes divide nothing: "server_optimizer={fedavg: {}},{fedadam: {}}".
absl::StatusOr<v1::SweepAxis> ParseAxis(std::string_view text);

// In order: cases outermost, the last axis innermost. A run is named by its
// case and by "key=value" of each axis, with as much of the key as tells it
// from the others, and with "_" for characters that make poor folder names;
// names that would be the same get "-2", "-3". InvalidArgument if there are
// more than kMostRuns.
absl::StatusOr<std::vector<SweepRun>> RunsOf(const v1::Sweep& sweep);

}  // namespace tributary::simulation
