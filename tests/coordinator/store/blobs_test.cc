// SPDX-License-Identifier: Apache-2.0
#include "coordinator/store/blobs.h"

#include <fstream>
#include <string>
#include <vector>

#include "tests/coordinator/store/temp_folder.h"

#include "tests/catch.h"

namespace tributary::store {
namespace {

Digest PutText(const Blobs& blobs, std::vector<std::string> chunks) {
  std::size_t next = 0;
  const auto digest = blobs.Put([&]() -> absl::StatusOr<std::string> {
    return next < chunks.size() ? chunks[next++] : std::string();
  });
  REQUIRE(digest.ok());
  return *digest;
}

std::filesystem::path PathOf(const testing::TempFolder& folder,
                             const Digest& digest) {
  return folder.path() / digest.Hex().substr(0, 2) / digest.Hex();
}

TEST_CASE("a blob is found by the digest of its bytes") {
  const testing::TempFolder folder;
  const Blobs blobs = Blobs::Open(folder.path()).value();
  const Digest digest = PutText(blobs, {"riv", "er"});
  CHECK(digest == Sha256(std::string_view("river")));
  CHECK(blobs.Verify(digest).ok());
  CHECK(blobs.Get(digest)->Size().value() == 5);
  CHECK(PutText(blobs, {"river"}) == digest);
  blobs.Remove(digest);
  CHECK(absl::IsNotFound(blobs.Get(digest).status()));
}

TEST_CASE("a torn blob is found out") {
  const testing::TempFolder folder;
  const Blobs blobs = Blobs::Open(folder.path()).value();
  const Digest digest = PutText(blobs, {std::string(10'000, 'x')});
  SECTION("cut") {
    std::filesystem::resize_file(PathOf(folder, digest), 9'999);
  }
  SECTION("changed") {
    std::ofstream(PathOf(folder, digest), std::ios::in | std::ios::binary)
        << "y";
  }
  CHECK(absl::IsDataLoss(blobs.Verify(digest)));
}

TEST_CASE("a blob whose source fails leaves nothing behind") {
  const testing::TempFolder folder;
  const Blobs blobs = Blobs::Open(folder.path()).value();
  int calls = 0;
  const auto digest = blobs.Put([&]() -> absl::StatusOr<std::string> {
    if (++calls == 2) return absl::CancelledError("gone");
    return std::string("half");
  });
  CHECK(absl::IsCancelled(digest.status()));
  CHECK(std::filesystem::is_empty(folder.path() / "drafts"));
}

TEST_CASE("what nobody keeps is removed") {
  const testing::TempFolder folder;
  const Blobs blobs = Blobs::Open(folder.path()).value();
  const Digest kept = PutText(blobs, {"kept"});
  const Digest other = PutText(blobs, {"other"});
  blobs.RemoveAllBut({kept});
  CHECK(blobs.Has(kept));
  CHECK_FALSE(blobs.Has(other));
}

}  // namespace
}  // namespace tributary::store
