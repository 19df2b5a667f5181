// SPDX-License-Identifier: Apache-2.0
// What tasks cost, and which are lost.
#include "simulation/effort.h"

#include <array>
#include <string>

#include "simulation/dropout.h"
#include "simulation/task_timeline.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

round::Instant At(int milliseconds) {
  return round::Instant(round::Duration(milliseconds));
}

Device SlowDevice() {
  Device device;
  device.latency = round::Duration(100);
  device.upload = 1000;
  device.training_watts = 2;
  device.network_watts = 0.5;
  return device;
}

// Download 0 .. 1 s, training 1 .. 5 s, upload 5.2 .. 7.3 s.
TaskTimeline Timeline() {
  TaskTimeline timeline;
  timeline.download = {At(0), At(1000)};
  timeline.bytes_down = 4000;
  timeline.Plan(At(1000), round::Duration(4000), 2000, SlowDevice());
  return timeline;
}

TEST_CASE("a task costs what was done of it") {
  const TaskTimeline timeline = Timeline();
  CHECK(timeline.upload.begin == At(5200));
  CHECK(timeline.upload.end == At(7300));
  CHECK(timeline.SpentBy(At(0), SlowDevice()) == Spending{});
  const Spending half = timeline.SpentBy(At(500), SlowDevice());
  CHECK(half.bytes_down == 2000);
  CHECK(half.joules == Approx(0.25));
  const Spending training = timeline.SpentBy(At(3000), SlowDevice());
  CHECK(training.bytes_down == 4000);
  CHECK(training.bytes_up == 0);
  CHECK(training.training_seconds == Approx(2));
  CHECK(training.joules == Approx(2 * 2 + 0.5));
  const Spending all = timeline.SpentBy(At(9000), SlowDevice());
  CHECK(all.bytes_up == 2000);
  CHECK(all.training_seconds == Approx(4));
  CHECK(all.network_seconds == Approx(3.1));
  CHECK(all.joules == Approx(2 * 4 + 0.5 * 3.1));
}

TEST_CASE("a task that was never begun costs nothing") {
  const Spending none = TaskTimeline{}.SpentBy(At(1 << 30), SlowDevice());
  CHECK(none == Spending{});
}

TEST_CASE("what was not counted was wasted") {
  Effort effort;
  effort.Add(Outcome::kCounted, {.bytes_up = 10, .joules = 1});
  effort.Add(Outcome::kLate, {.bytes_up = 5, .joules = 2});
  effort.Add(Outcome::kLate, {.bytes_up = 1, .joules = 4});
  CHECK(effort.Tasks() == 3);
  CHECK(effort.Of(Outcome::kLate) == 2);
  CHECK(effort.spent.bytes_up == 16);
  CHECK(effort.wasted.bytes_up == 6);
  CHECK(effort.wasted.joules == Approx(6));
  const std::string table = FormatEfforts({"phone", "board"}, {effort, effort});
  CHECK(table.find("phone") != std::string::npos);
  CHECK(table.find("\nall ") != std::string::npos);
}

// 10,000 tasks: each part is off by more than 0.02 (four standard deviations)
// less often than once in 16,000 seeds.
TEST_CASE("tasks are lost in each phase as often as is said, and within it") {
  v1::Dropout plan;
  plan.set_before_training(0.2);
  plan.set_while_training(0.25);
  plan.set_while_uploading(0.5);
  const Dropout dropout(plan, KeyFromSeed(6));
  const Dropout again(plan, KeyFromSeed(6));
  const TaskTimeline timeline = Timeline();
  std::array<int, kOutcomes> lost{};
  for (int task = 0; task < 10000; ++task) {
    const std::string token = "token " + std::to_string(task);
    const auto loss = dropout.Draw(token, timeline);
    CHECK(again.Draw(token, timeline).has_value() == loss.has_value());
    if (!loss) continue;
    CHECK(again.Draw(token, timeline)->when == loss->when);
    ++lost[static_cast<std::size_t>(loss->outcome)];
    switch (loss->outcome) {
      case Outcome::kLostBefore:
        CHECK(loss->when == At(1000));
        break;
      case Outcome::kLostTraining:
        CHECK((loss->when >= At(1000) && loss->when < At(5000)));
        break;
      default:
        CHECK((loss->when >= At(5200) && loss->when < At(7300)));
    }
  }
  const auto part = [&](Outcome outcome) {
    return lost[static_cast<std::size_t>(outcome)] / 10000.0;
  };
  CHECK(part(Outcome::kLostBefore) == Approx(0.2).margin(0.02));
  CHECK(part(Outcome::kLostTraining) == Approx(0.8 * 0.25).margin(0.02));
  CHECK(part(Outcome::kLostUploading) == Approx(0.6 * 0.5).margin(0.02));
}

}  // namespace
}  // namespace tributary::simulation
