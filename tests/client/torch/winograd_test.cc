// SPDX-License-Identifier: Apache-2.0
// Minimal filtering against the sums that define a convolution and its
// gradients, in double.
#include "client/torch/winograd.h"

#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "privacy/crypto/random.h"

#include "tests/catch.h"

namespace tributary::torch_internal {
namespace {

constexpr int kKernel = 5;

struct Case {
  WinogradShape shape;
  int rows = 0;
  std::vector<float> x, weight, bias, dy;

  std::size_t Output(int row, int filter, int i, int j) const {
    return static_cast<std::size_t>(
        ((row * shape.filters + filter) * shape.height + i) * shape.width + j);
  }
};

std::vector<float> Draw(RandomSource& random, int count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) {
    value = static_cast<float>(2 * random.Uniform() - 1);
  }
  return values;
}

Case DrawCase(RandomSource& random, const WinogradShape& shape, int rows) {
  const int plane = shape.height * shape.width;
  return {shape,
          rows,
          Draw(random, rows * shape.channels * plane),
          Draw(random, shape.filters * shape.channels * kKernel * kKernel),
          Draw(random, shape.filters),
          Draw(random, rows * shape.filters * plane)};
}

// Calls visit(output, input, tap) for each product of the convolution.
template <typename Visit>
void ForEachProduct(const Case& drawn, Visit visit) {
  const auto& [channels, filters, height, width] = drawn.shape;
  for (int row = 0; row < drawn.rows; ++row) {
    for (int filter = 0; filter < filters; ++filter) {
      for (int channel = 0; channel < channels; ++channel) {
        for (int i = 0; i < height; ++i) {
          for (int j = 0; j < width; ++j) {
            for (int tap = 0; tap < kKernel * kKernel; ++tap) {
              const int line = i + tap / kKernel - kKernel / 2;
              const int column = j + tap % kKernel - kKernel / 2;
              if (line < 0 || line >= height || column < 0 || column >= width) {
                continue;
              }
              const int input =
                  ((row * channels + channel) * height + line) * width + column;
              visit(drawn.Output(row, filter, i, j),
                    static_cast<std::size_t>(input),
                    static_cast<std::size_t>(
                        (filter * channels + channel) * kKernel * kKernel +
                        tap));
            }
          }
        }
      }
    }
  }
}

// The largest difference, as a part of the largest value.
double Error(std::span<const float> got, std::span<const double> expected) {
  double difference = 0;
  double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    difference = std::max(difference, std::fabs(got[i] - expected[i]));
    largest = std::max(largest, std::fabs(expected[i]));
  }
  return difference / largest;
}

// Some ten times what a sum in float has; 1.1e-5 was seen.
constexpr double kTolerance = 5e-5;

TEST_CASE("the three passes are those of the sums") {
  CHECK(rc::check([](std::uint64_t seed) {
    KeyedStream random(KeyFromSeed(seed), "winograd");
    const auto sized = [&](int most) {
      return 1 + static_cast<int>(random.Below(static_cast<std::uint64_t>(most)));
    };
    const WinogradShape shape{16 * sized(2), 16 * sized(2), sized(14),
                              sized(14)};
    const Case drawn = DrawCase(random, shape, sized(3));
    std::vector<double> y(drawn.dy.size()), dx(drawn.x.size()),
        dw(drawn.weight.size());
    const std::size_t plane =
        static_cast<std::size_t>(shape.height * shape.width);
    for (std::size_t i = 0; i < y.size(); ++i) {
      y[i] = drawn.bias[i / plane % drawn.bias.size()];
    }
    ForEachProduct(drawn, [&](std::size_t out, std::size_t in, std::size_t tap) {
      y[out] += double{drawn.x[in]} * drawn.weight[tap];
      dx[in] += double{drawn.dy[out]} * drawn.weight[tap];
      dw[tap] += double{drawn.dy[out]} * drawn.x[in];
    });

    Winograd winograd(shape);
    std::vector<float> got_y(y.size()), got_dx(dx.size()), got_dw(dw.size());
    winograd.Forward(drawn.x.data(), drawn.rows, drawn.weight.data(),
                     drawn.bias.data(), got_y.data());
    winograd.Backward(drawn.dy.data(), drawn.weight.data(), got_dx.data(),
                      got_dw.data());
    RC_ASSERT(Error(got_y, y) < kTolerance);
    RC_ASSERT(Error(got_dx, dx) < kTolerance);
    RC_ASSERT(Error(got_dw, dw) < kTolerance);
  }));
}

TEST_CASE("a row's outputs do not depend on the rows beside it") {
  KeyedStream random(KeyFromSeed(3), "winograd");
  const WinogradShape shape{16, 32, 6, 11};
  const Case drawn = DrawCase(random, shape, 3);
  const std::size_t inputs = drawn.x.size() / 3;
  const std::size_t outputs = drawn.dy.size() / 3;
  std::vector<float> together(3 * outputs), alone(outputs);
  Winograd winograd(shape);
  winograd.Forward(drawn.x.data(), 3, drawn.weight.data(), drawn.bias.data(),
                   together.data());
  winograd.Forward(drawn.x.data() + 2 * inputs, 1, drawn.weight.data(),
                   drawn.bias.data(), alone.data());
  CHECK(std::ranges::equal(std::span(together).last(outputs), alone));
}

TEST_CASE("the input's gradient may be left out") {
  KeyedStream random(KeyFromSeed(4), "winograd");
  const WinogradShape shape{32, 16, 5, 5};
  const Case drawn = DrawCase(random, shape, 2);
  Winograd winograd(shape);
  std::vector<float> y(drawn.dy.size()), dx(drawn.x.size()),
      with(drawn.weight.size()), without(drawn.weight.size());
  winograd.Forward(drawn.x.data(), 2, drawn.weight.data(), drawn.bias.data(),
                   y.data());
  winograd.Backward(drawn.dy.data(), drawn.weight.data(), dx.data(),
                    with.data());
  winograd.Backward(drawn.dy.data(), drawn.weight.data(), nullptr,
                    without.data());
  CHECK(with == without);
}

}  // namespace
}  // namespace tributary::torch_internal
