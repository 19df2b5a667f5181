// SPDX-License-Identifier: Apache-2.0
// Whether a folder can be the coordinator's state, without making it: for a
// check of the configuration. Thread-safe.
#pragma once

#include <filesystem>

#include "absl/status/status.h"

namespace tributary::coordinator {

// OK if this process can write in the folder, or in the nearest one above it
// that exists. FailedPrecondition otherwise, with the key `state` and the path
// at fault.
absl::Status CheckStateFolder(const std::filesystem::path& folder);

}  // namespace tributary::coordinator
