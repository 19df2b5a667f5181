// SPDX-License-Identifier: Apache-2.0
// tributaryctl in this process: what it printed and how it ended.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "coordinator/ctl/program.h"
#include "nlohmann/json.hpp"

namespace tributary::ctl {

struct Ended {
  int exit = 0;
  std::string out;
  std::string err;

  nlohmann::json Json() const { return nlohmann::json::parse(out); }
  bool Says(const std::string& text) const {
    return err.find(text) != std::string::npos;
  }
};

inline Ended Ctl(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  const int exit = RunProgram(arguments, out, err, Style::kPlain);
  return {exit, out.str(), err.str()};
}

}  // namespace tributary::ctl
