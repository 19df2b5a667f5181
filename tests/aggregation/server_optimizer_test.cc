// SPDX-License-Identifier: Apache-2.0
// Known answers come from the formulas of Reddi et al. 2021, algorithm 2 (and
// of Hsu et al. 2019 for FedAvgM), evaluated in Python's doubles with every
// stored value rounded through struct.pack('f'), over two rounds:
//   x = [1, -2, .5];  d = [.5, -.25, 0], then [.125, .75, -1]
#include "aggregation/server_optimizer.h"

#include <cmath>
#include <string>
#include <vector>

#include "tests/aggregation/vectors.h"

#include "tests/catch.h"

namespace tributary::aggregation {
namespace {

using Vector = std::vector<float>;

struct Model {
  Vector x = {1, -2, 0.5f};
  std::vector<Vector> state;
};

Model AfterTwoRounds(const ServerOptimizer& optimizer) {
  Model model;
  model.state.resize(StateVectors(optimizer), Vector(3, 0.0f));
  const std::vector<std::span<float>> state(model.state.begin(),
                                            model.state.end());
  StepBlock(optimizer, model.x, Vector{0.5f, -0.25f, 0}, state);
  StepBlock(optimizer, model.x, Vector{0.125f, 0.75f, -1}, state);
  return model;
}

std::string ErrorOf(const ServerOptimizer& optimizer) {
  return std::string(Validate(optimizer).message());
}

TEST_CASE("FedAvg adds the scaled mean") {
  const Model model = AfterTwoRounds(FedAvg{.learning_rate = 0.5});
  CHECK(model.x == Vector{1.3125f, -1.75f, 0});
}

TEST_CASE("FedAvgM keeps momentum between rounds") {
  const Model model =
      AfterTwoRounds(FedAvgM{.learning_rate = 0.5, .momentum = 0.9});
  CHECK(model.x == Vector{1.53750002f, -1.86249995f, 0});
  CHECK(model.state[0] == Vector{0.574999988f, 0.524999976f, -1});
}

TEST_CASE("FedAdam divides by the root of the second moment, uncorrected") {
  const Model model = AfterTwoRounds(FedAdam{.learning_rate = 0.1});
  CHECK(model.x == Vector{1.20799088f, -2.03054309f, 0.400990099f});
  CHECK(model.state[0] == Vector{0.057500001f, 0.0524999984f, -0.100000001f});
  CHECK(model.state[1] ==
        Vector{0.00263124984f, 0.00624374999f, 0.00999999978f});
}

TEST_CASE("FedAdagrad adds up the squares") {
  const Model model =
      AfterTwoRounds(FedAdagrad{.learning_rate = 0.1, .beta1 = 0.5});
  CHECK(model.x == Vector{1.08621001f, -2.01032233f, 0.450049937f});
  CHECK(model.state[0] == Vector{0.1875f, 0.3125f, -0.5f});
  CHECK(model.state[1] == Vector{0.265625f, 0.625f, 1});
}

// In the second round the first d is smaller than the root of v, the others are
// larger.
TEST_CASE("FedYogi moves the second moment towards the square by its sign") {
  const Model model =
      AfterTwoRounds(FedYogi{.learning_rate = 0.1, .beta2 = 0.9});
  CHECK(model.x == Vector{1.06873918f, -2.0103116f, 0.468476921f});
  CHECK(model.state[0] == Vector{0.057500001f, 0.0524999984f, -0.100000001f});
  CHECK(model.state[1] == Vector{0.0234375f, 0.0625f, 0.100000001f});
}

TEST_CASE("blocks cut anywhere take the same step to the bit") {
  KeyedStream random(KeyFromSeed(13));
  for (const ServerOptimizer& optimizer :
       {ServerOptimizer(FedAvg{}), ServerOptimizer(FedAvgM{}),
        ServerOptimizer(FedAdam{}), ServerOptimizer(FedAdagrad{}),
        ServerOptimizer(FedYogi{})}) {
    const Vector d = UniformVector(random, 1'000, 1);
    const Vector x = UniformVector(random, 1'000, 1);
    const auto step = [&](std::size_t longest) {
      Vector moved = x;
      std::vector<Vector> state(StateVectors(optimizer), Vector(1'000, 0.25f));
      for (std::size_t first = 0; first < x.size();) {
        const std::size_t count =
            std::min(x.size() - first, 1 + random.Below(longest));
        std::vector<std::span<float>> parts;
        for (Vector& vector : state) {
          parts.push_back(std::span(vector).subspan(first, count));
        }
        StepBlock(optimizer, std::span(moved).subspan(first, count),
                  std::span(d).subspan(first, count), parts);
        first += count;
      }
      return moved;
    };
    const Vector whole = step(100'000);
    CHECK(HasSameBits(step(1), whole));
    CHECK(HasSameBits(step(37), whole));
  }
}

TEST_CASE("an option out of range is refused by its key") {
  CHECK(ErrorOf(FedAvg{.learning_rate = 0}) ==
        "server_optimizer.fedavg.learning_rate: 0 is not a finite number over "
        "0");
  CHECK(ErrorOf(FedAvgM{.momentum = 1}) ==
        "server_optimizer.fedavgm.momentum: 1 is not in [0, 1)");
  CHECK(ErrorOf(FedAdam{.beta1 = -0.1})
            .find("server_optimizer.fedadam.beta1: -0.1") == 0);
  CHECK(ErrorOf(FedAdam{.beta2 = std::nan("")})
            .find("server_optimizer.fedadam.beta2: nan") == 0);
  CHECK(ErrorOf(FedAdam{.tau = 0}).find("server_optimizer.fedadam.tau: 0") ==
        0);
  CHECK(ErrorOf(FedAdagrad{.beta1 = 1})
            .find("server_optimizer.fedadagrad.beta1: 1") == 0);
  CHECK(ErrorOf(FedYogi{.learning_rate = -1})
            .find("server_optimizer.fedyogi.learning_rate: -1") == 0);
  CHECK(ErrorOf(FedAdam{}).empty());
  CHECK(ErrorOf(FedAdagrad{}).empty());
  CHECK(ErrorOf(FedYogi{}).empty());
  CHECK(ErrorOf(FedAvgM{.momentum = 0}).empty());
}

}  // namespace
}  // namespace tributary::aggregation
