// SPDX-License-Identifier: Apache-2.0
// The public data sets that plans of ours are made for: whose they are, under
// which terms, and the SHA-256 of each file, decompressed, so that files which
// were compressed again pass.
//
// Immutable; any thread.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary::datasets {

struct KnownSet {
  // Its folder within the folder of data sets too.
  std::string_view name;
  std::string_view what;
  std::string_view authors;
  std::string_view address;
  std::string_view licence;
  std::string_view cite;
  // Its natural clients.
  std::string_view clients;
};

std::span<const KnownSet> KnownSets();

// NotFound, naming those there are.
absl::StatusOr<const KnownSet*> FindKnownSet(std::string_view name);

// What is to be said of one file.
struct FileCheck {
  std::string path;     // within the set's folder, without .gz
  std::string problem;  // empty: it is as its authors published it
};

// Looks at every file of the set, in the order of their paths. `folder` is the
// set's own. A file is plain or .gz.
std::vector<FileCheck> CheckFiles(const KnownSet& set,
                                  const std::filesystem::path& folder);

}  // namespace tributary::datasets
