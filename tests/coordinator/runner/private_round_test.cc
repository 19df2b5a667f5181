// SPDX-License-Identifier: Apache-2.0
// A round under central differential privacy, without masks: each update is
// within its bound, and the model moves by the noised sum.
#include <xxhash.h>

#include <cmath>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "aggregation/integer_update.h"
#include "proto/codec/integers.h"
#include "proto/codec/safetensors.h"
#include "tests/coordinator/runner/federation.h"
#include "tests/coordinator/secure/integer_plans.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

constexpr std::size_t kLength = 150'000;
constexpr double kClip = 0.5;

// No buffers: they would not be clipped.
Manifest PrivateManifest() {
  return Manifest({{.name = "weights", .shape = {kLength}}});
}

struct PrivateRound {
  PrivateRound() {
    v1::Plan plan =
        MakePlan({.clients = 2,
                  .min_updates = 1,
                  .rounds = 1,
                  .encoding = v1::UpdatePlan::PACKED,
                  .optimizer = PlanChoice::Optimizer::kFedAvg,
                  .sections = Private("central", "{norm: 0.5}", 2)});
    plan.clear_seed();
    plan.mutable_update()->set_max_weight(1);
    std::string model = codec::FormatSafetensorsHeader(
        PrivateManifest(),
        {{"tributary.architecture", R"({"linear":{"inputs":2,"outputs":2}})"}});
    model.append(kLength * sizeof(float), '\0');
    bool is_given = false;
    const auto digest =
        federation.coordinator().StoreBlob([&]() -> std::string {
          return std::exchange(is_given, true) ? "" : model;
        });
    const auto submitted =
        federation.coordinator().Submit(plan, *digest, nullptr);
    INFO(submitted.status().ToString());
    REQUIRE(submitted.ok());
    run = submitted->run();
    for (const char* client : {"bad", "good"}) {
      federation.Join(client);
      federation.CheckIn(client);
    }
    bad = federation.AwaitTask("bad");
    good = federation.AwaitTask("good");
  }

  // All coordinates `value` grid points.
  TestUpdate Update(const v1::Task& task, std::int64_t value) {
    const auto format = codec::ToIntegerFormat(
        task.integers(), task.update(), PrivateManifest(), task.strategy());
    REQUIRE(format.ok());
    step = format->layout.parameters.step();
    const std::vector<std::int64_t> words(format->Words(), value);
    const auto packed = Packed(format->word_bits, words);
    TestUpdate update;
    update.bytes.assign(reinterpret_cast<const char*>(packed.data()),
                        packed.size());
    v1::UpdateHeader& header = update.header;
    header.set_task_token(task.task_token());
    header.set_encoding(v1::UpdatePlan::PACKED);
    header.set_size(update.bytes.size());
    header.set_checksum(XXH3_64bits(update.bytes.data(), update.bytes.size()));
    header.set_weight(1);
    header.set_base_model(task.model());
    return update;
  }

  Federation federation;
  std::string run;
  v1::Task bad;
  v1::Task good;
  double step = 0;
};

TEST_CASE("an update over the norm is refused, and the rest gets its noise") {
  PrivateRound round;
  const v1::IntegerUpdate& integers = round.good.integers();
  CHECK(integers.clip_norm() == kClip);
  CHECK(integers.noise() == v1::IntegerUpdate::NOISE_UNSPECIFIED);
  const auto most = static_cast<std::int64_t>(integers.norm_bound() /
                                              std::sqrt(double{kLength}));
  const v1::Verdict refused =
      round.federation.Return("bad", round.Update(round.bad, most + 1));
  CHECK(refused.reason() == v1::OVER_BOUND);
  CHECK(refused.detail().find("norm") != std::string::npos);
  CHECK(round.federation.Return("good", round.Update(round.good, most))
            .accepted());
  round.federation.mail().Await(
      [](const Letter& letter) { return letter.message.has_come_back(); });
  const v1::RunDetail shown = round.federation.Show(round.run);
  CHECK(shown.summary().state() == v1::FINISHED);
  REQUIRE(shown.rounds_size() == 1);
  CHECK(shown.rounds(0).accepted() == 1);

  // x = (sum + noise) step / cohort, from zero; one update of the two came.
  const std::string model = round.federation.ModelBytes(round.run, 1);
  std::vector<float> weights(kLength);
  std::memcpy(weights.data(), model.data() + model.size() - kLength * 4,
              kLength * 4);
  double sum = 0;
  double squares = 0;
  for (const float weight : weights) {
    const double noise = weight * 2 / round.step - static_cast<double>(most);
    sum += noise;
    squares += noise * noise;
  }
  const double deviation = 1.5 * integers.norm_bound();
  // 150,000 draws: the mean is known to 0.26 % of the deviation, the deviation
  // to 0.18 %; six of these.
  CHECK(std::abs(sum / kLength) < 6 * 0.0026 * deviation);
  CHECK(std::sqrt(squares / kLength) == Approx(deviation).epsilon(6 * 0.0018));
}

}  // namespace
}  // namespace tributary::testing
