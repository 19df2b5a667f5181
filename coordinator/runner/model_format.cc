// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/model_format.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/codec/plan.h"
#include "proto/codec/safetensors.h"

namespace tributary::coordinator {

absl::StatusOr<ModelFormat> ReadModelFormat(const store::Blobs& blobs,
                                            const Digest& first_model,
                                            const v1::Plan& plan) {
  absl::StatusOr<store::File> file = blobs.Get(first_model);
  if (!file.ok()) return file.status();
  absl::StatusOr<std::uint64_t> size = file->Size();
  if (!size.ok()) return size.status();

  std::uint64_t header_size = 0;
  std::array<std::byte, sizeof(header_size)> length{};
  if (*size < length.size()) {
    return absl::InvalidArgumentError("weights: not a safetensors file");
  }
  if (auto read = file->ReadFully(0, length); !read.ok()) return read;
  std::memcpy(&header_size, length.data(), length.size());
  if (header_size > codec::kMaxHeaderBytes ||
      header_size > *size - length.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "weights: a safetensors header of ", header_size, " bytes"));
  }
  std::vector<std::byte> bytes(length.size() + header_size);
  if (auto read = file->ReadFully(0, bytes); !read.ok()) return read;
  absl::StatusOr<codec::SafetensorsHeader> parsed =
      codec::ParseSafetensorsHeader(bytes, *size);
  if (!parsed.ok()) return parsed.status();

  absl::StatusOr<aggregation::Layout> layout =
      codec::ToLayout(plan.update(), parsed->manifest);
  if (!layout.ok()) return layout.status();
  ModelFormat format{.header = std::string(parsed->data_offset, ' '),
                     .layout = *layout,
                     .encoding = codec::ToEncoding(plan.update()).encoding,
                     .optimizer = codec::ToOptimizer(plan.server_optimizer())};
  std::memcpy(format.header.data(), bytes.data(),
              std::min<std::size_t>(bytes.size(), format.header.size()));
  if (format.layout.length == 0) {
    return absl::InvalidArgumentError("weights: the model has no values");
  }
  if (format.FileSize() != *size) {
    return absl::InvalidArgumentError(absl::StrCat(
        "weights: ", *size, " bytes, its tensors need ", format.FileSize()));
  }
  return format;
}

}  // namespace tributary::coordinator
