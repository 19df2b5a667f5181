// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/submission.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <span>
#include <vector>

#include "absl/strings/str_cat.h"
#include "privacy/crypto/digest.h"
#include "proto/codec/plan.h"
#include "proto/codec/safetensors.h"
#include "proto/codec/yaml.h"

namespace tributary::ctl {
namespace {

absl::StatusOr<std::string> HashOf(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream.is_open()) {
    return absl::NotFoundError(
        absl::StrCat(file, ": the TorchScript archive cannot be read"));
  }
  Sha256Stream hash;
  std::vector<char> block(1u << 20);
  do {
    stream.read(block.data(), static_cast<std::streamsize>(block.size()));
    hash.Update(std::as_bytes(
        std::span(block.data(), static_cast<std::size_t>(stream.gcount()))));
  } while (stream);
  if (stream.bad()) return absl::DataLossError(file + ": cannot be read");
  return hash.Finish().Hex();
}

// Empty if the metadata agrees with the plan, or says nothing.
std::string Disagreement(const codec::SafetensorsHeader& header,
                         const v1::Architecture& architecture) {
  const auto made = header.metadata.find("tributary.architecture");
  const bool is_archive =
      architecture.kind_case() == v1::Architecture::kTorchscript;
  if (!is_archive && made != header.metadata.end() &&
      made->second != codec::ArchitectureToJson(architecture)) {
    return absl::StrCat("are of architecture ", made->second,
                        ", the plan's is ",
                        codec::ArchitectureToJson(architecture));
  }
  const auto archive = header.metadata.find("tributary.archive");
  if (is_archive && archive != header.metadata.end() &&
      archive->second != architecture.torchscript()) {
    return absl::StrCat("are of archive ", archive->second, ", the plan's is ",
                        architecture.torchscript());
  }
  return "";
}

}  // namespace

absl::StatusOr<Submission> Prepare(const std::string& plan_file,
                                   const std::string& weights_file) {
  auto plan = codec::ReadPlan(plan_file);
  if (!plan.ok()) return plan.status();
  Submission submission;
  submission.plan = *std::move(plan);
  v1::PlanModel& model = *submission.plan.mutable_model();
  submission.weights = weights_file.empty() ? model.weights() : weights_file;
  const std::string how =
      absl::StrCat("\"tributary-model init ", plan_file, " --out FILE\"");
  if (submission.weights.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        plan_file, ": has no first weights. Make them with ", how,
        " and give them with --weights FILE, or as model.weights in the plan"));
  }
  model.clear_weights();
  if (model.architecture().kind_case() == v1::Architecture::kTorchscript) {
    submission.archive = model.architecture().torchscript();
    const auto hash = HashOf(submission.archive);
    if (!hash.ok()) return hash.status();
    model.mutable_architecture()->set_torchscript(*hash);
  }
  const auto weights = codec::ReadSafetensors(submission.weights);
  if (!weights.ok()) return weights.status();
  const std::string disagreement =
      Disagreement(weights->header, model.architecture());
  if (!disagreement.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(submission.weights, ": the weights ", disagreement,
                     ". Make them again with ", how));
  }
  if (!std::all_of(weights->weights.begin(), weights->weights.end(),
                   [](float value) { return std::isfinite(value); })) {
    return absl::InvalidArgumentError(
        absl::StrCat(submission.weights, ": a weight is not finite"));
  }
  return submission;
}

}  // namespace tributary::ctl
