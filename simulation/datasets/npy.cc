// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/data/field.h"

namespace tributary::datasets {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kLongestHeader = std::size_t{1} << 16;
constexpr std::size_t kMostDimensions = 8;
constexpr std::int64_t kMostValues = std::int64_t{1} << 34;
constexpr std::size_t kChunk = std::size_t{1} << 16;  // a multiple of 8

absl::Status Refuse(const data::ByteSource& source, const std::string& reason) {
  return absl::InvalidArgumentError(absl::StrCat(source.Name(), ": ", reason));
}

// How one value is stored.
struct Type {
  char kind = 'f';  // b, i, u or f
  std::size_t width = 4;
  bool is_big_endian = false;
};

struct Header {
  Type type;
  std::vector<std::int64_t> shape;
};

// The dictionary, a subset of Python as numpy.save writes it.
class HeaderText {
 public:
  explicit HeaderText(std::string_view text) : rest_(text) {}

  // Drops blanks and, if it comes next, the word.
  bool Take(std::string_view word) {
    const std::size_t first = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(std::min(first, rest_.size()));
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  // A text in quotes, without escapes.
  std::optional<std::string_view> TakeText() {
    const char quote = Take("'") ? '\'' : '"';
    if (quote == '"' && !Take("\"")) return std::nullopt;
    const std::size_t end = rest_.find(quote);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }

  // (3, 4), (3,) or ().
  std::optional<std::vector<std::int64_t>> TakeShape() {
    std::vector<std::int64_t> shape;
    if (!Take("(")) return std::nullopt;
    while (!Take(")")) {
      std::int64_t extent = 0;
      const auto [rest, error] =
          std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
      if (error != std::errc() || extent < 0) return std::nullopt;
      rest_.remove_prefix(static_cast<std::size_t>(rest - rest_.data()));
      shape.push_back(extent);
      if (shape.size() > kMostDimensions) return std::nullopt;
      if (Take(",")) continue;
      if (!Take(")")) return std::nullopt;
      return shape;
    }
    return shape;
  }

 private:
  std::string_view rest_;
};

// "<f4" and the like.
std::optional<Type> TypeOf(std::string_view text) {
  if (text.size() != 3) return std::nullopt;
  Type type{.kind = text[1],
            .width = static_cast<std::size_t>(text[2] - '0'),
            .is_big_endian = text[0] == '>'};
  if (std::string_view("<>|=").find(text[0]) == std::string_view::npos) {
    return std::nullopt;
  }
  const std::size_t width = type.width;
  switch (type.kind) {
    case 'b':
      if (width == 1) return type;
      break;
    case 'i':
    case 'u':
      if (width == 1 || width == 2 || width == 4 || width == 8) return type;
      break;
    case 'f':
      if (width == 4 || width == 8) return type;
      break;
    default:
      break;
  }
  return std::nullopt;
}

absl::StatusOr<Header> ParseHeader(const data::ByteSource& source,
                                   std::string_view text) {
  Header header;
  HeaderText rest(text);
  bool has_type = false;
  bool has_order = false;
  bool has_shape = false;
  const absl::Status malformed = Refuse(
      source, absl::StrCat("expected a header such as {'descr': '<f4', "
                           "'fortran_order': False, 'shape': (3, 4)}, found ",
                           data::Quote(text)));
  if (!rest.Take("{")) return malformed;
  while (!rest.Take("}")) {
    const auto key = rest.TakeText();
    if (!key || !rest.Take(":")) return malformed;
    if (*key == "descr") {
      const auto descr = rest.TakeText();
      const auto type = descr ? TypeOf(*descr) : std::nullopt;
      if (!type) {
        return Refuse(source,
                      absl::StrCat("expected booleans, integers, float32 or "
                                   "float64, found descr ",
                                   descr ? data::Quote(*descr) : "of fields"));
      }
      header.type = *type;
      has_type = true;
    } else if (*key == "fortran_order") {
      if (rest.Take("True")) {
        return Refuse(source,
                      "expected an array in C order, found Fortran's: save "
                      "numpy.ascontiguousarray of it");
      }
      if (!rest.Take("False")) return malformed;
      has_order = true;
    } else if (*key == "shape") {
      auto shape = rest.TakeShape();
      if (!shape) return malformed;
      header.shape = *std::move(shape);
      has_shape = true;
    } else {
      return malformed;
    }
    if (!rest.Take(",") && !rest.Take("}")) return malformed;
    if (has_type && has_order && has_shape) return header;
  }
  return malformed;
}

absl::Status ReadAll(data::ByteSource& source, std::span<std::uint8_t> out) {
  const auto count = source.Read(out);
  if (!count.ok()) return count.status();
  if (*count == out.size()) return absl::OkStatus();
  return Refuse(source,
                "expected a header of NumPy, found the end of the file");
}

absl::StatusOr<Header> ReadHeader(data::ByteSource& source) {
  std::vector<std::uint8_t> bytes(10);
  if (auto status = ReadAll(source, bytes); !status.ok()) return status;
  if (!std::equal(kMagic.begin(), kMagic.end(), bytes.begin(),
                  [](char a, std::uint8_t b) {
                    return static_cast<std::uint8_t>(a) == b;
                  })) {
    return Refuse(source, "expected an array of NumPy (\\x93NUMPY first)");
  }
  const unsigned version = bytes[6];
  std::size_t size = bytes[8] | std::size_t{bytes[9]} << 8;
  if (version < 1 || version > 3) {
    return Refuse(source,
                  absl::StrCat("expected version 1 to 3, found ", version));
  }
  if (version > 1) {  // the length has four bytes
    std::vector<std::uint8_t> more(2);
    if (auto status = ReadAll(source, more); !status.ok()) return status;
    size |= std::size_t{more[0]} << 16 | std::size_t{more[1]} << 24;
  }
  if (size > kLongestHeader) {
    return Refuse(source, absl::StrCat("expected a header of at most ",
                                       kLongestHeader, " bytes, found ", size));
  }
  std::vector<std::uint8_t> text(size);
  if (auto status = ReadAll(source, text); !status.ok()) return status;
  return ParseHeader(source,
                     {reinterpret_cast<const char*>(text.data()), text.size()});
}

template <typename T>
float Read(const std::uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return static_cast<float>(value);
}

// `bytes` in the machine's order.
float ValueOf(const Type& type, const std::uint8_t* bytes) {
  const bool is_signed = type.kind == 'i';
  switch (type.width) {
    case 1:
      return is_signed ? Read<std::int8_t>(bytes) : Read<std::uint8_t>(bytes);
    case 2:
      return is_signed ? Read<std::int16_t>(bytes) : Read<std::uint16_t>(bytes);
    case 4:
      if (type.kind == 'f') return Read<float>(bytes);
      return is_signed ? Read<std::int32_t>(bytes) : Read<std::uint32_t>(bytes);
    default:
      if (type.kind == 'f') return Read<double>(bytes);
      return is_signed ? Read<std::int64_t>(bytes) : Read<std::uint64_t>(bytes);
  }
}

}  // namespace

absl::StatusOr<NpyArray> ParseNpy(data::ByteSource& source) {
  const auto header = ReadHeader(source);
  if (!header.ok()) return header.status();
  std::int64_t size = 1;
  for (const std::int64_t extent : header->shape) {
    if (extent == 0 || size > kMostValues / extent) {
      return Refuse(source, absl::StrCat("expected between 1 and ", kMostValues,
                                         " values; the header says ",
                                         absl::StrJoin(header->shape, " x ")));
    }
    size *= extent;
  }
  const auto expected = static_cast<std::size_t>(size);
  const std::size_t width = header->type.width;
  const bool is_swapped = header->type.is_big_endian ==
                          (std::endian::native == std::endian::little);
  NpyArray array{.shape = header->shape, .values = {}};
  std::vector<std::uint8_t> chunk(kChunk);
  while (true) {
    const auto count = source.Read(chunk);
    if (!count.ok()) return count.status();
    const std::size_t arrived = *count / width;
    const bool is_more = arrived > expected - array.values.size();
    if (is_more || *count % width != 0 ||
        (arrived == 0 && array.values.size() < expected)) {
      return Refuse(
          source,
          absl::StrCat(
              "expected ", expected * width, " bytes for ",
              absl::StrJoin(array.shape, " x "), " values, found ",
              is_more ? "more"
                      : absl::StrCat(array.values.size() * width + *count)));
    }
    if (arrived == 0) return array;
    for (std::size_t i = 0; i < arrived; ++i) {
      std::uint8_t* const bytes = chunk.data() + i * width;
      if (is_swapped) std::reverse(bytes, bytes + width);
      const float value = ValueOf(header->type, bytes);
      if (!std::isfinite(value)) {
        return Refuse(source, absl::StrCat("value ", array.values.size(),
                                           ": expected a finite number within "
                                           "float32"));
      }
      array.values.push_back(value);
    }
  }
}

}  // namespace tributary::datasets
