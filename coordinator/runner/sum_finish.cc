// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/sum_finish.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "privacy/crypto/random.h"

namespace tributary::coordinator {

SumFinish::SumFinish(WorkPool& pool, Inputs inputs)
    : pool_(pool), inputs_(std::move(inputs)) {}

void SumFinish::Start(Done done) {
  done_ = std::move(done);
  masks_.resize(inputs_.recovery ? inputs_.recovery->groups() : 0);
  pool_.ForEach(
      masks_.size(),
      [self = shared_from_this()](std::size_t group) {
        self->masks_[group] = self->inputs_.recovery->MasksOf(group);
      },
      [self = shared_from_this()] { self->FinishRanges(); });
}

void SumFinish::FinishRanges() {
  std::vector<secagg::Mask> masks;
  for (std::vector<secagg::Mask>& group : masks_) {
    std::ranges::move(group, std::back_inserter(masks));
  }
  masks_.clear();
  inputs_.recovery.reset();
  sum_.emplace(*inputs_.round, std::move(inputs_.words), inputs_.contributions,
               inputs_.cipher, std::move(masks));
  pool_.ForEach(
      sum_->Ranges(),
      [self = shared_from_this()](std::size_t range) {
        SystemRandom system;
        BufferedRandom random(system);
        self->sum_->Finish(range, random);
      },
      [self = shared_from_this()] {
        absl::StatusOr<FinishedSum> finished =
            std::move(*self->sum_).Conclude();
        self->sum_.reset();
        self->done_(std::move(finished));
      });
}

}  // namespace tributary::coordinator
