// SPDX-License-Identifier: Apache-2.0
// A path in the temporary folder that is removed in the end. Names are unique.
#pragma once

#include <filesystem>
#include <string>

#include "privacy/crypto/random.h"

namespace tributary {

class ScratchFile {
 public:
  explicit ScratchFile(const std::string& extension)
      : path_(std::filesystem::temp_directory_path() /
              ("tributary_test_" + std::to_string(SystemRandom().Word()) +
               extension)) {}
  ~ScratchFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace tributary
