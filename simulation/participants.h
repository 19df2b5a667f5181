// SPDX-License-Identifier: Apache-2.0
// Who takes part in a simulation, by index: what each client holds and how it
// trains. Nothing is stored for a client here that its data do not need.
//
// Immutable; called from several threads at once.
#pragma once

#include <cstddef>
#include <memory>

#include "tributary/trainer.h"

namespace tributary::simulation {

class Participants {
 public:
  virtual ~Participants() = default;

  // The trainers' indexes are 0 .. clients() - 1, their names ClientName().
  virtual std::size_t clients() const = 0;
  // What the client trains on. One without examples takes no part.
  virtual std::size_t Examples(std::size_t client) const = 0;
  // A trainer over those examples, for one task.
  virtual std::unique_ptr<Trainer> MakeTrainer(std::size_t client) const = 0;

  // Whether the same task on the same examples always gives the same bits.
  virtual bool RepeatExactly() const { return true; }

  // What the client judges models on and never trains on; 0: nothing.
  virtual std::size_t TestExamplesOf(std::size_t) const { return 0; }
  // A trainer that evaluates on those. Not asked of a client without any.
  virtual std::unique_ptr<Trainer> MakeEvaluatorOf(std::size_t) const {
    return nullptr;
  }

  // What the evaluator judges models on; 0: there is no evaluator.
  virtual std::size_t TestExamples() const = 0;
  virtual std::unique_ptr<Trainer> MakeEvaluator() const = 0;
};

}  // namespace tributary::simulation
