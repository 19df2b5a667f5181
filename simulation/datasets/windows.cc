// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/windows.h"

#include <cmath>

namespace tributary::datasets {

void AppendWindow(std::span<const float> series, std::size_t channels,
                  std::size_t first, std::size_t length,
                  std::vector<float>& features) {
  const float* const begin = series.data() + first * channels;
  for (std::size_t channel = 0; channel < channels; ++channel) {
    for (std::size_t i = 0; i < length; ++i) {
      features.push_back(begin[i * channels + channel]);
    }
  }
}

std::size_t BeginOfTest(std::size_t samples, double test_fraction) {
  return samples - static_cast<std::size_t>(std::floor(
                       static_cast<double>(samples) * test_fraction));
}

Range RangeOf(v1::DataSource::Part part, std::size_t cut, std::size_t samples) {
  switch (part) {
    case v1::DataSource::TRAIN:
      return {0, cut};
    case v1::DataSource::TEST:
      return {cut, samples};
    default:
      return {0, samples};
  }
}

}  // namespace tributary::datasets
