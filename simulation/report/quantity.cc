// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/quantity.h"

#include <cmath>
#include <span>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace tributary::simulation {
namespace {

constexpr double kKibi = 1024;
constexpr Unit kPlain[] = {{1, ""}};
constexpr Unit kTimes[] = {
    {1e-3, "ms"}, {1, "s"}, {60, "min"}, {3600, "h"}, {86400, "days"}};
constexpr Unit kSizes[] = {{1, "B"},
                           {kKibi, "KiB"},
                           {kKibi * kKibi, "MiB"},
                           {kKibi * kKibi * kKibi, "GiB"},
                           {kKibi * kKibi * kKibi * kKibi, "TiB"}};
constexpr Unit kEnergies[] = {{1, "J"}, {1e3, "kJ"}, {1e6, "MJ"}};

std::span<const Unit> UnitsOf(Quantity quantity) {
  switch (quantity) {
    case Quantity::kSeconds:
      return kTimes;
    case Quantity::kBytes:
      return kSizes;
    case Quantity::kJoules:
      return kEnergies;
    case Quantity::kNumber:
    case Quantity::kCount:
      return kPlain;
  }
  return kPlain;
}

}  // namespace

Unit UnitFor(Quantity quantity, double magnitude) {
  const auto units = UnitsOf(quantity);
  Unit best = units.front();
  for (const Unit& unit : units) {
    if (std::abs(magnitude) >= unit.size) best = unit;
  }
  // Nothing took no time: "0 s" reads better than "0 ms".
  return magnitude == 0 && quantity == Quantity::kSeconds ? kTimes[1] : best;
}

std::string FormatCount(double value) {
  const std::string digits = absl::StrFormat("%.0f", std::abs(value));
  std::string text(value <= -0.5 ? "-" : "");
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

std::string FormatQuantity(Quantity quantity, double value) {
  if (!std::isfinite(value)) return "-";
  if (quantity == Quantity::kCount) return FormatCount(value);
  const Unit unit = UnitFor(quantity, value);
  const double scaled = value / unit.size;
  const std::string number = std::abs(scaled) >= 1e4 && std::abs(scaled) < 1e15
                                 ? FormatCount(scaled)
                                 : absl::StrFormat("%.4g", scaled);
  return unit.name.empty() ? number
                           : absl::StrCat(number, " ", std::string(unit.name));
}

Quantity QuantityOf(std::string_view column, Values values) {
  const std::vector<std::string> words =
      absl::StrSplit(std::string(column), absl::ByAnyChar("_."));
  for (const std::string& word : words) {
    if (word == "seconds") return Quantity::kSeconds;
    if (word == "bytes") return Quantity::kBytes;
    if (word == "joules") return Quantity::kJoules;
  }
  return values == Values::kWhole ? Quantity::kCount : Quantity::kNumber;
}

}  // namespace tributary::simulation
