// SPDX-License-Identifier: Apache-2.0
// The path without autograd against autograd: random lists of layers, sizes,
// batches and losses.
#include "client/torch/fused_stack.h"

#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "client/torch/network.h"
#include "client/torch/optimizer.h"
#include "privacy/crypto/random.h"

#include "tests/catch.h"

namespace tributary::torch_internal {
namespace {

using Loss = TrainingOptions::Loss;

// A network, a batch and what is asked for. Weights, features and so all sums
// before the first tanh are multiples of a power of two that floats hold
// exactly: both paths see the same zeros and ties, where rounding would
// otherwise decide which side of a kink a gradient takes.
class Case {
 public:
  explicit Case(std::uint64_t seed) : random_(KeyFromSeed(seed), "case") {
    options_.loss = std::vector{Loss::kCrossEntropy, Loss::kMse, Loss::kBce,
                                Loss::kReconstruction}[random_.Below(4)];
    options_.learning_rate = 0.01;
    if (random_.Below(3) == 0) options_.proximal_mu = 0.5;
    if (random_.Below(3) == 0) options_.weight_decay = 0.25;
    DrawLayers();
    DrawData();
  }

  const LayerList& list() const { return list_; }
  const Dataset& data() const { return data_; }
  const std::vector<std::uint32_t>& rows() const { return rows_; }
  const TrainingOptions& options() const { return options_; }

  // Quarters in [-1, 1].
  void Fill(std::span<float> out) {
    for (float& value : out) {
      value = static_cast<float>(Draw(0, 8)) / 4 - 1;
    }
  }

 private:
  std::int64_t Draw(std::int64_t lowest, std::int64_t highest) {
    return lowest + static_cast<std::int64_t>(random_.Below(
                        static_cast<std::uint64_t>(highest - lowest + 1)));
  }

  void Add(Layer layer) {
    shape_ = ShapeAfter(layer, shape_);
    list_.layers.push_back(std::move(layer));
  }

  void DrawLayers() {
    switch (Draw(0, 2)) {
      case 0:
        shape_ = {Draw(0, 2) > 0 ? Draw(1, 30) : Draw(128, 200)};
        break;
      case 1:
        shape_ = {Draw(1, 3), Draw(2, 12)};
        break;
      default:
        shape_ = {Draw(1, 2), Draw(2, 9), Draw(2, 9)};
    }
    list_.input = shape_;
    bool has_kinks = true;
    int weights = 0;
    for (std::int64_t left = Draw(0, 6); left > 0; --left) {
      const std::string name = "layer" + std::to_string(list_.layers.size());
      const std::int64_t kind = Draw(0, 4);
      if (kind <= 1 && weights < 3) {
        ++weights;
        if (shape_.size() == 1) {
          // Wide ones too, which take other products.
          Add(layer::Linear{name, shape_[0],
                            Draw(0, 2) > 0 ? Draw(1, 20) : Draw(128, 150)});
        } else {
          Add(layer::Convolution{name, shape_[0], Draw(1, 4),
                                 2 * Draw(0, 2) + 1});
        }
      } else if (kind == 2 && has_kinks) {
        Add(layer::Relu{});
      } else if (kind == 3 && has_kinks && shape_.size() > 1) {
        const std::int64_t window = Draw(2, 3);
        if (*std::min_element(shape_.begin() + 1, shape_.end()) >= window) {
          Add(layer::MaxPool{window});
        }
      } else if (kind == 4 && Draw(0, 2) == 0) {
        Add(layer::Tanh{});
        has_kinks = false;
      }
    }
    if (shape_.size() > 1) Add(layer::Flatten{});
    const bool has_classes = options_.loss == Loss::kCrossEntropy;
    const std::int64_t outputs = has_classes ? Draw(2, 5)
                                 : options_.loss == Loss::kReconstruction
                                     ? Count(list_.input)
                                     : 1;
    Add(layer::Linear{"output", shape_[0], outputs});
    if (has_kinks && Draw(0, 3) == 0) Add(layer::Relu{});
  }

  void DrawData() {
    constexpr std::int64_t kExamples = 20;
    data_.example_shape = list_.input;
    data_.features.resize(
        static_cast<std::size_t>(kExamples * Count(list_.input)));
    Fill(data_.features);
    for (std::int64_t i = 0; i < kExamples; ++i) {
      const std::int64_t highest =
          options_.loss == Loss::kCrossEntropy ? shape_[0] - 1 : 1;
      data_.targets.push_back(static_cast<float>(Draw(0, highest)));
    }
    rows_.resize(static_cast<std::size_t>(Draw(1, 40)));
    for (std::uint32_t& row : rows_) {
      row = static_cast<std::uint32_t>(Draw(0, kExamples - 1));
    }
  }

  KeyedStream random_;
  Shape shape_;
  LayerList list_;
  Dataset data_;
  std::vector<std::uint32_t> rows_;
  TrainingOptions options_;
};

TEST_CASE("a step without autograd is a step with it") {
  CHECK(rc::check([](std::uint64_t seed) {
    Case drawn(seed);
    const TrainingOptions& options = drawn.options();
    auto with = Network::Build(drawn.list());
    auto without = Network::Build(drawn.list());
    RC_ASSERT(with.ok());
    RC_ASSERT(without.ok());
    RC_ASSERT((*without)->Descends(options));
    const auto expected = (*with)->weights();
    const auto got = (*without)->weights();
    std::vector<float> first(got.size()), start(got.size());
    drawn.Fill(first);
    drawn.Fill(start);
    std::ranges::copy(first, expected.begin());
    std::ranges::copy(first, got.begin());

    const auto loss =
        (*with)->Differentiate(drawn.data(), drawn.rows(), options.loss);
    RC_ASSERT(loss.ok());
    FlatOptimizer optimizer(options, start, {}, expected.size());
    optimizer.Step(expected, (*with)->gradient());
    const auto judged =
        (*without)->Judge(drawn.data(), drawn.rows(), options.loss);
    RC_ASSERT(judged.ok());
    const Descent descent{static_cast<float>(options.learning_rate),
                          static_cast<float>(options.proximal_mu),
                          static_cast<float>(options.weight_decay),
                          start.data()};
    const auto same =
        (*without)->Descend(drawn.data(), drawn.rows(), options.loss, descent);
    RC_ASSERT(same.ok());

    const double tolerance = 1e-5 * (1 + std::fabs(*loss));
    RC_ASSERT(std::fabs(*same - *loss) < tolerance);
    RC_ASSERT(std::fabs(judged->loss - *loss * drawn.rows().size()) <
              tolerance * drawn.rows().size());
    // Of the longest move: outputs of thousands are rounded to a thousandth,
    // and the loss's gradient follows them.
    double longest = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      longest = std::max(longest, std::fabs(double{expected[i]} - first[i]));
    }
    for (std::size_t i = 0; i < got.size(); ++i) {
      RC_ASSERT(std::fabs(double{got[i]} - expected[i]) <
                1e-6 + 1e-3 * longest);
    }
  }));
}

TEST_CASE("what has no path without autograd goes through it") {
  const LayerList list{
      {2, 8},
      {layer::Convolution{"conv", 2, 3, 3}, layer::BatchNorm{"norm", 3},
       layer::GlobalMean{}, layer::Linear{"output", 3, 2}}};
  auto network = Network::Build(list);
  REQUIRE(network.ok());
  TrainingOptions options;
  CHECK((*network)->Descends(options));
  options.proximal_mu = 1;
  CHECK_FALSE((*network)->Descends(options));
}

TEST_CASE("momentum and Adam go through autograd") {
  auto network =
      Network::Build(LayerList{{3}, {layer::Linear{"output", 3, 2}}});
  REQUIRE(network.ok());
  TrainingOptions options;
  options.proximal_mu = 1;
  options.weight_decay = 1;
  CHECK((*network)->Descends(options));
  options.momentum = 0.5;
  CHECK_FALSE((*network)->Descends(options));
  options.momentum = 0;
  options.optimizer = TrainingOptions::Optimizer::kAdam;
  CHECK_FALSE((*network)->Descends(options));
}

}  // namespace
}  // namespace tributary::torch_internal
