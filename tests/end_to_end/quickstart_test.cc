// SPDX-License-Identifier: Apache-2.0
// The commands that README.md shows, in the script that holds them.
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "tests/end_to_end/federation.h"
#include "tests/end_to_end/process.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

namespace fs = std::filesystem;

struct QuickstartFolder {
  QuickstartFolder() {
    std::string pattern =
        (fs::temp_directory_path() / "tributary-quickstart-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~QuickstartFolder() {
    std::error_code error;
    fs::remove_all(path, error);
  }
  fs::path path;
};

Finished Quickstart(const fs::path& folder) {
  return RunCommand(
      {"/usr/bin/env",
       "PATH=" TRIBUTARY_PROGRAMS ":" + std::string(::getenv("PATH")),
       "QUICKSTART_PORT=0",
       TRIBUTARY_SOURCE_DIR "/deploy/examples/quickstart.sh", folder.string()});
}

TEST_CASE_METHOD(QuickstartFolder, "the quickstart gets a trained model") {
  const fs::path folder = path / "quickstart";
  const Finished run = Quickstart(folder);
  INFO(run.output << run.errors);
  REQUIRE(run.exit == 0);
  CHECK(run.output.find("round 5/5  updates 2") != std::string::npos);
  CHECK(fs::file_size(folder / "digits.safetensors") > 2410 * sizeof(float));
  CHECK(ReadFile(folder / "digits.safetensors") !=
        ReadFile(folder / "first.safetensors"));
}

TEST_CASE_METHOD(QuickstartFolder, "the quickstart overwrites nothing") {
  const Finished run = Quickstart(path);
  CHECK(run.exit == 1);
  CHECK(run.errors.find("is there already") != std::string::npos);
  CHECK(fs::is_empty(path));
}

}  // namespace
}  // namespace tributary::testing
