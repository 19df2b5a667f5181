// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/recipe.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "aggregation/robust/requirement.h"

namespace tributary::robust {
namespace {

absl::Status Validate(const Mean&, std::uint64_t updates) {
  return RequireUpdates("robust.mean", 0, 2, 1, "n > 0", updates);
}

}  // namespace

absl::Status Validate(const Recipe& recipe, std::uint64_t updates) {
  std::uint64_t left = updates;
  const auto explained = [&](const absl::Status& status) {
    if (status.ok() || left == updates) return status;
    return absl::Status(status.code(),
                        absl::StrCat(std::string(status.message()),
                                     " after bucketing of ", updates));
  };
  for (const PreStep& step : recipe.pre_steps) {
    const absl::Status status = Validate(step, left);
    if (!status.ok()) return explained(status);
    left = UpdatesAfter(step, left);
  }
  return explained(std::visit(
      [&](const auto& rule) { return Validate(rule, left); }, recipe.rule));
}

}  // namespace tributary::robust
