// SPDX-License-Identifier: Apache-2.0
// One field of a line of text. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tributary::data {

// Without the blanks and tabs around it.
std::string_view Trim(std::string_view text);

// Text of others as it may stand in an error: in quotes, at most 24 bytes of
// it, control characters escaped.
std::string Quote(std::string_view text);

// A decimal number times `scale`. Otherwise the error says what was expected
// and found, and leaves it to the caller to say where: `expected a number,
// found "x"`. NaN and infinities are refused, and what float32 does not hold.
absl::StatusOr<float> ParseFloat(std::string_view field, double scale);

// A whole number in 0 .. largest; the error likewise.
absl::StatusOr<std::uint64_t> ParseCount(std::string_view field,
                                         std::uint64_t largest);

}  // namespace tributary::data
