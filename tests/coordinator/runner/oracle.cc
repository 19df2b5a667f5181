// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/runner/oracle.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <span>
#include <utility>

#include "aggregation/encoding.h"
#include "aggregation/mixing.h"
#include "aggregation/release.h"
#include "privacy/crypto/digest.h"
#include "privacy/crypto/random.h"
#include "proto/codec/plan.h"
#include "proto/codec/safetensors.h"
#include "proto/codec/strategy.h"
#include "proto/codec/yaml.h"

namespace tributary::testing {
namespace {

std::vector<float> Draw(const Key& key, double scale,
                        std::size_t length = TestManifest().Length()) {
  KeyedStream stream(key, "test");
  std::vector<float> values(length);
  for (float& value : values) {
    value = static_cast<float>((stream.Uniform() - 0.5) * scale);
  }
  return values;
}

// The buffers' names follow from the manifest.
std::map<std::string, std::string> FirstMetadata() {
  return {{"tributary.architecture", R"({"linear":{"inputs":2,"outputs":2}})"}};
}

std::string AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

v1::Plan MakePlan(const PlanChoice& choice) {
  v1::Plan plan;
  plan.set_name("Pump wear");
  plan.set_population(choice.population);
  plan.set_seed(7);
  auto& linear =
      *plan.mutable_model()->mutable_architecture()->mutable_linear();
  linear.set_inputs(2);
  linear.set_outputs(2);
  v1::RoundPlan& round = *plan.mutable_round();
  round.set_cohort_size(static_cast<std::uint32_t>(choice.clients));
  round.set_over_selection(1);
  round.set_min_updates(static_cast<std::uint32_t>(choice.min_updates));
  round.mutable_deadline()->set_seconds(choice.deadline_milliseconds / 1000);
  round.mutable_deadline()->set_nanos(choice.deadline_milliseconds % 1000 *
                                      1'000'000);
  round.mutable_retry_backoff()->set_nanos(10'000'000);
  plan.mutable_training()->set_epochs(1);
  plan.mutable_training()->set_batch_size(1);
  plan.mutable_training()->set_learning_rate(0.1);
  plan.mutable_update()->set_max_abs(1);
  plan.mutable_update()->set_max_weight(10);
  plan.mutable_update()->set_encoding(choice.encoding);
  switch (choice.optimizer) {
    case PlanChoice::Optimizer::kFedAvg:
      plan.mutable_server_optimizer()->mutable_fedavg();
      break;
    case PlanChoice::Optimizer::kFedAvgM:
      plan.mutable_server_optimizer()->mutable_fedavgm();
      break;
    case PlanChoice::Optimizer::kFedAdam:
      plan.mutable_server_optimizer()->mutable_fedadam();
      break;
  }
  plan.mutable_stop()->set_rounds(static_cast<std::uint32_t>(choice.rounds));
  if (!choice.strategy.empty()) {
    codec::ParseYaml(choice.strategy, "strategy", *plan.mutable_strategy())
        .IgnoreError();
  }
  if (!choice.sections.empty()) {
    v1::Plan sections;
    codec::ParseYaml(choice.sections, "sections", sections).IgnoreError();
    plan.MergeFrom(sections);
  }
  return plan;
}

Manifest TestManifest() {
  return Manifest({{"wide.weight", {1'000, 150}, true},
                   {"wide.bias", {37}, true},
                   {"norm.mean", {70'001}, false}});
}

std::string FirstModel() {
  std::string file =
      codec::FormatSafetensorsHeader(TestManifest(), FirstMetadata());
  const std::vector<float> weights = Draw(KeyFromSeed(1), 2);
  file += AsText(std::as_bytes(std::span(weights)));
  return file;
}

TestUpdate MakeUpdate(const v1::Task& task) {
  Key seed{};
  std::memcpy(seed.data(), task.seed().data(), seed.size());
  return MakeUpdate(
      task,
      Draw(seed, 1.5,
           codec::WithAuxiliary(TestManifest(), task.strategy()).Length()));
}

TestUpdate MakeUpdate(const v1::Task& task, std::vector<float> values) {
  TestUpdate update;
  update.values = std::move(values);
  Key seed{};
  std::memcpy(seed.data(), task.seed().data(), seed.size());
  KeyedStream rounding(seed, "rounding");
  update.bytes = AsText(aggregation::Encode(codec::ToEncoding(task.update()),
                                            update.values,
                                            [&] { return rounding.Word(); }));
  v1::UpdateHeader& header = update.header;
  header.set_task_token(task.task_token());
  header.set_encoding(task.update().encoding());
  header.set_size(update.bytes.size());
  header.set_checksum(XXH3_64bits(update.bytes.data(), update.bytes.size()));
  // 1 .. 16: some are over the plan's largest weight.
  header.set_weight(1 + seed[0] % 16);
  update.weight = std::min(header.weight(), 10u);
  header.set_base_model(task.model());
  header.set_train_loss(seed[1] / 256.0);
  return update;
}

std::vector<std::string> OracleModels(
    const v1::Plan& plan, const std::vector<std::vector<TestUpdate>>& rounds) {
  const v1::Plan effective = codec::WithDefaults(plan);
  const Manifest manifest =
      codec::WithAuxiliary(TestManifest(), effective.strategy());
  const auto layout =
      codec::ToLayout(effective.update(), manifest, effective.strategy())
          .value();
  const auto optimizer = codec::ToOptimizer(effective.server_optimizer());
  const auto strategy = codec::ToStrategy(effective);
  // What is submitted, with the strategy's tensor at zero behind it.
  const std::string first = FirstModel();
  const std::size_t given = TestManifest().Length() * sizeof(float);
  std::vector<float> weights(manifest.Length());
  std::memcpy(weights.data(), first.data() + first.size() - given, given);
  std::string model = codec::FormatSafetensorsHeader(manifest, FirstMetadata());
  const std::size_t data = model.size();
  std::vector<std::vector<float>> state(
      static_cast<std::size_t>(aggregation::StateVectors(optimizer) +
                               aggregation::StateVectors(strategy)),
      std::vector<float>(manifest.Length()));

  // By the name of their model.
  std::map<std::string, std::vector<float>> known;
  model += AsText(std::as_bytes(std::span(weights)));
  known[std::string(Sha256(model).AsBytes())] = weights;

  std::vector<std::string> models;
  for (const std::vector<TestUpdate>& updates : rounds) {
    aggregation::ExactSum sum(layout);
    for (const TestUpdate& update : updates) {
      // As the header says, whatever the client drew; in asynchronous rounds
      // as stale as it was.
      const auto weight = effective.has_asynchronous()
                              ? update.weight
                              : std::min(update.header.weight(), 10u);
      if (effective.update().encoding() == v1::UpdatePlan::PACKED) {
        sum.AddBlock(0, update.values, update.weight);
        sum.AddContribution(update.weight);
        continue;
      }
      aggregation::UpdateDecoder decoder(
          codec::ToEncoding(effective.update()).encoding, manifest.Length());
      (void)decoder.Feed(std::as_bytes(std::span<const char>(update.bytes)),
                         [&](std::size_t offset, auto values) {
                           sum.AddBlock(offset, values, weight);
                           return absl::OkStatus();
                         });
      sum.AddContribution(weight);
    }
    const bool is_mixed = effective.asynchronous().has_mixing();
    const double share = effective.asynchronous().mixing().rate() *
                         static_cast<double>(sum.weight()) /
                         effective.update().max_weight();
    if (effective.has_asynchronous() && !is_mixed) {
      sum.DivideBy(updates.size() * effective.update().max_weight());
    }
    const std::vector<float> latest = weights;
    if (is_mixed) weights = known.at(updates.front().header.base_model());
    const aggregation::Release release(std::move(sum), optimizer, strategy);
    const std::vector<std::span<float>> spans(state.begin(), state.end());
    release.Block(0, weights, spans);
    if (is_mixed) {
      const std::vector<float> trained = std::exchange(weights, latest);
      aggregation::Mix(share, weights, trained);
    }
    model.replace(data, std::string::npos,
                  AsText(std::as_bytes(std::span(weights))));
    models.push_back(model);
    known[std::string(Sha256(model).AsBytes())] = weights;
  }
  return models;
}

}  // namespace tributary::testing
