// SPDX-License-Identifier: Apache-2.0
// Keeps what a simulation tells its observer, to be told to another later: what
// a replay says is only believed once it has come to its end.
//
// One thread. A value.
#pragma once

#include <utility>
#include <variant>
#include <vector>

#include "simulation/observer.h"

namespace tributary::simulation {

class RecordedPast final : public Observer {
 public:
  absl::Status OnCharge(const Charge& charge) override {
    past_.emplace_back(charge);
    return absl::OkStatus();
  }
  void OnRound(const RoundSummary& round) override {
    past_.emplace_back(round);
  }
  void OnEvaluation(int round, const round::Metrics& metrics) override {
    past_.emplace_back(std::in_place_type<Evaluation>,
                       Evaluation{round, metrics});
  }
  void OnClientEvaluation(int round, const round::Metrics& metrics) override {
    past_.emplace_back(std::in_place_type<ClientEvaluation>,
                       ClientEvaluation{round, metrics});
  }
  void OnAbandoned(const round::AbandonRound& attempt) override {
    past_.emplace_back(attempt);
  }
  // Of no interest any more: it counts clients a second.
  void OnUpdate() override {}

  // All of it, in its order, up to an error.
  absl::Status Tell(Observer& observer) const {
    for (const Event& event : past_) {
      if (const auto* charge = std::get_if<Charge>(&event)) {
        if (auto told = observer.OnCharge(*charge); !told.ok()) return told;
      } else if (const auto* round = std::get_if<RoundSummary>(&event)) {
        observer.OnRound(*round);
      } else if (const auto* judged = std::get_if<Evaluation>(&event)) {
        observer.OnEvaluation(judged->round, judged->metrics);
      } else if (const auto* own = std::get_if<ClientEvaluation>(&event)) {
        observer.OnClientEvaluation(own->round, own->metrics);
      } else {
        observer.OnAbandoned(std::get<round::AbandonRound>(event));
      }
    }
    return absl::OkStatus();
  }

 private:
  struct Evaluation {
    int round = 0;
    round::Metrics metrics;
  };
  struct ClientEvaluation {
    int round = 0;
    round::Metrics metrics;
  };
  using Event = std::variant<Charge, RoundSummary, Evaluation, ClientEvaluation,
                             round::AbandonRound>;
  std::vector<Event> past_;
};

}  // namespace tributary::simulation
