// SPDX-License-Identifier: Apache-2.0
// What a plan's privacy costs, as its accountant has it: everything about a
// plan that is refused at submit because no accountant covers it, and what its
// rounds charge. Pure; any thread; up to seconds where it calibrates.
//
// Plans have their defaults (WithDefaults) and a privacy section; manifests are
// those of the model without auxiliary tensors or with.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregation/manifest.h"
#include "privacy/crypto/digest.h"
#include "privacy/dp/ledger.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

// What a round with this clip norm releases. InvalidArgument, naming the key.
absl::StatusOr<dp::Mechanism> ToMechanism(const v1::Plan& plan,
                                          const Manifest& manifest,
                                          double clip_norm);

// The same at the clip norm at which a round costs most: that of the plan, or
// of all that an adaptive norm may come to. What budgets are reckoned with.
absl::StatusOr<dp::Mechanism> DearestMechanism(const v1::Plan& plan,
                                               const Manifest& manifest);

// What so many rounds of a run cost, at that clip norm: its debits before there
// are any.
absl::StatusOr<dp::Spend> SpendOf(const v1::Plan& plan,
                                  const Manifest& manifest,
                                  std::int64_t rounds);

// Fills in privacy.noise_multiplier if the plan leaves it open: the least with
// which stop.rounds rounds stay within privacy.epsilon. InvalidArgument, naming
// the key, if no accountant covers the plan, if its budget does not hold a
// single round, or if no noise is enough.
absl::Status CompletePrivacy(v1::Plan& plan, const Manifest& manifest);

// Releases that the budgets allow, from 1 to those of stop.rounds and a hundred
// more, for one that a crash took is charged: privacy.epsilon for this run
// alone and, if the plan has it, privacy.population_epsilon beside what
// `others` say that other runs of its population have spent or may still spend.
// FailedPrecondition if not one fits; UNIMPLEMENTED if nothing accounts for
// this run and the others together.
absl::StatusOr<std::int64_t> AffordableRounds(const v1::Plan& plan,
                                              const Manifest& manifest,
                                              const dp::Spend& others);

// One release of a run.
struct Release {
  std::string run;
  std::uint32_t round = 0;
  std::uint32_t attempt = 0;
  double clip_norm = 0;
  std::uint32_t contributors = 0;
};
absl::StatusOr<dp::Debit> DebitOf(const v1::Plan& plan,
                                  const Manifest& manifest,
                                  const Release& release);

// SHA-256 of the plan as it runs, all defaults in it.
Digest DigestOf(const v1::Plan& plan);

}  // namespace tributary::codec
