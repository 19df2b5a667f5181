// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/plan.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "nlohmann/json.hpp"
#include "proto/codec/strategy.h"
#include "proto/codec/yaml.h"

namespace tributary::codec {
namespace {

using nlohmann::ordered_json;

// Far more than any built-in architecture takes.
constexpr std::size_t kMaxArchitectureBytes = 65'536;

}  // namespace

aggregation::EncodingOptions ToEncoding(const v1::UpdatePlan& plan) {
  aggregation::EncodingOptions options;
  switch (plan.encoding()) {
    case v1::UpdatePlan::BFLOAT16:
      options.encoding = aggregation::Encoding::kBfloat16;
      break;
    case v1::UpdatePlan::INT8:
      options.encoding = aggregation::Encoding::kInt8;
      break;
    case v1::UpdatePlan::TOP_K:
      options.encoding = aggregation::Encoding::kTopK;
      break;
    default:
      options.encoding = aggregation::Encoding::kFloat32;
  }
  if (plan.has_top_k_fraction()) {
    options.top_k_fraction = plan.top_k_fraction();
  }
  return options;
}

absl::StatusOr<aggregation::Layout> ToLayout(const v1::UpdatePlan& plan,
                                             const Manifest& manifest,
                                             const v1::StrategyPlan& strategy,
                                             std::optional<double> clip_norm) {
  // A sign is a bit of its own.
  const int bits = plan.encoding() == v1::UpdatePlan::PACKED
                       ? static_cast<int>(plan.bits()) - 1
                       : 0;
  const auto parameters = aggregation::Grid::Make(
      {clip_norm.value_or(plan.max_abs()), plan.max_weight(), bits});
  if (!parameters.ok()) return parameters.status();
  const auto buffers = aggregation::Grid::Make(
      {plan.has_buffer_max_abs() ? plan.buffer_max_abs() : plan.max_abs(),
       plan.max_weight(), bits});
  if (!buffers.ok()) return buffers.status();
  aggregation::Layout layout{manifest.TrainableLength(), manifest.ModelLength(),
                             *parameters, *buffers};
  const auto tensor = AuxiliaryTensor(strategy, manifest);
  if (!tensor) return layout;
  const auto auxiliary = aggregation::Grid::Make(
      {AuxiliaryBound(strategy), plan.max_weight(), bits});
  if (!auxiliary.ok()) return auxiliary.status();
  layout.auxiliary = *auxiliary;
  layout.auxiliary_length = tensor->Size();
  layout.length += layout.auxiliary_length;
  return layout;
}

aggregation::ServerOptimizer ToOptimizer(const v1::ServerOptimizer& plan) {
  switch (plan.kind_case()) {
    case v1::ServerOptimizer::kFedavgm: {
      aggregation::FedAvgM fedavgm;
      const auto& from = plan.fedavgm();
      if (from.has_learning_rate())
        fedavgm.learning_rate = from.learning_rate();
      if (from.has_momentum()) fedavgm.momentum = from.momentum();
      return fedavgm;
    }
    case v1::ServerOptimizer::kFedadam: {
      aggregation::FedAdam fedadam;
      const auto& from = plan.fedadam();
      if (from.has_learning_rate())
        fedadam.learning_rate = from.learning_rate();
      if (from.has_beta1()) fedadam.beta1 = from.beta1();
      if (from.has_beta2()) fedadam.beta2 = from.beta2();
      if (from.has_tau()) fedadam.tau = from.tau();
      return fedadam;
    }
    case v1::ServerOptimizer::kFedadagrad: {
      aggregation::FedAdagrad fedadagrad;
      const auto& from = plan.fedadagrad();
      if (from.has_learning_rate())
        fedadagrad.learning_rate = from.learning_rate();
      if (from.has_beta1()) fedadagrad.beta1 = from.beta1();
      if (from.has_tau()) fedadagrad.tau = from.tau();
      return fedadagrad;
    }
    case v1::ServerOptimizer::kFedyogi: {
      aggregation::FedYogi fedyogi;
      const auto& from = plan.fedyogi();
      if (from.has_learning_rate())
        fedyogi.learning_rate = from.learning_rate();
      if (from.has_beta1()) fedyogi.beta1 = from.beta1();
      if (from.has_beta2()) fedyogi.beta2 = from.beta2();
      if (from.has_tau()) fedyogi.tau = from.tau();
      return fedyogi;
    }
    case v1::ServerOptimizer::kFedavg:
    case v1::ServerOptimizer::KIND_NOT_SET:
      break;
  }
  aggregation::FedAvg fedavg;
  if (plan.fedavg().has_learning_rate()) {
    fedavg.learning_rate = plan.fedavg().learning_rate();
  }
  return fedavg;
}

// Written here rather than by protobuf, whose spacing is not promised: these
// bytes are part of a model's name.
std::string ArchitectureToJson(const v1::Architecture& architecture) {
  const auto or_default = [](std::int64_t value, std::int64_t other) {
    return value == 0 ? other : value;
  };
  ordered_json out = ordered_json::object();
  switch (architecture.kind_case()) {
    case v1::Architecture::kLinear: {
      const auto& linear = architecture.linear();
      out["linear"] = {{"inputs", linear.inputs()},
                       {"outputs", linear.outputs()}};
      break;
    }
    case v1::Architecture::kMlp: {
      const auto& mlp = architecture.mlp();
      ordered_json hidden = ordered_json::array();
      for (const auto width : mlp.hidden()) hidden.push_back(width);
      out["mlp"] = {{"inputs", mlp.inputs()},
                    {"hidden", hidden},
                    {"outputs", mlp.outputs()}};
      break;
    }
    case v1::Architecture::kFedavgCnn: {
      const auto& cnn = architecture.fedavg_cnn();
      out["fedavg_cnn"] = {{"height", or_default(cnn.height(), 28)},
                           {"width", or_default(cnn.width(), 28)},
                           {"channels", or_default(cnn.channels(), 1)},
                           {"outputs", or_default(cnn.outputs(), 10)}};
      break;
    }
    case v1::Architecture::kConv1D: {
      const auto& conv1d = architecture.conv1d();
      out["conv1d"] = {{"channels", conv1d.channels()},
                       {"length", conv1d.length()},
                       {"outputs", conv1d.outputs()}};
      break;
    }
    case v1::Architecture::kGru: {
      const auto& gru = architecture.gru();
      out["gru"] = {{"inputs", gru.inputs()},
                    {"length", gru.length()},
                    {"hidden", gru.hidden()},
                    {"layers", or_default(gru.layers(), 1)},
                    {"outputs", gru.outputs()}};
      break;
    }
    case v1::Architecture::kCharGru: {
      const auto& gru = architecture.char_gru();
      out["char_gru"] = {{"vocabulary", gru.vocabulary()},
                         {"length", gru.length()},
                         {"embedding", or_default(gru.embedding(), 8)},
                         {"hidden", gru.hidden()},
                         {"layers", or_default(gru.layers(), 1)}};
      break;
    }
    case v1::Architecture::kAutoencoder: {
      const auto& autoencoder = architecture.autoencoder();
      ordered_json hidden = ordered_json::array();
      for (const auto width : autoencoder.hidden()) hidden.push_back(width);
      out["autoencoder"] = {{"inputs", autoencoder.inputs()},
                            {"hidden", hidden}};
      break;
    }
    case v1::Architecture::kTorchscript:
      out["torchscript"] = architecture.torchscript();
      break;
    case v1::Architecture::KIND_NOT_SET:
      break;
  }
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

absl::StatusOr<v1::Architecture> ArchitectureFromJson(const std::string& json) {
  if (json.size() > kMaxArchitectureBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("architecture: has ", json.size(), " bytes, more than ",
                     kMaxArchitectureBytes));
  }
  v1::Architecture architecture;
  const auto parsed =
      google::protobuf::util::JsonStringToMessage(json, &architecture);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("architecture: ", std::string(parsed.message())));
  }
  if (architecture.kind_case() == v1::Architecture::KIND_NOT_SET) {
    return absl::InvalidArgumentError("architecture: names none");
  }
  if (auto status = CheckLimits(architecture); !status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("architecture: ", status.message()));
  }
  return architecture;
}

}  // namespace tributary::codec
