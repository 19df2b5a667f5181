// SPDX-License-Identifier: Apache-2.0
#include "tributary/torch_trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "client/torch/epochs.h"
#include "client/torch/network.h"
#include "client/torch/subset_trainer.h"
#include "tests/client/torch/training_case.h"

#include "tests/catch.h"

namespace tributary {
namespace {

using Loss = TrainingOptions::Loss;

TrainingOptions OneEpoch(int batch_size, double learning_rate) {
  TrainingOptions options;
  options.epochs = 1;
  options.batch_size = batch_size;
  options.learning_rate = learning_rate;
  return options;
}

std::unique_ptr<Trainer> TrainerOn(std::shared_ptr<const Dataset> data) {
  return MakeTorchTrainer(data, data);
}

absl::StatusOr<EvaluateResult> Judge(Trainer& trainer, const Model& model,
                                     Loss loss) {
  TrainTask task;
  task.training.loss = loss;
  TaskContext context;
  return trainer.Evaluate(task, model, context);
}

std::vector<std::uint32_t> AllRows(const Dataset& data) {
  std::vector<std::uint32_t> rows(data.Size());
  std::iota(rows.begin(), rows.end(), 0u);
  return rows;
}

// y = w x + b with w = b = 0, and one example: x = 1, y = 1.
struct OneExample {
  std::unique_ptr<Trainer> trainer =
      TrainerOn(std::make_shared<Dataset>(Dataset{{1}, {1}, {1}}));
  Model model = [] {
    Model zero = FirstModel(LinearOf(1, 1));
    zero.weights = {0, 0};
    return zero;
  }();
  TrainingOptions options = [] {
    TrainingOptions two_steps;
    two_steps.steps = 2;
    two_steps.learning_rate = 0.1;
    two_steps.loss = Loss::kMse;
    return two_steps;
  }();
};

TEST_CASE_METHOD(OneExample, "two steps of SGD on the squared error, by hand") {
  const auto trained = Train(*trainer, TaskOf(options), model);
  REQUIRE(trained.ok());
  // Gradients 2 (w + b - 1): -2, then -1.2.
  CHECK(trained->delta[0] == Approx(0.32));
  CHECK(trained->delta[1] == Approx(0.32));
  CHECK(trained->result.examples == 1);
  CHECK(trained->result.loss == Approx((1 + 0.36) / 2));
}

TEST_CASE_METHOD(OneExample, "the FedProx term pulls towards the start") {
  options.proximal_mu = 1;
  const auto trained = Train(*trainer, TaskOf(options), model);
  REQUIRE(trained.ok());
  // The second gradient is -1.2 + mu (0.2 - 0).
  CHECK(trained->delta[0] == Approx(0.3));

  options.proximal_mu = 9;
  options.steps = 200;
  const auto held = Train(*trainer, TaskOf(options), model);
  REQUIRE(held.ok());
  // Minimum of (w + b - 1)^2 + 9/2 (w^2 + b^2): w = b = 2/13.
  CHECK(held->delta[0] == Approx(2.0 / 13));
}

// From w = b = 0: the gradients 2 (w + b - 1) are -2, then -1.2 without one.
TEST_CASE_METHOD(OneExample, "a correction is added to every gradient") {
  const std::vector<float> correction = {1, -1};
  TrainTask task = TaskOf(options);
  task.correction = correction;
  // w: 0.1, b: 0.3, then 2 (0.4 - 1) = -1.2.
  const auto plain = Train(*trainer, task, model);
  REQUIRE(plain.ok());
  CHECK(plain->delta[0] == Approx(0.1 + 0.02));
  CHECK(plain->delta[1] == Approx(0.3 + 0.22));
  CHECK(plain->result.steps == 2);

  // With momentum it is part of the direction.
  task.training.momentum = 0.5;
  const auto pushed = Train(*trainer, task, model);
  REQUIRE(pushed.ok());
  CHECK(pushed->delta[0] == Approx(0.1 + 0.1 * (0.5 * 1 + 1.2 - 1)));

  task.correction = std::span(correction).first(1);
  CHECK(Train(*trainer, task, model).status().message() ==
        "a correction of 1 floats for 2 parameters");
}

TEST_CASE_METHOD(OneExample, "frozen parameters stay, with any optimizer") {
  TrainTask task = TaskOf(options);
  task.frozen = {{0, 1}};
  for (const double momentum : {0.0, 0.5}) {
    task.training.momentum = momentum;
    const auto trained = Train(*trainer, task, model);
    REQUIRE(trained.ok());
    CHECK(trained->delta[0] == 0);
    // 2 (b - 1): -2, then -1.6.
    CHECK(trained->delta[1] == Approx(0.2 + 0.1 * (1.6 + momentum * 2)));
  }
  task.training.momentum = 0;
  task.training.optimizer = TrainingOptions::Optimizer::kAdam;
  const auto trained = Train(*trainer, task, model);
  REQUIRE(trained.ok());
  CHECK(trained->delta[0] == 0);
  CHECK(trained->delta[1] > 0);
}

TEST_CASE_METHOD(OneExample, "the first loss is told when it is wanted") {
  TrainTask task = TaskOf(options);
  CHECK_FALSE(Train(*trainer, task, model)->result.initial_loss.has_value());
  task.wants_initial_loss = true;
  const auto trained = Train(*trainer, task, model);
  REQUIRE(trained.ok());
  CHECK(trained->result.initial_loss.value() == Approx(1));
  CHECK(trained->delta[0] == Approx(0.32));
}

TEST_CASE("the delta is trained minus start, to the bit") {
  const auto data = Examples(20, {6}, 3);
  const Model model = FirstModel(LinearOf(6, 3));
  const TrainTask task = TaskOf(OneEpoch(20, 0.1));
  auto trainer = TrainerOn(data);
  const auto trained = Train(*trainer, task, model);
  REQUIRE(trained.ok());

  auto network = torch_internal::Network::Build(LinearOf(6, 3), {});
  REQUIRE(network.ok());
  const auto weights = (*network)->weights();
  std::copy(model.weights.begin(), model.weights.end(), weights.begin());
  torch_internal::Epochs epochs(task.seed, AllRows(*data), 20);
  REQUIRE((*network)
              ->Descend(*data, epochs.Next(), Loss::kCrossEntropy,
                        torch_internal::Descent{0.1f})
              .ok());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    REQUIRE(trained->delta[i] == weights[i] - model.weights[i]);
  }
}

TEST_CASE(
    "blocks of a delta are the delta, whatever ran before on the network") {
  const auto data = Examples(50, {4}, 3);
  const auto networks = MakeTorchNetworks();
  const auto trainer = MakeTorchTrainer(data, data, networks);
  Model model = FirstModel(MlpOf(4, {600}, 3));
  model.id = Sha256(std::as_bytes(std::span(model.weights)));
  Model other = model;
  for (float& weight : other.weights) weight += 0.125F;
  other.id = Sha256(std::as_bytes(std::span(other.weights)));
  const TaskContext context;
  // The network holds the model the second time, then another one.
  for (const Model* each : {&model, &model, &other, &model}) {
    const TrainTask task = TaskOf(OneEpoch(10, 0.1));
    const auto expected = Train(*TrainerOn(data), task, *each);
    REQUIRE(expected.ok());
    std::vector<float> delta;
    std::size_t largest_block = 0;
    const auto result = trainer->TrainInto(
        task, *each,
        [&](const DeltaBlock& block) {
          CHECK(block.result.examples == 50);
          CHECK(block.offset == delta.size());
          largest_block = std::max(largest_block, block.values.size());
          float largest = 0;
          for (float& value : block.values) {
            delta.push_back(value);
            largest = std::max(largest, std::fabs(value));
            value = -1;  // it is the sink's to change
          }
          CHECK(block.largest == largest);
        },
        context);
    REQUIRE(result.ok());
    CHECK(delta == expected->delta);
    CHECK(largest_block < delta.size());
    CHECK(result->loss == expected->result.loss);
  }
  // The network holds a model now; judging takes another one.
  const auto judged = Judge(*trainer, other, Loss::kCrossEntropy);
  const auto afresh = Judge(*TrainerOn(data), other, Loss::kCrossEntropy);
  REQUIRE(judged.ok());
  REQUIRE(afresh.ok());
  CHECK(judged->metrics == afresh->metrics);
}

TEST_CASE("training on some rows is training on a copy of them, to the bit") {
  const auto data = Examples(60, {64}, 10);
  const std::vector<std::uint32_t> rows{3, 4, 17, 20, 21, 40, 59};
  const Model model = FirstModel(MlpOf(64, {32}, 10));
  TrainingOptions options = OneEpoch(4, 0.1);
  options.epochs = 2;
  const auto copied =
      Train(*TrainerOn(std::make_shared<Dataset>(data->Select(rows))),
            TaskOf(options), model);
  const auto trained =
      Train(*MakeSubsetTrainer(data, rows, MakeTorchNetworks()),
            TaskOf(options), model);
  REQUIRE(copied.ok());
  REQUIRE(trained.ok());
  CHECK(trained->delta == copied->delta);
  CHECK(trained->result.examples == 7);
}

TEST_CASE("training lowers the loss and learns a linear rule") {
  auto trainer = TrainerOn(Examples(200, {6}, 3));
  Model model = FirstModel(LinearOf(6, 3));
  const auto before = Judge(*trainer, model, Loss::kCrossEntropy);
  TrainingOptions options = OneEpoch(10, 0.5);
  options.epochs = 30;
  const auto trained = Train(*trainer, TaskOf(options), model);
  REQUIRE(trained.ok());
  for (std::size_t i = 0; i < model.weights.size(); ++i) {
    model.weights[i] += trained->delta[i];
  }
  const auto after = Judge(*trainer, model, Loss::kCrossEntropy);
  REQUIRE(before.ok());
  REQUIRE(after.ok());
  CHECK(after->metrics.at("loss") < before->metrics.at("loss") / 2);
  CHECK(after->metrics.at("accuracy") > 0.95);
  CHECK(trained->result.loss == Approx(after->metrics.at("loss")).margin(0.1));
}

TEST_CASE("the same task gives the same bits, whatever ran in between") {
  for (const auto& [architecture, shape] :
       {std::pair(MlpOf(64, {32}, 10), std::vector<std::int64_t>{64}),
        std::pair(CnnOf(8, 10), std::vector<std::int64_t>{64}),
        std::pair(Conv1dOf(4, 16, 10), std::vector<std::int64_t>{4, 16})}) {
    // Without autograd where there is such a path, and with it.
    for (const double momentum : {0.0, 0.9}) {
      auto trainer = TrainerOn(Examples(50, shape, 10));
      const Model model = FirstModel(architecture);
      TrainingOptions options = OneEpoch(16, 0.05);
      options.momentum = momentum;
      const auto first = Train(*trainer, TaskOf(options, 1), model);
      const auto other = Train(*trainer, TaskOf(options, 2), model);
      const auto again = Train(*trainer, TaskOf(options, 1), model);
      REQUIRE(first.ok());
      REQUIRE(other.ok());
      REQUIRE(again.ok());
      CHECK(first->delta == again->delta);
      CHECK(first->result.loss == again->result.loss);
      CHECK(first->delta != other->delta);
      CHECK(first->delta == Train(*TrainerOn(Examples(50, shape, 10)),
                                  TaskOf(options, 1), model)
                                ->delta);
    }
  }
}

TEST_CASE("epochs without autograd end where epochs with it do") {
  for (const auto& architecture : {MlpOf(64, {32, 16}, 10), CnnOf(8, 10)}) {
    auto trainer = TrainerOn(Examples(100, {64}, 10));
    const Model model = FirstModel(architecture);
    TrainingOptions options = OneEpoch(10, 0.05);
    options.epochs = 3;
    options.proximal_mu = 0.1;
    options.weight_decay = 0.01;
    const auto without = Train(*trainer, TaskOf(options), model);
    // Too small to be seen, but not for the path without autograd.
    options.momentum = 1e-30;
    const auto with = Train(*trainer, TaskOf(options), model);
    REQUIRE(without.ok());
    REQUIRE(with.ok());
    CHECK(without->result.loss == Approx(with->result.loss).epsilon(1e-4));
    std::vector<float> difference(with->delta.size());
    for (std::size_t i = 0; i < difference.size(); ++i) {
      difference[i] = with->delta[i] - without->delta[i];
    }
    CHECK(Length(difference) < 1e-3 * Length(with->delta));
  }
}

TEST_CASE("trainers that share networks on several threads change no bit") {
  const Model model = FirstModel(CnnOf(8, 10));
  const auto data = Examples(40, {64}, 10);
  const TrainTask task = TaskOf(OneEpoch(8, 0.05));
  const auto alone = Train(*TrainerOn(data), task, model);
  REQUIRE(alone.ok());
  const auto networks = MakeTorchNetworks();
  std::vector<std::vector<float>> deltas(4);
  std::vector<std::thread> threads;
  for (auto& delta : deltas) {
    threads.emplace_back([&] {
      auto trainer = MakeTorchTrainer(data, nullptr, networks);
      for (int i = 0; i < 3; ++i) {
        auto trained = Train(*trainer, task, model);
        if (trained.ok()) delta = trained->delta;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& delta : deltas) CHECK(delta == alone->delta);
}

TEST_CASE("BatchNorm statistics travel in the delta") {
  auto trainer = TrainerOn(Examples(32, {4, 16}, 3));
  const Model model = FirstModel(Conv1dOf(4, 16, 3));
  const auto trained = Train(*trainer, TaskOf(OneEpoch(8, 0.05)), model);
  REQUIRE(trained.ok());
  const std::size_t trainable = model.manifest.TrainableLength();
  REQUIRE(trained->delta.size() == trainable + 192);
  for (std::size_t i = trainable; i < trained->delta.size(); ++i) {
    REQUIRE(trained->delta[i] != 0);
  }
}

TEST_CASE("steps count batches and may stop inside an epoch") {
  auto trainer = TrainerOn(Examples(100, {6}, 3));
  const Model model = FirstModel(LinearOf(6, 3));
  TrainingOptions options;
  options.steps = 3;
  options.batch_size = 4;
  CHECK(Train(*trainer, TaskOf(options), model)->result.examples == 12);
  options.steps = 60;  // 2.4 passes
  CHECK(Train(*trainer, TaskOf(options), model)->result.examples == 100);
}

TEST_CASE("a task that ran out of time returns what it has") {
  auto trainer = TrainerOn(Examples(50, {6}, 3));
  const Model model = FirstModel(LinearOf(6, 3));
  TrainingOptions options = OneEpoch(1, 0.1);
  options.epochs = 1'000'000;
  options.time_limit = std::chrono::milliseconds(1);
  const auto trained = Train(*trainer, TaskOf(options), model);
  REQUIRE(trained.ok());
  CHECK(trained->result.examples >= 1);
  CHECK(Length(trained->delta) > 0);
}

TEST_CASE("a cancelled task ends between two steps") {
  auto trainer = TrainerOn(Examples(50, {6}, 3));
  const Model model = FirstModel(LinearOf(6, 3));
  TrainingOptions options = OneEpoch(1, 0.001);
  options.epochs = 1'000'000;
  TaskContext context;
  std::vector<float> delta(model.weights.size());
  absl::Status status;
  std::thread training([&] {
    status = trainer->Train(TaskOf(options), model, delta, context).status();
  });
  context.Cancel();
  training.join();
  CHECK(absl::IsCancelled(status));
}

TEST_CASE("known answers of the three evaluations") {
  Model classes = FirstModel(LinearOf(2, 2));
  classes.weights = {1, 0, 0, 1, 0, 0};  // identity
  const auto cross_entropy = Judge(
      *TrainerOn(std::make_shared<Dataset>(Dataset{{1, 0, 0, 1}, {2}, {0, 0}})),
      classes, Loss::kCrossEntropy);
  REQUIRE(cross_entropy.ok());
  CHECK(cross_entropy->examples == 2);
  CHECK(cross_entropy->metrics.at("accuracy") == 0.5);
  // ln(1 + 1/e) and ln(1 + e).
  CHECK(cross_entropy->metrics.at("loss") ==
        Approx((std::log1p(std::exp(-1.0)) + std::log1p(std::exp(1.0))) / 2));

  Model value = FirstModel(LinearOf(1, 1));
  value.weights = {1, 0};  // y = x
  auto trainer =
      TrainerOn(std::make_shared<Dataset>(Dataset{{0, 2, -1}, {1}, {1, 1, 0}}));
  const auto squared = Judge(*trainer, value, Loss::kMse);
  REQUIRE(squared.ok());
  CHECK(squared->metrics.at("loss") == Approx(1));
  CHECK(squared->metrics.count("accuracy") == 0);
  const auto binary = Judge(*trainer, value, Loss::kBce);
  REQUIRE(binary.ok());
  CHECK(binary->metrics.at("accuracy") == Approx(2.0 / 3));
  CHECK(binary->metrics.at("auc") == 1);
  CHECK(squared->metrics.count("auc") == 0);
  CHECK(binary->metrics.at("loss") ==
        Approx((std::log(2.0) + std::log1p(std::exp(-2.0)) +
                std::log1p(std::exp(-1.0))) /
               3));
}

TEST_CASE("a reconstruction is judged against the features") {
  Model model = FirstModel(LinearOf(2, 2));
  model.weights = {1, 0, 0, 0, 0, 0};  // keeps the first feature only
  const auto judged = Judge(
      *TrainerOn(std::make_shared<Dataset>(Dataset{{1, 2, 3, 4}, {2}, {7, 9}})),
      model, Loss::kReconstruction);
  REQUIRE(judged.ok());
  // (0 + 4 + 0 + 16) / 4.
  CHECK(judged->metrics.at("loss") == Approx(5));
  CHECK(judged->metrics.count("accuracy") == 0);
  CHECK(judged->metrics.count("auc") == 0);
}

TEST_CASE("reconstruction errors rank anomalies") {
  Model model = FirstModel(LinearOf(2, 2));
  model.weights = {1, 0, 0, 0, 0, 0};
  // Errors 4, 16, 9 and 25 over two features; the second is no anomaly.
  const auto judged = Judge(*TrainerOn(std::make_shared<Dataset>(Dataset{
                                {1, 2, 3, 4, 0, 3, 7, 5}, {2}, {0, 0, 1, 1}})),
                            model, Loss::kReconstruction);
  REQUIRE(judged.ok());
  CHECK(judged->metrics.at("auc") == 0.75);
}

TEST_CASE("an evaluation in many batches adds up") {
  const Model model = FirstModel(LinearOf(6, 3));
  const auto data = Examples(600, {6}, 3);
  const auto whole = Judge(*TrainerOn(data), model, Loss::kCrossEntropy);
  REQUIRE(whole.ok());
  double loss = 0;
  for (std::size_t half = 0; half < 2; ++half) {
    Dataset part;
    part.example_shape = {6};
    part.features.assign(
        data->features.begin() + static_cast<std::ptrdiff_t>(half * 1800),
        data->features.begin() +
            static_cast<std::ptrdiff_t>(half * 1800 + 1800));
    part.targets.assign(
        data->targets.begin() + static_cast<std::ptrdiff_t>(half * 300),
        data->targets.begin() + static_cast<std::ptrdiff_t>(half * 300 + 300));
    loss += Judge(*TrainerOn(std::make_shared<Dataset>(part)), model,
                  Loss::kCrossEntropy)
                ->metrics.at("loss") /
            2;
  }
  CHECK(whole->examples == 600);
  CHECK(whole->metrics.at("loss") == Approx(loss));
}

// The message of a task that must fail.
std::string Refusal(std::shared_ptr<Dataset> data, const Model& model,
                    Loss loss = Loss::kCrossEntropy) {
  TrainingOptions options = OneEpoch(8, 0.1);
  options.loss = loss;
  const auto trained =
      Train(*TrainerOn(std::move(data)), TaskOf(options), model);
  if (trained.ok()) return "";
  CHECK(absl::IsInvalidArgument(trained.status()));
  return std::string(trained.status().message());
}

bool Says(const std::string& message, const std::string& part) {
  UNSCOPED_INFO(message);
  return message.find(part) != std::string::npos;
}

TEST_CASE("a model that is not its architecture's is refused by tensor") {
  const auto data = Examples(10, {6}, 3);
  Model model = FirstModel(LinearOf(6, 3));
  model.manifest =
      Manifest({{"output.weight", {2, 9}, true}, {"output.bias", {3}, true}});
  CHECK(Says(Refusal(data, model),
             "\"output.weight\" of shape [2, 9], the "
             "architecture wants [3, 6]"));
  model = FirstModel(LinearOf(6, 3));
  model.manifest =
      Manifest({{"output.weight", {3, 6}, true}, {"input.bias", {3}, true}});
  CHECK(Says(Refusal(data, model), "wants \"output.bias\""));
  model = FirstModel(LinearOf(6, 3));
  model.manifest = Manifest({{"output.weight", {3, 6}, true}});
  model.weights.resize(18);
  CHECK(Says(Refusal(data, model), "1 tensors, the architecture 2"));
  model = FirstModel(LinearOf(6, 3));
  model.weights.pop_back();
  TrainTask task = TaskOf(OneEpoch(8, 0.1));
  std::vector<float> delta(21);
  TaskContext context;
  CHECK_FALSE(TrainerOn(data)->Train(task, model, delta, context).ok());
}

TEST_CASE("data that does not fit the network is refused") {
  const Model cnn = FirstModel(CnnOf(8, 10));
  CHECK(Says(Refusal(Examples(10, {63}, 10), cnn),
             "shape [63], 63 values; the model wants [1, 8, 8], 64"));
  auto torn = Examples(10, {64}, 10);
  torn->features.pop_back();
  CHECK(Says(Refusal(torn, cnn), "639 features for 10 examples"));
  auto wrong = Examples(10, {64}, 10);
  wrong->targets[7] = 12;
  CHECK(Says(Refusal(wrong, cnn),
             "row 7 (from 0): target 12 is not a class in "
             "0..9"));
  wrong->targets[7] = 1.5f;
  CHECK(Says(Refusal(wrong, cnn), "row 7"));
  wrong->targets[7] = std::numeric_limits<float>::quiet_NaN();
  CHECK(Says(Refusal(wrong, cnn), "row 7"));
  CHECK(Says(Refusal(Examples(10, {64}, 10), cnn, Loss::kMse),
             "mse wants one output an example"));
  CHECK(Says(
      Refusal(Examples(10, {6}, 3), FirstModel(LinearOf(6, 1)), Loss::kBce),
      "is not in 0..1"));
}

TEST_CASE("what does not suit a reconstruction or an embedding is refused") {
  CHECK(Says(Refusal(Examples(10, {6}, 3), FirstModel(LinearOf(6, 3)),
                     Loss::kReconstruction),
             "reconstruction wants an output for each of the 6 features of an "
             "example, the model gives [8, 3]"));
  const Model next_code = FirstModel(CharGruOf(9, 6, 5));
  auto codes = Sequences(10, 6, 9);
  codes->features[7] = 9;
  CHECK(Says(Refusal(codes, next_code), "the embedding wants codes in 0..8"));
  codes->features[7] = -1;
  CHECK(Says(Refusal(codes, next_code), "the embedding wants codes in 0..8"));
}

TEST_CASE("recurrent networks and autoencoders learn") {
  const auto first_and_last = [](const v1::Architecture& architecture,
                                 const std::shared_ptr<Dataset>& data,
                                 Loss loss) {
    TrainingOptions options = OneEpoch(8, 0.01);
    options.loss = loss;
    options.optimizer = TrainingOptions::Optimizer::kAdam;
    const Model model = FirstModel(architecture);
    const auto first = Train(*TrainerOn(data), TaskOf(options), model);
    options.epochs = 25;
    const auto last = Train(*TrainerOn(data), TaskOf(options), model);
    REQUIRE(first.ok());
    REQUIRE(last.ok());
    return std::pair(first->result.loss, last->result.loss);
  };
  const auto window = first_and_last(
      GruOf(2, 6, 12, 1, 3), Examples(120, {2, 6}, 3), Loss::kCrossEntropy);
  CHECK(window.second < 0.7 * window.first);
  const auto next_code = first_and_last(
      CharGruOf(5, 4, 12), Sequences(120, 4, 5), Loss::kCrossEntropy);
  CHECK(next_code.second < 0.3 * next_code.first);
  auto same = Examples(120, {6}, 3);
  for (std::size_t i = 0; i < same->features.size(); ++i) {
    same->features[i] = same->features[i - i % 3];  // three alike
  }
  const auto copied =
      first_and_last(AutoencoderOf(6, {12, 4}), same, Loss::kReconstruction);
  CHECK(copied.second < 0.5 * copied.first);
}

TEST_CASE("a task without data, or one that diverges, says so") {
  const Model model = FirstModel(LinearOf(6, 3));
  const TrainTask task = TaskOf(OneEpoch(8, 0.1));
  CHECK(absl::IsFailedPrecondition(
      Train(*MakeTorchTrainer(nullptr, nullptr), task, model).status()));
  Model broken = model;
  broken.weights[0] = std::numeric_limits<float>::infinity();
  CHECK(absl::IsOutOfRange(
      Train(*TrainerOn(Examples(10, {6}, 3)), task, broken).status()));
}

}  // namespace
}  // namespace tributary
