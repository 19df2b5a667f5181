// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/training_alone.h"

#include <memory>
#include <vector>

#include "client/core/update.h"
#include "client/torch/subset_trainer.h"
#include "tests/bench/cpu_time.h"
#include "tests/bench/tasks.h"

namespace tributary::bench {
double TrainAlone(const Workload& workload) {
  const v1::Plan plan = PlanOf(workload);
  const auto model = FirstModelOf(plan).model;
  const auto data = DataOf(workload);
  const auto networks = MakeTorchNetworks();
  const TaskContext context;
  std::vector<float> delta(model->manifest.Length());
  const auto rounds = static_cast<std::uint32_t>(TimedRounds(workload));
  double seconds = 0;
  for (std::uint32_t round = 0; round <= rounds; ++round) {
    for (std::size_t client = 0; client < workload.clients; ++client) {
      const auto trainer =
          MakeSubsetTrainer(data, RowsOf(workload, client), networks);
      const auto task = ToTrainTask(TaskOf(plan, *model, round, client));
      CheckOk(task.status());
      const double start = CpuSeconds();
      CheckOk(trainer->Train(*task, *model, delta, context).status());
      if (round > 0) seconds += CpuSeconds() - start;
    }
  }
  return seconds / static_cast<double>(rounds * workload.clients);
}

}  // namespace tributary::bench
