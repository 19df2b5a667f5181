// SPDX-License-Identifier: Apache-2.0
// Everything that can happen to a client's session. Values.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "privacy/crypto/digest.h"
#include "tributary/v1/federation.pb.h"

namespace tributary::session {

// Time as a session knows it: milliseconds on any clock that never goes back.
struct SessionClock {
  using duration = std::chrono::milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<SessionClock>;
  static constexpr bool is_steady = true;
};
using Instant = SessionClock::time_point;
using Duration = SessionClock::duration;

// 16 bytes, as the wire carries it.
using TaskToken = std::string;

// Take part. The first event.
struct Started {};
// Time has passed; nothing else.
struct Tick {};
// The stream that Connect asked for is open: messages can be sent.
struct Connected {};
// The stream is gone, or could not be opened. Not said after a Disconnect.
struct Disconnected {
  absl::Status status;
};
struct Received {
  v1::ServerMessage message;
};
// What StoreSession asked for is on the disk.
struct SessionStored {
  std::uint64_t session = 0;
};
// The file that Fetch asked for is in the cache, complete and verified.
struct Fetched {
  Digest digest;
};
// It is not; what arrived is kept for a resume. DataLoss: all of it arrived and
// had another digest.
struct FetchFailed {
  Digest digest;
  absl::Status status;
};
// The trainer is done and the update is encoded (TrainUpdate); that of a secure
// task is not masked yet, and its header has no checksum.
struct Trained {
  TaskToken token;
  v1::UpdateHeader header;
  std::uint64_t saturated = 0;  // coordinates clamped to the bound
  double clip_norm = 0;         // to which it was scaled; 0: it was not
};
struct Evaluated {
  TaskToken token;
  std::uint64_t examples = 0;
  std::map<std::string, double> metrics;
};
// The trainer, or the preparation of its update, its masks included, failed.
// For the client's owner: it may say something of the data.
struct WorkFailed {
  TaskToken token;
  std::string message;
};
// The task's secure session has something to say to the coordinator.
struct SecureAnswered {
  TaskToken token;
  v1::SecureClientMessage message;
};
// The update is masked and encoded: its header with the checksum.
struct Masked {
  TaskToken token;
  v1::UpdateHeader header;
};
// The task's secure session is over, and why: by what came in, never by what
// the client would send. For people; says nothing secret.
struct SecureFailed {
  TaskToken token;
  std::string message;
};
// All bytes of the update were sent and received.
struct Uploaded {
  TaskToken token;
};
struct UploadFailed {
  TaskToken token;
  absl::Status status;
};
// The app wants no more.
struct StopRequested {};

using Event = std::variant<Started, Tick, Connected, Disconnected, Received,
                           SessionStored, Fetched, FetchFailed, Trained,
                           Evaluated, WorkFailed, SecureAnswered, Masked,
                           SecureFailed, Uploaded, UploadFailed, StopRequested>;

}  // namespace tributary::session
