// SPDX-License-Identifier: Apache-2.0
// Everything that can happen to a run, as the engine sees it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "coordinator/round/leaf_set.h"
#include "coordinator/round/types.h"

namespace tributary::round {

// Time has passed; nothing else.
struct Tick {
  friend bool operator==(const Tick&, const Tick&) = default;
};
// A client is free and willing.
struct CheckIn {
  ClientId client;
  Role role = Role::kTrainer;
  // Of an aggregator: from now on sums of its epochs before do not count.
  std::uint64_t epoch = 0;
  friend bool operator==(const CheckIn&, const CheckIn&) = default;
};
// A client's stream is gone. Its task, if any, stands: it may come back.
struct Left {
  ClientId client;
  friend bool operator==(const Left&, const Left&) = default;
};
// A client has an update and asks whether to send it. No bytes have moved.
struct UpdateAnnounced {
  ClientId client;
  TaskToken token;
  Contribution contribution;
  friend bool operator==(const UpdateAnnounced&,
                         const UpdateAnnounced&) = default;
};
// An update is complete on our disk and was verified. `defect` says what the
// verification found; kNone if nothing.
struct UpdateArrived {
  ClientId client;
  TaskToken token;
  Contribution contribution;
  Refusal defect = Refusal::kNone;
  // Of a partial sum: those whose updates are in it, as its bytes name them.
  LeafSet leaves = {};
  friend bool operator==(const UpdateArrived&, const UpdateArrived&) = default;
};
struct EvaluationArrived {
  ClientId client;
  TaskToken token;
  Metrics metrics;
  friend bool operator==(const EvaluationArrived&,
                         const EvaluationArrived&) = default;
};
// A client gave its task up. One whose update counts leaves its secure session
// alone.
struct TaskFailed {
  ClientId client;
  TaskToken token;
  friend bool operator==(const TaskFailed&, const TaskFailed&) = default;
};
// A client must not take part any more: it waits no longer and its uncounted
// work is void. An update that was counted before stays counted: it was good
// when it came, and its acknowledgement was promised to last.
struct ClientRevoked {
  ClientId client;
  friend bool operator==(const ClientRevoked&, const ClientRevoked&) = default;
};
// The runner has made and stored the model a ReleaseRound asked for. At an
// aggregator: the sum counts at the parent; `model` is the one of its
// TaskGiven.
struct ModelReleased {
  int round = 0;
  ModelId model;
  // Of the rounds to come, where the clip norm adapts.
  std::optional<double> next_clip_norm = std::nullopt;
  // Of packed updates, if the sum has them.
  std::optional<Aggregates> aggregates = std::nullopt;
  // Contributors that were outliers to the round's robust rule, sorted.
  std::vector<ClientId> outliers = {};
  friend bool operator==(const ModelReleased&, const ModelReleased&) = default;
};
// The secure session of the round took this client's message of this step. The
// masked update is told by UpdateArrived alone. Messages themselves are no
// events: shares of secrets must not touch a disk.
struct SecureAnswered {
  ClientId client;
  TaskToken token;
  SecureStep step = SecureStep::kAdvertising;
  // The masks can be taken off without the answers that are still to come.
  bool is_enough = false;
  friend bool operator==(const SecureAnswered&,
                         const SecureAnswered&) = default;
};
// The session went on to its next step: the answer to CloseSecureStep. What the
// remaining clients are owed now is sent.
struct SecureStepClosed {
  int round = 0;
  int attempt = 0;
  SecureStep step = SecureStep::kAdvertising;
  // Sorted. Up to kSharing and after kAgreeing those that may answer the next
  // step; after kMasking those whose updates are in the sum; after kUnmasking
  // those that answered.
  std::vector<ClientId> remaining;
  friend bool operator==(const SecureStepClosed&,
                         const SecureStepClosed&) = default;
};
// The session came to nothing and revealed nothing: the other answer to
// CloseSecureStep. Also after ReleaseRound, if the sum is none that clients
// could have made.
struct SecureAbandoned {
  int round = 0;
  int attempt = 0;
  int count = 0;       // clients that were left in it
  std::string reason;  // "too few clients, 9 are needed"
  friend bool operator==(const SecureAbandoned&,
                         const SecureAbandoned&) = default;
};
// No stream is open any more: the process came back, or asks nobody new. Who
// waited is forgotten, tasks stand. Effects are not repeated: what the runner
// had not finished, such as making a model, it takes up by itself. A secure
// session lives in memory alone: its round is abandoned.
struct Restarted {
  friend bool operator==(const Restarted&, const Restarted&) = default;
};
// An operator ends the run; an aggregator's also ends with its parent's.
struct StopRequested {
  friend bool operator==(const StopRequested&, const StopRequested&) = default;
};
// To an aggregator: its parent asks for the sum of this attempt. It is taken
// only if it is newer than any before; a repetition of the one in hand can only
// bring its deadline forward. Whoever gives it looks at the state then: if it
// is not in hand (phase Resting, or another attempt), it is to be given up at
// the parent.
struct TaskGiven {
  int round = 0;    // the parent's
  int attempt = 0;  // the parent's
  ModelId model;    // that leaves start from
  Key round_seed{};
  Duration time_left{};  // at the parent; not negative
  // Under differential privacy that of the round.
  std::optional<double> clip_norm = std::nullopt;
  friend bool operator==(const TaskGiven&, const TaskGiven&) = default;
};
// To an aggregator: its parent wants nothing of this attempt any more. It was
// withdrawn or refused there, or given up here. In hand, it is abandoned.
struct TaskOver {
  int round = 0;
  int attempt = 0;
  friend bool operator==(const TaskOver&, const TaskOver&) = default;
};

using Event =
    std::variant<Tick, CheckIn, Left, UpdateAnnounced, UpdateArrived,
                 EvaluationArrived, TaskFailed, ClientRevoked, ModelReleased,
                 Restarted, StopRequested, SecureAnswered, SecureStepClosed,
                 SecureAbandoned, TaskGiven, TaskOver>;

}  // namespace tributary::round
