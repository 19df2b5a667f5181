// SPDX-License-Identifier: Apache-2.0
// A run as lines of text. Pure.
#pragma once

#include <string>
#include <vector>

#include "coordinator/ctl/terminal.h"
#include "tributary/v1/admin.pb.h"

namespace tributary::ctl {

// "running", "finished", ...
std::string StateText(v1::RunState state);

// Where the run stands, and its latest rounds as a table, at most `rounds`.
std::vector<std::string> RunLines(const v1::RunDetail& detail, Style style,
                                  int rounds);
// What was refused, by reason; nothing if nothing was.
std::vector<std::string> RefusalLines(const v1::RunDetail& detail);

// One released round, for a log.
std::string RoundLine(const v1::RoundRecord& round, std::uint32_t total_rounds);
// "accuracy 0.9310, loss 0.2101"
std::string MetricsText(const v1::RoundRecord& round);

}  // namespace tributary::ctl
