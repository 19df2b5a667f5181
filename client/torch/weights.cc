// SPDX-License-Identifier: Apache-2.0
#include "client/torch/weights.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/torch/archive_file.h"
#include "client/torch/network.h"
#include "proto/codec/plan.h"
#include "proto/codec/safetensors.h"

namespace tributary {
namespace {

// Uniform in [-bound, bound) from 53 bits of each little-endian word.
void FillUniform(RandomSource& random, double bound, std::span<float> out) {
  std::array<std::uint8_t, 8 * 1024> bytes;
  while (!out.empty()) {
    const std::size_t count = std::min(out.size(), bytes.size() / 8);
    random.Fill(std::span(bytes).first(8 * count));
    for (std::size_t i = 0; i < count; ++i) {
      std::uint64_t word = 0;
      for (int byte = 7; byte >= 0; --byte) {
        word = word << 8 | bytes[8 * i + static_cast<std::size_t>(byte)];
      }
      const double unit = static_cast<double>(word >> 11) * 0x1p-53;
      out[i] = static_cast<float>((2 * unit - 1) * bound);
    }
    out = out.subspan(count);
  }
}

// Standard normal, by Marsaglia's polar method.
void FillNormal(RandomSource& random, std::span<float> out) {
  while (!out.empty()) {
    const double u = 2 * random.Uniform() - 1;
    const double v = 2 * random.Uniform() - 1;
    const double s = u * u + v * v;
    if (s == 0 || s >= 1) continue;
    const double scale = std::sqrt(-2 * std::log(s) / s);
    out[0] = static_cast<float>(u * scale);
    if (out.size() > 1) out[1] = static_cast<float>(v * scale);
    out = out.subspan(std::min<std::size_t>(2, out.size()));
  }
}

// A tensor of a GRU layer: three gates, one behind the other.
bool IsRecurrent(const TensorSpec& tensor) {
  return absl::StrContains(tensor.name, "_ih_l") ||
         absl::StrContains(tensor.name, "_hh_l");
}

// The file's tensors in the manifest's order, by name: other programs sort them
// otherwise and do not know which are buffers.
absl::Status ReadWeights(const std::filesystem::path& file,
                         InitialModel& model) {
  auto read = codec::ReadSafetensors(file);
  if (!read.ok()) return read.status();
  struct Part {
    const TensorSpec* spec;
    std::size_t offset;
  };
  std::map<std::string_view, Part> parts;
  std::size_t offset = 0;
  // What an earlier run's strategy sent along means nothing in another run.
  const Manifest given = read->header.manifest.ModelPart();
  for (const TensorSpec& tensor : given.tensors()) {
    parts[tensor.name] = {&tensor, offset};
    offset += tensor.Size();
  }
  std::size_t at = 0;
  for (const TensorSpec& tensor : model.manifest.tensors()) {
    auto found = parts.find(tensor.name);
    if (found == parts.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(file.string(), ": tensor \"", tensor.name,
                       "\" of the architecture is missing"));
    }
    if (found->second.spec->shape != tensor.shape) {
      return absl::InvalidArgumentError(absl::StrCat(
          file.string(), ": tensor \"", tensor.name, "\" has shape [",
          absl::StrJoin(found->second.spec->shape, ", "),
          "], the architecture wants [", absl::StrJoin(tensor.shape, ", "),
          "]"));
    }
    std::copy_n(read->weights.begin() +
                    static_cast<std::ptrdiff_t>(found->second.offset),
                tensor.Size(),
                model.weights.begin() + static_cast<std::ptrdiff_t>(at));
    at += tensor.Size();
    parts.erase(found);
  }
  if (!parts.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.string(), ": the architecture has no tensor \"",
                     parts.begin()->second.spec->name, "\""));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<float> DrawWeights(const Manifest& manifest, RandomSource& random) {
  std::vector<float> weights(manifest.Length());
  std::span<float> rest(weights);
  // A bias is drawn within the bound of the weight before it.
  double bound = 0;
  for (const TensorSpec& tensor : manifest.tensors()) {
    const std::span<float> out = rest.first(tensor.Size());
    rest = rest.subspan(out.size());
    if (IsRecurrent(tensor)) {
      const double hidden = static_cast<double>(tensor.shape[0]) / 3;
      FillUniform(random, 1 / std::sqrt(hidden), out);
    } else if (absl::EndsWith(tensor.name, "embedding.weight")) {
      FillNormal(random, out);
    } else if (absl::EndsWith(tensor.name, ".weight")) {
      const bool norm = tensor.shape.size() < 2;
      if (norm) {
        bound = 0;
        std::ranges::fill(out, 1.0f);
        continue;
      }
      const auto fan_in = static_cast<double>(tensor.Size()) /
                          static_cast<double>(tensor.shape[0]);
      bound = 1 / std::sqrt(fan_in);
      FillUniform(random, bound, out);
    } else if (absl::EndsWith(tensor.name, ".bias")) {
      if (bound > 0) FillUniform(random, bound, out);
    } else if (absl::EndsWith(tensor.name, ".running_var")) {
      std::ranges::fill(out, 1.0f);
    }
  }
  return weights;
}

absl::StatusOr<InitialModel> MakeInitialModel(const v1::PlanModel& plan,
                                              const Key& run_key) {
  InitialModel model;
  v1::Architecture architecture = plan.architecture();
  const bool scripted =
      architecture.kind_case() == v1::Architecture::kTorchscript;
  if (scripted) model.archive = architecture.torchscript();
  auto network = torch_internal::Network::Build(architecture, model.archive);
  if (!network.ok()) return network.status();
  model.manifest = (*network)->manifest();

  if (scripted) {
    auto digest = DigestOfFile(model.archive);
    if (!digest.ok()) return digest.status();
    architecture.set_torchscript(digest->Hex());
    model.metadata["tributary.archive"] = digest->Hex();
    const auto own = (*network)->weights();
    model.weights.assign(own.begin(), own.end());
  } else {
    KeyedStream stream(run_key, "weights");
    model.weights = DrawWeights(model.manifest, stream);
  }
  model.metadata["tributary.architecture"] =
      codec::ArchitectureToJson(architecture);
  if (!plan.weights().empty()) {
    if (auto status = ReadWeights(plan.weights(), model); !status.ok()) {
      return status;
    }
  }
  const auto wrong = std::ranges::find_if(
      model.weights, [](float weight) { return !std::isfinite(weight); });
  if (wrong != model.weights.end()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "weight ", wrong - model.weights.begin(), " is not finite"));
  }
  return model;
}

}  // namespace tributary
