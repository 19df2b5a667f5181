// SPDX-License-Identifier: Apache-2.0
// The arrays of a MATLAB level 5 file as pieces of bytes ("MAT-File Format",
// MathWorks): a header of 128 bytes, then elements of a tag (type, size) and
// data, each padded to 8 bytes. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary::datasets {

inline constexpr std::size_t kMatHeaderBytes = 128;

// A real numeric array whose dimensions are those of its data.
struct MatNumbers {
  std::string name;
  std::vector<std::uint64_t> shape;
  // The element without its tag, decompressed.
  std::vector<std::uint8_t> bytes;
};

// The numeric arrays whose names end with `suffix`; everything else is skipped.
// InvalidArgument, saying at which byte, for elements that do not fit into the
// file or into each other, and for other levels of the format.
absl::StatusOr<std::vector<MatNumbers>> FindMatNumbers(
    std::span<const std::uint8_t> file, std::string_view suffix);

}  // namespace tributary::datasets
