// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/model_format.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/codec/plan.h"
#include "proto/codec/privacy_rules.h"
#include "proto/codec/strategy.h"

namespace tributary::coordinator {

absl::StatusOr<ModelHeader> ReadModelHeader(const store::File& file) {
  absl::StatusOr<std::uint64_t> size = file.Size();
  if (!size.ok()) return size.status();

  std::uint64_t header_size = 0;
  std::array<std::byte, sizeof(header_size)> length{};
  if (*size < length.size()) {
    return absl::InvalidArgumentError("weights: not a safetensors file");
  }
  if (auto read = file.ReadFully(0, length); !read.ok()) return read;
  std::memcpy(&header_size, length.data(), length.size());
  if (header_size > codec::kMaxHeaderBytes ||
      header_size > *size - length.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "weights: a safetensors header of ", header_size, " bytes"));
  }
  std::vector<std::byte> bytes(length.size() + header_size);
  if (auto read = file.ReadFully(0, bytes); !read.ok()) return read;
  absl::StatusOr<codec::SafetensorsHeader> parsed =
      codec::ParseSafetensorsHeader(bytes, *size);
  if (!parsed.ok()) return parsed.status();
  ModelHeader header{.bytes = std::string(parsed->data_offset, ' '),
                     .parsed = *std::move(parsed)};
  std::memcpy(header.bytes.data(), bytes.data(),
              std::min<std::size_t>(bytes.size(), header.bytes.size()));
  return header;
}

absl::StatusOr<ModelFormat> ReadModelFormat(const store::Blobs& blobs,
                                            const Digest& first_model,
                                            const v1::Plan& plan) {
  absl::StatusOr<store::File> file = blobs.Get(first_model);
  if (!file.ok()) return file.status();
  absl::StatusOr<std::uint64_t> size = file->Size();
  if (!size.ok()) return size.status();
  absl::StatusOr<ModelHeader> header = ReadModelHeader(*file);
  if (!header.ok()) return header.status();

  const Manifest& manifest = header->parsed.manifest;
  if (manifest != codec::WithAuxiliary(manifest, plan.strategy())) {
    return absl::InvalidArgumentError(
        "weights: their auxiliary tensors are not those of the plan's "
        "strategy");
  }
  if (const auto local = codec::LocalRanges(plan.strategy(), manifest);
      !local.ok()) {
    return local.status();
  }
  if (auto privacy = codec::CheckPrivateModel(plan, manifest); !privacy.ok()) {
    return privacy;
  }
  absl::StatusOr<aggregation::Layout> layout =
      codec::ToLayout(plan.update(), manifest, plan.strategy());
  if (!layout.ok()) return layout.status();
  ModelFormat format{.header = std::move(header->bytes),
                     .manifest = manifest,
                     .layout = *layout,
                     .encoding = codec::ToEncoding(plan.update()).encoding,
                     .optimizer = codec::ToOptimizer(plan.server_optimizer()),
                     .strategy = codec::ToStrategy(plan)};
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
