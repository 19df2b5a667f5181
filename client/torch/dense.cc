// SPDX-License-Identifier: Apache-2.0
#include "client/torch/dense.h"

#include <algorithm>

#include "client/torch/vector.h"

namespace tributary::torch_internal {
namespace {

// ---- forward --------------------------------------------------------------

template <int kLanes>
TRIBUTARY_INLINE float Sum(const float* lanes) {
  if constexpr (kLanes == 1) {
    return lanes[0];
  } else {
    float halves[kLanes / 2];
    for (int i = 0; i < kLanes / 2; ++i) {
      halves[i] = lanes[i] + lanes[i + kLanes / 2];
    }
    return Sum<kLanes / 2>(halves);
  }
}

// kRows x kOutputs dot products, held in registers.
template <int kLanes, int kRows, int kOutputs>
TRIBUTARY_INLINE void ForwardTile(const DenseShape& shape, const float* x,
                                  const float* weight, const float* bias,
                                  float* y) {
  using V = Vector<kLanes>;
  const long inputs = shape.inputs;
  V sums[kRows][kOutputs] = {};
  long k = 0;
  for (; k + kLanes <= inputs; k += kLanes) {
    V w[kOutputs];
    for (int n = 0; n < kOutputs; ++n) {
      w[n] = *reinterpret_cast<const V*>(weight + n * inputs + k);
    }
    for (int m = 0; m < kRows; ++m) {
      const V v = *reinterpret_cast<const V*>(x + m * inputs + k);
      for (int n = 0; n < kOutputs; ++n) sums[m][n] += v * w[n];
    }
  }
  if (k < inputs) {
    // The last vector overlaps with the one before: those lanes count nothing.
    const long last = inputs - kLanes;
    V fresh;
    for (int i = 0; i < kLanes; ++i) fresh[i] = last + i >= k ? 1.0f : 0.0f;
    for (int m = 0; m < kRows; ++m) {
      const V v = *reinterpret_cast<const V*>(x + m * inputs + last) * fresh;
      for (int n = 0; n < kOutputs; ++n) {
        sums[m][n] +=
            v * *reinterpret_cast<const V*>(weight + n * inputs + last);
      }
    }
  }
  for (int m = 0; m < kRows; ++m) {
    for (int n = 0; n < kOutputs; ++n) {
      float lanes[kLanes];
      *reinterpret_cast<V*>(lanes) = sums[m][n];
      y[m * shape.outputs + n] = bias[n] + Sum<kLanes>(lanes);
    }
  }
}

template <int kLanes, int kRows, int kOutputs>
TRIBUTARY_INLINE void ForwardRows(const DenseShape& shape, const float* x,
                                  const float* weight, const float* bias,
                                  float* y) {
  int row = 0;
  for (; row + kRows <= shape.rows; row += kRows) {
    ForwardTile<kLanes, kRows, kOutputs>(shape, x + long{row} * shape.inputs,
                                         weight, bias,
                                         y + long{row} * shape.outputs);
  }
  for (; row < shape.rows; ++row) {
    ForwardTile<kLanes, 1, kOutputs>(shape, x + long{row} * shape.inputs,
                                     weight, bias,
                                     y + long{row} * shape.outputs);
  }
}

template <int kLanes, int kRows, int kOutputs>
TRIBUTARY_INLINE void Forward(const DenseShape& shape, const float* x,
                              const float* weight, const float* bias,
                              float* y) {
  int n = 0;
  for (; n + kOutputs <= shape.outputs; n += kOutputs) {
    ForwardRows<kLanes, kRows, kOutputs>(
        shape, x, weight + long{n} * shape.inputs, bias + n, y + n);
  }
  for (; n < shape.outputs; ++n) {
    ForwardRows<kLanes, kRows, 1>(shape, x, weight + long{n} * shape.inputs,
                                  bias + n, y + n);
  }
}

// ---- backward -------------------------------------------------------------

struct Block {
  const float* x;
  float* weight;
  float* dx;  // may be null
  // dy of kOutputs outputs, [rows, kOutputs].
  const float* dy;
  float rate;
};

// kOutputs rows of the weight, columns from `first` to `end`.
template <int kLanes, int kVectors, int kOutputs, bool kWantsDx>
TRIBUTARY_INLINE void BackwardColumns(const DenseShape& shape,
                                      const Block& block, long first,
                                      long end) {
  using V = Vector<kLanes>;
  const long inputs = shape.inputs;
  long c = first;
  for (; c + kVectors * kLanes <= end; c += kVectors * kLanes) {
    V w[kOutputs][kVectors];
    V step[kOutputs][kVectors] = {};
    for (int n = 0; n < kOutputs; ++n) {
      for (int v = 0; v < kVectors; ++v) {
        w[n][v] = *reinterpret_cast<const V*>(block.weight + n * inputs + c +
                                              v * kLanes);
      }
    }
    for (int row = 0; row < shape.rows; ++row) {
      const float* x = block.x + row * inputs + c;
      float* dx = block.dx + (kWantsDx ? row * inputs + c : 0);
      V in[kVectors], out[kVectors];
      for (int v = 0; v < kVectors; ++v) {
        in[v] = *reinterpret_cast<const V*>(x + v * kLanes);
        if (kWantsDx) out[v] = *reinterpret_cast<const V*>(dx + v * kLanes);
      }
      for (int n = 0; n < kOutputs; ++n) {
        const float dy = block.dy[row * kOutputs + n];
        for (int v = 0; v < kVectors; ++v) {
          step[n][v] += dy * in[v];
          if (kWantsDx) out[v] += dy * w[n][v];
        }
      }
      if (kWantsDx) {
        for (int v = 0; v < kVectors; ++v) {
          *reinterpret_cast<V*>(dx + v * kLanes) = out[v];
        }
      }
    }
    for (int n = 0; n < kOutputs; ++n) {
      for (int v = 0; v < kVectors; ++v) {
        *reinterpret_cast<V*>(block.weight + n * inputs + c + v * kLanes) =
            w[n][v] - block.rate * step[n][v];
      }
    }
  }
  if constexpr (kVectors > 1) {
    BackwardColumns<kLanes, 1, kOutputs, kWantsDx>(shape, block, c, end);
  } else if constexpr (kLanes > 1) {
    BackwardColumns<kLanes / 2, 1, kOutputs, kWantsDx>(shape, block, c, end);
  }
}

template <int kLanes, int kVectors, int kOutputs, bool kWantsDx>
TRIBUTARY_INLINE void BackwardOutputs(const DenseShape& shape, const float* x,
                                      const float* dy, float rate,
                                      float* weight, float* dx, long first,
                                      long end) {
  float some[kMostDenseRows * kOutputs];
  for (int row = 0; row < shape.rows; ++row) {
    for (int n = 0; n < kOutputs; ++n) {
      some[row * kOutputs + n] = dy[long{row} * shape.outputs + n];
    }
  }
  BackwardColumns<kLanes, kVectors, kOutputs, kWantsDx>(
      shape, {x, weight, dx, some, rate}, first, end);
}

template <int kLanes, int kVectors, int kOutputs, bool kWantsDx>
TRIBUTARY_INLINE void Backward(const DenseShape& shape, const float* x,
                               const float* dy, float rate, float* weight,
                               float* dx) {
  // Columns of x and dx that stay in the first cache.
  constexpr long kColumns = 256;
  for (long first = 0; first < shape.inputs; first += kColumns) {
    const long end = std::min<long>(shape.inputs, first + kColumns);
    if (kWantsDx) {
      for (int row = 0; row < shape.rows; ++row) {
        std::fill(dx + long{row} * shape.inputs + first,
                  dx + long{row} * shape.inputs + end, 0.0f);
      }
    }
    int n = 0;
    for (; n + kOutputs <= shape.outputs; n += kOutputs) {
      BackwardOutputs<kLanes, kVectors, kOutputs, kWantsDx>(
          shape, x, dy + n, rate, weight + long{n} * shape.inputs, dx, first,
          end);
    }
    for (; n < shape.outputs; ++n) {
      BackwardOutputs<kLanes, kVectors, 1, kWantsDx>(
          shape, x, dy + n, rate, weight + long{n} * shape.inputs, dx, first,
          end);
    }
  }
}

// ---- one of each for what a processor can ----------------------------------

struct Kernels {
  void (*forward)(const DenseShape&, const float*, const float*, const float*,
                  float*);
  void (*step)(const DenseShape&, const float*, const float*, float, float*,
               float*);
  void (*backward)(const DenseShape&, const float*, const float*, float, float*,
                   float*);
};

// Tiles fill the registers: 32 of 16 floats, 16 of 8, 16 of 4.
#define TRIBUTARY_KERNELS(name, target, lanes, outputs, vectors)               \
  target void Forward##name(const DenseShape& shape, const float* x,           \
                            const float* weight, const float* bias,            \
                            float* y) {                                        \
    Forward<lanes, 5, outputs>(shape, x, weight, bias, y);                     \
  }                                                                            \
  target void Step##name(const DenseShape& shape, const float* x,              \
                         const float* dy, float rate, float* weight, float*) { \
    Backward<lanes, vectors, 4, false>(shape, x, dy, rate, weight, nullptr);   \
  }                                                                            \
  target void Backward##name(const DenseShape& shape, const float* x,          \
                             const float* dy, float rate, float* weight,       \
                             float* dx) {                                      \
    Backward<lanes, vectors, 4, true>(shape, x, dy, rate, weight, dx);         \
  }                                                                            \
  constexpr Kernels k##name = {Forward##name, Step##name, Backward##name};

TRIBUTARY_KERNELS(Plain, , 4, 2, 1)

#if defined(__x86_64__)
TRIBUTARY_KERNELS(Avx2, __attribute__((target("avx2,fma"))), 8, 2, 1)
TRIBUTARY_KERNELS(Avx512, __attribute__((target("avx512f,avx2,fma"))), 16, 4, 2)
#endif

#undef TRIBUTARY_KERNELS

const Kernels& Best() {
  static const Kernels best = [] {
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

void DenseForward(const DenseShape& shape, const float* x, const float* weight,
                  const float* bias, float* y) {
  Best().forward(shape, x, weight, bias, y);
}

void DenseBackward(const DenseShape& shape, const float* x, const float* dy,
                   float rate, float* weight, float* dx) {
  const auto function = dx == nullptr ? Best().step : Best().backward;
  function(shape, x, dy, rate, weight, dx);
}

}  // namespace tributary::torch_internal
