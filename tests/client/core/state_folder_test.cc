// SPDX-License-Identifier: Apache-2.0
#include "client/core/state_folder.h"

#include <fstream>
#include <string>
#include <vector>

#include "tests/client/core/temporary_folder.h"

#include "tests/catch.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

TEST_CASE("one client at a time uses a state folder") {
  const TemporaryFolder folder;
  auto one = StateFolder::Open(folder.path() / "state", 0);
  REQUIRE(one.ok());
  const auto other = StateFolder::Open(folder.path() / "state", 0);
  CHECK(absl::IsFailedPrecondition(other.status()));
  one->reset();
  CHECK(StateFolder::Open(folder.path() / "state", 0).ok());
}

TEST_CASE("client states and the newest model outlive the process") {
  const TemporaryFolder folder;
  const ClientState kept{.residual = {1, -2, 0.5F}};
  const StateFolder::ModelName name{Sha256("model"), Sha256("archive"),
                                    "run-1"};
  const session::CountedTask counted{Sha256("task"), std::string(16, '\n')};
  {
    const auto state = StateFolder::Open(folder.path(), 0);
    REQUIRE(state.ok());
    CHECK((*state)->SaveState("run-1", kept).ok());
    CHECK((*state)->SetNewest(name).ok());
    CHECK_FALSE((*state)->Counted().has_value());
    CHECK((*state)->SetCounted(counted).ok());
  }
  const auto state = StateFolder::Open(folder.path(), 0);
  REQUIRE(state.ok());
  CHECK((*state)->LoadState("run-1") == kept);
  CHECK((*state)->LoadState("run-2").IsEmpty());
  CHECK((*state)->Newest() == name);
  CHECK((*state)->Counted() == counted);
}

TEST_CASE("a damaged client state counts as none") {
  const TemporaryFolder folder;
  const auto state = StateFolder::Open(folder.path(), 0);
  REQUIRE(state.ok());
  CHECK((*state)->SaveState("../run", {.residual = {1, 2}}).ok());
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    if (entry.path().filename().string().starts_with("state-")) {
      std::fstream file(entry.path(),
                        std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(-1, std::ios::end);
      file.put('!');
    }
  }
  CHECK((*state)->LoadState("../run").IsEmpty());
}

TEST_CASE("a folder that cannot be made is said") {
  const auto state = StateFolder::Open("/proc/none/state", 0);
  CHECK_FALSE(state.ok());
  CHECK(std::string(state.status().message()).find("state_folder") == 0);
}

}  // namespace
}  // namespace tributary
