// SPDX-License-Identifier: Apache-2.0
#include "simulation/partitions/feature_shift.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "simulation/dirichlet.h"
#include "simulation/partitions/rotation.h"

namespace tributary::simulation {
namespace {

KeyedStream StreamOf(const Key& run_key, const std::string& what,
                     std::size_t client) {
  return KeyedStream(run_key,
                     absl::StrCat("feature_shift/", what, "/", client));
}

}  // namespace

FeatureShift::FeatureShift(const v1::Partition::FeatureShift& plan,
                           std::size_t clients, const Key& run_key)
    : noise_(plan.noise()),
      max_degrees_(plan.rotation_max_degrees()),
      degrees_(plan.rotation_degrees().begin(), plan.rotation_degrees().end()),
      clients_(clients),
      run_key_(run_key) {}

absl::Status FeatureShift::Check(
    const std::vector<std::int64_t>& example_shape) const {
  if (!HasRotation() || example_shape.size() == 2 ||
      example_shape.size() == 3) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "simulation.partition.feature_shift: only images, height x width or "
      "channels x height x width, can be rotated; an example of "
      "simulation.train is ",
      absl::StrJoin(example_shape, " x ")));
}

double FeatureShift::NoiseOf(std::size_t client) const {
  return noise_ * static_cast<double>(client + 1) /
         static_cast<double>(clients_);
}

double FeatureShift::DegreesOf(std::size_t client) const {
  if (!degrees_.empty()) return degrees_[client % degrees_.size()];
  if (max_degrees_ == 0) return 0;
  KeyedStream random = StreamOf(run_key_, "angle", client);
  return max_degrees_ * (2 * random.Uniform() - 1);
}

void FeatureShift::Apply(std::size_t client, Dataset& rows) const {
  if (const double degrees = DegreesOf(client); degrees != 0) {
    const auto& shape = rows.example_shape;
    const auto height = static_cast<std::size_t>(shape[shape.size() - 2]);
    const auto width = static_cast<std::size_t>(shape.back());
    const std::size_t plane = height * width;
    for (std::size_t begin = 0; begin < rows.features.size(); begin += plane) {
      RotateImage(std::span(rows.features).subspan(begin, plane), height, width,
                  degrees);
    }
  }
  if (!HasNoise()) return;
  const double deviation = NoiseOf(client);
  KeyedStream random = StreamOf(run_key_, "noise", client);
  for (float& value : rows.features) {
    value = static_cast<float>(value + deviation * Normal(random));
  }
}

}  // namespace tributary::simulation
