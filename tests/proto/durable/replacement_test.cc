// SPDX-License-Identifier: Apache-2.0
#include "proto/durable/replacement.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/catch.h"

namespace tributary::durable {
namespace {

namespace fs = std::filesystem;

class FolderFixture {
 public:
  FolderFixture() {
    std::string name =
        (fs::temp_directory_path() / "tributary-durable-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder = name;
    file = folder / "file";
    std::ofstream(file) << "old";
  }
  ~FolderFixture() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
  std::string Held() const {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Besides the file.
  int Others() const {
    return static_cast<int>(std::distance(fs::directory_iterator(folder),
                                          fs::directory_iterator())) -
           (fs::exists(file) ? 1 : 0);
  }
  mode_t Permissions() const {
    struct stat about {};
    REQUIRE(::stat(file.c_str(), &about) == 0);
    return about.st_mode & 0777;
  }

  fs::path folder, file;
};

TEST_CASE_METHOD(FolderFixture, "the new file counts from its commit on") {
  auto replacement = Replacement::Begin(file, {});
  REQUIRE(replacement.ok());
  REQUIRE(replacement->Write("new, ").ok());
  REQUIRE(replacement->Write("in parts").ok());
  CHECK(Held() == "old");
  CHECK(fs::file_size(replacement->temporary()) == 13);
  REQUIRE(replacement->Commit().ok());
  CHECK(Held() == "new, in parts");
  CHECK(Others() == 0);
}

TEST_CASE_METHOD(FolderFixture, "what is not committed leaves nothing") {
  {
    auto replacement = Replacement::Begin(file, {});
    REQUIRE(replacement.ok());
    REQUIRE(replacement->Write("new").ok());
    const Replacement moved = *std::move(replacement);
    CHECK(Others() == 1);
  }
  CHECK(Held() == "old");
  CHECK(Others() == 0);
}

TEST_CASE_METHOD(FolderFixture, "a file that was not there is made") {
  fs::remove(file);
  REQUIRE(ReplaceFile(file, "first", {}).ok());
  CHECK(Held() == "first");
}

TEST_CASE_METHOD(FolderFixture, "permissions are the new file's") {
  REQUIRE(ReplaceFile(file, "secret", {.permissions = 0600}).ok());
  CHECK(Permissions() == 0600);
}

TEST_CASE_METHOD(FolderFixture,
                 "what a crash left is overwritten where one process writes") {
  const ReplacementOptions alone{.writers =
                                     ReplacementOptions::Writers::kThisProcess};
  const auto begun = Replacement::Begin(file, alone);
  REQUIRE(begun.ok());
  std::ofstream(begun->temporary()) << "left behind, and longer";
  REQUIRE(ReplaceFile(file, "new", alone).ok());
  CHECK(Held() == "new");
}

TEST_CASE_METHOD(FolderFixture, "errors name the file and what was done") {
  const auto nowhere = ReplaceFile(folder / "none" / "file", "new", {});
  CHECK(nowhere.code() == absl::StatusCode::kNotFound);
  CHECK(std::string(nowhere.message())
            .starts_with("creating " + folder.string()));
  fs::create_directory(folder / "folder");
  const auto onto = ReplaceFile(folder / "folder", "new", {});
  CHECK(
      std::string(onto.message()).starts_with("replacing " + folder.string()));
}

// As a disk is full: the system lets files grow so far and no further.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~SmallFiles() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_CASE_METHOD(FolderFixture, "where there is no room the old file stays") {
  const std::string large(1 << 20, 'x');
  std::optional<absl::Status> status;
  {
    const SmallFiles small(64 << 10);
    status = ReplaceFile(file, large, {});
  }
  CHECK_FALSE(status->ok());
  CHECK(std::string(status->message()).starts_with("writing " + file.string()));
  CHECK(Held() == "old");
  CHECK(Others() == 0);
}

}  // namespace
}  // namespace tributary::durable
