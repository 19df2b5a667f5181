// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/idx.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tributary/dataset.h"

namespace tributary::datasets {
namespace {

// Each channel of each image, height x width as stored, becomes width x height.
void TurnImages(Dataset& data) {
  const auto height = static_cast<std::size_t>(data.example_shape[1]);
  const auto width = static_cast<std::size_t>(data.example_shape[2]);
  std::vector<float> turned(height * width);
  for (std::size_t at = 0; at < data.features.size(); at += turned.size()) {
    for (std::size_t row = 0; row < height; ++row) {
      for (std::size_t column = 0; column < width; ++column) {
        turned[column * height + row] =
            data.features[at + row * width + column];
      }
    }
    std::copy(turned.begin(), turned.end(),
              data.features.begin() + static_cast<std::ptrdiff_t>(at));
  }
  std::swap(data.example_shape[1], data.example_shape[2]);
}

}  // namespace

absl::StatusOr<Examples> Read(const v1::DataSource::Idx& source) {
  auto data = ReadIdx(source.features(), source.labels(), source.scale());
  if (!data.ok()) return data.status();
  if (source.transposed()) {
    if (data->example_shape.size() != 3) {
      return absl::InvalidArgumentError(
          absl::StrCat(source.features(),
                       ": transposed: expected images, found examples "
                       "of ",
                       absl::StrJoin(data->example_shape, " x ")));
    }
    TurnImages(*data);
  }
  return Examples{.data = *std::move(data), .owner = {}, .owners = {}};
}

}  // namespace tributary::datasets
