// SPDX-License-Identifier: Apache-2.0
// The table "Who accounts for what" of docs/privacy.md, as the page has it.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace tributary::simulation {

// As plans name them.
struct AccountedKind {
  std::string noise;
  std::string sampling;
  std::string neighbours;
  friend auto operator<=>(const AccountedKind&, const AccountedKind&) = default;
};

inline const std::vector<std::string> kNoises = {"central", "distributed",
                                                 "local"};
inline const std::vector<std::string> kSamplings = {"none", "poisson",
                                                    "fixed_size"};
inline const std::vector<std::string> kNeighbours = {"add_or_remove_one",
                                                     "replace_one"};

// The table's cell of each kind: "-" where the plan is refused. Throws if the
// page has no such table, or one that leaves a kind out or has it twice.
std::map<AccountedKind, std::string> ReadAccountedKinds(
    const std::string& page);

}  // namespace tributary::simulation
