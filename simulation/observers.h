// SPDX-License-Identifier: Apache-2.0
// Tells several observers, in the order they were added.
//
// Lifetime: those added outlive it.
#pragma once

#include <vector>

#include "simulation/observer.h"

namespace tributary::simulation {

class Observers final : public Observer {
 public:
  void Add(Observer& observer) { observers_.push_back(&observer); }
  void Remove(const Observer& observer) { std::erase(observers_, &observer); }

  // The first error, of all that are told.
  absl::Status OnCharge(const Charge& charge) override {
    absl::Status status;
    for (Observer* each : observers_) status.Update(each->OnCharge(charge));
    return status;
  }
  void OnRound(const RoundSummary& round) override {
    for (Observer* observer : observers_) observer->OnRound(round);
  }
  void OnEvaluation(int round, const round::Metrics& metrics) override {
    for (Observer* each : observers_) each->OnEvaluation(round, metrics);
  }
  void OnClientEvaluation(int round, const round::Metrics& metrics) override {
    for (Observer* each : observers_) each->OnClientEvaluation(round, metrics);
  }
  void OnAbandoned(const round::AbandonRound& attempt) override {
    for (Observer* observer : observers_) observer->OnAbandoned(attempt);
  }
  void OnUpdate() override {
    for (Observer* observer : observers_) observer->OnUpdate();
  }

 private:
  std::vector<Observer*> observers_;
};

}  // namespace tributary::simulation
