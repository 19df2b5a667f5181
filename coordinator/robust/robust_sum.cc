// SPDX-License-Identifier: Apache-2.0
#include "coordinator/robust/robust_sum.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <variant>

#include "aggregation/invariant.h"
#include "aggregation/layout_parts.h"
#include "aggregation/robust/aggregate.h"
#include "coordinator/robust/range_of_updates.h"

namespace tributary::coordinator {
namespace {

robust::Recipe RecipeOfBuffers(const robust::Recipe& recipe) {
  if (std::holds_alternative<robust::Mean>(recipe.rule)) {
    return {.pre_steps = {}, .rule = robust::Mean{}};
  }
  return {.pre_steps = {}, .rule = robust::CoordinateMedian{}};
}

// A weighted mean of values at the bound may be rounded to the next float.
void BringWithinBounds(const aggregation::Layout& layout,
                       std::span<float> values) {
  aggregation::ForEachPart(
      layout, 0, values.size(),
      [&](const aggregation::Grid& grid, std::size_t first, std::size_t count) {
        const float most = grid.LargestValue();
        for (float& value : values.subspan(first, count)) {
          value = std::clamp(value, -most, most);
        }
      });
}

}  // namespace

bool NeedsCenter(const robust::Recipe& recipe) {
  return std::holds_alternative<robust::CenteredClipping>(recipe.rule);
}

absl::StatusOr<RobustSum> SumRobustly(const robust::Recipe& recipe,
                                      const RobustInputs& inputs,
                                      const robust::Execution& execution) {
  const aggregation::Layout& layout = inputs.layout;
  TRIBUTARY_INVARIANT(inputs.updates.length(), ==, layout.length);
  TRIBUTARY_INVARIANT(layout.auxiliary_length, ==, std::size_t{0});
  std::vector<float> result(layout.length);
  const std::span<float> all(result);

  RangeOfUpdates parameters(inputs.updates, 0, layout.trainable);
  auto outcome = robust::Aggregate(recipe,
                                   {.updates = parameters,
                                    .reference = inputs.center,
                                    .words = inputs.words},
                                   execution, all.first(layout.trainable));
  if (!outcome.ok()) return outcome.status();
  if (layout.trainable < layout.length) {
    RangeOfUpdates buffers(inputs.updates, layout.trainable,
                           layout.length - layout.trainable);
    const auto done =
        robust::Aggregate(RecipeOfBuffers(recipe), {.updates = buffers},
                          execution, all.subspan(layout.trainable));
    if (!done.ok()) return done.status();
  }

  BringWithinBounds(layout, all);
  RobustSum robust{.sum = aggregation::ExactSum(layout),
                   .weights = std::move(outcome->weights)};
  robust.sum.AddBlock(0, all, 1);
  robust.sum.AddContribution(1);
  return robust;
}

}  // namespace tributary::coordinator
