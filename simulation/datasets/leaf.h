// SPDX-License-Identifier: Apache-2.0
// LEAF (Caldas et al. 2018, "LEAF: A Benchmark for Federated Settings"): JSON
// {"users": [...], "num_samples": [...], "user_data": {user: {"x": [...], "y":
// [...]}}}, as FEMNIST, Shakespeare and Synthetic come.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/data/byte_source.h"
#include "simulation/datasets/examples.h"
#include "simulation/datasets/owners.h"

namespace tributary::datasets {

// Appends one file, read as a stream: what is in memory is the examples. An
// example is a list of numbers, or a text whose characters become indexes into
// LEAF's 80; its label a number or one character. Errors name the file and the
// user and example, or the byte.
absl::Status AppendLeaf(data::ByteSource& source, Owners& owners,
                        Examples& examples);

// `source` has its defaults.
absl::StatusOr<Examples> Read(const v1::DataSource::Leaf& source);

}  // namespace tributary::datasets
