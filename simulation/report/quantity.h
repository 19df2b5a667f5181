// SPDX-License-Identifier: Apache-2.0
// What a number counts, and how a person reads it. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tributary::simulation {

enum class Quantity {
  kNumber,   // of no unit: a loss, a share
  kCount,    // whole: rounds, clients
  kSeconds,  // ms, s, min, h, days
  kBytes,    // B, KiB, MiB, GiB, TiB
  kJoules,   // J, kJ, MJ
};

// A number of the quantity divided by `size` is one in the unit of that name;
// "" where numbers stand alone.
struct Unit {
  double size = 1;
  std::string_view name;
};

// The largest unit in which `magnitude` is at least 1, or the smallest unit.
Unit UnitFor(Quantity quantity, double magnitude);

// "1.5 MiB", "2.25 min", "12,345", "0.9622": four significant digits, counts
// whole. "-" for what is not finite.
std::string FormatQuantity(Quantity quantity, double value);

// 12345 -> "12,345"; rounded to a whole number.
std::string FormatCount(double value);

// The quantity that a column of metrics.jsonl counts, by its name:
// "virtual_seconds", "bytes_up", "spent_joules", "accepted", "train_loss".
// `whole`: every value of the column is.
enum class Values { kWhole, kFractional };
Quantity QuantityOf(std::string_view column, Values values);

}  // namespace tributary::simulation
