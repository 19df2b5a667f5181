// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <future>
#include <sstream>
#include <string>

#include "client/program/progress_log.h"
#include "client/program/stop_on_signal.h"

#include "tests/catch.h"

namespace tributary::program {
namespace {

using Stage = ClientProgress::Stage;

TEST_CASE("each thing a client does is one line, said once") {
  std::ostringstream out;
  ProgressLog log(out);
  log.Note({Stage::kConnecting, "", 0, "", 0});
  log.Note({Stage::kConnecting, "", 0, "", 0});
  log.Note({Stage::kTraining, "4f2a", 3, "", 0});
  log.Note({Stage::kUploading, "4f2a", 3, "", 7});
  log.Note({Stage::kAccepted, "4f2a", 3, "", 650, 0.5});
  log.Note({Stage::kRefused, "4f2a", 3, "too late", 0});
  log.Note({Stage::kDisconnected, "", 0, "connection reset", 0});
  CHECK(out.str() ==
        "connecting\n"
        "training    run 4f2a round 3\n"
        "uploading   run 4f2a round 3: 7 coordinates clamped to "
        "the plan's bound\n"
        "accepted    run 4f2a round 3: clipped to the plan's norm 0.5\n"
        "refused     run 4f2a round 3: too late\n"
        "disconnected: connection reset\n");
}

class OneTrainer : public Trainer {
 public:
  absl::StatusOr<TrainResult> Train(const TrainTask& task, const Model&,
                                    std::span<float>,
                                    const TaskContext&) override {
    if (task.round > 1) return absl::InvalidArgumentError("wrong shape");
    return TrainResult{320, 0.5};
  }
};

TEST_CASE("what training gave is reported, and why it failed") {
  std::ostringstream out;
  ProgressLog log(out);
  OneTrainer trainer;
  LoggedTrainer logged(trainer, log);
  const TaskContext context;
  TrainTask task;
  task.run = "4f2a";
  task.round = 1;
  CHECK(logged.Train(task, {}, {}, context)->examples == 320);
  task.round = 2;
  CHECK_FALSE(logged.Train(task, {}, {}, context).ok());
  CHECK(out.str() ==
        "trained     run 4f2a round 1: 320 examples, loss 0.5\n"
        "failed      run 4f2a round 2: wrong shape\n");
}

TEST_CASE("a signal is a call on another thread, and is remembered") {
  {
    StopOnSignal never([] { FAIL("no signal came"); });
  }
  CHECK(StopOnSignal::Signal() == 0);
  std::promise<void> stopped;
  StopOnSignal stop([&] { stopped.set_value(); });
  std::raise(SIGTERM);
  stopped.get_future().wait();
  CHECK(StopOnSignal::Signal() == SIGTERM);
}

}  // namespace
}  // namespace tributary::program
