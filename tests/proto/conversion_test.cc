// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <variant>

#include "google/protobuf/util/message_differencer.h"
#include "proto/codec/plan.h"
#include "proto/codec/yaml.h"
#include "tests/proto/plans.h"
// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

TEST_CASE("the wire's encodings are the domain's, one to one") {
  const auto& values = *v1::UpdatePlan::Encoding_descriptor();
  int others = 0;
  for (int i = 0; i < values.value_count(); ++i) {
    // Packed updates are integers, not floats (integers_test.cc).
    if (values.value(i)->number() == v1::UpdatePlan::PACKED) continue;
    if (values.value(i)->number() == 0) continue;
    ++others;
    v1::UpdatePlan plan;
    plan.set_encoding(
        static_cast<v1::UpdatePlan::Encoding>(values.value(i)->number()));
    // The domain counts from 0, the wire from 1.
    CHECK(static_cast<int>(ToEncoding(plan).encoding) ==
          values.value(i)->number() - 1);
  }
  CHECK(others == static_cast<int>(aggregation::Encoding::kTopK) + 1);
  CHECK(ToEncoding({}).encoding == aggregation::Encoding::kFloat32);
}

TEST_CASE("an update plan becomes the grids of both parts of the vector") {
  v1::UpdatePlan plan;
  plan.set_max_abs(4);
  plan.set_max_weight(100);
  plan.set_buffer_max_abs(64);
  const Manifest manifest({{"w", {2, 3}, true}, {"mean", {2}, false}});
  const auto layout = ToLayout(plan, manifest);
  REQUIRE(layout.ok());
  CHECK(layout->trainable == 6);
  CHECK(layout->length == 8);
  CHECK(layout->parameters.max_abs() == 4);
  CHECK(layout->buffers.max_abs() == 64);
  plan.set_max_abs(0);
  CHECK_FALSE(ToLayout(plan, manifest).ok());
}

TEST_CASE("server optimizers keep what the plan says and default the rest") {
  v1::ServerOptimizer plan;
  CHECK(std::get<aggregation::FedAvg>(ToOptimizer(plan)).learning_rate == 1);
  plan.mutable_fedavgm()->set_momentum(0.5);
  const auto fedavgm = std::get<aggregation::FedAvgM>(ToOptimizer(plan));
  CHECK(fedavgm.momentum == 0.5);
  CHECK(fedavgm.learning_rate == 1);
  plan.mutable_fedadam()->set_beta2(0.999);
  const auto fedadam = std::get<aggregation::FedAdam>(ToOptimizer(plan));
  CHECK(fedadam.beta2 == 0.999);
  CHECK(fedadam.learning_rate == 0.01);
  CHECK(fedadam.tau == 1e-3);
  plan.mutable_fedadagrad()->set_tau(0.25);
  const auto fedadagrad = std::get<aggregation::FedAdagrad>(ToOptimizer(plan));
  CHECK(fedadagrad.tau == 0.25);
  CHECK(fedadagrad.learning_rate == 0.1);
  plan.mutable_fedyogi()->set_beta1(0.5);
  const auto fedyogi = std::get<aggregation::FedYogi>(ToOptimizer(plan));
  CHECK(fedyogi.beta1 == 0.5);
  CHECK(fedyogi.beta2 == 0.99);
}

TEST_CASE("defaults of the plan and of the domain agree") {
  v1::Plan plan;
  REQUIRE(ParseYaml(kGoodPlan + "server_optimizer: {fedadam: {}}\n", "p", plan)
              .ok());
  const auto full = std::get<aggregation::FedAdam>(
      ToOptimizer(WithDefaults(plan).server_optimizer()));
  const aggregation::FedAdam own;
  CHECK(full.learning_rate == own.learning_rate);
  CHECK(full.beta1 == own.beta1);
  CHECK(full.beta2 == own.beta2);
  CHECK(full.tau == own.tau);

  v1::Plan adagrad;
  REQUIRE(ParseYaml(kGoodPlan + "server_optimizer: {fedadagrad: {}}\n", "p",
                    adagrad)
              .ok());
  const auto full_adagrad = std::get<aggregation::FedAdagrad>(
      ToOptimizer(WithDefaults(adagrad).server_optimizer()));
  const aggregation::FedAdagrad own_adagrad;
  CHECK(full_adagrad.learning_rate == own_adagrad.learning_rate);
  CHECK(full_adagrad.beta1 == own_adagrad.beta1);
  CHECK(full_adagrad.tau == own_adagrad.tau);

  v1::Plan yogi;
  REQUIRE(ParseYaml(kGoodPlan + "server_optimizer: {fedyogi: {}}\n", "p", yogi)
              .ok());
  const auto full_yogi = std::get<aggregation::FedYogi>(
      ToOptimizer(WithDefaults(yogi).server_optimizer()));
  const aggregation::FedYogi own_yogi;
  CHECK(full_yogi.learning_rate == own_yogi.learning_rate);
  CHECK(full_yogi.beta1 == own_yogi.beta1);
  CHECK(full_yogi.beta2 == own_yogi.beta2);
  CHECK(full_yogi.tau == own_yogi.tau);
}

TEST_CASE("an architecture is the same after JSON, in the same bytes") {
  for (const char* yaml :
       {"linear: {inputs: 3, outputs: 2}",
        "mlp: {inputs: 64, hidden: [32, 16], outputs: 10}",
        "mlp: {inputs: 64, outputs: 10}",
        "fedavg_cnn: {height: 28, width: 28, channels: 1, outputs: 62}",
        "conv1d: {channels: 3, length: 128, outputs: 6}",
        "gru: {inputs: 5, length: 24, hidden: 32, layers: 2, outputs: 1}",
        "char_gru: {vocabulary: 80, length: 20, embedding: 4, hidden: 16, "
        "layers: 1}",
        "autoencoder: {inputs: 64, hidden: [32, 8]}", "torchscript: 00ff"}) {
    v1::Architecture architecture;
    REQUIRE(ParseYaml(yaml, "a", architecture).ok());
    const std::string json = ArchitectureToJson(architecture);
    const auto read = ArchitectureFromJson(json);
    INFO(json);
    REQUIRE(read.ok());
    CHECK(google::protobuf::util::MessageDifferencer::Equals(*read,
                                                             architecture));
    CHECK(ArchitectureToJson(*read) == json);
  }
  v1::Architecture mlp;
  mlp.mutable_mlp()->set_inputs(64);
  mlp.mutable_mlp()->add_hidden(32);
  mlp.mutable_mlp()->set_outputs(10);
  CHECK(ArchitectureToJson(mlp) ==
        R"({"mlp":{"inputs":64,"hidden":[32],"outputs":10}})");
  v1::Architecture gru;
  gru.mutable_char_gru()->set_vocabulary(80);
  gru.mutable_char_gru()->set_length(20);
  gru.mutable_char_gru()->set_hidden(16);
  CHECK(ArchitectureToJson(gru) ==
        R"({"char_gru":{"vocabulary":80,"length":20,"embedding":8,)"
        R"("hidden":16,"layers":1}})");
}

TEST_CASE("JSON that is no architecture is refused") {
  for (const char* json :
       {"", "{}", "[]", "{\"mlp\":{}}", "{\"linear\":{\"inputs\":3}}",
        "{\"lstm\":{}}", "{\"linear\":{\"inputs\":-1,\"outputs\":2}}",
        "{\"linear\":{\"inputs\":3,\"outputs\":2,\"more\":1}}"}) {
    INFO(json);
    CHECK_FALSE(ArchitectureFromJson(json).ok());
  }
  CHECK_FALSE(ArchitectureFromJson(std::string(100'000, '[')).ok());
}

}  // namespace
}  // namespace tributary::codec
