// SPDX-License-Identifier: Apache-2.0
// The adversaries of a simulation: what they put in the place of their updates
// once they know those of all honest clients of the round (omniscient, as in
// Baruch et al. 2019, Xie et al. 2020, Karimireddy et al. 2022). mu, sigma:
// mean and standard deviation of these, coordinate by coordinate; n updates in
// the round, f of them adversaries'.
//
//   sign_flip    -mu
//   bit_flip     their own, negated
//   gaussian     N(0, deviation^2), each its own
//   label_flip   their own (simulation/poison.h)
//   alie         mu - z sigma of the sample; z: the plan's, else the largest
//                that hides f among n; 1 where none does, as f is no minority
//   ipm          -scale mu
//   mimic        that of one honest client, chosen in the first round that is
//                released (simulation/attacks/mimic.h); while that one is not
//                in a round, of another that is chosen there
//   backdoor     their own times the plan's scale, else n / f
//   free_riders  N(0, s^2), each its own; s^2: the mean square of what the last
//                release added to a parameter, as free riders know models and
//                nothing else; zeros in the first round
//
// What would be over the plan's bounds is clamped to them: the coordinator
// would refuse it. Where a round has no honest update those who need some send
// their own.
//
// Randomness comes from streams of the run's key, by round, attempt and client.
// One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "aggregation/grid.h"
#include "client/core/bounds.h"
#include "coordinator/round/types.h"
#include "privacy/crypto/random.h"
#include "simulation/adversary_memory.h"
#include "tributary/v1/attack.pb.h"

namespace tributary::simulation {

// The floats of each update of a round, in the order of their clients' ids.
using UpdateRows = std::map<round::ClientId, std::vector<float>>;

class Adversaries {
 public:
  // Of a plan with its defaults. Those of clients 0, 1, .. from `first` on are
  // adversaries.
  Adversaries(const v1::AttackPlan& plan, std::size_t first,
              const aggregation::Layout& layout, const Key& run_key);

  // Whether this virtual client is one of them.
  bool Include(const round::ClientId& client) const;

  struct Attempt {
    int round = 0;
    int attempt = 0;
  };
  // Replaces their rows among all of a round's. A row is as long as the layout.
  void Strike(const Attempt& attempt, UpdateRows& rows);
  // A model was released, and the one before it.
  void Learn(std::span<const float> before, std::span<const float> after);

  const AdversaryMemory& memory() const { return memory_; }
  // In a replay: what was remembered after the release that is told of.
  void Remember(const AdversaryMemory& memory) { memory_ = memory; }

 private:
  using Honest = std::map<std::uint64_t, std::span<const float>>;
  using Theirs = std::map<std::uint64_t, std::span<float>>;

  KeyedStream StreamOf(const Attempt& attempt, const std::string& who) const;
  // The row that all of so many adversaries send.
  std::vector<float> MakeCommon(const Honest& honest, std::size_t theirs) const;
  std::span<const float> Mimicked(const Attempt& attempt, const Honest& honest);
  void FillWithNoise(const Attempt& attempt, double deviation, Theirs& theirs);

  const v1::AttackPlan plan_;
  const std::size_t first_;
  const aggregation::Layout layout_;
  const Bounds bounds_;
  const Key run_key_;
  AdversaryMemory memory_;
};

}  // namespace tributary::simulation
