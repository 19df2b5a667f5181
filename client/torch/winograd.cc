// SPDX-License-Identifier: Apache-2.0
#include "client/torch/winograd.h"

#include <algorithm>
#include <cstring>

#include "client/torch/vector.h"
#include "client/torch/winograd_matrices.h"

namespace tributary::torch_internal {
namespace {

using namespace winograd;

// out <- M in, over vectors `in_step` and `out_step` apart.
template <int kLanes, int kOut, int kIn>
TRIBUTARY_INLINE void Multiply(const Matrix<kOut, kIn>& matrix,
                               const Vector<kLanes>* in, int in_step,
                               Vector<kLanes>* out, int out_step) {
#pragma GCC unroll 8
  for (int i = 0; i < kOut; ++i) {
    Vector<kLanes> sum = {};
#pragma GCC unroll 8
    for (int j = 0; j < kIn; ++j) {
      if (matrix.at[i][j] != 0) sum += matrix.at[i][j] * in[j * in_step];
    }
    out[i * out_step] = sum;
  }
}

// out <- M in M^T, squares of vectors.
template <int kLanes, int kOut, int kIn>
TRIBUTARY_INLINE void Transform(const Matrix<kOut, kIn>& matrix,
                                const Vector<kLanes>* in, Vector<kLanes>* out) {
  Vector<kLanes> half[kOut * kIn];
  for (int column = 0; column < kIn; ++column) {
    Multiply<kLanes>(matrix, in + column, kIn, half + column, kIn);
  }
  for (int row = 0; row < kOut; ++row) {
    Multiply<kLanes>(matrix, half + row * kIn, 1, out + row * kOut, 1);
  }
}

// What a row of examples is cut into.
struct Tiles {
  int down = 0, across = 0;
  int count() const { return down * across; }
};
Tiles TilesOf(const WinogradShape& shape) {
  return {(shape.height + kTile - 1) / kTile,
          (shape.width + kTile - 1) / kTile};
}

// One row as it is read by tiles: channels innermost, `border` zeros before
// and as many behind as the last tile needs.
struct Padded {
  float* data;
  int channels;
  int border;
  int width;  // of a line, in pixels
  float* At(int line, int column) const {
    return data + (line * width + column) * channels;
  }
};

TRIBUTARY_INLINE void Pad(const WinogradShape& shape, const float* planes,
                          const Padded& padded, int lines) {
  std::memset(padded.data, 0,
              sizeof(float) * static_cast<std::size_t>(
                                  lines * padded.width * padded.channels));
  for (int channel = 0; channel < padded.channels; ++channel) {
    for (int line = 0; line < shape.height; ++line) {
      float* to = padded.At(line + padded.border, padded.border) + channel;
      for (int column = 0; column < shape.width; ++column) {
        to[column * padded.channels] = *planes++;
      }
    }
  }
}

// out [64, tile, channel] <- the tiles of one padded row, kIn wide each way.
template <int kLanes, int kIn>
TRIBUTARY_INLINE void TransformTiles(const Matrix<kSpan, kIn>& matrix,
                                     const Padded& padded, const Tiles& tiles,
                                     float* out) {
  const int channels = padded.channels;
  for (int tile = 0; tile < tiles.count(); ++tile) {
    const int top = tile / tiles.across * kTile;
    const int left = tile % tiles.across * kTile;
    for (int channel = 0; channel < channels; channel += kLanes) {
      Vector<kLanes> in[kIn * kIn], points[kPoints];
      for (int i = 0; i < kIn; ++i) {
        const float* from = padded.At(top + i, left) + channel;
        for (int j = 0; j < kIn; ++j) {
          in[i * kIn + j] =
              *reinterpret_cast<const Vector<kLanes>*>(from + j * channels);
        }
      }
      Transform<kLanes>(matrix, in, points);
      for (int e = 0; e < kPoints; ++e) {
        *reinterpret_cast<Vector<kLanes>*>(
            out + (e * tiles.count() + tile) * channels + channel) = points[e];
      }
    }
  }
}

enum class Direction { kForward, kBackward };

// out [64, in, out]: kernels as they are, or, for the gradient of what came in,
// turned round with in and out exchanged. `scratch` holds a weight.
template <int kLanes>
TRIBUTARY_INLINE void TransformKernels(const WinogradShape& shape,
                                       Direction direction, const float* weight,
                                       float* scratch, float* out) {
  constexpr int kArea = kKernel * kKernel;
  const bool forward = direction == Direction::kForward;
  const int inner = forward ? shape.filters : shape.channels;
  const int outer = forward ? shape.channels : shape.filters;
  // [tap, outer, inner]
  for (int filter = 0; filter < shape.filters; ++filter) {
    for (int channel = 0; channel < shape.channels; ++channel) {
      const int at = forward ? channel * inner + filter
                             : filter * inner + channel;
      for (int tap = 0; tap < kArea; ++tap) {
        scratch[(forward ? tap : kArea - 1 - tap) * outer * inner + at] =
            *weight++;
      }
    }
  }
  for (int at = 0; at < outer * inner; at += kLanes) {
    Vector<kLanes> in[kArea], points[kPoints];
    for (int tap = 0; tap < kArea; ++tap) {
      in[tap] = *reinterpret_cast<const Vector<kLanes>*>(
          scratch + tap * outer * inner + at);
    }
    Transform<kLanes>(kKernels, in, points);
    for (int e = 0; e < kPoints; ++e) {
      *reinterpret_cast<Vector<kLanes>*>(out + e * outer * inner + at) =
          points[e];
    }
  }
}

// a's element (i, p) is a[i * row + p * step].
struct Left {
  const float* a;
  int row;
  int step;
};

// c [rows, columns] (+)= a b with b [depth, columns], kRows x kVectors vectors
// held in registers.
template <int kLanes, int kRows, int kVectors, bool kAdds>
TRIBUTARY_INLINE void ProductTile(const Left& left, int depth, int columns,
                                  const float* b, float* c) {
  using V = Vector<kLanes>;
  V sums[kRows][kVectors];
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVectors; ++v) {
      sums[i][v] = kAdds ? *reinterpret_cast<const V*>(c + i * columns +
                                                       v * kLanes)
                         : V{};
    }
  }
  for (int p = 0; p < depth; ++p) {
    V from[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      from[v] = *reinterpret_cast<const V*>(b + p * columns + v * kLanes);
    }
    for (int i = 0; i < kRows; ++i) {
      const float factor = left.a[i * left.row + p * left.step];
      for (int v = 0; v < kVectors; ++v) sums[i][v] += factor * from[v];
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVectors; ++v) {
      *reinterpret_cast<V*>(c + i * columns + v * kLanes) = sums[i][v];
    }
  }
}

template <int kLanes, int kVectors, bool kAdds>
TRIBUTARY_INLINE void ProductColumns(const Left& left, int rows, int depth,
                                     int columns, const float* b, float* c) {
  constexpr int kRows = 4;
  int i = 0;
  for (; i + kRows <= rows; i += kRows) {
    ProductTile<kLanes, kRows, kVectors, kAdds>(
        {left.a + i * left.row, left.row, left.step}, depth, columns, b,
        c + i * columns);
  }
  for (; i < rows; ++i) {
    ProductTile<kLanes, 1, kVectors, kAdds>(
        {left.a + i * left.row, left.row, left.step}, depth, columns, b,
        c + i * columns);
  }
}

template <int kLanes, int kVectors, bool kAdds>
TRIBUTARY_INLINE void Product(const Left& left, int rows, int depth,
                              int columns, const float* b, float* c) {
  int j = 0;
  for (; j + kVectors * kLanes <= columns; j += kVectors * kLanes) {
    ProductColumns<kLanes, kVectors, kAdds>(left, rows, depth, columns, b + j,
                                            c + j);
  }
  for (; j < columns; j += kLanes) {
    ProductColumns<kLanes, 1, kAdds>(left, rows, depth, columns, b + j, c + j);
  }
}

// Planes [channels, height, width] <- the products [64, tile, channel] of one
// row, plus the bias unless it is null.
template <int kLanes>
TRIBUTARY_INLINE void TransformOutputs(const WinogradShape& shape, int channels,
                                       const Tiles& tiles,
                                       const float* products,
                                       const float* bias, float* planes) {
  const int plane = shape.height * shape.width;
  for (int tile = 0; tile < tiles.count(); ++tile) {
    const int top = tile / tiles.across * kTile;
    const int left = tile % tiles.across * kTile;
    const int lines = std::min(kTile, shape.height - top);
    const int columns = std::min(kTile, shape.width - left);
    for (int channel = 0; channel < channels; channel += kLanes) {
      Vector<kLanes> points[kPoints], out[kTile * kTile];
      for (int e = 0; e < kPoints; ++e) {
        points[e] = *reinterpret_cast<const Vector<kLanes>*>(
            products + (e * tiles.count() + tile) * channels + channel);
      }
      Transform<kLanes>(kOutputs, points, out);
      const Vector<kLanes> added =
          bias == nullptr
              ? Vector<kLanes>{}
              : *reinterpret_cast<const Vector<kLanes>*>(bias + channel);
      float values[kTile * kTile][kLanes];
      for (int i = 0; i < kTile * kTile; ++i) {
        *reinterpret_cast<Vector<kLanes>*>(values[i]) = out[i] + added;
      }
      for (int lane = 0; lane < kLanes; ++lane) {
        float* to = planes + (channel + lane) * plane + top * shape.width + left;
        for (int i = 0; i < lines; ++i) {
          for (int j = 0; j < columns; ++j) {
            to[i * shape.width + j] = values[i * kTile + j][lane];
          }
        }
      }
    }
  }
}

// gradient [filters, channels, 5, 5] <- products [64, channel, filter].
template <int kLanes>
TRIBUTARY_INLINE void TransformWeightGradient(const WinogradShape& shape,
                                              const float* products,
                                              float* gradient) {
  constexpr int kArea = kKernel * kKernel;
  const int count = shape.channels * shape.filters;
  for (int channel = 0; channel < shape.channels; ++channel) {
    for (int filter = 0; filter < shape.filters; filter += kLanes) {
      const int at = channel * shape.filters + filter;
      Vector<kLanes> points[kPoints], out[kArea];
      for (int e = 0; e < kPoints; ++e) {
        points[e] =
            *reinterpret_cast<const Vector<kLanes>*>(products + e * count + at);
      }
      Transform<kLanes>(kWeightGradients, points, out);
      for (int lane = 0; lane < kLanes; ++lane) {
        float* to =
            gradient + ((filter + lane) * shape.channels + channel) * kArea;
        for (int tap = 0; tap < kArea; ++tap) {
          to[tap] = reinterpret_cast<const float*>(out + tap)[lane];
        }
      }
    }
  }
}

// ---- the three passes -------------------------------------------------------

// Memory of a pass; Winograd's members.
struct Rooms {
  float* inputs;     // of all rows
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
