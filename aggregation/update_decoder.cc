// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "aggregation/encoding.h"
#include "aggregation/encoding_layout.h"

namespace tributary::aggregation {
namespace {

// Most values passed on at once, and most decoded before they are: the latter
// stay in the cache until they are added.
constexpr std::size_t kMostPassed = 65'536;
constexpr std::size_t kMostDecoded = 16'384;
// Top-k: zeros written between two coordinates cost less than another call.
constexpr std::size_t kWidestGap = 16;

float FromBfloat16(std::uint16_t upper) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(upper) << 16);
}

bool IsAlignedForFloats(const std::byte* bytes) {
  return reinterpret_cast<std::uintptr_t>(bytes) % alignof(float) == 0;
}

}  // namespace

UpdateDecoder::UpdateDecoder(Encoding encoding, std::size_t length)
    : encoding_(encoding),
      length_(length),
      partial_(encoding == Encoding::kInt8 ? kScaleBytes + kInt8Block
                                           : kPairBytes) {}

absl::Status UpdateDecoder::Feed(std::span<const std::byte> bytes,
                                 const Sink& sink) {
  if (!status_.ok()) return status_;
  const std::uint64_t most = EncodedSize(encoding_, length_).max;
  if (bytes.size() > most - consumed_ - partial_size_) {
    status_ = Refuse(absl::StrCat("more than the ", most, " bytes that ",
                                  length_, " coordinates can take"));
    return status_;
  }
  switch (encoding_) {
    case Encoding::kFloat32:
      status_ = FeedFloat32(bytes, sink);
      break;
    case Encoding::kBfloat16:
      status_ = FeedNumbers<std::uint16_t>(bytes, sink, FromBfloat16);
      break;
    case Encoding::kInt8:
      status_ = FeedInt8(bytes, sink);
      break;
    case Encoding::kTopK:
      status_ = FeedTopK(bytes, sink);
      break;
  }
  return status_;
}

absl::Status UpdateDecoder::Finish() const {
  if (!status_.ok()) return status_;
  if (position_ == length_ && partial_size_ == 0) return absl::OkStatus();
  return Refuse(absl::StrCat("the update ends after ", position_, " of ",
                             length_, " coordinates"));
}

absl::Status UpdateDecoder::Refuse(std::string_view reason) const {
  return absl::InvalidArgumentError(absl::StrCat(std::string(Name(encoding_)),
                                                 " update, byte ", consumed_,
                                                 ": ", std::string(reason)));
}

const std::byte* UpdateDecoder::TakeItem(std::span<const std::byte>& bytes,
                                         std::size_t size) {
  const std::byte* item = bytes.data();
  if (partial_size_ == 0 && bytes.size() >= size) {
    bytes = bytes.subspan(size);
  } else {
    const std::size_t count = std::min(bytes.size(), size - partial_size_);
    if (count > 0) {
      std::memcpy(partial_.data() + partial_size_, bytes.data(), count);
    }
    bytes = bytes.subspan(count);
    partial_size_ += count;
    if (partial_size_ < size) return nullptr;
    partial_size_ = 0;
    item = partial_.data();
  }
  consumed_ += size;
  return item;
}

absl::Status UpdateDecoder::Emit(std::span<const float> values,
                                 const Sink& sink) {
  const std::size_t offset = position_;
  position_ += values.size();
  return sink(offset, values);
}

template <typename Wire, typename Convert>
absl::Status UpdateDecoder::FeedNumbers(std::span<const std::byte> bytes,
                                        const Sink& sink, Convert convert) {
  if (partial_size_ > 0) {
    const std::byte* item = TakeItem(bytes, sizeof(Wire));
    if (item == nullptr) return absl::OkStatus();
    const float value = convert(Load<Wire>(item));
    if (absl::Status status = Emit({&value, 1}, sink); !status.ok()) {
      return status;
    }
  }
  while (bytes.size() >= sizeof(Wire)) {
    const std::size_t count =
        std::min(bytes.size() / sizeof(Wire), kMostDecoded);
    block_.resize(std::max(block_.size(), count));
    for (std::size_t i = 0; i < count; ++i) {
      block_[i] = convert(Load<Wire>(bytes.data() + i * sizeof(Wire)));
    }
    bytes = bytes.subspan(count * sizeof(Wire));
    consumed_ += count * sizeof(Wire);
    if (absl::Status status = Emit(std::span(block_).first(count), sink);
        !status.ok()) {
      return status;
    }
  }
  TakeItem(bytes, sizeof(Wire));
  return absl::OkStatus();
}

absl::Status UpdateDecoder::FeedFloat32(std::span<const std::byte> bytes,
                                        const Sink& sink) {
  if (partial_size_ == 0 && IsAlignedForFloats(bytes.data())) {
    while (bytes.size() >= sizeof(float)) {
      const std::size_t count =
          std::min(bytes.size() / sizeof(float), kMostPassed);
      const auto* values = reinterpret_cast<const float*>(bytes.data());
      bytes = bytes.subspan(count * sizeof(float));
      consumed_ += count * sizeof(float);
      if (absl::Status status = Emit({values, count}, sink); !status.ok()) {
        return status;
      }
    }
  }
  return FeedNumbers<float>(bytes, sink, [](float value) { return value; });
}

absl::Status UpdateDecoder::FeedInt8(std::span<const std::byte> bytes,
                                     const Sink& sink) {
  block_.resize(std::min(kInt8Block, length_));
  while (position_ < length_) {
    const std::size_t count = std::min(kInt8Block, length_ - position_);
    const std::byte* item = TakeItem(bytes, kScaleBytes + count);
    if (item == nullptr) return absl::OkStatus();
    const auto scale = Load<float>(item);
    if (!std::isfinite(scale) || std::signbit(scale)) {
      return Refuse(
          "the scale of the block that ends here is negative or not "
          "finite");
    }
    item += kScaleBytes;
    int lowest = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const int level = Load<std::int8_t>(item + i);
      lowest = std::min(lowest, level);
      block_[i] = static_cast<float>(level) * scale;
    }
    if (lowest < -127) {
      return Refuse("the block that ends here holds -128");
    }
    if (absl::Status status = Emit(std::span(block_).first(count), sink);
        !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status UpdateDecoder::FeedTopK(std::span<const std::byte> bytes,
                                     const Sink& sink) {
  while (position_ < length_) {
    const std::size_t block = std::min(kTopKBlock, length_ - position_);
    if (!is_in_block_) {
      const std::byte* item = TakeItem(bytes, kCountBytes);
      if (item == nullptr) return absl::OkStatus();
      pairs_left_ = Load<std::uint32_t>(item);
      if (pairs_left_ > block) {
        return Refuse(absl::StrCat("a count of ", pairs_left_,
                                   " in a block of ", block, " coordinates"));
      }
      is_in_block_ = true;
      next_index_ = 0;
    }
    while (pairs_left_ > 0) {
      const std::byte* item = TakeItem(bytes, kPairBytes);
      if (item == nullptr) return absl::OkStatus();
      const std::size_t index = Load<std::uint16_t>(item);
      if (index < next_index_ || index >= block) {
        return Refuse(absl::StrCat("index ", index, " is not in ", next_index_,
                                   " .. ", block - 1));
      }
      next_index_ = index + 1;
      --pairs_left_;
      if (absl::Status status = AddToRun(position_ + index,
                                         Load<float>(item + kIndexBytes), sink);
          !status.ok()) {
        return status;
      }
    }
    if (absl::Status status = EndRun(sink); !status.ok()) return status;
    is_in_block_ = false;
    position_ += block;
  }
  if (bytes.empty()) return absl::OkStatus();
  return Refuse("more bytes than its counts announced");
}

absl::Status UpdateDecoder::AddToRun(std::size_t coordinate, float value,
                                     const Sink& sink) {
  if (!block_.empty() &&
      coordinate - (run_start_ + block_.size()) > kWidestGap) {
    if (absl::Status status = EndRun(sink); !status.ok()) return status;
  }
  if (block_.empty()) run_start_ = coordinate;
  block_.resize(coordinate - run_start_, 0.0f);
  block_.push_back(value);
  return absl::OkStatus();
}

absl::Status UpdateDecoder::EndRun(const Sink& sink) {
  if (block_.empty()) return absl::OkStatus();
  const absl::Status status = sink(run_start_, block_);
  block_.clear();
  return status;
}

}  // namespace tributary::aggregation
