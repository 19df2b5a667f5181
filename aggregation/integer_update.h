// SPDX-License-Identifier: Apache-2.0
// An update as integers, a word each: what secure aggregation adds up and
// differential privacy adds noise to.
//
//   word i = w round(x_i / step_i)        for each coordinate
//   then either  w, and w round(loss / kLossStep)
//   or           1 if the delta was within the clip norm, else -1
//   or           nothing
//
// w is the client's weight. What is one client's alone travels as a word of the
// sum, or not at all.
//
// Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "aggregation/encoding.h"
#include "aggregation/grid.h"

namespace tributary::aggregation {

// Losses are counted in these: 2^-8, up to 2^15 of them.
inline constexpr double kLossStep = 0x1p-8;
inline constexpr std::int64_t kMaxLossPoints = 1 << 15;

struct IntegerFormat {
  enum class Scalars {
    kNone,
    kExamplesAndLoss,
    kClipWord,
  };
  Layout layout;
  Scalars scalars = Scalars::kExamplesAndLoss;
  // Words are integers modulo 2^word_bits.
  int word_bits = 32;

  // Of an update, scalars included.
  std::size_t Words() const;
  // The largest magnitude of a word of one update, noise apart.
  std::int64_t LargestWord() const;
};

// What goes with the coordinates.
struct IntegerScalars {
  std::uint32_t weight = 1;         // 1 .. max_weight of the grid
  double train_loss = 0;            // finite; kExamplesAndLoss only
  bool is_within_clip_norm = true;  // kClipWord only
};

// The words of an update, coordinates rounded to the nearest grid point, ties
// to even. `values` are layout.length floats within the grids' bounds.
std::vector<std::int64_t> ToIntegers(const IntegerFormat& format,
                                     std::span<const float> values,
                                     const IntegerScalars& scalars);

// The same, each coordinate rounded up or down so that its mean is x / step
// (weight 1), again while the L2 norm of the coordinates is over `norm_bound`
// (Kairouz, Liu, Steinke 2021, section 4.1). `norm_bound` is at least the norm
// of values / step; after 64 tries all are rounded towards zero.
std::vector<std::int64_t> ToIntegersWithin(const IntegerFormat& format,
                                           std::span<const float> values,
                                           const IntegerScalars& scalars,
                                           double norm_bound,
                                           const Words& words);

// L2 norm of integers, squared; exact up to 2^127.
__extension__ using WideInteger = unsigned __int128;
WideInteger SquaredNorm(std::span<const std::int64_t> integers);
// Whether sqrt(`squared`) is at most `bound`: the one place that decides it.
bool IsWithin(WideInteger squared, double bound);

// What a sum of such updates says beside its coordinates.
struct IntegerTotals {
  // The first words of the sum, one for each coordinate.
  std::vector<std::int64_t> coordinates;
  // kExamplesAndLoss: the clients' weights together, and the mean loss.
  std::optional<std::int64_t> weight;
  double train_loss = 0;
  // kClipWord: clients within the clip norm minus those that were not, with
  // noise.
  std::optional<std::int64_t> clip_words;
};
// `sum` has format.Words() integers.
IntegerTotals ReadTotals(const IntegerFormat& format,
                         std::vector<std::int64_t> sum);

}  // namespace tributary::aggregation
