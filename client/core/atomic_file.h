// SPDX-License-Identifier: Apache-2.0
// Small files that are either the old ones or the new ones, whatever happens.
#pragma once

#include <filesystem>
#include <string_view>

#include "absl/status/status.h"

namespace tributary {

// Written to a temporary name beside it, synced and renamed. Fails as the file
// system does, naming the file.
absl::Status ReplaceFile(const std::filesystem::path& file,
                         std::string_view bytes);

// The failure that errno holds, in doing `what` to `file`.
absl::Status FileError(const char* what, const std::filesystem::path& file);

}  // namespace tributary
