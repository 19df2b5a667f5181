// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/synthetic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "privacy/crypto/random.h"
#include "simulation/datasets/normal.h"
#include "simulation/datasets/windows.h"

namespace tributary::datasets {
namespace {

constexpr std::size_t kFeatures = 60;
constexpr std::size_t kClasses = 10;
// e^(4 + 2 x 7): a larger draw has probability 1e-12.
constexpr double kLargestSize = 6.6e7;

using Vector = std::array<double, kFeatures>;

struct LocalModel {
  std::array<Vector, kClasses> weights;
  std::array<double, kClasses> biases;

  static LocalModel Draw(RandomSource& random, double mean) {
    LocalModel model;
    for (Vector& row : model.weights) {
      for (double& weight : row) weight = mean + Normal(random);
    }
    for (double& bias : model.biases) bias = mean + Normal(random);
    return model;
  }

  float Classify(const Vector& x) const {
    std::size_t best = 0;
    double largest = -INFINITY;
    for (std::size_t c = 0; c < kClasses; ++c) {
      double score = biases[c];
      for (std::size_t j = 0; j < kFeatures; ++j) score += weights[c][j] * x[j];
      if (score > largest) {
        largest = score;
        best = c;
      }
    }
    return static_cast<float>(best);
  }
};

// sqrt(j^-1.2), j from 1.
Vector Deviations() {
  Vector deviations;
  for (std::size_t j = 0; j < kFeatures; ++j) {
    deviations[j] = std::pow(static_cast<double>(j + 1), -0.6);
  }
  return deviations;
}

class Generator {
 public:
  Generator(const v1::DataSource::Synthetic& source, const Key& run_key)
      : source_(source), run_key_(run_key) {
    if (!source.iid()) return;
    KeyedStream random(run_key, "synthetic/model");
    global_ = LocalModel::Draw(random, 0);
  }

  void AddDevice(std::uint32_t device, Examples& examples) const {
    KeyedStream random(run_key_, absl::StrCat("synthetic/", device));
    const double size = std::floor(std::exp(4 + 2 * Normal(random)));
    const auto samples =
        static_cast<std::size_t>(std::min(size, kLargestSize)) + 50;
    const double model_mean = source_.alpha() * Normal(random);
    const double data_mean = source_.beta() * Normal(random);
    Vector center{};
    LocalModel model = global_;
    if (!source_.iid()) {
      for (double& value : center) value = data_mean + Normal(random);
      model = LocalModel::Draw(random, model_mean);
    }
    const Range part = RangeOf(
        source_.part(), BeginOfTest(samples, source_.test_fraction()), samples);
    for (std::size_t sample = 0; sample < part.end; ++sample) {
      Vector x;
      for (std::size_t j = 0; j < kFeatures; ++j) {
        x[j] = center[j] + deviations_[j] * Normal(random);
      }
      if (sample < part.first) continue;
      examples.data.features.insert(examples.data.features.end(), x.begin(),
                                    x.end());
      examples.data.targets.push_back(model.Classify(x));
      examples.owner.push_back(device);
    }
  }

 private:
  const v1::DataSource::Synthetic& source_;
  const Key& run_key_;
  const Vector deviations_ = Deviations();
  LocalModel global_{};
};

}  // namespace

absl::StatusOr<Examples> Read(const v1::DataSource::Synthetic& source,
                              const Key& run_key) {
  const Generator generator(source, run_key);
  Examples examples;
  for (std::uint32_t device = 0; device < source.devices(); ++device) {
    generator.AddDevice(device, examples);
    examples.owners.push_back(absl::StrFormat("device-%04d", device));
  }
  if (examples.data.targets.empty()) {
    return absl::InvalidArgumentError(
        "synthetic.test_fraction: leaves no device an example");
  }
  examples.data.example_shape = {static_cast<std::int64_t>(kFeatures)};
  return examples;
}

}  // namespace tributary::datasets
