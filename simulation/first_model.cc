// SPDX-License-Identifier: Apache-2.0
#include "simulation/first_model.h"

#include <utility>

#include "client/torch/weights.h"
#include "privacy/crypto/digest.h"
#include "proto/codec/safetensors.h"
#include "simulation/write_file.h"

namespace tributary::simulation {

absl::StatusOr<FirstModel> LoadFirstModel(const v1::Plan& plan,
                                          const Key& run_key) {
  auto initial = MakeInitialModel(plan.model(), run_key);
  if (!initial.ok()) return initial.status();
  FirstModel first;
  first.header =
      codec::FormatSafetensorsHeader(initial->manifest, initial->metadata);
  const auto archive = initial->metadata.find("tributary.archive");
  if (archive != initial->metadata.end() && !archive->second.empty()) {
    const auto digest = Digest::FromHex(archive->second);
    if (!digest.ok()) return digest.status();
    first.archive = std::string(digest->AsBytes());
  }
  auto model = std::make_shared<Model>();
  model->id = ModelDigest(first.header, initial->weights);
  model->manifest = std::move(initial->manifest);
  model->architecture = initial->metadata["tributary.architecture"];
  model->archive = std::move(initial->archive);
  model->weights = std::move(initial->weights);
  first.model = std::move(model);
  return first;
}

Digest ModelDigest(const std::string& header, std::span<const float> weights) {
  Sha256Stream hash;
  hash.Update(std::as_bytes(std::span(header)));
  hash.Update(std::as_bytes(weights));
  return hash.Finish();
}

absl::Status WriteModel(const std::filesystem::path& file,
                        const std::string& header,
                        std::span<const float> weights) {
  const auto data = std::as_bytes(weights);
  return WriteFile(
      file,
      {header, std::string_view(reinterpret_cast<const char*>(data.data()),
                                data.size())});
}

}  // namespace tributary::simulation
