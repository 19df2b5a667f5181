// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/upload_message.h"

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace tributary::coordinator {
namespace {

constexpr std::size_t kMaxHeader = 64;
constexpr std::size_t kTokenSize = 16;
constexpr int kHeaderTag = 0x0A;
constexpr int kDataTag = 0x12;
// A length of up to 2^28 - 1: more than any chunk.
constexpr int kMaxLengthBytes = 4;

// A position in a list of slices.
class Cursor {
 public:
  explicit Cursor(std::span<const Bytes> slices) : slices_(slices) {}

  std::optional<std::uint8_t> Next() {
    SkipEmpty();
    if (slice_ == slices_.size()) return std::nullopt;
    return static_cast<std::uint8_t>(slices_[slice_][offset_++]);
  }

  std::size_t Rest(std::vector<Bytes>& rest) {
    std::size_t size = 0;
    for (SkipEmpty(); slice_ < slices_.size(); ++slice_, offset_ = 0) {
      const Bytes piece = slices_[slice_].subspan(offset_);
      if (piece.empty()) continue;
      rest.push_back(piece);
      size += piece.size();
    }
    return size;
  }

 private:
  void SkipEmpty() {
    while (slice_ < slices_.size() && offset_ == slices_[slice_].size()) {
      ++slice_;
      offset_ = 0;
    }
  }

  std::span<const Bytes> slices_;
  std::size_t slice_ = 0;
  std::size_t offset_ = 0;
};

std::optional<std::size_t> ReadLength(Cursor& cursor) {
  std::size_t length = 0;
  for (int i = 0; i < kMaxLengthBytes; ++i) {
    const std::optional<std::uint8_t> byte = cursor.Next();
    if (!byte.has_value()) return std::nullopt;
    length |= static_cast<std::size_t>(*byte & 0x7F) << (7 * i);
    if ((*byte & 0x80) == 0) return length;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<UploadPart> FindPayload(std::span<const Bytes> slices,
                                       std::vector<Bytes>& payload) {
  payload.clear();
  Cursor cursor(slices);
  const std::optional<std::uint8_t> tag = cursor.Next();
  if (tag != kHeaderTag && tag != kDataTag) {
    return absl::InvalidArgumentError(
        "upload: a message is one header or one chunk of data");
  }
  const std::optional<std::size_t> length = ReadLength(cursor);
  if (!length.has_value() || *length > kMaxChunk) {
    return absl::InvalidArgumentError(
        "upload: a chunk holds at most 1048576 bytes");
  }
  if (cursor.Rest(payload) != *length) {
    payload.clear();
    return absl::InvalidArgumentError(
        "upload: a message's length is not that of its one field");
  }
  return tag == kHeaderTag ? UploadPart::kHeader : UploadPart::kData;
}

absl::StatusOr<v1::UploadHeader> ReadUploadHeader(
    std::span<const Bytes> payload) {
  std::string bytes;
  for (const Bytes piece : payload) {
    if (bytes.size() + piece.size() > kMaxHeader) {
      return absl::InvalidArgumentError("upload: the header is too long");
    }
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
  v1::UploadHeader header;
  if (!header.ParseFromString(bytes) ||
      header.task_token().size() != kTokenSize) {
    return absl::InvalidArgumentError(
        "upload: the header needs a task_token of 16 bytes");
  }
  return header;
}

}  // namespace tributary::coordinator
