// SPDX-License-Identifier: Apache-2.0
// The examples of a plan's source, whatever its format, and whom they belong to
// by nature: a person, a machine, a speaker.
//
// A window of a series has the shape channels x length, oldest sample first.
// Values; reading may run on any thread. Whatever a file claims, no more memory
// is taken than a small multiple of what it holds (decompressed). Failures:
// NotFound and PermissionDenied for files that cannot be opened, DataLoss for
// one that is cut or damaged, InvalidArgument for what it says.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "privacy/crypto/random.h"
#include "tributary/dataset.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::datasets {

struct Examples {
  Dataset data;
  // For each example an index into `owners`; empty if the set has no natural
  // clients.
  std::vector<std::uint32_t> owner;
  // Names of the natural clients, each once, in the order in which the files
  // bring them.
  std::vector<std::string> owners;
};

// Reads the source. `key` is its place in the plan ("simulation.train") and
// begins every error; `run_key` is what generated sets are drawn from.
absl::StatusOr<Examples> ReadExamples(const v1::DataSource& source,
                                      const std::string& key,
                                      const Key& run_key);

}  // namespace tributary::datasets
