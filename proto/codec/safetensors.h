// SPDX-License-Identifier: Apache-2.0
// The safetensors format: an 8-byte little-endian header length, a JSON header,
// then the tensors' bytes. A Tributary model file holds its float32 tensors in
// manifest order without gaps, so that the data section is the flat vector; its
// __metadata__ says what the format does not:
//   "tributary.architecture"  JSON of tributary.v1.Architecture
//   "tributary.buffers"       JSON array: names of the tensors not trainable
//   "tributary.auxiliary"     JSON array: names of the tensors, at the end,
//   that
//                             are the strategy's and not the model's
//   "tributary.archive"       hex SHA-256 of the TorchScript archive, if any
//
// Any valid file whose tensors are all F32 is readable (e.g. one written by the
// Python package); Format writes ours. The header's length is the same for
// every round's model of a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregation/manifest.h"

namespace tributary::codec {

// Longest JSON header that is read: 16 MiB.
inline constexpr std::uint64_t kMaxHeaderBytes = 16u << 20;

struct SafetensorsHeader {
  // In data order; trainable unless named in "tributary.buffers" or in
  // "tributary.auxiliary".
  Manifest manifest;
  std::map<std::string, std::string> metadata;
  // Where the data section starts in the file, and how long it is.
  std::uint64_t data_offset = 0;
  std::uint64_t data_size = 0;
};

// Parses the head of a file of `file_size` bytes. `bytes` holds at least the
// header (8 + its length). Errors name the tensor or the byte.
absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(
    std::span<const std::byte> bytes, std::uint64_t file_size);

// The 8-byte length and the JSON header (padded with spaces to 8 bytes) of a
// model file.
std::string FormatSafetensorsHeader(
    const Manifest& manifest,
    const std::map<std::string, std::string>& metadata);

// A whole file. The vector is the flat vector of the manifest.
struct SafetensorsFile {
  SafetensorsHeader header;
  std::vector<float> weights;
};
absl::StatusOr<SafetensorsFile> ReadSafetensors(
    const std::filesystem::path& file);
// Written to a temporary name, synced and renamed.
absl::Status WriteSafetensors(
    const std::filesystem::path& file, const Manifest& manifest,
    const std::map<std::string, std::string>& metadata,
    std::span<const float> weights);

}  // namespace tributary::codec
