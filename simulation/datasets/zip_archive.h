// SPDX-License-Identifier: Apache-2.0
// The members of a zip archive, such as an .npz, through libzip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "client/data/byte_source.h"

namespace tributary::datasets {

// One thread. Members are read as streams: memory does not follow what they
// claim to hold.
class ZipArchive {
 public:
  // InvalidArgument for what is no zip archive.
  static absl::StatusOr<std::unique_ptr<ZipArchive>> Open(
      const std::filesystem::path& file);
  // The bytes outlive the archive.
  static absl::StatusOr<std::unique_ptr<ZipArchive>> OpenBytes(
      std::span<const std::uint8_t> bytes);
  virtual ~ZipArchive() = default;

  // InvalidArgument, naming the members there are, if it is not among them.
  // DataLoss from Read where the member is damaged. Lifetime: within the
  // archive's.
  virtual absl::StatusOr<std::unique_ptr<data::ByteSource>> Member(
      const std::string& name) = 0;
};

}  // namespace tributary::datasets
