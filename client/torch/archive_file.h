// SPDX-License-Identifier: Apache-2.0
// TorchScript archives as files: named by their digest, and written with a
// trained model's weights so that torch.jit.load in Python opens them.
#pragma once

#include <filesystem>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregation/manifest.h"
#include "privacy/crypto/digest.h"
#include "tributary/v1/model.pb.h"

namespace tributary {

// SHA-256 of a file's bytes, read a block at a time. NotFound, Unavailable.
absl::StatusOr<Digest> DigestOfFile(const std::filesystem::path& file);

// Writes `architecture` with these weights (manifest.Length() floats) to `out`,
// in evaluation mode. `original` is the archive of a torchscript architecture
// and is not read for others. InvalidArgument naming the first difference if
// the manifest is not the architecture's.
absl::Status ExportArchive(const v1::Architecture& architecture,
                           const std::filesystem::path& original,
                           const Manifest& manifest,
                           std::span<const float> weights,
                           const std::filesystem::path& out);

}  // namespace tributary
