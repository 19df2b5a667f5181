// SPDX-License-Identifier: Apache-2.0
// What the clients of a simulation spent on their tasks, in virtual bytes,
// seconds and joules, and how much of it for nothing.
//
//   joules = training_watts x seconds of training
//          + network_watts x seconds of downloads and uploads
//
// Values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tributary::simulation {

// How a task ended.
enum class Outcome {
  kCounted,
  kLate,           // the round closed before: a straggler
  kLostBefore,     // the client was lost before training,
  kLostTraining,   // while it trained,
  kLostUploading,  // while it sent its update,
  kUnavailable,    // or could not be reached any more
  kFailed,         // its trainer failed
  kRefused,        // what it sent was refused
};
inline constexpr std::size_t kOutcomes = 8;
std::string_view Name(Outcome outcome);  // "counted", "lost_training"

struct Spending {
  std::uint64_t bytes_down = 0;
  std::uint64_t bytes_up = 0;
  double training_seconds = 0;
  double network_seconds = 0;
  double joules = 0;

  Spending& operator+=(const Spending& other);
  friend bool operator==(const Spending&, const Spending&) = default;
};

struct Effort {
  std::array<std::uint64_t, kOutcomes> tasks{};
  Spending spent;
  // The part of it for tasks that were not counted.
  Spending wasted;

  std::uint64_t Tasks() const;
  std::uint64_t Of(Outcome outcome) const {
    return tasks[static_cast<std::size_t>(outcome)];
  }
  // One more task.
  void Add(Outcome outcome, const Spending& spending);
  Effort& operator+=(const Effort& other);
  friend bool operator==(const Effort&, const Effort&) = default;
};

// A table for people: a line a class of devices, and one for all if there are
// several.
std::string FormatEfforts(const std::vector<std::string>& classes,
                          const std::vector<Effort>& efforts);

}  // namespace tributary::simulation
