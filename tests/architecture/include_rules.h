// SPDX-License-Identifier: Apache-2.0
// The dependency table of docs/architecture.md as data, and a checker of one
// source file against it. Pure: text in, violations out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tributary::architecture {

// What the files under one folder may include and must not mention.
struct FolderRule {
  // The longest matching prefix of a file's path decides which rule holds.
  std::string folder;
  // Folders of ours, by the prefix of the include.
  std::vector<std::string> may_see;
  // Libraries of others, by the names in include_rules.cc.
  std::vector<std::string> libraries;
  // Pure: no thread, no clock, no socket and no disk.
  enum class Purity { kPure, kImpure } purity = Purity::kImpure;
  // Folders within those of `may_see` that it may not.
  std::vector<std::string> not_these = {};
};

const std::vector<FolderRule>& Rules();

// The rule of a path such as "coordinator/round/engine.cc"; null if no folder
// of the table holds it.
const FolderRule* RuleOf(std::string_view path);

// What is wrong with a file, a line each: "aggregation/x.cc:3: includes
// torch/torch.h (torch), which aggregation/ must not see".
std::vector<std::string> Violations(const std::string& path,
                                    const std::string& text);

}  // namespace tributary::architecture
