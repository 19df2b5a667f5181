// SPDX-License-Identifier: Apache-2.0
// CIFAR-10 and CIFAR-100, "binary version" (Krizhevsky 2009, "Learning Multiple
// Layers of Features from Tiny Images"): records of one label byte, or a coarse
// and a fine one, and 3 x 32 x 32 bytes of red, green and blue.
#pragma once

#include "absl/status/statusor.h"
#include "client/data/byte_source.h"
#include "simulation/datasets/examples.h"

namespace tributary::datasets {

// Appends the records of one file, unscaled. Memory grows as records arrive.
absl::Status AppendCifar(data::ByteSource& source,
                         v1::DataSource::Cifar::Labels labels, Dataset& data);

// `source` has its defaults.
absl::StatusOr<Examples> Read(const v1::DataSource::Cifar& source);

}  // namespace tributary::datasets
