// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/packed_reader.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "privacy/secagg/packing.h"

namespace tributary::secagg {

PackedReader::PackedReader(std::size_t words, int bits)
    : words_(words), bits_(bits), size_(PackedSize(words, bits)) {}

void PackedReader::Skip(std::span<const std::byte> bytes) {
  if (bytes.size() > left()) std::abort();
  if (bytes.empty()) return;
  received_ += bytes.size();
  last_ = bytes.back();
}

bool PackedReader::Feed(std::span<const std::byte> bytes, const Sink& sink) {
  if (bytes.empty()) return true;
  Skip(bytes);
  // A group of eight words has as many bytes as a word has bits.
  const auto group = static_cast<std::size_t>(bits_);
  if (partial_size_ > 0) {
    const std::size_t taken = std::min(bytes.size(), group - partial_size_);
    std::ranges::copy(bytes.first(taken), partial_.begin() + partial_size_);
    partial_size_ += taken;
    bytes = bytes.subspan(taken);
    if (partial_size_ == group) {
      partial_size_ = 0;
      if (!Pass(std::span(partial_).first(group), kGroup, sink)) return false;
    }
  }
  while (bytes.size() >= group) {
    const std::size_t groups = std::min(bytes.size() / group, kBlock / kGroup);
    if (!Pass(bytes.first(groups * group), groups * kGroup, sink)) return false;
    bytes = bytes.subspan(groups * group);
  }
  if (!bytes.empty()) {
    std::ranges::copy(bytes, partial_.begin());
    partial_size_ = bytes.size();
  }
  if (left() > 0 || partial_size_ == 0) return true;
  const std::size_t rest = std::exchange(partial_size_, 0);
  return Pass(std::span(partial_).first(rest), kGroup, sink);
}

// The last group may have fewer words than bytes for eight.
bool PackedReader::Pass(std::span<const std::byte> packed, std::size_t count,
                        const Sink& sink) {
  const std::span<std::int64_t> integers =
      std::span(block_).first(std::min(count, words_ - passed_));
  Unpack(packed, bits_, integers);
  const std::size_t first = passed_;
  passed_ += integers.size();
  return sink(first, integers);
}

bool PackedReader::HasStrayBits() const {
  const std::size_t used = words_ * static_cast<std::size_t>(bits_) % 8;
  return used != 0 && std::to_integer<unsigned>(last_) >> used != 0;
}

}  // namespace tributary::secagg
