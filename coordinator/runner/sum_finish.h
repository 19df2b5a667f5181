// SPDX-License-Identifier: Apache-2.0
// Finishes the sum of a round's packed updates over all fold threads: works out
// the masks that are left in it, takes them off and checks the words range by
// range, with the coordinator's noise where the plan has any.
//
// Threads: Start from any, once; `done` is called on a fold thread. What is
// secret is erased as soon as the masks are off.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/runner/work_pool.h"
#include "coordinator/secure/integer_sum.h"
#include "privacy/secagg/server/masked_sum.h"
#include "privacy/secagg/server/recovery.h"

namespace tributary::coordinator {

class SumFinish : public std::enable_shared_from_this<SumFinish> {
 public:
  struct Inputs {
    std::shared_ptr<const IntegerRound> round;
    secagg::MaskedSum words;
    std::uint64_t contributions = 0;
    // With masks.
    secagg::StreamCipher cipher = secagg::StreamCipher::kAes256Ctr;
    std::optional<secagg::Recovery> recovery;
  };
  // IntegerSum::Conclude's.
  using Done = std::function<void(absl::StatusOr<FinishedSum>)>;

  // The pool outlives it.
  SumFinish(WorkPool& pool, Inputs inputs);

  void Start(Done done);

 private:
  void FinishRanges();

  WorkPool& pool_;
  Inputs inputs_;
  Done done_;
  std::vector<std::vector<secagg::Mask>> masks_;  // by group
  std::optional<IntegerSum> sum_;
};

}  // namespace tributary::coordinator
