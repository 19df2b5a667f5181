// SPDX-License-Identifier: Apache-2.0
// The transforms of minimal filtering: planes are cut into tiles, tiles and
// kernels taken to the points where products are, and back
// (winograd_matrices.h). Inlined into functions that say which instructions
// they use.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "client/torch/vector.h"
#include "client/torch/winograd.h"
#include "client/torch/winograd_matrices.h"

namespace tributary::torch_internal::winograd {
// Of the one file that includes it: otherwise GCC unfolds more than pays.
namespace {

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
              sizeof(float) * static_cast<std::size_t>(lines * padded.width *
                                                       padded.channels));
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
      const int at =
          forward ? channel * inner + filter : filter * inner + channel;
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

// Planes [channels, height, width] <- the products [64, tile, channel] of one
// row, plus the bias unless it is null.
template <int kLanes>
TRIBUTARY_INLINE void TransformOutputs(const WinogradShape& shape, int channels,
                                       const Tiles& tiles,
                                       const float* products, const float* bias,
                                       float* planes) {
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
        float* to =
            planes + (channel + lane) * plane + top * shape.width + left;
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

}  // namespace
}  // namespace tributary::torch_internal::winograd
