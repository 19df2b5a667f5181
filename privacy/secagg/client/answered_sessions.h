// SPDX-License-Identifier: Apache-2.0
// Which sessions a client has given its unmasking answer in: the one thing of
// secure aggregation that it keeps for ever. Its shares and keys are never
// stored; a client that restarts has left its session.
#pragma once

#include "absl/status/status.h"
#include "privacy/crypto/digest.h"

namespace tributary::secagg {

class AnsweredSessions {
 public:
  virtual ~AnsweredSessions() = default;
  // Called before an answer is given. It returns OK once the session is where
  // it survives a crash; AlreadyExists if it was there before; any other error
  // if it cannot be kept. The answer is given after OK only.
  virtual absl::Status Remember(const Digest& session) = 0;
};

}  // namespace tributary::secagg
