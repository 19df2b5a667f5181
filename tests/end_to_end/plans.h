// SPDX-License-Identifier: Apache-2.0
// Small plans on the real digits, as text.
#pragma once

#include <optional>
#include <string>

namespace tributary::testing {

struct SmallPlan {
  int clients = 4;
  int rounds = 3;
  int cohort_size = 4;
  double over_selection = 1.0;
  int min_updates = 4;
  // float32, bfloat16, int8 or top_k; empty: the plan names none.
  std::string encoding = "float32";
  int max_weight = 1000;
  std::string server_optimizer = "fedavgm";
  // Flow YAML, e.g. "{scaffold: {}}"; empty for none.
  std::string strategy = {};
  // Units of the hidden layer.
  int hidden = 32;
  std::optional<int> seed = 7;
  // Flow YAML, e.g. "{concurrency: 8}"; empty for synchronous rounds. Keys of
  // those alone are left out.
  std::string asynchronous = {};
  // Lines of YAML behind all others, such as "privacy: {...}\n".
  std::string sections = {};
};

// YAML of a plan over the digits that ship with the project.
std::string DigitsPlan(const SmallPlan& plan);

}  // namespace tributary::testing
