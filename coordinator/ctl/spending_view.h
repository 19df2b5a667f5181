// SPDX-License-Identifier: Apache-2.0
// Epsilons as people and programs read them, each with all that it is worth
// nothing without.
#pragma once

#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "coordinator/ctl/spending.h"
#include "coordinator/ctl/terminal.h"
#include "nlohmann/json.hpp"

namespace tributary::ctl {

nlohmann::ordered_json Json(const Spending& spending);
nlohmann::ordered_json Json(const std::vector<Spending>& spendings);
// A row each.
Table SpendingTable(const std::vector<Spending>& spendings);

// What no epsilon of rounds with such noise and such sampling covers, to be
// said below it. Words of dp::Name; what follows them does not count.
void PrintUncovered(const std::set<std::string>& noises,
                    const std::set<std::string>& samplings, std::ostream& out);

}  // namespace tributary::ctl
