// SPDX-License-Identifier: Apache-2.0
// How the updates of a plan become integers, and in what secure session they
// are added up: what a task says, and what both sides read from it.
//
// Pure; any thread. Plans have their defaults; with privacy, their noise
// multiplier too.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "aggregation/integer_update.h"
#include "aggregation/manifest.h"
#include "privacy/crypto/digest.h"
#include "privacy/secagg/terms.h"
#include "tributary/v1/federation.pb.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

// Most clients in one cohort: those asked, or of a Poisson cohort its mean and
// 12 standard deviations more.
std::uint32_t MaxCohort(const v1::Plan& plan);

// Clients whose shares of distributed noise are certain to be in a released
// sum: round.min_updates less the corrupt ones. 0 if there are none.
std::uint32_t CertainShares(const v1::Plan& plan);

// What the tasks of a round say of updates to this model; the encoding is
// PACKED. `clip_norm` is the round's; without privacy it does not matter.
// InvalidArgument, naming the key, if no modulus holds the sum or the noise is
// beyond what can be drawn.
absl::StatusOr<v1::IntegerUpdate> ToIntegerUpdate(const v1::Plan& plan,
                                                  const Manifest& manifest,
                                                  double clip_norm);

// The same read back, on either side. InvalidArgument if it makes no sense.
absl::StatusOr<aggregation::IntegerFormat> ToIntegerFormat(
    const v1::IntegerUpdate& integers, const v1::UpdatePlan& update,
    const Manifest& manifest, const v1::StrategyPlan& strategy);

// The largest magnitude of a word of one update, noise included: what leaves it
// happens once in 2^180 words.
std::int64_t LargestWord(const v1::IntegerUpdate& integers,
                         const aggregation::IntegerFormat& format);

// The terms of the plan's sessions, but for model, plan digest, round and
// attempt. InvalidArgument, naming the key, if no session can be had on them:
// too many corrupt or dropped for any graph.
absl::StatusOr<secagg::Terms> ToTerms(const v1::Plan& plan, std::size_t words,
                                      int word_bits);

// The terms that an offered task states: model, plan, run, round and attempt
// are the task's. The same on both sides. InvalidArgument if a field is none.
absl::StatusOr<secagg::Terms> TermsOf(const v1::Task& task);

// What a client was given, as Terms::plan names it: architecture, training,
// update, strategy, integers and the session's terms. The same on both sides.
Digest PlanDigest(const v1::Task& task);

}  // namespace tributary::codec
