// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "proto/codec/safetensors.h"
#include "proto/durable/replacement.h"

namespace tributary::codec {
namespace {

// The format is little-endian, and so is the flat vector in memory.
static_assert(std::endian::native == std::endian::little);

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

absl::Status Failure(const std::filesystem::path& file, int error) {
  return absl::ErrnoToStatus(error, file.string());
}

absl::Status ReadAll(int number, std::uint64_t offset, std::span<std::byte> out,
                     const std::filesystem::path& file) {
  while (!out.empty()) {
    const ssize_t read =
        ::pread(number, out.data(), out.size(), static_cast<off_t>(offset));
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) return Failure(file, errno);
    if (read == 0) {
      return absl::DataLossError(
          absl::StrCat(file.string(), ": was cut while it was read"));
    }
    offset += static_cast<std::uint64_t>(read);
    out = out.subspan(static_cast<std::size_t>(read));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SafetensorsFile> ReadSafetensors(
    const std::filesystem::path& file) {
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.number() < 0) return Failure(file, errno);
  struct stat status {};
  if (::fstat(descriptor.number(), &status) != 0) return Failure(file, errno);
  if (!S_ISREG(status.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.string(), ": is not a regular file"));
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  // At most the longest header, whatever the file says.
  std::vector<std::byte> head(std::min<std::uint64_t>(size, 8));
  if (auto read = ReadAll(descriptor.number(), 0, head, file); !read.ok()) {
    return read;
  }
  if (head.size() == 8) {
    std::uint64_t length = 0;
    std::memcpy(&length, head.data(), 8);
    if (length <= kMaxHeaderBytes && length <= size - 8) {
      head.resize(8 + length);
      if (auto read = ReadAll(descriptor.number(), 0, head, file); !read.ok()) {
        return read;
      }
    }
  }
  auto header = ParseSafetensorsHeader(head, size);
  if (!header.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.string(), ": ", header.status().message()));
  }
  SafetensorsFile result{*std::move(header), {}};
  result.weights.resize(result.header.manifest.Length());
  if (auto read =
          ReadAll(descriptor.number(), result.header.data_offset,
                  std::as_writable_bytes(std::span(result.weights)), file);
      !read.ok()) {
    return read;
  }
  return result;
}

absl::Status WriteSafetensors(
    const std::filesystem::path& file, const Manifest& manifest,
    const std::map<std::string, std::string>& metadata,
    std::span<const float> weights) {
  if (auto status = manifest.Validate(); !status.ok()) return status;
  if (weights.size() != manifest.Length()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.string(), ": ", weights.size(), " floats for ",
                     manifest.Length(), " of the manifest"));
  }
  auto replacement = durable::Replacement::Begin(file, {});
  if (!replacement.ok()) return replacement.status();
  auto written =
      replacement->Write(FormatSafetensorsHeader(manifest, metadata));
  if (written.ok()) written = replacement->Write(std::as_bytes(weights));
  return written.ok() ? replacement->Commit() : written;
}

}  // namespace tributary::codec
