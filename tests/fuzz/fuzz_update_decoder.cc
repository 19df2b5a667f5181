// SPDX-License-Identifier: Apache-2.0
// Any bytes, cut anywhere: the decoder passes on coordinates in increasing
// order and in range, blocks of at most 65,536 values, and never more than it
// was promised. Input: encoding, length (u24), size of a piece, then the
// update.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "aggregation/encoding.h"

using tributary::aggregation::Encoding;
using tributary::aggregation::UpdateDecoder;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size < 5) return 0;
  const auto encoding = static_cast<Encoding>(data[0] % 4);
  const std::size_t length = (data[1] | data[2] << 8 | data[3] << 16) % 200'000;
  const std::size_t piece = 1 + data[4];
  auto bytes = std::as_bytes(std::span(data, size).subspan(5));

  UpdateDecoder decoder(encoding, length);
  std::size_t next = 0;
  const auto sink = [&](std::size_t offset, std::span<const float> values) {
    if (offset < next || values.empty() || values.size() > 65'536 ||
        offset > length || values.size() > length - offset) {
      std::abort();
    }
    next = offset + values.size();
    return absl::OkStatus();
  };
  bool is_ok = true;
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(part.size());
    const bool is_part_ok = decoder.Feed(part, sink).ok();
    if (!is_ok && is_part_ok) std::abort();  // an error is for good
    is_ok = is_part_ok;
  }
  const bool is_finished = decoder.Finish().ok();
  if (is_finished && !is_ok) std::abort();
  if (is_finished && encoding != Encoding::kTopK && next != length) {
    std::abort();
  }
  return 0;
}
