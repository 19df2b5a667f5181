// SPDX-License-Identifier: Apache-2.0
// What tributary-model does: makes, shows and exports model files.
#pragma once

#include <filesystem>
#include <ostream>

#include "absl/status/status.h"

namespace tributary::model_commands {

enum class Format { kTable, kJson };

// Writes the first model of a plan to `out` and says what it is.
absl::Status Init(const std::filesystem::path& plan,
                  const std::filesystem::path& out, Format format,
                  std::ostream& report);

// Shows a model file (.safetensors) or a TorchScript archive (anything else).
absl::Status Inspect(const std::filesystem::path& file, Format format,
                     std::ostream& report);

// Writes a TorchScript archive with the model's weights. For a TorchScript
// model `original` is its archive; empty: look for it beside the model.
absl::Status Export(const std::filesystem::path& model,
                    const std::filesystem::path& original,
                    const std::filesystem::path& out, Format format,
                    std::ostream& report);

}  // namespace tributary::model_commands
