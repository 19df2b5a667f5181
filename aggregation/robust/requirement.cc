// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/requirement.h"

#include <cmath>

#include "absl/strings/str_cat.h"

namespace tributary::robust {
namespace {

// Debian 12's abseil and the standard library differ in their string_view.
absl::string_view Text(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

absl::Status RequireUpdates(std::string_view key, std::uint32_t adversaries,
                            std::uint32_t per_adversary, std::uint32_t more,
                            std::string_view formula, std::uint64_t updates) {
  const std::uint64_t least = std::uint64_t{per_adversary} * adversaries + more;
  if (updates >= least) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      Text(key), ": ", adversaries, " adversaries take at least ", least,
      " updates (", Text(formula), "), there are ", updates));
}

absl::Status RequirePositive(std::string_view key, double value) {
  if (std::isfinite(value) && value > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(Text(key), ": ", value, " is not a finite number over 0"));
}

absl::Status RequireWithin(std::string_view key, std::int64_t value,
                           std::int64_t low, std::int64_t high,
                           std::string_view meaning) {
  if (low <= value && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(Text(key), ": ", value, " is not in ", low, " .. ", high,
                   " (", Text(meaning), ")"));
}

}  // namespace tributary::robust
