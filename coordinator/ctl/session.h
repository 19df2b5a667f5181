// SPDX-License-Identifier: Apache-2.0
// What every command is given: where to write, how, and how to connect.
#pragma once

#include <ostream>
#include <string>

#include "coordinator/ctl/connection.h"
#include "coordinator/ctl/terminal.h"
#include "nlohmann/json.hpp"

namespace tributary::ctl {

enum class Format { kHuman, kJson };

struct Session {
  std::ostream& out;
  std::ostream& err;
  Style style = Style::kPlain;
  Format format = Format::kHuman;
  ConnectionOptions connection;

  bool IsJson() const { return format == Format::kJson; }
  // One document, on one line.
  void Print(const nlohmann::ordered_json& document) {
    out << document.dump(-1, ' ', false,
                         nlohmann::ordered_json::error_handler_t::replace)
        << std::endl;
  }
};

}  // namespace tributary::ctl
