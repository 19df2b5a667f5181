// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/model_chunk.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/support/slice.h"

namespace tributary::coordinator {
namespace {

constexpr char kTotalSizeTag = 0x08;
constexpr char kDataTag = 0x12;

void AppendVarint(std::string& bytes, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    bytes += static_cast<char>((value & 0x7F) | 0x80);
  }
  bytes += static_cast<char>(value);
}

}  // namespace

absl::StatusOr<RawModelChunk> ReadModelChunk(ModelFile& file,
                                             std::uint64_t offset,
                                             ChunkPlace place) {
  const std::uint64_t total = file.size();
  if (offset > total) {
    return absl::OutOfRangeError(absl::StrCat(
        "offset ", offset, " is beyond the file's ", total, " bytes"));
  }
  const std::size_t size = std::min<std::uint64_t>(kModelChunk, total - offset);
  std::string frame;
  if (place == ChunkPlace::kFirst && total > 0) {
    frame += kTotalSizeTag;
    AppendVarint(frame, total);
  }
  if (size > 0) {
    frame += kDataTag;
    AppendVarint(frame, size);
  }
  grpc::Slice data(size);
  // A new slice is ours alone until it is sent.
  const std::span<std::byte> out(
      reinterpret_cast<std::byte*>(const_cast<std::uint8_t*>(data.begin())),
      size);
  for (std::size_t done = 0; done < size;) {
    absl::StatusOr<std::size_t> got =
        file.Read(offset + done, out.subspan(done));
    if (!got.ok()) return got.status();
    if (*got == 0) {
      return absl::DataLossError("the stored file is shorter than it says");
    }
    done += *got;
  }
  const std::array<grpc::Slice, 2> slices{grpc::Slice(frame), std::move(data)};
  return RawModelChunk{grpc::ByteBuffer(slices.data(), slices.size()),
                       offset + size};
}

}  // namespace tributary::coordinator
