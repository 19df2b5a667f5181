// SPDX-License-Identifier: Apache-2.0
// tributary-simulate report FOLDER: report.html of a results folder, also of
// one whose run still goes on or was killed.
#pragma once

#include <filesystem>

#include "absl/status/status.h"

namespace tributary::simulation {

// Reads the folder and writes report.html into it. Errors name the file.
absl::Status WriteReport(const std::filesystem::path& folder);

}  // namespace tributary::simulation
