// SPDX-License-Identifier: Apache-2.0
// Decoding in a test: whole, or cut into pieces at random places.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregation/encoding.h"
#include "privacy/crypto/random.h"

namespace tributary::aggregation {

// Collects what a decoder passes on, and refuses what its header rules out.
class Collector {
 public:
  explicit Collector(std::size_t length) : values_(length) {}

  absl::Status operator()(std::size_t offset, std::span<const float> values) {
    if (offset < next_ || values.empty() || values.size() > 65'536 ||
        offset + values.size() > values_.size()) {
      return absl::InternalError("the decoder broke its word");
    }
    next_ = offset + values.size();
    std::copy(values.begin(), values.end(),
              values_.begin() + static_cast<std::ptrdiff_t>(offset));
    return absl::OkStatus();
  }
  const std::vector<float>& values() const { return values_; }

 private:
  std::vector<float> values_;
  std::size_t next_ = 0;
};

// In pieces of 0 to `longest` bytes.
inline absl::StatusOr<std::vector<float>> DecodeInPieces(
    Encoding encoding, std::size_t length, std::span<const std::byte> bytes,
    std::size_t longest, RandomSource& random) {
  UpdateDecoder decoder(encoding, length);
  Collector collector(length);
  while (!bytes.empty()) {
    const std::size_t count =
        std::min<std::size_t>(bytes.size(), random.Below(longest + 1));
    if (absl::Status status =
            decoder.Feed(bytes.first(count), std::ref(collector));
        !status.ok()) {
      return status;
    }
    bytes = bytes.subspan(count);
  }
  if (absl::Status status = decoder.Finish(); !status.ok()) return status;
  return collector.values();
}

inline absl::StatusOr<std::vector<float>> DecodeWhole(
    Encoding encoding, std::size_t length, std::span<const std::byte> bytes) {
  UpdateDecoder decoder(encoding, length);
  Collector collector(length);
  if (absl::Status status = decoder.Feed(bytes, std::ref(collector));
      !status.ok()) {
    return status;
  }
  if (absl::Status status = decoder.Finish(); !status.ok()) return status;
  return collector.values();
}

}  // namespace tributary::aggregation
