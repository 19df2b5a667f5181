// SPDX-License-Identifier: Apache-2.0
#include "simulation/partial_sums.h"

#include <algorithm>
#include <iterator>

#include "client/core/update.h"

namespace tributary::simulation {

bool AddsWhereMade(const v1::Plan& plan, const Participants& participants) {
  return IsDeltaAlone(plan.update(), plan.strategy()) && !plan.has_robust() &&
         !plan.has_asynchronous() && !plan.training().has_time_limit() &&
         participants.RepeatExactly();
}

// Made by its thread, while the others work: it is large, and all zeros.
aggregation::NarrowSum& PartialSums::Loan::sum() const {
  if (!part_->sum) part_->sum.emplace(lender_->layout_);
  return *part_->sum;
}

void PartialSums::Open() {
  std::unique_lock lock(mutex_);
  Close(lock);
  parts_.clear();
  unconfirmed_.clear();
  weights_.clear();
  ++attempt_;
  is_open_ = true;
}

std::optional<PartialSums::Loan> PartialSums::Borrow(std::uint64_t attempt) {
  std::lock_guard lock(mutex_);
  if (!is_open_ || attempt != attempt_) return std::nullopt;
  const auto thread = std::this_thread::get_id();
  auto part = std::ranges::find_if(parts_, [&](const Part& candidate) {
    return !candidate.is_lent && candidate.last_user == thread;
  });
  if (part == parts_.end()) {
    part = parts_.emplace(parts_.end());
    part->last_user = thread;
  }
  part->is_lent = true;
  return Loan(*this, *part);
}

void PartialSums::Return(Part& part) {
  std::lock_guard lock(mutex_);
  part.is_lent = false;
  returned_.notify_all();
}

void PartialSums::Commit(AddedUpdate& update) {
  std::lock_guard lock(mutex_);
  unconfirmed_.insert(&update);
}

void PartialSums::Confirm(AddedUpdate& update) {
  std::lock_guard lock(mutex_);
  unconfirmed_.erase(&update);
}

void PartialSums::Withdraw(AddedUpdate& update) {
  {
    std::lock_guard lock(mutex_);
    if (unconfirmed_.erase(&update) == 0 || !is_open_) return;
  }
  const auto loan = Borrow(attempt_);
  update.TakeFrom(loan->sum());
}

// Whoever has a loan may keep it: Open and Take wait, and nobody else looks.
void PartialSums::Abandon() {
  std::lock_guard lock(mutex_);
  is_open_ = false;
}

aggregation::ExactSum PartialSums::Take() {
  std::unique_lock lock(mutex_);
  Close(lock);
  std::erase_if(parts_, [](const Part& part) { return !part.sum; });
  if (parts_.empty()) parts_.emplace_back().sum.emplace(layout_);
  aggregation::NarrowSum& first = *parts_.front().sum;
  for (AddedUpdate* update : unconfirmed_) update->TakeFrom(first);
  aggregation::ExactSum sum = std::move(first).Take();
  for (Part& part : parts_) {
    if (&part != &parts_.front()) sum.Merge(std::move(*part.sum).Take());
  }
  for (const std::uint32_t weight : weights_) sum.AddContribution(weight);
  parts_.clear();
  unconfirmed_.clear();
  return sum;
}

void PartialSums::Close(std::unique_lock<std::mutex>& lock) {
  is_open_ = false;
  returned_.wait(
      lock, [this] { return std::ranges::none_of(parts_, &Part::is_lent); });
}

}  // namespace tributary::simulation
