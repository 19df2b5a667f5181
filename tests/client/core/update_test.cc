// SPDX-License-Identifier: Apache-2.0
#include "client/core/update.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "aggregation/encoding.h"
#include "privacy/crypto/random.h"
#include "proto/codec/plan.h"

#include "tests/catch.h"

namespace tributary {
namespace {

constexpr std::size_t kTrainable = 3000;
constexpr std::size_t kLength = 3100;
const Manifest manifest({{"fc.weight", {30, 100}, true},
                         {"norm.mean", {100}, false}});

v1::Task TaskWith(v1::UpdatePlan::Encoding encoding, double max_abs) {
  v1::Task task;
  task.set_kind(v1::Task::TRAIN);
  task.set_task_token(std::string(16, 't'));
  task.set_model(std::string(32, 'm'));
  task.set_seed(std::string(32, 's'));
  task.mutable_update()->set_encoding(encoding);
  task.mutable_update()->set_max_abs(max_abs);
  task.mutable_update()->set_max_weight(100);
  task.mutable_update()->set_top_k_fraction(0.1);
  return task;
}

std::vector<float> RandomDelta(float scale) {
  KeyedStream random(Key{}, "delta");
  std::vector<float> delta(kLength);
  for (float& value : delta) {
    value = scale * static_cast<float>(2 * random.Uniform() - 1);
  }
  return delta;
}

std::vector<float> Decode(const v1::Task& task,
                          std::span<const std::byte> bytes) {
  std::vector<float> values(kLength);
  aggregation::UpdateDecoder decoder(codec::ToEncoding(task.update()).encoding,
                                     kLength);
  CHECK(decoder
            .Feed(bytes,
                  [&](std::size_t offset, std::span<const float> block) {
                    std::copy(
                        block.begin(), block.end(),
                        values.begin() + static_cast<std::ptrdiff_t>(offset));
                    return absl::OkStatus();
                  })
            .ok());
  CHECK(decoder.Finish().ok());
  return values;
}

constexpr TrainResult kResult{.examples = 7, .loss = 0.25};

TEST_CASE("no encoding decodes to more than the bound") {
  // 0.1 is no float and no bfloat16: both round it up.
  for (const auto encoding : {v1::UpdatePlan::FLOAT32, v1::UpdatePlan::BFLOAT16,
                              v1::UpdatePlan::INT8, v1::UpdatePlan::TOP_K}) {
    for (const double max_abs : {0.1, 1.0, 0.3, 7.0 / 3, 1e-3}) {
      v1::Task task = TaskWith(encoding, max_abs);
      task.mutable_update()->set_buffer_max_abs(max_abs / 3);
      const auto prepared =
          PrepareUpdate(task, manifest, kResult,
                        RandomDelta(static_cast<float>(4 * max_abs)), {});
      REQUIRE(prepared.ok());
      CHECK(prepared->saturated > kLength / 2);
      const std::vector<float> decoded = Decode(task, *prepared->bytes);
      double largest = 0;
      double largest_buffer = 0;
      for (std::size_t i = 0; i < kLength; ++i) {
        double& most = i < kTrainable ? largest : largest_buffer;
        most = std::max(most, std::fabs(static_cast<double>(decoded[i])));
      }
      CHECK(largest <= max_abs);
      CHECK(largest > 0.98 * max_abs);
      CHECK(largest_buffer <= max_abs / 3);
    }
  }
}

TEST_CASE("the header says what the bytes are") {
  const v1::Task task = TaskWith(v1::UpdatePlan::FLOAT32, 1);
  const auto prepared =
      PrepareUpdate(task, manifest, kResult, RandomDelta(0.5F), {});
  REQUIRE(prepared.ok());
  const v1::UpdateHeader& header = prepared->header;
  CHECK(header.task_token() == task.task_token());
  CHECK(header.base_model() == task.model());
  CHECK(header.size() == kLength * 4);
  CHECK(Checksum(*prepared->bytes) ==
        XXH3_64bits(prepared->bytes->data(), prepared->bytes->size()));
  CHECK(header.weight() == 7);
  CHECK(header.train_loss() == 0.25);
  CHECK(prepared->saturated == 0);
  CHECK(prepared->state.residual.empty());
  CHECK(Decode(task, *prepared->bytes) == RandomDelta(0.5F));
}

TEST_CASE("the same task and delta give the same bytes") {
  const v1::Task task = TaskWith(v1::UpdatePlan::INT8, 1);
  const auto once =
      PrepareUpdate(task, manifest, kResult, RandomDelta(0.5F), {});
  const auto twice =
      PrepareUpdate(task, manifest, kResult, RandomDelta(0.5F), {});
  REQUIRE(once.ok());
  REQUIRE(twice.ok());
  CHECK(*once->bytes == *twice->bytes);
  v1::Task other = task;
  other.set_seed(std::string(32, 'o'));
  const auto elsewhere =
      PrepareUpdate(other, manifest, kResult, RandomDelta(0.5F), {});
  REQUIRE(elsewhere.ok());
  CHECK(*once->bytes != *elsewhere->bytes);
}

TEST_CASE("what an encoding drops is carried to the next update") {
  // Karimireddy et al. 2019: with error feedback what was sent over T rounds
  // differs from the sum of the deltas by the last residual only.
  for (const auto encoding : {v1::UpdatePlan::TOP_K, v1::UpdatePlan::INT8}) {
    v1::Task task = TaskWith(encoding, 100);
    const std::vector<float> delta = RandomDelta(0.5F);
    std::vector<double> sent(kLength);
    ClientState state;
    constexpr int kRounds = 20;
    for (int round = 0; round < kRounds; ++round) {
      const auto prepared =
          PrepareUpdate(task, manifest, kResult, delta, state);
      REQUIRE(prepared.ok());
      REQUIRE(prepared->state.residual.size() == kLength);
      const std::vector<float> decoded = Decode(task, *prepared->bytes);
      for (std::size_t i = 0; i < kLength; ++i) sent[i] += decoded[i];
      state = prepared->state;
    }
    double worst = 0;
    for (std::size_t i = 0; i < kLength; ++i) {
      worst = std::max(
          worst, std::fabs(sent[i] + state.residual[i] - kRounds * delta[i]));
    }
    CHECK(worst < 1e-4);
  }
}

TEST_CASE("a delta that is not finite is refused by tensor and place") {
  const v1::Task task = TaskWith(v1::UpdatePlan::FLOAT32, 1);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity()}) {
    std::vector<float> delta = RandomDelta(0.5F);
    delta[kTrainable + 5] = bad;
    const auto prepared =
        PrepareUpdate(task, manifest, kResult, std::move(delta), {});
    CHECK(prepared.status().message() ==
          "the delta of norm.mean is not finite at 5");
  }
}

TEST_CASE("what is no update is refused") {
  const v1::Task task = TaskWith(v1::UpdatePlan::FLOAT32, 1);
  CHECK_FALSE(PrepareUpdate(task, manifest, {.examples = 0, .loss = 0},
                            RandomDelta(1), {})
                  .ok());
  CHECK_FALSE(PrepareUpdate(task, manifest,
                            {.examples = 1,
                             .loss = std::numeric_limits<double>::infinity()},
                            RandomDelta(1), {})
                  .ok());
  CHECK_FALSE(
      PrepareUpdate(task, manifest, kResult, std::vector<float>(5), {}).ok());
  CHECK_FALSE(PrepareUpdate(TaskWith(v1::UpdatePlan::FLOAT32, 0), manifest,
                            kResult, RandomDelta(1), {})
                  .ok());
}

// Gives a delta in blocks of 700 floats.
class InBlocks final : public Trainer {
 public:
  explicit InBlocks(std::vector<float> delta, TrainResult result = kResult)
      : delta_(std::move(delta)),
        result_(result),
        says_largest_(GENERATE(false, true)) {}
  absl::StatusOr<TrainResult> Train(const TrainTask&, const Model&,
                                    std::span<float> delta,
                                    const TaskContext&) override {
    std::ranges::copy(delta_, delta.begin());
    return result_;
  }
  absl::StatusOr<TrainResult> TrainInto(const TrainTask&, const Model&,
                                        const DeltaSink& sink,
                                        const TaskContext&) override {
    for (std::size_t at = 0; at < delta_.size(); at += 700) {
      auto block = std::vector<float>(
          delta_.begin() + static_cast<std::ptrdiff_t>(at),
          delta_.begin() +
              static_cast<std::ptrdiff_t>(std::min(at + 700, delta_.size())));
      float largest = 0;
      for (const float value : block) {
        // A comparison with no number is false.
        if (!(std::fabs(value) <= largest)) largest = std::fabs(value);
      }
      sink({.result = result_,
            .offset = at,
            .values = block,
            .largest = says_largest_ ? std::optional(largest) : std::nullopt});
    }
    return result_;
  }

 private:
  const std::vector<float> delta_;
  const TrainResult result_;
  const bool says_largest_;
};

Model ModelOf(const Manifest& shapes) {
  Model model;
  model.manifest = shapes;
  model.weights.resize(shapes.Length());
  return model;
}

v1::Task StreamedTask(double max_abs) {
  v1::Task task = TaskWith(v1::UpdatePlan::FLOAT32, max_abs);
  task.mutable_update()->set_buffer_max_abs(max_abs / 3);
  task.mutable_training()->set_epochs(1);
  task.mutable_training()->set_batch_size(1);
  task.mutable_training()->set_learning_rate(0.1);
  return task;
}

TEST_CASE(
    "a streamed update has the floats and the header of one that is sent") {
  // So that most are clamped, some, or none.
  const v1::Task task = StreamedTask(GENERATE(0.1, 0.499, 6.0));
  const Model model = ModelOf(manifest);
  const TaskContext context;
  SystemRandom random;
  InBlocks trainer(RandomDelta(0.5F));
  const auto sent = TrainUpdate(task, model, trainer, {}, random, context);
  REQUIRE(sent.ok());
  std::vector<float> floats;
  float largest_misjudged = 0;
  const auto streamed = StreamUpdate(
      task, model, trainer,
      [&](const UpdateBlock& block) {
        CHECK(block.weight == 7);
        CHECK(block.offset == floats.size());
        float largest = 0;
        for (const float value : block.values) {
          floats.push_back(value);
          largest = std::max(largest, std::fabs(value));
        }
        largest_misjudged =
            std::max(largest_misjudged, largest - block.largest);
      },
      context);
  REQUIRE(streamed.ok());
  CHECK(floats == Decode(task, *sent->bytes));
  CHECK(largest_misjudged == 0);
  CHECK(streamed->header.SerializeAsString() ==
        sent->header.SerializeAsString());
  CHECK(streamed->saturated == sent->saturated);
  CHECK((streamed->saturated == 0) == (task.update().max_abs() > 1));
  CHECK(streamed->bytes == nullptr);
}

TEST_CASE("a streamed update ends before the first block that is not finite") {
  std::vector<float> delta = RandomDelta(0.5F);
  delta[kTrainable + 5] = std::nanf("");
  const v1::Task task = StreamedTask(1);
  const Model model = ModelOf(manifest);
  const TaskContext context;
  SystemRandom random;
  InBlocks trainer(delta);
  std::size_t given = 0;
  const auto streamed = StreamUpdate(
      task, model, trainer,
      [&](const UpdateBlock& block) { given += block.values.size(); }, context);
  CHECK(given == 2800);
  CHECK(streamed.status() ==
        TrainUpdate(task, model, trainer, {}, random, context).status());
  CHECK(streamed.status().message() ==
        "the delta of norm.mean is not finite at 5");
}

TEST_CASE("of a result that makes no sense no block is given") {
  const v1::Task task = StreamedTask(1);
  const Model model = ModelOf(manifest);
  const TaskContext context;
  SystemRandom random;
  const TrainResult results[] = {
      {.examples = 0, .loss = 1},
      {.examples = 1, .loss = std::numeric_limits<double>::infinity()}};
  for (const TrainResult& result : results) {
    InBlocks trainer(RandomDelta(0.5F), result);
    const auto streamed = StreamUpdate(
        task, model, trainer, [](const UpdateBlock&) { FAIL("a block"); },
        context);
    CHECK(streamed.status() ==
          TrainUpdate(task, model, trainer, {}, random, context).status());
    CHECK_FALSE(streamed.ok());
  }
}

TEST_CASE("a trainer without a way of its own is streamed as one block") {
  class Plain final : public Trainer {
   public:
    absl::StatusOr<TrainResult> Train(const TrainTask&, const Model&,
                                      std::span<float> delta,
                                      const TaskContext&) override {
      delta[0] = 0.5F;
      return kResult;
    }
  } trainer;
  const TaskContext context;
  SystemRandom random;
  std::vector<float> floats;
  REQUIRE(StreamUpdate(
              StreamedTask(1), ModelOf(manifest), trainer,
              [&](const UpdateBlock& block) {
                floats.assign(block.values.begin(), block.values.end());
              },
              context)
              .ok());
  REQUIRE(floats.size() == kLength);
  CHECK(floats[0] == 0.5F);
  CHECK(floats[1] == 0);
}

}  // namespace
}  // namespace tributary
