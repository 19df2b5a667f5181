// SPDX-License-Identifier: Apache-2.0
#include "client/core/model_cache.h"

#include <fstream>
#include <string>

#include "tests/client/core/temporary_folder.h"

#include "tests/catch.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

const std::string file(100'000, 'w');

std::span<const std::byte> Part(std::size_t from, std::size_t to) {
  return std::as_bytes(std::span(file)).subspan(from, to - from);
}

TEST_CASE("a download goes on where an earlier process stopped") {
  const TemporaryFolder folder;
  const Digest digest = Sha256(file);
  {
    ModelCache cache(folder.path(), 0);
    const auto download = cache.StartDownload(digest);
    REQUIRE(download.ok());
    CHECK((*download)->offset() == 0);
    CHECK((*download)->ExpectTotal(file.size()).ok());
    CHECK((*download)->Add(Part(0, 60'000)).ok());
    CHECK_FALSE(cache.Contains(digest));
  }
  ModelCache cache(folder.path(), 0);
  const auto download = cache.StartDownload(digest);
  REQUIRE(download.ok());
  CHECK((*download)->offset() == 60'000);
  CHECK((*download)->Add(Part(60'000, file.size())).ok());
  CHECK((*download)->Finish().ok());
  CHECK(cache.Contains(digest));
}

TEST_CASE("an abandoned download leaves the file to the next") {
  const TemporaryFolder folder;
  const Digest digest = Sha256(file);
  ModelCache cache(folder.path(), 0);
  const auto first = cache.StartDownload(digest);
  REQUIRE(first.ok());
  CHECK((*first)->Add(Part(0, 60'000)).ok());
  (*first)->Abandon();
  const auto second = cache.StartDownload(digest);
  REQUIRE(second.ok());
  CHECK_FALSE((*first)->Add(Part(60'000, file.size())).ok());
  CHECK_FALSE((*first)->Finish().ok());
  CHECK_FALSE((*first)->ExpectTotal(1).ok());
  CHECK((*second)->Add(Part(60'000, file.size())).ok());
  CHECK((*second)->Finish().ok());
  CHECK(cache.Contains(digest));
}

TEST_CASE("bytes with another digest never get into the cache") {
  const TemporaryFolder folder;
  ModelCache cache(folder.path(), 0);
  const Digest digest = Sha256("something else");
  const auto download = cache.StartDownload(digest);
  REQUIRE(download.ok());
  CHECK((*download)->Add(Part(0, 10)).ok());
  CHECK(absl::IsDataLoss((*download)->Finish()));
  CHECK_FALSE(cache.Contains(digest));
  // And the next attempt starts from nothing.
  CHECK((*cache.StartDownload(digest))->offset() == 0);
}

TEST_CASE("a part longer than the file is dropped") {
  const TemporaryFolder folder;
  const ModelCache cache(folder.path(), 0);
  const Digest digest = Sha256(file);
  {
    const auto download = cache.StartDownload(digest);
    REQUIRE(download.ok());
    CHECK((*download)->Add(Part(0, 500)).ok());
    CHECK(absl::IsOutOfRange((*download)->ExpectTotal(100)));
  }
  CHECK((*cache.StartDownload(digest))->offset() == 0);
}

TEST_CASE("a file damaged on disk counts as absent") {
  const TemporaryFolder folder;
  ModelCache cache(folder.path(), 0);
  const Digest digest = Sha256(file);
  std::ofstream(cache.Path(digest)) << file << "!";
  CHECK_FALSE(cache.Contains(digest));
  CHECK_FALSE(fs::exists(cache.Path(digest)));
}

TEST_CASE("a file damaged after it was verified is fetched again") {
  const TemporaryFolder folder;
  ModelCache cache(folder.path(), 0);
  const Digest digest = Sha256(file);
  std::ofstream(cache.Path(digest)) << file;
  REQUIRE(cache.Contains(digest));
  std::ofstream(cache.Path(digest)) << file << "!";
  CHECK(absl::IsDataLoss(LoadModel(cache.Path(digest), digest, "").status()));
  CHECK_FALSE(cache.Contains(digest));
}

TEST_CASE("what was unused longest goes first, what is kept stays") {
  const TemporaryFolder folder;
  ModelCache cache(folder.path(), 250);
  const auto now = fs::file_time_type::clock::now();
  std::vector<Digest> digests;
  for (int i = 0; i < 4; ++i) {
    const std::string bytes(100, static_cast<char>('a' + i));
    digests.push_back(Sha256(bytes));
    std::ofstream(cache.Path(digests[i])) << bytes;
    fs::last_write_time(cache.Path(digests[i]), now - (10min * (4 - i)));
  }
  cache.Trim({digests[0]});
  CHECK(cache.Contains(digests[0]));
  CHECK_FALSE(cache.Contains(digests[1]));
  CHECK(cache.Contains(digests[2]));
  CHECK(cache.Contains(digests[3]));
}

}  // namespace
}  // namespace tributary
