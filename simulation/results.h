// SPDX-License-Identifier: Apache-2.0
// The results folder of a simulation:
//
//   plan.yaml          the effective plan, every default written out
//   metrics.jsonl      one line a round; the same bytes for the same seed
//   devices.txt        what each class of devices did, and in vain
//   events.out.tfevents.0.tributary
//                      the same for TensorBoard, timed in virtual seconds
//   timing.jsonl       wall time of each round; differs from run to run
//   model.safetensors  the final model
//   privacy.ledger     under differential privacy what its releases cost
//
// and, beside them, the partition (skew_files.h).
// One thread. Errors of writing are kept and returned by Close.
#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "simulation/observer.h"
#include "simulation/report/run_record.h"
#include "simulation/run_ledger.h"
#include "tributary/model.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

enum class ExistingFiles { kRefuse, kOverwrite, kResume };

// Creates the folder. FailedPrecondition if it holds something and that is to
// be refused. What is overwritten cannot be resumed any more.
absl::Status PrepareFolder(const std::filesystem::path& folder,
                           ExistingFiles existing);

class Results final : public Observer {
 public:
  // Writes the plan at once.
  static absl::StatusOr<std::unique_ptr<Results>> Open(
      const std::filesystem::path& folder, const v1::Plan& plan);
  // That of a run that goes on after so many rounds, which are told anew; the
  // plan and the wall times of those rounds stay.
  static absl::StatusOr<std::unique_ptr<Results>> Reopen(
      const std::filesystem::path& folder, const v1::Plan& plan, int rounds);

  absl::Status OnCharge(const Charge& charge) override;
  void OnRound(const RoundSummary& round) override;
  void OnEvaluation(int round, const round::Metrics& metrics) override;
  void OnClientEvaluation(int round, const round::Metrics& metrics) override;
  void OnAbandoned(const round::AbandonRound& attempt) override;
  void OnUpdate() override {}

  // What the run has spent; nothing without differential privacy. Errors are
  // those of dp::Spend.
  absl::StatusOr<std::optional<PrivacyStatement>> Spent() const;

  // Writes the rounds still waiting for their evaluation, then the model.
  absl::Status Close(const std::string& header, const Model& model);

 private:
  Results(const std::filesystem::path& folder, const v1::Plan& plan, int past);
  absl::Status CheckOpen() const;

  // Rounds are written in their order, each once its evaluation is in or a
  // later one is.
  void WriteUpTo(int round);
  // A round that no evaluation is due of, unless earlier ones wait for theirs.
  void WriteUnlessEvaluated(int round);
  bool IsEvaluated(int round) const;
  void Write(const RoundSummary& round, const round::Metrics& metrics);

  using WallClock = std::chrono::steady_clock;
  const std::filesystem::path folder_;
  const v1::Plan plan_;
  std::ofstream metrics_;
  std::ofstream timing_;
  std::ofstream events_;
  int past_ = 0;  // rounds made before the run went on
  // Of a run under differential privacy.
  std::unique_ptr<RunLedger> ledger_;
  std::map<int, double> epsilons_;  // by round, of those that wait
  std::map<int, RoundSummary> waiting_;
  std::map<int, round::Metrics> evaluated_;
  std::vector<std::string> classes_;  // of devices
  std::vector<Effort> efforts_;       // by class, of all rounds
  std::map<int, int> abandoned_;      // attempts, by round
  WallClock::time_point last_round_ = WallClock::now();
};

}  // namespace tributary::simulation
