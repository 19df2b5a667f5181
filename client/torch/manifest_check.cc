// SPDX-License-Identifier: Apache-2.0
#include "client/torch/manifest_check.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/torch/batch.h"

namespace tributary::torch_internal {

absl::Status CheckManifest(const Manifest& arrived, const Manifest& own) {
  if (arrived == own) return absl::OkStatus();
  const auto& a = arrived.tensors();
  const auto& b = own.tensors();
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const std::string where =
        absl::StrCat("tensor ", i, ": the model has \"", a[i].name, "\"");
    if (a[i].name != b[i].name) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ", the architecture wants \"", b[i].name, "\""));
    }
    if (a[i].shape != b[i].shape) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, " of shape ", ShapeText(a[i].shape),
                       ", the architecture wants ", ShapeText(b[i].shape)));
    }
    if (a[i].trainable != b[i].trainable) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, " as a ", a[i].trainable ? "parameter" : "buffer",
                       ", the architecture has it as a ",
                       b[i].trainable ? "parameter" : "buffer"));
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the model has ", a.size(), " tensors, the architecture ", b.size()));
}

}  // namespace tributary::torch_internal
