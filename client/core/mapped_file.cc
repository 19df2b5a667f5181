// SPDX-License-Identifier: Apache-2.0
#include "client/core/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "proto/durable/replacement.h"

namespace tributary {

absl::StatusOr<MappedFile> MappedFile::Open(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return durable::FileError("opening", file);
  struct stat found {};
  void* mapped = nullptr;
  if (::fstat(descriptor, &found) == 0 && found.st_size > 0) {
    mapped = ::mmap(nullptr, static_cast<std::size_t>(found.st_size), PROT_READ,
                    MAP_SHARED, descriptor, 0);
  }
  const absl::Status failed = durable::FileError("mapping", file);
  ::close(descriptor);
  if (mapped == MAP_FAILED) return failed;
  return MappedFile(std::span(static_cast<const std::byte*>(mapped),
                              static_cast<std::size_t>(found.st_size)));
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile::~MappedFile() {
  if (bytes_.empty()) return;
  ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace tributary
