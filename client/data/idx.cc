// SPDX-License-Identifier: Apache-2.0
#include "client/data/idx.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tributary::data {
namespace {

constexpr std::size_t kMostDimensions = 4;
constexpr std::uint64_t kMostValues = std::uint64_t{1} << 34;
constexpr std::size_t kChunk = std::size_t{1} << 16;  // a multiple of 4

std::uint32_t BigEndian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | bytes[3];
}

std::size_t Width(IdxType type) { return type == IdxType::kU8 ? 1 : 4; }

float ValueAt(IdxType type, const std::uint8_t* bytes) {
  switch (type) {
    case IdxType::kU8:
      return bytes[0];
    case IdxType::kI32:
      return static_cast<float>(static_cast<std::int32_t>(BigEndian(bytes)));
    case IdxType::kF32:
      return std::bit_cast<float>(BigEndian(bytes));
  }
  return 0;
}

absl::Status Refuse(const ByteSource& source, const std::string& reason) {
  return absl::InvalidArgumentError(absl::StrCat(source.Name(), ": ", reason));
}

// Fills all of `out`.
absl::Status ReadHeader(ByteSource& source, std::span<std::uint8_t> out) {
  const absl::StatusOr<std::size_t> count = source.Read(out);
  if (!count.ok()) return count.status();
  if (*count < out.size()) {
    return Refuse(source, "expected an IDX header, found the end of the file");
  }
  return absl::OkStatus();
}

// Type and shape, no values yet.
absl::StatusOr<IdxArray> ParseHeader(ByteSource& source) {
  std::array<std::uint8_t, 4> magic;
  if (absl::Status status = ReadHeader(source, magic); !status.ok()) {
    return status;
  }
  IdxArray array;
  array.type = static_cast<IdxType>(magic[2]);
  const std::size_t dimensions = magic[3];
  const bool is_known = array.type == IdxType::kU8 ||
                        array.type == IdxType::kI32 ||
                        array.type == IdxType::kF32;
  if (magic[0] != 0 || magic[1] != 0 || !is_known || dimensions < 1 ||
      dimensions > kMostDimensions) {
    return Refuse(
        source,
        absl::StrCat("expected IDX of u8, i32 or f32 with 1 to ",
                     kMostDimensions,
                     " dimensions (00 00 08|0c|0d 01..04); it "
                     "begins with ",
                     absl::Hex(BigEndian(magic.data()), absl::kZeroPad8)));
  }
  std::uint64_t size = 1;
  for (std::size_t i = 0; i < dimensions; ++i) {
    std::array<std::uint8_t, 4> extent;
    if (absl::Status status = ReadHeader(source, extent); !status.ok()) {
      return status;
    }
    array.shape.push_back(BigEndian(extent.data()));
  }
  for (const std::int64_t extent : array.shape) {
    if (extent == 0 ||
        size > kMostValues / static_cast<std::uint64_t>(extent)) {
      return Refuse(source, absl::StrCat("expected between 1 and ", kMostValues,
                                         " values; the header says ",
                                         absl::StrJoin(array.shape, " x ")));
    }
    size *= static_cast<std::uint64_t>(extent);
  }
  return array;
}

std::uint64_t Size(const IdxArray& array) {
  std::uint64_t size = 1;
  for (const std::int64_t extent : array.shape) {
    size *= static_cast<std::uint64_t>(extent);
  }
  return size;
}

}  // namespace

absl::StatusOr<IdxArray> ParseIdx(ByteSource& source) {
  absl::StatusOr<IdxArray> array = ParseHeader(source);
  if (!array.ok()) return array.status();
  const std::uint64_t size = Size(*array);
  const std::size_t width = Width(array->type);
  std::vector<std::uint8_t> chunk(kChunk);
  while (true) {
    const absl::StatusOr<std::size_t> count = source.Read(chunk);
    if (!count.ok()) return count.status();
    const std::size_t arrived = *count / width;
    if (arrived > size - array->values.size() || *count % width != 0 ||
        (arrived == 0 && array->values.size() < size)) {
      return Refuse(
          source,
          absl::StrCat(
              "expected ", size * width, " bytes for ",
              absl::StrJoin(array->shape, " x "), " values, found ",
              arrived > size - array->values.size()
                  ? "more"
                  : absl::StrCat(array->values.size() * width + *count)));
    }
    if (arrived == 0) return array;
    for (std::size_t i = 0; i < arrived; ++i) {
      const float value = ValueAt(array->type, chunk.data() + i * width);
      if (!std::isfinite(value)) {
        return Refuse(source, absl::StrCat("value ", array->values.size(),
                                           ": expected a finite number"));
      }
      array->values.push_back(value);
    }
  }
}

}  // namespace tributary::data
