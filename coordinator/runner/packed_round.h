// SPDX-License-Identifier: Apache-2.0
// What an attempt at a round has where its updates are packed integers; with
// masks, its secure session. In memory alone, and gone with the attempt: nothing
// of it may touch a disk.
//
// Threads: the engine thread's alone.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/round/types.h"
#include "coordinator/runner/round_sum.h"
#include "coordinator/runner/step_messages.h"
#include "coordinator/runner/sum_finish.h"
#include "coordinator/secure/integer_round.h"
#include "coordinator/secure/packed_check.h"
#include "coordinator/secure/secure_session.h"
#include "privacy/secagg/identity.h"

namespace tributary::coordinator {

struct PackedRound {
  std::shared_ptr<const IntegerRound> integers;
  Masks masks = Masks::kOff;

  // ---- with masks ----
  // Outlives the session.
  std::shared_ptr<const secagg::Authority> authority;
  std::optional<SecureSession> session;
  secagg::StreamCipher cipher = secagg::StreamCipher::kAes256Ctr;
  // Of those that were asked.
  std::map<round::ClientId, round::TaskToken> tokens;
  // Inputs that are there, until it is settled whose are added up: a sum beside
  // the sealed shares of all would be a model's worth of memory more.
  std::vector<SpooledUpdate> inputs;
  // Clients that may answer the present step.
  std::size_t present = 0;
  // Of the present step, once the one before it was closed.
  std::shared_ptr<StepMessages> step_messages;
  // Once the last step is closed, until the masks come off.
  std::optional<secagg::Recovery> recovery;
  // Why the session came to nothing, as a counter's label; empty if it did not.
  std::string abandoned;

  // ---- the release ----
  std::shared_ptr<SumFinish> finishing;  // in progress
  std::optional<round::Aggregates> aggregates;
  std::optional<double> next_clip_norm;
};

}  // namespace tributary::coordinator
