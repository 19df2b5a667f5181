// SPDX-License-Identifier: Apache-2.0
#include "client/core/integer_update.h"

#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "aggregation/integer_update.h"
#include "privacy/secagg/packing.h"
#include "proto/codec/integers.h"
#include "proto/codec/secagg.h"
#include "tests/privacy/secagg/cohort.h"

#include "tests/catch.h"

namespace tributary {
namespace {

using aggregation::IntegerFormat;

constexpr TrainResult kResult{.examples = 7, .loss = 0.25};
const Manifest manifest({{"fc.weight", {10, 20}, true},
                         {"fc.bias", {10}, true}});
constexpr std::size_t kLength = 210;

v1::Task PackedTask() {
  v1::Task task;
  task.set_kind(v1::Task::TRAIN);
  task.set_task_token(std::string(16, 't'));
  task.set_model(std::string(32, 'm'));
  task.set_seed(std::string(32, 's'));
  task.mutable_update()->set_encoding(v1::UpdatePlan::PACKED);
  task.mutable_update()->set_max_abs(0.5);
  task.mutable_update()->set_max_weight(5);
  task.mutable_update()->set_bits(12);
  task.mutable_integers()->set_word_bits(28);
  return task;
}
// Clips to this norm; the integers' norm is what the coordinator would ask for.
v1::Task PrivateTask(double clip_norm) {
  v1::Task task = PackedTask();
  task.mutable_update()->set_max_weight(1);
  v1::Plan plan;
  *plan.mutable_update() = task.update();
  plan.mutable_round()->set_cohort_size(20);
  plan.mutable_round()->set_over_selection(1);
  plan.mutable_privacy()->set_noise(v1::PrivacyPlan::CENTRAL);
  plan.mutable_privacy()->set_noise_multiplier(1);
  plan.mutable_privacy()->mutable_clipping()->set_norm(clip_norm);
  const auto integers = codec::ToIntegerUpdate(plan, manifest, clip_norm);
  INFO(integers.status().ToString());
  REQUIRE(integers.ok());
  *task.mutable_integers() = *integers;
  return task;
}

IntegerFormat FormatOf(const v1::Task& task) {
  const auto format =
      codec::ToIntegerFormat(task.integers(), task.update(), manifest, {});
  REQUIRE(format.ok());
  return *format;
}

v1::Task Masked(v1::Task task) {
  *task.mutable_secure() = codec::ToMessage(secagg::SomeTerms(5));
  return task;
}

std::vector<float> DeltaOf(std::uint64_t seed, float scale) {
  KeyedStream random(KeyFromSeed(seed), "delta");
  std::vector<float> delta(kLength);
  for (float& value : delta) {
    value = scale * static_cast<float>(2 * random.Uniform() - 1);
  }
  return delta;
}

absl::StatusOr<PreparedUpdate> Prepare(const v1::Task& task,
                                       const std::vector<float>& delta,
                                       std::uint64_t seed = 1) {
  KeyedStream random(KeyFromSeed(seed), "integers");
  return PrepareIntegers(task, manifest, kResult, delta, {}, random);
}

// The packed words, as integers around zero.
std::vector<std::int64_t> Unpack(const PreparedUpdate& update,
                                 const IntegerFormat& format) {
  std::vector<std::uint64_t> sum(format.Words());
  secagg::AddPacked({update.bytes->data(), update.bytes->size()},
                    format.word_bits, sum);
  std::vector<std::int64_t> words;
  for (const std::uint64_t word : sum) {
    const int rest = 64 - format.word_bits;
    words.push_back(static_cast<std::int64_t>(word << rest) >> rest);
  }
  return words;
}

TEST_CASE("without privacy a word is the weighted nearest grid point") {
  CHECK(rc::check([] {
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    // So that some values are over the bound, or none.
    const auto scale = *rc::gen::element(0.1F, 0.5F, 2.0F);
    const std::vector<float> delta = DeltaOf(seed, scale);
    const v1::Task task = PackedTask();
    const IntegerFormat format = FormatOf(task);
    const auto prepared = Prepare(task, delta);
    RC_ASSERT(prepared.ok());
    const std::vector<std::int64_t> words = Unpack(*prepared, format);
    // examples are clipped to max_weight, 5.
    std::uint64_t clamped = 0;
    for (std::size_t i = 0; i < kLength; ++i) {
      const double value = std::clamp(static_cast<double>(delta[i]), -0.5, 0.5);
      clamped += std::fabs(delta[i]) > 0.5F;
      RC_ASSERT(words[i] ==
                5 * std::lrint(value / format.layout.parameters.step()));
    }
    RC_ASSERT(prepared->saturated == clamped);
    RC_ASSERT(words[kLength] == 5);
    RC_ASSERT(words[kLength + 1] ==
              5 * std::lrint(0.25 / aggregation::kLossStep));
  }));
}

TEST_CASE("the header says nothing of one client alone") {
  for (const v1::Task& task : {PackedTask(), PrivateTask(1)}) {
    const auto prepared = Prepare(task, DeltaOf(1, 1));
    REQUIRE(prepared.ok());
    CHECK(prepared->header.weight() == 1);
    CHECK(prepared->header.train_loss() == 0);
    CHECK(prepared->header.encoding() == v1::UpdatePlan::PACKED);
    CHECK(prepared->header.size() == prepared->bytes->size());
    CHECK(prepared->header.task_token() == task.task_token());
    CHECK(prepared->header.base_model() == task.model());
  }
}

TEST_CASE("what is to be masked stays words, and is the same") {
  const auto open = Prepare(PackedTask(), DeltaOf(1, 1));
  const auto masked = Prepare(Masked(PackedTask()), DeltaOf(1, 1));
  REQUIRE(open.ok());
  REQUIRE(masked.ok());
  CHECK(open->words == nullptr);
  CHECK(masked->bytes == nullptr);
  REQUIRE(masked->words != nullptr);
  const auto words = masked->words->get();
  CHECK(std::vector<std::int64_t>(words.begin(), words.end()) ==
        Unpack(*open, FormatOf(PackedTask())));
  CHECK(masked->header.size() == open->header.size());
}

TEST_CASE("under privacy the integers' norm is never over the bound") {
  CHECK(rc::check([] {
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    const auto clip = *rc::gen::element(0.01, 0.3, 1.0, 50.0);
    const auto scale = *rc::gen::element(1e-4F, 0.1F, 1.0F, 1e6F);
    v1::Task task = PrivateTask(clip);
    task.mutable_integers()->set_per_layer(*rc::gen::arbitrary<bool>());
    const auto prepared = Prepare(task, DeltaOf(seed, scale), seed);
    RC_ASSERT(prepared.ok());
    const std::vector<std::int64_t> words = Unpack(*prepared, FormatOf(task));
    RC_ASSERT(words.size() == kLength);
    RC_ASSERT(aggregation::IsWithin(aggregation::SquaredNorm(words),
                                    task.integers().norm_bound()));
  }));
}

TEST_CASE("a clipped update is said to be clipped, to its owner alone") {
  v1::Task task = PrivateTask(1);
  task.mutable_integers()->set_clip_word(true);
  const auto small = Prepare(task, DeltaOf(1, 0.01F));
  const auto large = Prepare(task, DeltaOf(1, 1));
  REQUIRE(small.ok());
  REQUIRE(large.ok());
  CHECK(small->saturated == 0);
  CHECK(large->saturated == kLength);
  CHECK(small->clip_norm == 0);
  CHECK(large->clip_norm > 0);
  CHECK(Unpack(*small, FormatOf(task)).back() == 1);
  CHECK(Unpack(*large, FormatOf(task)).back() == -1);
}

TEST_CASE("the client's noise is on every word, the clip word's its own") {
  v1::Task task = PrivateTask(1);
  task.mutable_integers()->set_word_bits(40);
  task.mutable_integers()->set_clip_word(true);
  task.mutable_integers()->set_noise_variance(1e4);
  task.mutable_integers()->set_clip_word_variance(4e6);
  for (const auto noise :
       {v1::IntegerUpdate::SKELLAM, v1::IntegerUpdate::DISCRETE_GAUSSIAN}) {
    task.mutable_integers()->set_noise(noise);
    // Of zeros, nothing but the noise is left. 1,000 times 210 words and one:
    // the mean square is off by 7 standard deviations once in 10^11.
    double words_squared = 0;
    double clip_squared = 0;
    constexpr int kTimes = 1000;
    KeyedStream random(KeyFromSeed(5), "noise");
    for (int i = 0; i < kTimes; ++i) {
      const auto prepared = PrepareIntegers(
          task, manifest, kResult, std::vector<float>(kLength), {}, random);
      REQUIRE(prepared.ok());
      std::vector<std::int64_t> words = Unpack(*prepared, FormatOf(task));
      clip_squared += std::pow(static_cast<double>(words.back() - 1), 2);
      words.pop_back();
      for (const std::int64_t word : words) {
        words_squared += std::pow(static_cast<double>(word), 2);
      }
    }
    CHECK(words_squared / (kTimes * kLength) ==
          Approx(1e4).epsilon(7 * std::sqrt(2.0 / (kTimes * kLength))));
    CHECK(clip_squared / kTimes ==
          Approx(4e6).epsilon(7 * std::sqrt(2.0 / kTimes)));
  }
}

TEST_CASE("what fits a session's terms is masked whatever training gives") {
  // A buffer and a strategy's scalar have grids of their own.
  const Manifest buffered({{"w", {20}, true}, {"running", {5}, false}});
  CHECK(rc::check([&] {
    v1::Task task = PackedTask();
    task.mutable_update()->set_buffer_max_abs(1e-3);
    if (*rc::gen::arbitrary<bool>()) {
      task.mutable_strategy()->mutable_fednova()->set_max_steps(8);
    }
    if (*rc::gen::arbitrary<bool>()) {
      task.mutable_update()->set_max_weight(1);
      task.mutable_integers()->set_clip_norm(*rc::gen::element(0.01, 1.0, 1e9));
      task.mutable_integers()->set_norm_bound(1e12);
      task.mutable_integers()->set_clip_word(*rc::gen::arbitrary<bool>());
      task.mutable_integers()->set_noise(v1::IntegerUpdate::SKELLAM);
      task.mutable_integers()->set_noise_variance(10'000);
      task.mutable_integers()->set_clip_word_variance(1'000'000);
    }
    const auto format = codec::ToIntegerFormat(task.integers(), task.update(),
                                               buffered, task.strategy());
    RC_ASSERT(format.ok());
    secagg::Terms terms =
        secagg::SomeTerms(*rc::gen::inRange(5u, 100'000u),
                          static_cast<std::uint32_t>(format->Words()));
    terms.word_bits = 28;
    *task.mutable_secure() = codec::ToMessage(terms);
    task.set_run("run");
    const bool fits = CheckIntegers(task, buffered).ok();
    RC_CLASSIFY(fits);
    if (!fits) return;
    const float scale = *rc::gen::element(1e-3F, 1.0F, 1e6F, 1e30F);
    std::vector<float> delta =
        DeltaOf(*rc::gen::arbitrary<std::uint64_t>(), scale);
    delta.resize(format->layout.length);
    KeyedStream random(Key{}, "integers");
    const auto prepared =
        PrepareIntegers(task, buffered, {.examples = 1'000'000, .loss = 1e9},
                        delta, {}, random);
    RC_ASSERT(prepared.ok());
    for (const std::int64_t word : prepared->words->get()) {
      RC_ASSERT(std::abs(word) <= terms.LargestInput());
    }
  }));
}

TEST_CASE("an integer task that makes no sense is refused with the reason") {
  const auto reason = [](const v1::Task& task,
                         const std::vector<float>& delta) {
    return std::string(Prepare(task, delta).status().message());
  };
  std::vector<float> delta = DeltaOf(1, 1);
  delta[203] = std::numeric_limits<float>::quiet_NaN();
  for (const v1::Task& task : {PackedTask(), PrivateTask(1)}) {
    CHECK(reason(task, delta) == "the delta of fc.bias is not finite at 3");
    CHECK(reason(task, {1, 2}) ==
          "an update of 2 floats where 210 are expected");
  }
  delta = DeltaOf(1, 1);
  v1::Task task = PackedTask();
  task.clear_integers();
  CHECK(reason(task, delta) == "integers.word_bits: 0 is not in 8 .. 62");
  task = PrivateTask(1);
  task.mutable_integers()->set_norm_bound(1);
  CHECK(reason(task, delta) ==
        "integers.norm_bound: 1 is below the clip norm's 2048 grid points");
  task = PrivateTask(1);
  task.mutable_integers()->set_noise(v1::IntegerUpdate::SKELLAM);
  task.mutable_integers()->set_noise_variance(1e14);
  CHECK(reason(task, delta).find("variance") != std::string::npos);
}

}  // namespace
}  // namespace tributary
