// SPDX-License-Identifier: Apache-2.0
// The file of exact vectors, where the checkout has it beside it.
#pragma once

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

namespace tributary::robust {

inline std::optional<nlohmann::json> ReadReference() {
  const auto file = std::filesystem::path(TRIBUTARY_SOURCE_DIR) /
                    "../shared/reference/robust_reference.json";
  std::ifstream in(file);
  if (!in) {
    std::printf(
        "skipped: robust_reference.json is not here; the known answers in this "
        "test are checked all the same\n");
    return std::nullopt;
  }
  return nlohmann::json::parse(in);
}

}  // namespace tributary::robust
