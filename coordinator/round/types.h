// SPDX-License-Identifier: Apache-2.0
// The engine's words: who, when, what was asked, what was wrong.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/round/subtree.h"
#include "privacy/crypto/digest.h"
#include "privacy/crypto/random.h"

namespace tributary::round {

// Time as the engine knows it: milliseconds since the run was submitted. The
// runner advances it by a monotonic clock (coordinator) or by hand (simulator);
// after a restart it goes on from the last value journaled.
struct RunClock {
  using duration = std::chrono::milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<RunClock>;
  static constexpr bool is_steady = true;
};
using Instant = RunClock::time_point;
using Duration = RunClock::duration;

// The authenticated name of a client.
struct ClientId {
  std::string name;
  friend auto operator<=>(const ClientId&, const ClientId&) = default;
};

// An aggregator hands up the sum of its own clients' updates
// (docs/hierarchy.md).
enum class Role { kTrainer, kEvaluator, kAggregator };

// Names one task of one client; derived from the run's key, so the same in
// every replay, and not to be guessed by others.
struct TaskToken {
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const TaskToken&, const TaskToken&) = default;
};

// Names a released model: SHA-256 of its safetensors file.
using ModelId = Digest;

enum class TaskKind { kTrain, kEvaluate };

struct Task {
  TaskKind kind = TaskKind::kTrain;
  int round = 0;    // from 1; of the model made (train) or judged (evaluate)
  int attempt = 0;  // from 1
  TaskToken token;
  ModelId model;
  Instant deadline;
  // Keys the reproducible choices of this task; not a secret. An aggregator's
  // is what the seeds of its leaves derive from.
  Key seed{};
  Role role = Role::kTrainer;  // of whom it is for
  // Largest L2 norm of the update under differential privacy; 0: no limit.
  double clip_norm = 0;
  friend bool operator==(const Task&, const Task&) = default;
};

// What an update brings besides its vector. With Options::packed it says
// nothing of its client: the weight is 1 and the loss 0.
struct Contribution {
  ModelId base_model;
  // Examples; a client's are clipped to max_weight when counted.
  std::uint64_t weight = 0;
  double train_loss = 0;  // mean over the examples
  // From aggregators alone: what is in the sum. `weight` is its weight.
  std::optional<Subtree> subtree = std::nullopt;
  friend bool operator==(const Contribution&, const Contribution&) = default;
};

// Why something of a client's was not taken. One counter each. The wire's
// tributary.v1.Refusal has the same values.
enum class Refusal {
  kNone = 0,
  kTooLate = 1,
  kDuplicate = 2,
  kNotInCohort = 3,
  kUnknownTask = 4,
  kStaleModel = 5,
  kWrongSize = 6,
  kBadChecksum = 7,
  kBadEncoding = 8,
  kNotFinite = 9,
  kOverBound = 10,
  kBadWeight = 11,
  kRevoked = 12,
  kWrongRole = 13,
  kWrongPopulation = 14,
  kUnsupportedVersion = 15,
  kIdentityMismatch = 16,
  kBadMessage = 17,
  kRunEnded = 18,
  kBadProtocol = 19,
  kAbandoned = 20,
  kOverlap = 21,
  kEpochOver = 22,
};
std::string_view Name(Refusal reason);  // "too_late", ...

using Metrics = std::map<std::string, double>;

// The steps of a secure session, in order (docs/secagg.md). What clients answer
// in each: an advertisement, an opening, key shares, the masked update itself,
// an agreement, the unmasking shares.
enum class SecureStep {
  kAdvertising,
  kOpening,
  kSharing,
  kMasking,
  kAgreeing,
  kUnmasking,
};
std::string_view Name(SecureStep step);  // "advertising", ...

// What a sum of packed updates said beside the model.
struct Aggregates {
  std::uint64_t examples = 0;
  double train_loss = 0;  // mean over all examples
  friend bool operator==(const Aggregates&, const Aggregates&) = default;
};

}  // namespace tributary::round
