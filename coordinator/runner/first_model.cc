// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/first_model.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/runner/model_format.h"
#include "proto/codec/safetensors.h"
#include "proto/codec/strategy.h"

namespace tributary::coordinator {
namespace {

constexpr std::uint64_t kBlock = 1u << 20;

}  // namespace

absl::StatusOr<Digest> MakeFirstModel(const store::Blobs& blobs,
                                      const Digest& weights,
                                      const v1::Plan& plan) {
  absl::StatusOr<store::File> file = blobs.Get(weights);
  if (!file.ok()) return file.status();
  absl::StatusOr<ModelHeader> given = ReadModelHeader(*file);
  if (!given.ok()) return given.status();
  const Manifest& manifest = given->parsed.manifest;
  const Manifest wanted = codec::WithAuxiliary(manifest, plan.strategy());
  // Both without an auxiliary tensor: one of an earlier run is not at zero.
  if (wanted == manifest && manifest.Length() == manifest.ModelLength()) {
    return weights;
  }

  absl::StatusOr<store::Blobs::Draft> draft = blobs.NewDraft();
  if (!draft.ok()) return draft.status();
  const std::string header =
      codec::FormatSafetensorsHeader(wanted, given->parsed.metadata);
  absl::Status status =
      draft->file().Write(0, std::as_bytes(std::span<const char>(header)));
  const std::uint64_t model = manifest.ModelLength() * sizeof(float);
  const std::uint64_t all = wanted.Length() * sizeof(float);
  for (std::uint64_t at = 0; status.ok() && at < all;) {
    std::vector<std::byte> block(
        static_cast<std::size_t>(std::min(kBlock, all - at)));
    const auto copied = std::span(block).first(static_cast<std::size_t>(
        at < model ? std::min<std::uint64_t>(block.size(), model - at) : 0));
    if (!copied.empty()) {
      status = file->ReadFully(given->parsed.data_offset + at, copied);
      if (!status.ok()) break;
    }
    status = draft->file().Write(header.size() + at, block);
    at += block.size();
  }
  if (!status.ok()) return status;
  return blobs.Keep(*std::move(draft));
}

}  // namespace tributary::coordinator
