// SPDX-License-Identifier: Apache-2.0
// What a session wants done, in this order. After a Cancel* or Disconnect no
// event of what was cancelled comes any more: the runner drops it.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "client/core/counted_task.h"
#include "client/core/event.h"
#include "privacy/crypto/digest.h"
#include "tributary/client.h"
#include "tributary/v1/federation.pb.h"

namespace tributary::session {

// Open the Join stream; answered by Connected or Disconnected.
struct Connect {
  // Of the client's addresses; 0: its own, at home.
  int address = 0;
};
// Close the stream. No answer.
struct Disconnect {};
struct Send {
  v1::ClientMessage message;
};
// Bring this file into the cache, from where an earlier attempt broke off;
// answered by Fetched (at once, if it is there) or FetchFailed.
struct Fetch {
  Digest digest;
};
struct CancelFetch {
  Digest digest;
};
// The task's files are in the cache: train and prepare the update; answered by
// Trained or WorkFailed.
struct StartTraining {
  v1::Task task;
};
// Answered by Evaluated or WorkFailed.
struct StartEvaluation {
  v1::Task task;
};
// Of an aggregator. Keep this for the address it is connected to; answered by
// SessionStored. Fails: say Disconnected.
struct StoreSession {
  int address = 0;
  std::uint64_t session = 0;
  std::uint64_t epoch = 0;
};
// Of an aggregator: these leaves, sorted, count through others. Its sum is made
// again without them; answered by Trained or WorkFailed.
struct TakeOut {
  TaskToken token;
  std::vector<std::string> leaves;
};
struct CancelWork {
  TaskToken token;
};
// Begin the task's secure session; answered by SecureAnswered (the
// advertisement) or SecureFailed.
struct StartSecure {
  v1::Task task;
};
// The coordinator's next message to that session; answered by SecureAnswered,
// SecureFailed, or not at all if it has no answer.
struct TakeSecure {
  TaskToken token;
  v1::SecureServerMessage message;
};
// Mask the words that training gave; answered by Masked or WorkFailed.
struct MaskUpdate {
  TaskToken token;
};
// Send the encoded update from this byte; answered by Uploaded or UploadFailed.
struct StartUpload {
  TaskToken token;
  std::uint64_t offset = 0;
};
struct CancelUpload {
  TaskToken token;
};
// The update was accepted: the client state that goes with it is the client's
// state now. Saved before what follows.
struct SaveState {
  TaskToken token;
};
// Kept before what follows: the update of this task counts.
struct NoteCounted {
  CountedTask task;
};
// The task is over: its update, the state that went with it and the secrets of
// its secure session can go.
struct ForgetTask {
  TaskToken token;
};
// Say Tick at this instant, if nothing else happens before. Replaces the
// wake-up asked for before; the last effect, absent when nothing waits for
// time.
struct WakeAt {
  Instant when;
};
struct Report {
  ClientProgress progress;
};
// Run is over. Nothing follows, ever.
struct Finish {
  absl::Status status;
};

using Effect =
    std::variant<Connect, Disconnect, Send, Fetch, CancelFetch, StartTraining,
                 StartEvaluation, StoreSession, TakeOut, CancelWork,
                 StartSecure, TakeSecure, MaskUpdate, StartUpload, CancelUpload,
                 SaveState, NoteCounted, ForgetTask, WakeAt, Report, Finish>;

}  // namespace tributary::session
