// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/robust.h"

#include <optional>

namespace tributary::codec {
namespace {

using Step = v1::RobustPlan::PreStep;

std::optional<robust::PreStep> ToPreStep(const Step& step,
                                         std::uint32_t adversaries) {
  switch (step.kind_case()) {
    case Step::kNormBound:
      return robust::NormBound{.norm = step.norm_bound().norm()};
    case Step::kBucketing:
      return robust::Bucketing{.size = step.bucketing().size()};
    case Step::kNearestNeighbourMixing:
      return robust::NearestNeighbourMixing{.adversaries = adversaries};
    case Step::KIND_NOT_SET:
      break;
  }
  return std::nullopt;
}

robust::Rule ToRule(const v1::RobustPlan& plan) {
  switch (plan.rule_case()) {
    case v1::RobustPlan::kMedian:
      return robust::CoordinateMedian{};
    case v1::RobustPlan::kTrimmedMean:
      return robust::TrimmedMean{.adversaries = plan.adversaries()};
    case v1::RobustPlan::kKrum:
      return robust::Krum{.adversaries = plan.adversaries(),
                          .selected = plan.krum().selected()};
    case v1::RobustPlan::kBulyan:
      return robust::Bulyan{.adversaries = plan.adversaries()};
    case v1::RobustPlan::kGeometricMedian:
      return robust::GeometricMedian{
          .iterations = plan.geometric_median().iterations(),
          .smoothing = plan.geometric_median().smoothing()};
    case v1::RobustPlan::kCenteredClipping:
      return robust::CenteredClipping{
          .radius = plan.centered_clipping().radius(),
          .iterations = plan.centered_clipping().iterations()};
    case v1::RobustPlan::kFltrust:
      return robust::FlTrust{};
    case v1::RobustPlan::kMean:
    case v1::RobustPlan::RULE_NOT_SET:
      break;
  }
  return robust::Mean{};
}

}  // namespace

robust::Recipe ToRecipe(const v1::RobustPlan& plan) {
  robust::Recipe recipe{.pre_steps = {}, .rule = ToRule(plan)};
  for (const Step& step : plan.pre_steps()) {
    if (const auto known = ToPreStep(step, plan.adversaries())) {
      recipe.pre_steps.push_back(*known);
    }
  }
  return recipe;
}

}  // namespace tributary::codec
