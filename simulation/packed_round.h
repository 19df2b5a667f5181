// SPDX-License-Identifier: Apache-2.0
// The attempt that is open where updates are integers (encoding PACKED): what
// its tasks say, the sum of its updates and, unless the plan skips the masks,
// its secure session. All of it is what the coordinator's process does
// (coordinator/secure/), in memory.
//
//   round->Open(clip_norm);
//   round->Begin(task);                  // with masks: the first that is
//   offered round->Add(bytes); ... round->Finish(contributions, ranks, noise);
//
// One thread. Lifetime: the authority outlives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregation/manifest.h"
#include "coordinator/secure/integer_round.h"
#include "coordinator/secure/integer_sum.h"
#include "coordinator/secure/secure_session.h"
#include "coordinator/wire/messages.h"
#include "privacy/crypto/random.h"
#include "privacy/secagg/identity.h"
#include "privacy/secagg/server/masked_sum.h"
#include "privacy/secagg/terms.h"
#include "simulation/ranks/ranks.h"
#include "tributary/v1/federation.pb.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

// Whether the plan's rounds have secure sessions here: it asks for them, and
// does not skip the masks.
bool IsMasked(const v1::Plan& plan);

// What virtual clients demand of secure sessions: what their plan promises.
secagg::Policy PolicyOf(const v1::Plan& plan);

class PackedRound {
 public:
  // Of a plan whose encoding is PACKED. InvalidArgument, naming the key, if it
  // and the model do not fit.
  static absl::StatusOr<PackedRound> Create(const v1::Plan& plan,
                                            const Manifest& manifest,
                                            const secagg::Authority& authority);

  // An attempt begins: what was added before is void, and its session is over.
  // `clip_norm` as the engine's; nothing without privacy. InvalidArgument if it
  // has grown beyond what the plan's integers hold.
  absl::Status Open(std::optional<double> clip_norm);
  // Says in tasks what updates are to be.
  void Describe(coordinator::TaskFrame& frame) const;
  // With masks: a session of this task's terms, unless there is one.
  absl::Status Begin(const v1::Task& task);
  const std::shared_ptr<const coordinator::IntegerRound>& round() const {
    return round_;
  }
  // Null before it has begun, and after the attempt.
  coordinator::SecureSession* session();

  std::size_t update_bytes() const;
  // A verified update of this size.
  void Add(std::span<const std::byte> packed);
  // Ends the attempt without a sum.
  void Abandon();
  // Ends it with the sum of `contributions` updates of all ranks. `noise` is
  // drawn from for the coordinator's noise: the same on every rank.
  // FailedPrecondition if no updates could have made it.
  absl::StatusOr<coordinator::FinishedSum> Finish(std::uint64_t contributions,
                                                  Ranks& ranks,
                                                  RandomSource& noise);

 private:
  PackedRound(const v1::Plan& plan, const Manifest& manifest,
              const secagg::Authority& authority)
      : plan_(plan), manifest_(manifest), authority_(&authority) {}

  // Into this rank's sum that of all.
  absl::Status SumOverRanks(Ranks& ranks);
  secagg::MaskedSum EmptySum() const;

  v1::Plan plan_;
  Manifest manifest_;
  const secagg::Authority* authority_;
  std::shared_ptr<const coordinator::IntegerRound> round_;
  // Of a plan with masks.
  std::optional<v1::SecureTerms> terms_;
  secagg::StreamCipher cipher_{};
  std::optional<secagg::MaskedSum> words_;
  std::optional<coordinator::SecureSession> session_;
};

}  // namespace tributary::simulation
