// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/mat_elements.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tributary::datasets {
namespace {

using Bytes = std::span<const std::uint8_t>;

// Data types of elements.
constexpr std::uint32_t kInt8 = 1;
constexpr std::uint32_t kInt32 = 5;
constexpr std::uint32_t kUInt32 = 6;
constexpr std::uint32_t kMatrix = 14;
constexpr std::uint32_t kCompressed = 15;
// Classes of arrays: double, single and the integers.
constexpr std::uint32_t kFirstNumeric = 6;
constexpr std::uint32_t kLastNumeric = 15;
constexpr std::uint32_t kComplex = 0x0800;
constexpr std::size_t kTagBytes = 8;
constexpr std::size_t kChunk = std::size_t{1} << 16;

absl::Status RefuseAt(std::size_t byte, const std::string& reason) {
  return absl::InvalidArgumentError(absl::StrCat("byte ", byte, ": ", reason));
}

// Bytes of one value of a numeric data type; 0 for another type.
std::size_t WidthOf(std::uint32_t type) {
  switch (type) {
    case 1:
    case 2:
      return 1;
    case 3:
    case 4:
      return 2;
    case 5:
    case 6:
    case 7:
      return 4;
    case 9:
    case 12:
    case 13:
      return 8;
    default:
      return 0;
  }
}

struct Element {
  std::uint32_t type;
  Bytes data;
  std::size_t next;  // where the next one begins
};

enum class ByteOrder { kLittle, kBig };

// Reads elements of one byte order.
class Reader {
 public:
  explicit Reader(ByteOrder order) : order_(order) {}

  std::uint32_t Word(Bytes bytes, std::size_t at) const {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t shift = 8 * (order_ == ByteOrder::kBig ? 3 - i : i);
      word |= std::uint32_t{bytes[at + i]} << shift;
    }
    return word;
  }

  // The element at `at`, or nothing if it does not fit.
  std::optional<Element> At(Bytes bytes, std::size_t at) const {
    if (at > bytes.size() || bytes.size() - at < kTagBytes) return std::nullopt;
    const std::uint32_t first = Word(bytes, at);
    if (first >> 16 != 0) {  // type, size and up to 4 bytes in one tag
      const std::uint32_t size = first >> 16;
      if (size > 4) return std::nullopt;
      return Element{first & 0xffff, bytes.subspan(at + 4, size),
                     at + kTagBytes};
    }
    const std::size_t size = Word(bytes, at + 4);
    const std::size_t begin = at + kTagBytes;
    if (size > bytes.size() - begin) return std::nullopt;
    // Compressed elements are not padded; others may lack it at the end.
    const std::size_t padded = first == kCompressed ? size : (size + 7) / 8 * 8;
    return Element{first, bytes.subspan(begin, size),
                   std::min(begin + padded, bytes.size())};
  }

 private:
  ByteOrder order_;
};

// Grows as data arrive. Nothing if they are damaged.
std::optional<std::vector<std::uint8_t>> Inflate(Bytes compressed) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return std::nullopt;
  stream.next_in = const_cast<Bytef*>(compressed.data());
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::vector<std::uint8_t> out;
  std::array<std::uint8_t, kChunk> chunk;
  int code = Z_OK;
  while (code == Z_OK) {
    stream.next_out = chunk.data();
    stream.avail_out = static_cast<uInt>(chunk.size());
    code = inflate(&stream, Z_NO_FLUSH);
    out.insert(out.end(), chunk.data(),
               chunk.data() + chunk.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (code != Z_STREAM_END) return std::nullopt;
  return out;
}

// The array of a matrix element's data, nothing if it is not wanted.
absl::StatusOr<std::optional<MatNumbers>> ReadMatrix(const Reader& reader,
                                                     Bytes matrix,
                                                     std::size_t at,
                                                     std::string_view suffix) {
  const auto flags = reader.At(matrix, 0);
  if (!flags || flags->type != kUInt32 || flags->data.size() != 8) {
    return RefuseAt(at, "expected an array's flags");
  }
  const std::uint32_t word = reader.Word(flags->data, 0);
  const auto dimensions = reader.At(matrix, flags->next);
  if (!dimensions || dimensions->type != kInt32 ||
      dimensions->data.size() % 4 != 0) {
    return RefuseAt(at, "expected an array's dimensions");
  }
  const auto name = reader.At(matrix, dimensions->next);
  if (!name || name->type != kInt8) {
    return RefuseAt(at, "expected an array's name");
  }
  MatNumbers numbers;
  numbers.name.assign(name->data.begin(), name->data.end());
  const std::uint32_t array_class = word & 0xff;
  if (!numbers.name.ends_with(suffix) || array_class < kFirstNumeric ||
      array_class > kLastNumeric || (word & kComplex) != 0) {
    return std::nullopt;
  }
  const auto data = reader.At(matrix, name->next);
  const std::size_t width = data ? WidthOf(data->type) : 0;
  if (width == 0) return RefuseAt(at, "expected an array's numbers");
  std::uint64_t values = 1;
  for (std::size_t i = 0; i < dimensions->data.size(); i += 4) {
    const std::uint32_t extent = reader.Word(dimensions->data, i);
    numbers.shape.push_back(extent);
    // More than the element can hold is as good as any larger number.
    const bool is_too_many = extent != 0 && values > matrix.size() / extent;
    values = is_too_many ? matrix.size() + 1 : values * extent;
  }
  if (numbers.shape.size() < 2 || values != data->data.size() / width ||
      data->data.size() % width != 0) {
    return RefuseAt(at, absl::StrCat("expected as many numbers as the "
                                     "dimensions of ",
                                     numbers.name, " say, found ",
                                     data->data.size(), " bytes"));
  }
  numbers.bytes.assign(matrix.begin(), matrix.end());
  return numbers;
}

absl::StatusOr<Reader> ReadHeader(Bytes file) {
  static constexpr std::string_view kHdf5 = "\x89HDF\r\n\x1a\n";
  if (file.size() >= 512 + kHdf5.size() &&
      std::equal(kHdf5.begin(), kHdf5.end(), file.begin() + 512,
                 [](char a, std::uint8_t b) {
                   return static_cast<std::uint8_t>(a) == b;
                 })) {
    return absl::InvalidArgumentError(
        "expected a MATLAB level 5 file, found level 7.3: save it with -v7");
  }
  if (file.size() < kMatHeaderBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a MATLAB level 5 header of 128 bytes, found ",
                     file.size(), " bytes"));
  }
  const bool is_little = file[126] == 'I' && file[127] == 'M';
  const bool is_big = file[126] == 'M' && file[127] == 'I';
  const unsigned version =
      is_big ? file[124] << 8 | file[125] : file[125] << 8 | file[124];
  if ((!is_little && !is_big) || version != 0x0100) {
    return absl::InvalidArgumentError(
        "expected a MATLAB level 5 file (version 0x0100 and IM or MI at byte "
        "124)");
  }
  return Reader(is_big ? ByteOrder::kBig : ByteOrder::kLittle);
}

}  // namespace

absl::StatusOr<std::vector<MatNumbers>> FindMatNumbers(
    Bytes file, std::string_view suffix) {
  const auto reader = ReadHeader(file);
  if (!reader.ok()) return reader.status();
  std::vector<MatNumbers> found;
  for (std::size_t at = kMatHeaderBytes; at < file.size();) {
    auto element = reader->At(file, at);
    if (!element) {
      return RefuseAt(at, "expected an element that fits into the file");
    }
    std::optional<std::vector<std::uint8_t>> inflated;
    const std::size_t next = element->next;
    if (element->type == kCompressed) {
      inflated = Inflate(element->data);
      if (inflated) element = reader->At(*inflated, 0);
      if (!inflated || !element) {
        return RefuseAt(at, "expected a whole compressed element");
      }
    }
    if (element->type != kMatrix) {
      return RefuseAt(at, absl::StrCat("expected an array, found an element of "
                                       "type ",
                                       element->type));
    }
    auto numbers = ReadMatrix(*reader, element->data, at, suffix);
    if (!numbers.ok()) return numbers.status();
    if (*numbers) found.push_back(**std::move(numbers));
    at = next;
  }
  return found;
}

}  // namespace tributary::datasets
