// SPDX-License-Identifier: Apache-2.0
#include "client/core/strategy.h"

#include <cmath>
#include <limits>
#include <vector>

#include "client/core/personal.h"
#include "tests/client/core/quadratic_federation.h"

namespace tributary::testing {
namespace {

using Vector = std::vector<float>;

QuadraticClient ClientWith(Vector minimum, double curvature = 1,
                           std::uint32_t examples = 1, int steps = 1) {
  QuadraticClient client;
  client.minimum = std::move(minimum);
  client.curvature = curvature;
  client.examples = examples;
  client.steps = steps;
  return client;
}

// sum p h e / sum p h, where the weighted mean of the losses is least.
double Optimum(const std::vector<QuadraticClient>& clients) {
  double above = 0;
  double below = 0;
  for (const QuadraticClient& client : clients) {
    above += client.examples * client.curvature * client.minimum[0];
    below += client.examples * client.curvature;
  }
  return above / below;
}

// ---- one task by hand: x = 0, lr 1/8 ----

TEST_CASE("without a strategy the update is the delta") {
  QuadraticFederation federation("");
  QuadraticClient client = ClientWith({8, -8});
  CHECK(federation.UpdateOf(client) == Vector{1, -1});
  CHECK(client.state.IsEmpty());
}

// Wang et al. 2020, section 4: tau = |a|_1 is the number of steps for SGD.
TEST_CASE("FedNova sends the delta of one step and the number of steps") {
  QuadraticFederation federation("{fednova: {}}");
  QuadraticClient client = ClientWith({8, -8}, 1, 1, 2);
  // Two steps: 1, then 1 + 7/8.
  CHECK(federation.UpdateOf(client) == Vector{0.9375f, -0.9375f, 2});
}

// The same section: a = [1 - r^(K-k)] / (1 - r) under momentum r, so with K = 3
// and r = 1/2 |a|_1 = 1 + 3/2 + 7/4; and a = (1 - eta mu)^(K-1-k) under a
// proximal term, so with eta mu = 1/2 |a|_1 = 1 + 1/2 + 1/4.
TEST_CASE("FedNova counts steps as momentum and the proximal term do") {
  Model model;
  model.manifest = Manifest({{.name = "w", .shape = {1}}});
  model.weights = {0};
  QuadraticClient client = ClientWith({1}, 1, 1, 3);
  TrainTask task;
  task.training.epochs = 1;
  task.training.learning_rate = 0.125;
  v1::Task wire;
  wire.mutable_strategy()->mutable_fednova()->set_max_steps(10);
  const auto tau = [&] {
    return RunStrategy(wire, task, model, client, {}, TaskContext())
        .value()
        .update.back();
  };
  CHECK(tau() == 3);
  task.training.momentum = 0.5;
  CHECK(tau() == 4.25f);
  task.training.momentum = 0;
  task.training.proximal_mu = 4;
  CHECK(tau() == 1.75f);
}

// Karimireddy et al. 2020, (4): with one step from c = c_i = 0 the new control
// is the gradient at x, -e; the next step goes with g + c - c_i.
TEST_CASE("SCAFFOLD's control is the mean gradient of a task") {
  QuadraticFederation federation("{scaffold: {clients: 2}}");
  QuadraticClient client = ClientWith({8, -8}, 1, 1, 2);
  CHECK(federation.UpdateOf(client) == Vector{1.875f, -1.875f, -7.5f, 7.5f});
  CHECK(client.state.control == Vector{-7.5f, 7.5f});
  // c = 1/2: steps with g + 8 from x = 0: -8 + 8 = 0, so nothing moves.
  federation.model.auxiliary = {0.5f, -0.5f};
  CHECK(federation.UpdateOf(client) == Vector{0, 0, -0.5f, 0.5f});
  CHECK(client.state.control == Vector{-8, 8});
}

TEST_CASE("a change of the control over its bound is clamped and kept so") {
  QuadraticFederation federation("{scaffold: {clients: 2, max_control: 2}}");
  QuadraticClient client = ClientWith({8, -8});
  CHECK(federation.UpdateOf(client) == Vector{1, -1, -2, 2});
  CHECK(client.state.control == Vector{-2, 2});
}

// Acar et al. 2021, algorithm 1: h_i <- h_i - alpha (theta_i - theta).
TEST_CASE("FedDyn trains against its own state and moves it by the delta") {
  QuadraticFederation federation("{feddyn: {alpha: 0.5, clients: 2}}");
  QuadraticClient client = ClientWith({8, -8});
  CHECK(federation.UpdateOf(client) == Vector{1, -1});
  CHECK(client.state.control == Vector{-0.5f, 0.5f});
  // g - h_i = -8 + 1/2.
  CHECK(federation.UpdateOf(client) == Vector{0.9375f, -0.9375f});
  CHECK(client.state.control == Vector{-0.96875f, 0.96875f});
}

// Li et al. 2020, algorithm 2, with F = 64, L = 8 and max_loss = 64, so f = 1:
// F^q delta / max_loss^q, and 1 + q L |delta|^2 / max_loss.
TEST_CASE("q-FedAvg weighs the delta by the loss it started from") {
  QuadraticFederation federation("{qfedavg: {q: 2, max_loss: 64}}");
  QuadraticClient client = ClientWith({8, -8});
  CHECK(federation.UpdateOf(client) == Vector{1, -1, 1 + 2 * 8 * 2.0f / 64});
  // A quarter of the loss: f^2 = 1/16.
  QuadraticClient content = ClientWith({4, -4});
  CHECK(federation.UpdateOf(content) ==
        Vector{0.5f / 16, -0.5f / 16, 1.0f / 16 + 2.0f / 4 * 8 * 0.5f / 64});
  // A loss over the bound counts as the bound.
  QuadraticClient unhappy = ClientWith({16, -16});
  CHECK(federation.UpdateOf(unhappy) == Vector{2, -2, 1 + 2 * 8 * 8.0f / 64});
}

TEST_CASE("a normaliser over its bound scales the whole update") {
  QuadraticFederation federation(
      "{qfedavg: {q: 1, max_loss: 64, lipschitz: 96, max_normaliser: 2}}");
  QuadraticClient client = ClientWith({8, -8});
  // 1 + 96 * 2 / 64 = 4: half of everything.
  CHECK(federation.UpdateOf(client) == Vector{0.5f, -0.5f, 2});
}

TEST_CASE("FedPer keeps its local tensor and sends zero for it") {
  QuadraticFederation federation("{fedper: {local: [head]}}");
  QuadraticClient client = ClientWith({8, -8});
  CHECK(federation.UpdateOf(client) == Vector{1, 0});
  CHECK(client.state.local == Vector{-1});
  CHECK(federation.UpdateOf(client) == Vector{1, 0});
  CHECK(client.state.local == Vector{-1.875f});
}

TEST_CASE("the personal model has the client's own values in their places") {
  QuadraticFederation federation("{fedper: {local: [head]}}");
  QuadraticClient client = ClientWith({8, -8});
  federation.model.weights = {3, 4};
  CHECK_FALSE(IsPersonal(client.state));
  CHECK(WithPersonalValues(federation.model, client.state).weights ==
        Vector{3, 4});
  federation.UpdateOf(client);
  CHECK(IsPersonal(client.state));
  // 4 - (4 + 8) / 8.
  CHECK(WithPersonalValues(federation.model, client.state).weights ==
        Vector{3, 2.5f});
  client.state.places = {{7, 8}};
  CHECK(WithPersonalValues(federation.model, client.state).weights ==
        Vector{3, 4});
}

// Collins et al. 2021: with the body coupled to nothing the two passes do not
// show here but in their number: the head makes head_epochs passes.
TEST_CASE("FedRep trains the head first, then the body") {
  QuadraticFederation federation("{fedrep: {local: [head], head_epochs: 2}}");
  QuadraticClient client = ClientWith({8, -8});
  CHECK(federation.UpdateOf(client) == Vector{1, 0});
  CHECK(client.state.local == Vector{-1.875f});
}

// Li et al. 2021, algorithm 1, lambda = 4: v <- v - eta (g(v) + lambda (v -
// x)).
TEST_CASE("Ditto trains a model of the client's own, pulled towards x") {
  QuadraticFederation federation("{ditto: {lambda: 4}}");
  QuadraticClient client = ClientWith({8, -8});
  CHECK(federation.UpdateOf(client) == Vector{1, -1});
  CHECK(client.state.local == Vector{1, -1});
  // v = 1, x = 0: 1 - (1 - 8 + 4) / 8.
  CHECK(federation.UpdateOf(client) == Vector{1, -1});
  CHECK(client.state.local == Vector{1.375f, -1.375f});
}

// ---- what the papers promise, over many rounds ----

// Clients that take 1 and 12 steps.
std::vector<QuadraticClient> Uneven() {
  return {ClientWith({4, 0}, 1, 3, 1), ClientWith({-4, 0}, 1, 1, 12)};
}

TEST_CASE("FedAvg is drawn to the client with more steps") {
  std::vector<QuadraticClient> clients = Uneven();
  QuadraticFederation federation("");
  federation.Rounds(200, clients);
  CHECK(Optimum(clients) == 2);
  CHECK(federation.model.weights[0] < 0.5f);
}

// Wang et al. 2020, theorem 1: FedAvg minimises a surrogate, FedNova the
// objective. On quadratics with small steps the rest of the bias goes with eta.
TEST_CASE("FedNova removes the pull of uneven numbers of steps") {
  std::vector<QuadraticClient> clients = Uneven();
  QuadraticFederation averaged("", 0.005);
  averaged.Rounds(3'000, clients);
  QuadraticFederation normalised("{fednova: {}}", 0.005);
  normalised.Rounds(3'000, clients);
  CHECK(std::abs(averaged.model.weights[0] - 2) > 2);
  CHECK(std::abs(normalised.model.weights[0] - 2) < 0.1);
}

// Clients that bend differently: local steps of FedAvg end beside the optimum.
std::vector<QuadraticClient> Bent() {
  return {ClientWith({4, 1}, 4, 1, 8), ClientWith({-4, -1}, 0.5, 1, 8)};
}

TEST_CASE("FedAvg ends beside the optimum of clients that differ") {
  std::vector<QuadraticClient> clients = Bent();
  QuadraticFederation federation("");
  federation.Rounds(300, clients);
  CHECK(std::abs(federation.model.weights[0] - Optimum(clients)) > 1);
}

// Karimireddy et al. 2020, theorem III: no dependence on how the clients
// differ.
TEST_CASE("SCAFFOLD ends at the optimum of clients that differ") {
  std::vector<QuadraticClient> clients = Bent();
  QuadraticFederation federation("{scaffold: {clients: 2}}");
  federation.Rounds(300, clients);
  CHECK(std::abs(federation.model.weights[0] - Optimum(clients)) < 1e-4);
  // At the optimum the controls are the gradients there, and cancel out.
  CHECK(std::abs(federation.model.auxiliary[0]) < 1e-3);
  CHECK(std::abs(clients[0].state.control[0]) > 1);
}

// Acar et al. 2021, theorem 1: the stationary point is that of the mean loss.
TEST_CASE("FedDyn ends at the optimum of clients that differ") {
  std::vector<QuadraticClient> clients = Bent();
  QuadraticFederation federation("{feddyn: {alpha: 0.5, clients: 2}}");
  federation.Rounds(600, clients);
  CHECK(std::abs(federation.model.weights[0] - Optimum(clients)) < 1e-3);
}

// Li et al. 2020, (2): the larger q, the more even the losses.
TEST_CASE("q-FedAvg makes losses even at some cost of their mean") {
  const auto gap_after = [](const std::string& strategy) {
    std::vector<QuadraticClient> clients = {ClientWith({2, 0}, 1, 3),
                                            ClientWith({-2, 0}, 1, 1)};
    QuadraticFederation federation(strategy);
    federation.Rounds(400, clients);
    const double x = federation.model.weights[0];
    return clients[1].LossAt({x, 0}) - clients[0].LossAt({x, 0});
  };
  const double even = gap_after("");
  const double fair = gap_after("{qfedavg: {q: 1}}");
  const double fairer = gap_after("{qfedavg: {q: 5}}");
  // 3 (x-2)^3 + (x+2)^3 = 0 at x = 2 (3^(1/3) - 1) / (3^(1/3) + 1).
  const double root = std::cbrt(3.0);
  const double x = 2 * (root - 1) / (root + 1);
  CHECK(std::abs(even - 4) < 1e-3);
  CHECK(std::abs(fair - 4 * x) < 1e-2);
  CHECK(fairer < fair);
  CHECK(fairer > 0);
}

TEST_CASE("a q near zero is FedAvg") {
  std::vector<QuadraticClient> clients = Bent();
  QuadraticFederation averaged("");
  QuadraticFederation nearly("{qfedavg: {q: 1e-6}}");
  averaged.Rounds(20, clients);
  nearly.Rounds(20, clients);
  CHECK(std::abs(averaged.model.weights[0] - nearly.model.weights[0]) < 1e-3);
}

TEST_CASE("with a local head every client has its own, and one body") {
  for (const char* strategy :
       {"{fedper: {local: [head]}}", "{fedrep: {local: [head]}}"}) {
    INFO(strategy);
    std::vector<QuadraticClient> clients = {ClientWith({2, 4}),
                                            ClientWith({6, -4})};
    QuadraticFederation federation(strategy);
    federation.Rounds(200, clients);
    CHECK(std::abs(federation.model.weights[0] - 4) < 1e-3);
    // The model's own head was never touched.
    CHECK(federation.model.weights[1] == 0);
    CHECK(std::abs(clients[0].state.local[0] - 4) < 1e-3);
    CHECK(std::abs(clients[1].state.local[0] + 4) < 1e-3);
  }
}

// The personal objective h/2 |v - e|^2 + lambda/2 |v - x|^2 is least at
// (h e + lambda x) / (h + lambda).
TEST_CASE("Ditto's personal models end between the client's and the shared") {
  std::vector<QuadraticClient> clients = {ClientWith({2, 0}),
                                          ClientWith({6, 0})};
  QuadraticFederation federation("{ditto: {lambda: 3}}");
  federation.Rounds(200, clients);
  CHECK(std::abs(federation.model.weights[0] - 4) < 1e-3);
  CHECK(std::abs(clients[0].state.local[0] - (2 + 3 * 4) / 4.0) < 1e-3);
  CHECK(std::abs(clients[1].state.local[0] - (6 + 3 * 4) / 4.0) < 1e-3);
}

// ---- what is refused ----

struct Silent final : public Trainer {
  TrainResult result{.examples = 1, .loss = 0};
  absl::StatusOr<TrainResult> Train(const TrainTask&, const Model&,
                                    std::span<float>,
                                    const TaskContext&) override {
    return result;
  }
};

std::string ErrorOf(const QuadraticFederation& federation, Trainer& trainer) {
  SystemRandom random;
  return std::string(TrainUpdate(federation.Task(), federation.model, trainer,
                                 {}, random, TaskContext())
                         .status()
                         .message());
}

TEST_CASE("a trainer that does not say what a strategy needs is told so") {
  Silent silent;
  CHECK(ErrorOf(QuadraticFederation("{fednova: {}}"), silent) ==
        "strategy.fednova: the trainer does not say how many steps it took "
        "(TrainResult.steps)");
  CHECK(ErrorOf(QuadraticFederation("{scaffold: {clients: 1}}"), silent) ==
        "strategy.scaffold: the trainer does not say how many steps it took "
        "(TrainResult.steps)");
  CHECK(ErrorOf(QuadraticFederation("{qfedavg: {q: 1}}"), silent) ==
        "strategy.qfedavg: the trainer does not say the loss it started from "
        "(TrainResult.initial_loss)");
  silent.result.initial_loss = std::numeric_limits<double>::infinity();
  CHECK(ErrorOf(QuadraticFederation("{qfedavg: {q: 1}}"), silent) ==
        "strategy.qfedavg: the loss that training started from is not finite");
}

TEST_CASE("more steps than the plan allows are an error, not a wrong number") {
  QuadraticFederation federation("{fednova: {max_steps: 3}}");
  QuadraticClient client = ClientWith({1, 1}, 1, 1, 4);
  CHECK(ErrorOf(federation, client) ==
        "strategy.fednova.max_steps: 4 steps, which count as 4, exceed 3");
}

TEST_CASE("a model without the strategy's tensor is refused") {
  QuadraticFederation federation("{scaffold: {clients: 1}}");
  federation.model.auxiliary.clear();
  QuadraticClient client = ClientWith({1, 1});
  CHECK(ErrorOf(federation, client) ==
        "strategy.scaffold: the model comes without its control variate");
}

TEST_CASE("a state of another model counts as none") {
  QuadraticFederation federation("{scaffold: {clients: 1}}");
  QuadraticClient fresh = ClientWith({1, 1});
  QuadraticClient odd = fresh;
  odd.state = {.residual = {1},
               .control = {1, 2, 3},
               .local = {1, 2},
               .places = {{0, 2}}};
  CHECK(federation.UpdateOf(odd) == federation.UpdateOf(fresh));
  CHECK(odd.state == fresh.state);
}

}  // namespace
}  // namespace tributary::testing
