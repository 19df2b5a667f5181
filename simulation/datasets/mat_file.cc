// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/mat_file.h"

#include <matio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "simulation/datasets/mat_elements.h"

namespace tributary::datasets {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 16;

absl::StatusOr<std::vector<std::uint8_t>> ReadAll(data::ByteSource& source) {
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint8_t> chunk(kChunk);
  while (true) {
    const auto count = source.Read(chunk);
    if (!count.ok()) return count.status();
    if (*count == 0) return bytes;
    bytes.insert(bytes.end(), chunk.begin(),
                 chunk.begin() + static_cast<std::ptrdiff_t>(*count));
  }
}

// A file that exists in memory only, for a library that takes paths.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("array", MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  // False if there is no room.
  bool Write(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
      const ssize_t count = write(descriptor_, bytes.data(), bytes.size());
      if (count <= 0) return false;
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return true;
  }
  std::string Path() const {
    return absl::StrCat("/proc/self/fd/", descriptor_);
  }

 private:
  int descriptor_;
};

template <typename T>
std::vector<float> Convert(const matvar_t& variable, std::size_t count) {
  const auto* const values = static_cast<const T*>(variable.data);
  std::vector<float> floats(count);
  std::transform(values, values + count, floats.begin(),
                 [](T value) { return static_cast<float>(value); });
  return floats;
}

std::optional<std::vector<float>> ToFloats(const matvar_t& variable,
                                           std::size_t count) {
  if (variable.data == nullptr ||
      variable.nbytes != count * static_cast<std::size_t>(variable.data_size)) {
    return std::nullopt;
  }
  switch (variable.class_type) {
    case MAT_C_DOUBLE:
      return Convert<double>(variable, count);
    case MAT_C_SINGLE:
      return Convert<float>(variable, count);
    case MAT_C_INT8:
      return Convert<std::int8_t>(variable, count);
    case MAT_C_UINT8:
      return Convert<std::uint8_t>(variable, count);
    case MAT_C_INT16:
      return Convert<std::int16_t>(variable, count);
    case MAT_C_UINT16:
      return Convert<std::uint16_t>(variable, count);
    case MAT_C_INT32:
      return Convert<std::int32_t>(variable, count);
    case MAT_C_UINT32:
      return Convert<std::uint32_t>(variable, count);
    case MAT_C_INT64:
      return Convert<std::int64_t>(variable, count);
    case MAT_C_UINT64:
      return Convert<std::uint64_t>(variable, count);
    default:
      return std::nullopt;
  }
}

// The array as libmatio reads it, from a file of nothing else.
std::optional<std::vector<float>> ReadNumbers(
    std::span<const std::uint8_t> header, const MatNumbers& numbers,
    std::size_t count) {
  const bool is_big_endian = header[126] == 'M';
  const auto word = [&](std::uint32_t value) {
    std::array<std::uint8_t, 4> bytes;
    for (std::size_t i = 0; i < 4; ++i) {
      bytes[is_big_endian ? 3 - i : i] =
          static_cast<std::uint8_t>(value >> (8 * i));
    }
    return bytes;
  };
  constexpr std::uint32_t kMatrix = 14;
  MemoryFile file;
  const bool is_written =
      file.Write(header) && file.Write(word(kMatrix)) &&
      file.Write(word(static_cast<std::uint32_t>(numbers.bytes.size()))) &&
      file.Write(numbers.bytes);
  if (!is_written) return std::nullopt;
  const std::unique_ptr<mat_t, int (*)(mat_t*)> mat(
      Mat_Open(file.Path().c_str(), MAT_ACC_RDONLY), Mat_Close);
  if (mat == nullptr) return std::nullopt;
  const std::unique_ptr<matvar_t, void (*)(matvar_t*)> variable(
      Mat_VarReadNext(mat.get()), Mat_VarFree);
  if (variable == nullptr) return std::nullopt;
  return ToFloats(*variable, count);
}

}  // namespace

absl::StatusOr<std::vector<float>> ReadMatSignal(data::ByteSource& source,
                                                 std::string_view suffix) {
  const auto bytes = ReadAll(source);
  if (!bytes.ok()) return bytes.status();
  const auto refuse = [&](const std::string& reason) {
    return absl::InvalidArgumentError(
        absl::StrCat(source.Name(), ": ", reason));
  };
  const auto found = FindMatNumbers(*bytes, suffix);
  if (!found.ok()) return refuse(std::string(found.status().message()));
  const std::string wanted = absl::StrCat("*", std::string(suffix));
  if (found->size() != 1) {
    const auto name = [](std::string* out, const MatNumbers& numbers) {
      absl::StrAppend(out, numbers.name);
    };
    return refuse(absl::StrCat(
        "expected one numeric variable ", wanted, ", found ",
        found->empty() ? "none" : absl::StrJoin(*found, ", ", name)));
  }
  const MatNumbers& numbers = found->front();
  const std::uint64_t longest = *std::ranges::max_element(numbers.shape);
  std::uint64_t count = 1;
  for (const std::uint64_t extent : numbers.shape) count *= extent;
  if (count == 0 || count != longest) {
    return refuse(absl::StrCat("expected ", numbers.name,
                               " to be a vector, found ",
                               absl::StrJoin(numbers.shape, " x ")));
  }
  auto values = ReadNumbers(std::span(*bytes).first(kMatHeaderBytes), numbers,
                            static_cast<std::size_t>(count));
  if (!values) {
    return refuse(absl::StrCat("expected ", numbers.name,
                               " to be numbers that libmatio reads"));
  }
  for (std::size_t i = 0; i < values->size(); ++i) {
    if (!std::isfinite((*values)[i])) {
      return refuse(absl::StrCat(numbers.name, ", value ", i,
                                 ": expected a finite number within float32"));
    }
  }
  return *std::move(values);
}

}  // namespace tributary::datasets
