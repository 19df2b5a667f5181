// SPDX-License-Identifier: Apache-2.0
#include "simulation/first_model.h"

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "client/torch/weights.h"
#include "privacy/crypto/digest.h"
#include "proto/codec/safetensors.h"
#include "proto/codec/strategy.h"
#include "simulation/write_file.h"

namespace tributary::simulation {

absl::StatusOr<FirstModel> LoadFirstModel(const v1::Plan& plan,
                                          const Key& run_key) {
  auto initial = MakeInitialModel(plan.model(), run_key);
  if (!initial.ok()) return initial.status();
  FirstModel first;
  const Manifest manifest =
      codec::WithAuxiliary(initial->manifest, plan.strategy());
  first.header = codec::FormatSafetensorsHeader(manifest, initial->metadata);
  const auto archive = initial->metadata.find("tributary.archive");
  if (archive != initial->metadata.end() && !archive->second.empty()) {
    const auto digest = Digest::FromHex(archive->second);
    if (!digest.ok()) return digest.status();
    first.archive = std::string(digest->AsBytes());
  }
  auto model = std::make_shared<Model>();
  model->manifest = std::move(initial->manifest);
  model->architecture = initial->metadata["tributary.architecture"];
  model->archive = std::move(initial->archive);
  model->weights = std::move(initial->weights);
  model->auxiliary.resize(manifest.Length() - manifest.ModelLength());
  model->id = ModelDigest(first.header, *model);
  first.model = std::move(model);
  return first;
}

Digest ModelDigest(const std::string& header, const Model& model) {
  Sha256Stream hash;
  hash.Update(std::as_bytes(std::span(header)));
  hash.Update(std::as_bytes(std::span(model.weights)));
  hash.Update(std::as_bytes(std::span(model.auxiliary)));
  return hash.Finish();
}

absl::Status WriteModel(const std::filesystem::path& file,
                        const std::string& header, const Model& model) {
  const auto text = [](const std::vector<float>& values) {
    const auto bytes = std::as_bytes(std::span(values));
    return std::string_view(reinterpret_cast<const char*>(bytes.data()),
                            bytes.size());
  };
  return WriteFile(file, {header, text(model.weights), text(model.auxiliary)});
}

}  // namespace tributary::simulation
