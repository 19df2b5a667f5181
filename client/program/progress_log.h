// SPDX-License-Identifier: Apache-2.0
// One line on stderr for each thing a client does:
//   training    run 4f2a round 3: not masked, no noise of the clients
//   trained     run 4f2a round 3: 320 examples, loss 0.412
//   refused     run 4f2a round 3: update over update.max_abs
#pragma once

#include <mutex>
#include <ostream>
#include <string>

#include "tributary/client.h"
#include "tributary/trainer.h"

namespace tributary::program {

// Thread-safe. The stream outlives it.
class ProgressLog {
 public:
  explicit ProgressLog(std::ostream& out) : out_(out) {}

  // A line, unless it says what the last one said.
  void Note(const ClientProgress& progress);
  void Write(const std::string& line);

 private:
  std::mutex mutex_;
  std::ostream& out_;
  std::string last_;
};

// A trainer that also reports what training gave. Both outlive it.
class LoggedTrainer final : public Trainer {
 public:
  LoggedTrainer(Trainer& trainer, ProgressLog& log)
      : trainer_(trainer), log_(log) {}

  absl::StatusOr<TrainResult> Train(const TrainTask& task, const Model& model,
                                    std::span<float> delta,
                                    const TaskContext& context) override;
  absl::StatusOr<EvaluateResult> Evaluate(const TrainTask& task,
                                          const Model& model,
                                          const TaskContext& context) override;

 private:
  Trainer& trainer_;
  ProgressLog& log_;
};

}  // namespace tributary::program
