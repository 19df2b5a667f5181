// SPDX-License-Identifier: Apache-2.0
#include "simulation/partitions/rotation.h"

#include <cmath>
#include <numbers>
#include <vector>

namespace tributary::simulation {
namespace {

struct Turn {
  double cosine;
  double sine;
};

// Exact where std::cos and std::sin would miss 0 by an ulp.
Turn TurnOf(double degrees) {
  const double turned = std::remainder(degrees, 360.0);
  if (turned == 0) return {1, 0};
  if (turned == 90) return {0, 1};
  if (turned == -90) return {0, -1};
  if (std::abs(turned) == 180) return {-1, 0};
  const double radians = turned * std::numbers::pi / 180;
  return {std::cos(radians), std::sin(radians)};
}

}  // namespace

void RotateImage(std::span<float> pixels, std::size_t height, std::size_t width,
                 double degrees) {
  const Turn turn = TurnOf(degrees);
  const std::vector<float> source(pixels.begin(), pixels.end());
  const auto rows = static_cast<std::ptrdiff_t>(height);
  const auto columns = static_cast<std::ptrdiff_t>(width);
  const auto at = [&](std::ptrdiff_t row, std::ptrdiff_t column) -> double {
    if (row < 0 || column < 0 || row >= rows || column >= columns) return 0;
    return source[row * columns + column];
  };
  const double middle_row = (static_cast<double>(height) - 1) / 2;
  const double middle_column = (static_cast<double>(width) - 1) / 2;
  for (std::ptrdiff_t row = 0; row < rows; ++row) {
    for (std::ptrdiff_t column = 0; column < columns; ++column) {
      // Rows grow downwards: up is middle_row - row.
      const double right = static_cast<double>(column) - middle_column;
      const double up = middle_row - static_cast<double>(row);
      const double from_row =
          middle_row - (up * turn.cosine - right * turn.sine);
      const double from_column =
          middle_column + (right * turn.cosine + up * turn.sine);
      const double low_row = std::floor(from_row);
      const double low_column = std::floor(from_column);
      const double down = from_row - low_row;
      const double across = from_column - low_column;
      const auto r = static_cast<std::ptrdiff_t>(low_row);
      const auto c = static_cast<std::ptrdiff_t>(low_column);
      pixels[row * columns + column] = static_cast<float>(
          (1 - down) * ((1 - across) * at(r, c) + across * at(r, c + 1)) +
          down * ((1 - across) * at(r + 1, c) + across * at(r + 1, c + 1)));
    }
  }
}

}  // namespace tributary::simulation
