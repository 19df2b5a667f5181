// SPDX-License-Identifier: Apache-2.0
// How well each client is served. After a round every client judges, on
// examples of its own that nobody trains on, the model it would use: the
// released one, with its own values in their places where the strategy gives it
// some (client/core/personal.h; the first ones if it has not trained yet).
//
// Over the n clients that judge, each counted once, a_k a metric of client k:
//
//   client_<metric>_mean          1/n sum_k a_k
//   client_<metric>_worst_decile  mean of the ceil(n / 10) worst a_k
//   client_<metric>_stddev        sqrt(1/n sum_k (a_k - mean)^2)
//
// as in Li et al. 2020, "Fair Resource Allocation in Federated Learning",
// section 4: the smaller the deviation, the fairer the model.
//
// Immutable. Judge is called on the simulation's thread. Lifetime: the
// participants outlive it.
#pragma once

#include <cstddef>
#include <span>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "client/core/client_state.h"
#include "coordinator/round/types.h"
#include "privacy/crypto/random.h"
#include "simulation/participants.h"
#include "simulation/shared_work.h"
#include "tributary/model.h"
#include "tributary/trainer.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

// Whether clients judge the model of this round. The plan has its defaults.
bool ClientsJudge(const v1::Plan& plan, int round);

// Of what each client found. Metrics that not all of them have are left out;
// "client_count" says how many they are. Empty for nobody.
round::Metrics SummariseClients(std::span<const round::Metrics> clients);

class ClientEvaluation {
 public:
  // Chooses who judges: simulation.client_evaluations of those that can, drawn
  // by KeyedStream(run_key, "client evaluations").
  ClientEvaluation(const v1::Plan& plan, const Key& run_key,
                   const Participants& participants);

  // Everybody's judgement of the model, in brief; `states` are the clients' own
  // at that instant, of several ranks each its own: one whose verdict is still
  // on its way has the state of before. The work is shared, and the result
  // does not depend on how. A client that cannot judge, as its loss is not
  // finite, is left out of the count; its error if nobody can.
  absl::StatusOr<EvaluateResult> Judge(
      const Model& model,
      const std::unordered_map<std::size_t, ClientState>& states,
      SharedWork& work) const;

 private:
  const v1::Plan plan_;
  const Participants& participants_;
  const std::vector<std::size_t> judges_;  // increasing
};

}  // namespace tributary::simulation
