// SPDX-License-Identifier: Apache-2.0
// A privacy ledger to be judged: a file that a simulation wrote, or the one a
// coordinator keeps. Whole in memory, some hundred bytes a release.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/ctl/connection.h"
#include "privacy/dp/ledger.h"
#include "tributary/v1/ledger.pb.h"

namespace tributary::ctl {

struct LedgerSource {
  std::string name;  // the file, or the coordinator's address
  bool is_file = false;
  std::vector<dp::Entry> entries;
  std::vector<v1::Participation> participation;
  // At the end of a file, of a record that is not whole.
  std::uint64_t bytes_cut_off = 0;
};

// From the file, or if that is empty from the coordinator. Errors name it; the
// chain is not checked yet.
absl::StatusOr<LedgerSource> ReadLedger(const std::string& file,
                                        const ConnectionOptions& connection);

}  // namespace tributary::ctl
