// SPDX-License-Identifier: Apache-2.0
#include "client/torch/model_commands.h"

#include <algorithm>
#include <iomanip>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/torch/archive_file.h"
#include "client/torch/network.h"
#include "client/torch/weights.h"
#include "nlohmann/json.hpp"
#include "privacy/crypto/random.h"
#include "proto/codec/plan.h"
#include "proto/codec/safetensors.h"
#include "proto/codec/yaml.h"

namespace tributary::model_commands {
namespace {

namespace fs = std::filesystem;

constexpr const char* kArchitectureKey = "tributary.architecture";

const char* KindOf(const TensorSpec& tensor) {
  if (tensor.auxiliary) return "auxiliary";
  return tensor.trainable ? "parameter" : "buffer";
}

void Show(const fs::path& file, const Digest& digest,
          const std::string& architecture, const Manifest& manifest,
          Format format, std::ostream& report) {
  const std::size_t buffers =
      manifest.ModelLength() - manifest.TrainableLength();
  if (format == Format::kJson) {
    nlohmann::ordered_json json;
    json["file"] = file.string();
    json["sha256"] = digest.Hex();
    json["architecture"] =
        architecture.empty()
            ? nlohmann::ordered_json()
            : nlohmann::ordered_json::parse(architecture, nullptr, false);
    json["parameters"] = manifest.TrainableLength();
    json["buffers"] = buffers;
    json["tensors"] = nlohmann::ordered_json::array();
    for (const TensorSpec& tensor : manifest.tensors()) {
      json["tensors"].push_back({{"name", tensor.name},
                                 {"shape", tensor.shape},
                                 {"size", tensor.Size()},
                                 {"trainable", tensor.trainable},
                                 {"kind", KindOf(tensor)}});
    }
    report << json.dump(2) << "\n";
    return;
  }
  std::size_t widest = 6;
  for (const TensorSpec& tensor : manifest.tensors()) {
    widest = std::max(widest, tensor.name.size());
  }
  const int name_width = static_cast<int>(widest) + 2;
  report << "file          " << file.string() << "\n"
         << "sha256        " << digest.Hex() << "\n"
         << "architecture  " << (architecture.empty() ? "-" : architecture)
         << "\n"
         << "parameters    " << manifest.TrainableLength() << "\n"
         << "buffers       " << buffers << "\n\n"
         << std::left << std::setw(name_width) << "tensor" << std::setw(20)
         << "shape" << std::setw(11) << "kind" << std::right << std::setw(12)
         << "size"
         << "\n";
  for (const TensorSpec& tensor : manifest.tensors()) {
    report << std::left << std::setw(name_width) << tensor.name << std::setw(20)
           << absl::StrJoin(tensor.shape, " x ") << std::setw(11)
           << KindOf(tensor) << std::right << std::setw(12) << tensor.Size()
           << "\n";
  }
}

// The archive with this digest: the one given, or one beside the model.
absl::StatusOr<fs::path> FindArchive(const fs::path& given,
                                     const fs::path& model,
                                     const std::string& digest) {
  if (!given.empty()) {
    auto found = DigestOfFile(given);
    if (!found.ok()) return found.status();
    if (found->Hex() != digest) {
      return absl::InvalidArgumentError(
          absl::StrCat(given.string(), " has SHA-256 ", found->Hex(),
                       "; the model was made from ", digest));
    }
    return given;
  }
  std::error_code error;
  const fs::path folder = fs::absolute(model, error).parent_path();
  // Not a range-for: that one's step throws.
  for (fs::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    const fs::directory_entry& entry = *at;
    if (entry.path().extension() != ".pt") continue;
    auto found = DigestOfFile(entry.path());
    if (found.ok() && found->Hex() == digest) return entry.path();
  }
  return absl::NotFoundError(
      absl::StrCat("the archive this model was made from (SHA-256 ", digest,
                   ") is not beside it: give it with --archive"));
}

}  // namespace

absl::Status Init(const fs::path& plan_file, const fs::path& out, Format format,
                  std::ostream& report) {
  auto plan = codec::ReadPlan(plan_file);
  if (!plan.ok()) return plan.status();
  Key key;
  if (plan->has_seed()) {
    key = KeyFromSeed(plan->seed());
  } else {
    SystemRandom().Fill(key);
  }
  auto model = MakeInitialModel(plan->model(), key);
  if (!model.ok()) return model.status();
  if (auto status = codec::WriteSafetensors(out, model->manifest,
                                            model->metadata, model->weights);
      !status.ok()) {
    return status;
  }
  return Inspect(out, format, report);
}

absl::Status Inspect(const fs::path& file, Format format,
                     std::ostream& report) {
  auto digest = DigestOfFile(file);
  if (!digest.ok()) return digest.status();
  if (file.extension() == ".safetensors") {
    auto read = codec::ReadSafetensors(file);
    if (!read.ok()) return read.status();
    const auto& metadata = read->header.metadata;
    const auto architecture = metadata.find(kArchitectureKey);
    Show(file, *digest,
         architecture == metadata.end() ? "" : architecture->second,
         read->header.manifest, format, report);
    return absl::OkStatus();
  }
  v1::Architecture architecture;
  architecture.set_torchscript(digest->Hex());
  auto network = torch_internal::Network::Build(architecture, file);
  if (!network.ok()) return network.status();
  Show(file, *digest, codec::ArchitectureToJson(architecture),
       (*network)->manifest(), format, report);
  return absl::OkStatus();
}

absl::Status Export(const fs::path& model, const fs::path& original,
                    const fs::path& out, Format format, std::ostream& report) {
  auto read = codec::ReadSafetensors(model);
  if (!read.ok()) return read.status();
  const auto& metadata = read->header.metadata;
  const auto json = metadata.find(kArchitectureKey);
  if (json == metadata.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat(model.string(), " does not say its architecture (no \"",
                     kArchitectureKey, "\" in its metadata)"));
  }
  auto architecture = codec::ArchitectureFromJson(json->second);
  if (!architecture.ok()) return architecture.status();
  fs::path archive;
  if (architecture->kind_case() == v1::Architecture::kTorchscript) {
    auto found = FindArchive(original, model, architecture->torchscript());
    if (!found.ok()) return found.status();
    archive = *found;
  }
  const Manifest manifest = read->header.manifest.ModelPart();
  if (auto status =
          ExportArchive(*architecture, archive, manifest,
                        std::span(read->weights).first(manifest.Length()), out);
      !status.ok()) {
    return status;
  }
  return Inspect(out, format, report);
}

}  // namespace tributary::model_commands
