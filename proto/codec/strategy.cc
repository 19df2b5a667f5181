// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/strategy.h"

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "aggregation/invariant.h"
#include "google/protobuf/unknown_field_set.h"
#include "proto/codec/problem.h"

namespace tributary::codec {
namespace {

TensorSpec Auxiliary(std::string name, std::vector<std::int64_t> shape) {
  return {.name = std::move(name),
          .shape = std::move(shape),
          .trainable = false,
          .auxiliary = true};
}

bool HasUnknownFields(const google::protobuf::Message& message) {
  return !message.GetReflection()->GetUnknownFields(message).empty();
}

}  // namespace

aggregation::Strategy ToStrategy(const v1::Plan& plan) {
  // No strategy that has a part of its own stands beside a robust rule.
  if (plan.robust().has_centered_clipping()) return aggregation::KeptMean{};
  const v1::StrategyPlan& strategy = plan.strategy();
  switch (strategy.kind_case()) {
    case v1::StrategyPlan::kFednova:
      return aggregation::FedNova{};
    case v1::StrategyPlan::kScaffold:
      return aggregation::Scaffold{
          .clients = static_cast<double>(strategy.scaffold().clients())};
    case v1::StrategyPlan::kFeddyn:
      return aggregation::FedDyn{
          .alpha = strategy.feddyn().alpha(),
          .clients = static_cast<double>(strategy.feddyn().clients())};
    case v1::StrategyPlan::kQfedavg:
      return aggregation::QFedAvg{};
    // Theirs is the client's business.
    case v1::StrategyPlan::kFedper:
    case v1::StrategyPlan::kFedrep:
    case v1::StrategyPlan::kDitto:
    case v1::StrategyPlan::KIND_NOT_SET:
      break;
  }
  return aggregation::NoStrategy{};
}

std::optional<TensorSpec> AuxiliaryTensor(const v1::StrategyPlan& plan,
                                          const Manifest& manifest) {
  switch (plan.kind_case()) {
    case v1::StrategyPlan::kFednova:
      return Auxiliary("fednova.steps", {});
    case v1::StrategyPlan::kScaffold:
      return Auxiliary("scaffold.control",
                       {static_cast<std::int64_t>(manifest.TrainableLength())});
    case v1::StrategyPlan::kQfedavg:
      return Auxiliary("qfedavg.normaliser", {});
    default:
      return std::nullopt;
  }
}

double AuxiliaryBound(const v1::StrategyPlan& plan) {
  switch (plan.kind_case()) {
    case v1::StrategyPlan::kFednova:
      return plan.fednova().max_steps();
    case v1::StrategyPlan::kScaffold:
      return plan.scaffold().max_control();
    default:
      TRIBUTARY_INVARIANT(plan.has_qfedavg(), ==, true);
      return plan.qfedavg().max_normaliser();
  }
}

absl::StatusOr<std::vector<FlatRange>> LocalRanges(const v1::StrategyPlan& plan,
                                                   const Manifest& manifest) {
  if (!plan.has_fedper() && !plan.has_fedrep()) {
    return std::vector<FlatRange>();
  }
  const std::string key =
      plan.has_fedper() ? "strategy.fedper.local" : "strategy.fedrep.local";
  const auto& names =
      plan.has_fedper() ? plan.fedper().local() : plan.fedrep().local();
  std::set<std::string> unused(names.begin(), names.end());
  std::vector<FlatRange> ranges;
  std::size_t offset = 0;
  std::size_t local_trainable = 0;
  const Manifest model = manifest.ModelPart();
  for (const TensorSpec& tensor : model.tensors()) {
    bool is_local = false;
    for (const std::string& name : names) {
      if (tensor.name != name && !absl::StartsWith(tensor.name, name + ".")) {
        continue;
      }
      is_local = true;
      unused.erase(name);
    }
    const std::size_t end = offset + tensor.Size();
    if (is_local) {
      if (!ranges.empty() && ranges.back().end == offset) {
        ranges.back().end = end;
      } else {
        ranges.push_back({offset, end});
      }
      if (tensor.trainable) local_trainable += tensor.Size();
    }
    offset = end;
  }
  if (!unused.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(key, ": ", Quoted(*unused.begin()),
                     " is no tensor or module of the model"));
  }
  if (local_trainable == manifest.TrainableLength()) {
    return absl::InvalidArgumentError(
        absl::StrCat(key, ": leaves no parameter to be shared"));
  }
  return ranges;
}

Manifest WithAuxiliary(const Manifest& manifest, const v1::StrategyPlan& plan) {
  const Manifest model = manifest.ModelPart();
  std::vector<TensorSpec> tensors = model.tensors();
  if (auto tensor = AuxiliaryTensor(plan, model)) {
    tensors.push_back(*std::move(tensor));
  }
  return Manifest(std::move(tensors));
}

bool IsKnown(const v1::StrategyPlan& plan) {
  if (HasUnknownFields(plan)) return false;
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  const google::protobuf::Reflection& reflection = *plan.GetReflection();
  reflection.ListFields(plan, &fields);
  for (const auto* field : fields) {
    if (HasUnknownFields(reflection.GetMessage(plan, field))) return false;
  }
  return true;
}

}  // namespace tributary::codec
