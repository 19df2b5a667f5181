// SPDX-License-Identifier: Apache-2.0
// Everything that can happen to a run, as the engine sees it.
#pragma once

#include <string>
#include <variant>

#include "coordinator/round/types.h"

namespace tributary::round {

// Time has passed; nothing else.
struct Tick {};
// A client is free and willing.
struct CheckIn {
  ClientId client;
  Role role = Role::kTrainer;
};
// A client's stream is gone. Its task, if any, stands: it may come back.
struct Left {
  ClientId client;
};
// A client has an update and asks whether to send it. No bytes have moved.
struct UpdateAnnounced {
  ClientId client;
  TaskToken token;
  Contribution contribution;
};
// An update is complete on our disk and was verified. `defect` says what the
// verification found; kNone if nothing.
struct UpdateArrived {
  ClientId client;
  TaskToken token;
  Contribution contribution;
  Refusal defect = Refusal::kNone;
};
struct EvaluationArrived {
  ClientId client;
  TaskToken token;
  Metrics metrics;
};
// A client gave its task up.
struct TaskFailed {
  ClientId client;
  TaskToken token;
};
// A client must not take part any more; its uncounted work is void.
struct ClientRevoked {
  ClientId client;
};
// The runner has made and stored the model a ReleaseRound asked for.
struct ModelReleased {
  int round = 0;
  ModelId model;
};
// The process came back: no stream is open any more.
struct Restarted {};
// An operator ends the run.
struct StopRequested {};

using Event =
    std::variant<Tick, CheckIn, Left, UpdateAnnounced, UpdateArrived,
                 EvaluationArrived, TaskFailed, ClientRevoked, ModelReleased,
                 Restarted, StopRequested>;

}  // namespace tributary::round
