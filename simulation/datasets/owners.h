// SPDX-License-Identifier: Apache-2.0
// Gathers whom examples belong to. One thread; outlived by the examples.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "simulation/datasets/examples.h"

namespace tributary::datasets {

class Owners {
 public:
  explicit Owners(Examples& examples) : examples_(examples) {}

  // The index of this name among `examples.owners`, where it is put if it is
  // new.
  std::uint32_t IndexOf(const std::string& name) {
    const auto [found, is_new] = indexes_.emplace(
        name, static_cast<std::uint32_t>(examples_.owners.size()));
    if (is_new) examples_.owners.push_back(name);
    return found->second;
  }

 private:
  Examples& examples_;
  std::map<std::string, std::uint32_t> indexes_;
};

}  // namespace tributary::datasets
