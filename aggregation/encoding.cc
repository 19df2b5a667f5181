// SPDX-License-Identifier: Apache-2.0
#include "aggregation/encoding.h"

#include "absl/strings/str_cat.h"
#include "aggregation/encoding_layout.h"

namespace tributary::aggregation {

std::string_view Name(Encoding encoding) {
  switch (encoding) {
    case Encoding::kFloat32:
      return "float32";
    case Encoding::kBfloat16:
      return "bfloat16";
    case Encoding::kInt8:
      return "int8";
    case Encoding::kTopK:
      return "top-k";
  }
  return "unknown";
}

absl::Status EncodingOptions::Validate() const {
  if (encoding != Encoding::kTopK) return absl::OkStatus();
  if (!(top_k_fraction > 0 && top_k_fraction <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "update.top_k_fraction: ", top_k_fraction, " is not in (0, 1]"));
  }
  return absl::OkStatus();
}

SizeRange EncodedSize(Encoding encoding, std::size_t length) {
  const std::uint64_t n = length;
  switch (encoding) {
    case Encoding::kFloat32:
      return {4 * n, 4 * n};
    case Encoding::kBfloat16:
      return {2 * n, 2 * n};
    case Encoding::kInt8: {
      const std::uint64_t size = n + kScaleBytes * BlockCount(n, kInt8Block);
      return {size, size};
    }
    case Encoding::kTopK: {
      const std::uint64_t counts = kCountBytes * BlockCount(n, kTopKBlock);
      return {counts, counts + kPairBytes * n};
    }
  }
  return {0, 0};
}

}  // namespace tributary::aggregation
