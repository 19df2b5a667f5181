// SPDX-License-Identifier: Apache-2.0
#include "client/torch/winograd.h"

#include <algorithm>

#include "client/torch/vector.h"
#include "client/torch/winograd_matrices.h"
#include "client/torch/winograd_product.h"
#include "client/torch/winograd_tiles.h"

namespace tributary::torch_internal {
namespace {

using namespace winograd;

// Memory of a pass; Winograd's members.
struct Rooms {
  float* inputs;  // of all rows
  float* kernels;
  float* outputs;    // of one row
  float* gradients;  // of one row
  float* products;
  float* padded;
};

Padded PaddedFor(const WinogradShape& shape, int channels, int border,
                 float* data) {
  return {data, channels, border, TilesOf(shape).across * kTile + 2 * border};
}
int PaddedLines(const WinogradShape& shape, int border) {
  return TilesOf(shape).down * kTile + 2 * border;
}

template <int kLanes, int kVectors>
TRIBUTARY_INLINE void ForwardPass(const WinogradShape& shape, const float* x,
                                  std::int64_t rows, const float* weight,
                                  const float* bias, const Rooms& rooms,
                                  float* y) {
  const Tiles tiles = TilesOf(shape);
  const int plane = shape.height * shape.width;
  TransformKernels<kLanes>(shape, Direction::kForward, weight, rooms.products,
                           rooms.kernels);
  const Padded padded = PaddedFor(shape, shape.channels, kBorder, rooms.padded);
  for (std::int64_t row = 0; row < rows; ++row) {
    float* inputs =
        rooms.inputs + row * kPoints * tiles.count() * shape.channels;
    Pad(shape, x + row * shape.channels * plane, padded,
        PaddedLines(shape, kBorder));
    TransformTiles<kLanes>(kInputs, padded, tiles, inputs);
    for (int e = 0; e < kPoints; ++e) {
      Product<kLanes, kVectors, false>(
          {inputs + e * tiles.count() * shape.channels, shape.channels, 1},
          tiles.count(), shape.channels, shape.filters,
          rooms.kernels + e * shape.channels * shape.filters,
          rooms.outputs + e * tiles.count() * shape.filters);
    }
    TransformOutputs<kLanes>(shape, shape.filters, tiles, rooms.outputs, bias,
                             y + row * shape.filters * plane);
  }
}

template <int kLanes, int kVectors>
TRIBUTARY_INLINE void InputPass(const WinogradShape& shape, const float* dy,
                                std::int64_t rows, const float* weight,
                                const Rooms& rooms, float* dx) {
  const Tiles tiles = TilesOf(shape);
  const int plane = shape.height * shape.width;
  TransformKernels<kLanes>(shape, Direction::kBackward, weight, rooms.products,
                           rooms.kernels);
  const Padded padded = PaddedFor(shape, shape.filters, kBorder, rooms.padded);
  for (std::int64_t row = 0; row < rows; ++row) {
    Pad(shape, dy + row * shape.filters * plane, padded,
        PaddedLines(shape, kBorder));
    TransformTiles<kLanes>(kInputs, padded, tiles, rooms.gradients);
    for (int e = 0; e < kPoints; ++e) {
      Product<kLanes, kVectors, false>(
          {rooms.gradients + e * tiles.count() * shape.filters, shape.filters,
           1},
          tiles.count(), shape.filters, shape.channels,
          rooms.kernels + e * shape.channels * shape.filters,
          rooms.outputs + e * tiles.count() * shape.channels);
    }
    TransformOutputs<kLanes>(shape, shape.channels, tiles, rooms.outputs,
                             nullptr, dx + row * shape.channels * plane);
  }
}

template <int kLanes, int kVectors>
TRIBUTARY_INLINE void WeightPass(const WinogradShape& shape, const float* dy,
                                 std::int64_t rows, const Rooms& rooms,
                                 float* gradient) {
  const Tiles tiles = TilesOf(shape);
  const int plane = shape.height * shape.width;
  const int count = shape.channels * shape.filters;
  std::fill_n(rooms.products, kPoints * count, 0.0f);
  const Padded padded = PaddedFor(shape, shape.filters, 0, rooms.padded);
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* inputs =
        rooms.inputs + row * kPoints * tiles.count() * shape.channels;
    Pad(shape, dy + row * shape.filters * plane, padded, PaddedLines(shape, 0));
    TransformTiles<kLanes>(kGradients, padded, tiles, rooms.gradients);
    for (int e = 0; e < kPoints; ++e) {
      Product<kLanes, kVectors, true>(
          {inputs + e * tiles.count() * shape.channels, 1, shape.channels},
          shape.channels, tiles.count(), shape.filters,
          rooms.gradients + e * tiles.count() * shape.filters,
          rooms.products + e * count);
    }
  }
  TransformWeightGradient<kLanes>(shape, rooms.products, gradient);
}

// ---- one of each for what a processor can -----------------------------------

struct Passes {
  void (*forward)(const WinogradShape&, const float*, std::int64_t,
                  const float*, const float*, const Rooms&, float*);
  void (*input)(const WinogradShape&, const float*, std::int64_t, const float*,
                const Rooms&, float*);
  void (*weight)(const WinogradShape&, const float*, std::int64_t, const Rooms&,
                 float*);
};

// Tiles fill the registers: 32 of 16 floats, 16 of 8, 16 of 4.
#define TRIBUTARY_PASSES(name, target, lanes, vectors)                         \
  target void Forward##name(const WinogradShape& shape, const float* x,        \
                            std::int64_t rows, const float* weight,            \
                            const float* bias, const Rooms& rooms, float* y) { \
    ForwardPass<lanes, vectors>(shape, x, rows, weight, bias, rooms, y);       \
  }                                                                            \
  target void Input##name(const WinogradShape& shape, const float* dy,         \
                          std::int64_t rows, const float* weight,              \
                          const Rooms& rooms, float* dx) {                     \
    InputPass<lanes, vectors>(shape, dy, rows, weight, rooms, dx);             \
  }                                                                            \
  target void Weight##name(const WinogradShape& shape, const float* dy,        \
                           std::int64_t rows, const Rooms& rooms,              \
                           float* gradient) {                                  \
    WeightPass<lanes, vectors>(shape, dy, rows, rooms, gradient);              \
  }                                                                            \
  constexpr Passes k##name = {Forward##name, Input##name, Weight##name};

TRIBUTARY_PASSES(Plain, , 4, 2)

#if defined(__x86_64__)
TRIBUTARY_PASSES(Avx2, __attribute__((target("avx2,fma"))), 8, 2)
TRIBUTARY_PASSES(Avx512, __attribute__((target("avx512f,avx2,fma"))), 16, 4)
#endif

#undef TRIBUTARY_PASSES

const Passes& Best() {
  static const Passes best = [] {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return kAvx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      return kAvx2;
    }
#endif
    return kPlain;
  }();
  return best;
}

}  // namespace

void Winograd::Forward(const float* x, std::int64_t rows, const float* weight,
                       const float* bias, float* y) {
  rows_ = rows;
  const int tiles = TilesOf(shape_).count();
  const int widest = std::max(shape_.channels, shape_.filters);
  const int count = kPoints * shape_.channels * shape_.filters;
  const Rooms rooms{
      .inputs = inputs_.AtLeast(rows * kPoints * tiles * shape_.channels),
      .kernels = kernels_.AtLeast(count),
      .outputs = outputs_.AtLeast(kPoints * tiles * widest),
      .gradients = gradients_.AtLeast(kPoints * tiles * shape_.filters),
      .products = products_.AtLeast(count),
      .padded = padded_.AtLeast(
          PaddedLines(shape_, kBorder) *
          PaddedFor(shape_, widest, kBorder, nullptr).width * widest)};
  Best().forward(shape_, x, rows, weight, bias, rooms, y);
}

void Winograd::Backward(const float* dy, const float* weight, float* dx,
                        float* weight_gradient) {
  const Rooms rooms{.inputs = inputs_.AtLeast(0),
                    .kernels = kernels_.AtLeast(0),
                    .outputs = outputs_.AtLeast(0),
                    .gradients = gradients_.AtLeast(0),
                    .products = products_.AtLeast(0),
                    .padded = padded_.AtLeast(0)};
  if (dx != nullptr) Best().input(shape_, dy, rows_, weight, rooms, dx);
  Best().weight(shape_, dy, rows_, rooms, weight_gradient);
}

}  // namespace tributary::torch_internal
