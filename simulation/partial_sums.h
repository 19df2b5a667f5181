// SPDX-License-Identifier: Apache-2.0
// The sum of the round that collects, in parts: whoever makes an update adds it
// to the part of its thread at once, while the floats are in the cache, and
// keeps none of them. What is not accepted in the end is taken out again.
// Integer sums are the same either way, in any order and any number of parts.
//
//   sums.Open();                               // owner: an attempt begins
//   if (auto loan = sums.Borrow(attempt)) {    // any thread
//     loan->sum().AddBlock(...);
//     loan->Commit(update);
//   }
//   sums.Confirm(update);                      // owner: it was accepted
//   sums.Count(weight);
//   aggregation::ExactSum sum = sums.Take();   // owner: the round is released
//
// Threads: Borrow and loans from any; everything else is the owner's alone.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "aggregation/exact_sum.h"
#include "aggregation/narrow_sum.h"
#include "simulation/participants.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

// Whether the updates of such a plan are added where they are made: they are
// sent as they are, nobody looks at one by itself, and each could be made once
// more, which what a clock cuts short could not. Not in asynchronous rounds:
// what an update weighs, and in which sum, is known when it arrives.
bool AddsWhereMade(const v1::Plan& plan, const Participants& participants);

// An update that is in a sum before it is accepted.
class AddedUpdate {
 public:
  virtual ~AddedUpdate() = default;
  // Subtracts what it added.
  virtual void TakeFrom(aggregation::NarrowSum& sum) = 0;
};

class PartialSums {
  struct Part;

 public:
  explicit PartialSums(const aggregation::Layout& layout) : layout_(layout) {}

  // A part for one update. Holds nothing of it when destroyed, unless it was
  // committed.
  class Loan {
   public:
    Loan(PartialSums& lender, Part& part) : lender_(&lender), part_(&part) {}
    Loan(Loan&& other) noexcept
        : lender_(std::exchange(other.lender_, nullptr)), part_(other.part_) {}
    Loan& operator=(Loan&&) = delete;
    ~Loan() {
      if (lender_ != nullptr) lender_->Return(*part_);
    }
    aggregation::NarrowSum& sum() const;
    // `update` is in the part now, and lives until it is confirmed, withdrawn
    // or the attempt is over.
    void Commit(AddedUpdate& update) { lender_->Commit(update); }

   private:
    PartialSums* lender_;
    Part* part_;
  };

  // Names the attempt that is open, or was the last one.
  std::uint64_t attempt() const { return attempt_; }
  // The next attempt, with an empty sum; what was added before is void.
  void Open();
  // Nothing: that attempt is over.
  std::optional<Loan> Borrow(std::uint64_t attempt);
  // The update is accepted.
  void Confirm(AddedUpdate& update);
  // It never will be. Nothing happens if its attempt is over.
  void Withdraw(AddedUpdate& update);
  // One contribution more.
  void Count(std::uint32_t weight) { weights_.push_back(weight); }
  // Ends the attempt without a sum.
  void Abandon();
  // The sum of all that was confirmed, or added and counted without being
  // committed. Ends the attempt.
  aggregation::ExactSum Take();

 private:
  struct Part {
    std::optional<aggregation::NarrowSum> sum;  // nothing: all zeros
    std::thread::id last_user;
    bool is_lent = false;
  };

  void Return(Part& part);
  void Commit(AddedUpdate& update);
  // Lends nothing more, and waits until all that is lent has come back.
  void Close(std::unique_lock<std::mutex>& lock);

  const aggregation::Layout layout_;
  std::mutex mutex_;
  std::condition_variable returned_;
  bool is_open_ = false;
  std::uint64_t attempt_ = 0;
  std::list<Part> parts_;
  std::set<AddedUpdate*> unconfirmed_;
  std::vector<std::uint32_t> weights_;
};

}  // namespace tributary::simulation
