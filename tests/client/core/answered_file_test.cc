// SPDX-License-Identifier: Apache-2.0
#include "client/core/answered_file.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/client/core/temporary_folder.h"

#include "tests/catch.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

Digest SessionNamed(const std::string& name) { return Sha256(name); }

TEST_CASE("a session is answered once, whatever process asks") {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "answered";
  {
    AnsweredFile answered(file);
    CHECK_FALSE(fs::exists(file));
    CHECK(answered.Remember(SessionNamed("one")).ok());
    CHECK(answered.Remember(SessionNamed("two")).ok());
    CHECK(absl::IsAlreadyExists(answered.Remember(SessionNamed("one"))));
  }
  AnsweredFile answered(file);
  CHECK(absl::IsAlreadyExists(answered.Remember(SessionNamed("two"))));
  CHECK(answered.Remember(SessionNamed("three")).ok());
  CHECK(fs::file_size(file) == 3 * 32);
}

TEST_CASE("what a crash left of a record is written over") {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "answered";
  CHECK(AnsweredFile(file).Remember(SessionNamed("one")).ok());
  std::ofstream(file, std::ios::binary | std::ios::app) << "torn";
  CHECK(AnsweredFile(file).Remember(SessionNamed("two")).ok());
  CHECK(fs::file_size(file) == 2 * 32);
  AnsweredFile answered(file);
  CHECK(absl::IsAlreadyExists(answered.Remember(SessionNamed("one"))));
  CHECK(absl::IsAlreadyExists(answered.Remember(SessionNamed("two"))));
}

TEST_CASE("a session that cannot be kept is not answered") {
  const TemporaryFolder folder;
  AnsweredFile answered(folder.path() / "missing" / "answered");
  const absl::Status status = answered.Remember(SessionNamed("one"));
  CHECK(absl::IsNotFound(status));
  CHECK(std::string(status.message()).find("answered") != std::string::npos);
}

}  // namespace
}  // namespace tributary
