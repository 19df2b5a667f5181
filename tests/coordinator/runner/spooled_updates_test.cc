// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/spooled_updates.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "aggregation/robust/pass.h"
#include "coordinator/runner/work_pool.h"
#include "privacy/crypto/random.h"
#include "tests/aggregation/robust/matrix.h"
#include "tests/aggregation/vectors.h"
#include "tests/coordinator/store/temp_folder.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

using aggregation::HasSameBits;

// Updates of random values in a spool, and the same in memory.
class SpoolFixture {
 public:
  SpoolFixture() : spool_(store::Spool::Open(folder_.path(), {}).value()) {}

  void Spool(std::size_t updates, std::size_t length) {
    length_ = length;
    KeyedStream random(KeyFromSeed(7), "updates");
    for (std::size_t i = 0; i < updates; ++i) {
      rows_.push_back(aggregation::UniformVector(random, length, 1));
      const auto bytes = std::as_bytes(std::span<const float>(rows_.back()));
      Checksum checksum;
      checksum.Update(bytes);
      const SpooledUpdate update{.slot = spool_->Take().value(),
                                 .size = bytes.size(),
                                 .checksum = checksum.Value()};
      REQUIRE(update.slot->file().Write(0, bytes).ok());
      REQUIRE(update.slot->Sync().ok());
      update.slot->file().DropPages(0, 0);
      update.slot->Close();
      spooled_.push_back(
          {.client = absl::StrCat("client-", 100 + i), .update = update});
    }
  }
  SpooledUpdates Updates() const { return {spooled_, length_}; }
  const robust::Rows& rows() const { return rows_; }
  SpooledUpdate& update(std::size_t row) { return spooled_[row].update; }
  std::filesystem::path FileOf(std::size_t row) const {
    return folder_.path() / absl::StrCat(spooled_[row].update.slot->number());
  }
  // Turns a bit of one update on the disk.
  void Damage(std::size_t row, std::uint64_t byte) {
    auto file =
        store::File::Open(FileOf(row), store::File::Mode::kOpen).value();
    std::byte value{};
    REQUIRE(file.ReadFully(byte, {&value, 1}).ok());
    value ^= std::byte{1};
    REQUIRE(file.Write(byte, {&value, 1}).ok());
  }
  // Of the cache, that hold some of one update.
  std::size_t PagesOf(std::size_t row) const {
    const auto file =
        store::File::Open(FileOf(row), store::File::Mode::kRead).value();
    const std::size_t size = file.Size().value();
    void* const map =
        ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.descriptor(), 0);
    REQUIRE(map != MAP_FAILED);
    std::vector<unsigned char> pages((size + 4095) / 4096);
    REQUIRE(::mincore(map, size, pages.data()) == 0);
    ::munmap(map, size);
    return static_cast<std::size_t>(std::ranges::count_if(
        pages, [](unsigned char page) { return (page & 1) != 0; }));
  }
  bool IsInMemoryAlone() const {
    constexpr long kTmpfs = 0x01021994;
    struct statfs status {};
    REQUIRE(::statfs(folder_.path().c_str(), &status) == 0);
    return status.f_type == kTmpfs;
  }

 private:
  testing::TempFolder folder_;
  std::unique_ptr<store::Spool> spool_;
  std::size_t length_ = 0;
  robust::Rows rows_;
  std::vector<SpooledUpdates::Row> spooled_;
};

// While it lives no more than `more` files can be opened.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    // The lowest that is free is the next one.
    const int next = ::dup(0);
    ::close(next);
    const rlimit limit{static_cast<rlim_t>(next) + more, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

std::vector<float> Median(SpooledUpdates& updates,
                          const robust::Execution& execution) {
  std::vector<float> out(updates.length());
  const auto done =
      robust::Aggregate({.pre_steps = {}, .rule = robust::CoordinateMedian{}},
                        {updates}, execution, out);
  REQUIRE(done.ok());
  return out;
}

TEST_CASE_METHOD(
    SpoolFixture,
    "a rule over the spool gives what it gives over memory, however it reads") {
  Spool(9, 70'001);
  const std::vector<float> expected = robust::ResultOf(
      {.pre_steps = {}, .rule = robust::CoordinateMedian{}}, rows());
  const auto block_bytes =
      GENERATE(as<std::size_t>{}, 1, 300'000, std::size_t{16} << 20);
  const int threads = GENERATE(1, 3);
  WorkPool pool(threads);
  const robust::Execution execution{
      .for_each = [&](auto count,
                      const auto& task) { pool.Together(count, task); },
      .block_bytes = block_bytes};
  SpooledUpdates updates = Updates();
  CHECK(HasSameBits(Median(updates, execution), expected));
  CHECK(updates.Verify(execution.for_each).ok());
  // And in passes, the last of them over some of the rows.
  std::vector<float> out(updates.length());
  const robust::Recipe krum{.pre_steps = {},
                            .rule = robust::Krum{.adversaries = 2}};
  REQUIRE(robust::Aggregate(krum, {updates}, execution, out).ok());
  CHECK(HasSameBits(out, robust::ResultOf(krum, rows())));
}

TEST_CASE_METHOD(SpoolFixture, "more updates are read than files may be open") {
  Spool(100, 3'000);
  SpooledUpdates updates = Updates();
  std::vector<float> median;
  {
    const FewDescriptors few(2);
    median = Median(updates, {});
  }
  CHECK(HasSameBits(
      median,
      robust::ResultOf({.pre_steps = {}, .rule = robust::CoordinateMedian{}},
                       rows())));
}

TEST_CASE_METHOD(SpoolFixture,
                 "an update that is damaged in the spool is named") {
  Spool(5, 50'000);
  std::string expected;
  SECTION("a bit at its end") {
    Damage(3, 199'999);
    expected = "client-103 (slot 4 of the spool) is damaged: wrong checksum";
  }
  SECTION("a bit at its beginning") {
    Damage(0, 0);
    expected = "client-100 (slot 1 of the spool) is damaged: wrong checksum";
  }
  SECTION("its end is missing") {
    std::filesystem::resize_file(FileOf(2), 190'000);
    expected = "client-102 (slot 3 of the spool) is damaged: ";
  }
  SECTION("another size") {
    --update(4).size;
    expected = "client-104 (slot 5 of the spool) is damaged: 199999 bytes";
  }
  SpooledUpdates updates = Updates();
  std::vector<float> out(updates.length());
  const absl::Status status =
      robust::Aggregate({.pre_steps = {}, .rule = robust::CoordinateMedian{}},
                        {updates}, {}, out)
          .status();
  CHECK(absl::IsDataLoss(status));
  INFO(status.message());
  CHECK(std::string(status.message()).find(expected) != std::string::npos);
}

TEST_CASE_METHOD(SpoolFixture, "an update whose file is gone is not found") {
  Spool(3, 1'000);
  std::filesystem::remove(FileOf(1));
  SpooledUpdates updates = Updates();
  robust::Block block;
  block.Reshape(1, 256);
  const std::vector<std::size_t> rows = {1};
  CHECK(absl::IsNotFound(updates.Read(rows, 0, robust::InOrder, block)));
}

TEST_CASE_METHOD(SpoolFixture, "damage where no pass has read whole is found") {
  Spool(3, 50'000);
  SpooledUpdates updates = Updates();
  robust::Block block;
  block.Reshape(3, 512);
  const std::vector<std::size_t> rows = robust::AllRows(updates);
  SECTION("the beginning was read") {
    REQUIRE(updates.Read(rows, 0, robust::InOrder, block).ok());
  }
  SECTION("the end was read, after a gap") {
    REQUIRE(updates.Read(rows, 0, robust::InOrder, block).ok());
    REQUIRE(updates.Read(rows, 50'000 - 512, robust::InOrder, block).ok());
  }
  SECTION("nothing was read") {}
  CHECK(updates.Verify(robust::InOrder).ok());
  Damage(1, 100'000);
  SpooledUpdates again = Updates();
  REQUIRE(again.Read(rows, 0, robust::InOrder, block).ok());
  CHECK(absl::IsDataLoss(again.Verify(robust::InOrder)));
}

TEST_CASE_METHOD(SpoolFixture,
                 "a read that fails for want of a descriptor can be repeated") {
  Spool(4, 10'000);
  SpooledUpdates updates = Updates();
  robust::Block block;
  block.Reshape(4, 2'560);
  const std::vector<std::size_t> rows = robust::AllRows(updates);
  REQUIRE(updates.Read(rows, 0, robust::InOrder, block).ok());
  {
    const FewDescriptors none(0);
    CHECK(
        absl::IsUnavailable(updates.Read(rows, 2'560, robust::InOrder, block)));
  }
  CHECK(HasSameBits(
      Median(updates, {}),
      robust::ResultOf({.pre_steps = {}, .rule = robust::CoordinateMedian{}},
                       this->rows())));
}

TEST_CASE_METHOD(SpoolFixture, "nothing is read once the attempt is over") {
  Spool(2, 1'000);
  SpooledUpdates updates = Updates();
  updates.Cancel();
  robust::Block block;
  block.Reshape(2, 256);
  CHECK(absl::IsCancelled(
      updates.Read(robust::AllRows(updates), 0, robust::InOrder, block)));
  CHECK(absl::IsCancelled(updates.Verify(robust::InOrder)));
}

TEST_CASE_METHOD(SpoolFixture, "pages that were read do not pile up") {
  constexpr std::size_t kWindowPages = 1 << 20 >> 12;
  Spool(2, 2'000'000);
  if (IsInMemoryAlone()) {
    WARN("skipped: the folder for temporary files is in memory");
    return;
  }
  SpooledUpdates updates = Updates();
  std::size_t most = 0;
  REQUIRE(robust::ReadAll(updates, robust::AllRows(updates),
                          {.block_bytes = 1 << 20},
                          [&](std::size_t, const robust::Block&) {
                            most = std::max(most, PagesOf(0));
                          })
              .ok());
  CHECK(most <= 4 * kWindowPages);
  CHECK(PagesOf(0) <= 16);
  CHECK(PagesOf(1) <= 16);
}

TEST_CASE("work together is each done once, also from work of the pool") {
  const int threads = GENERATE(1, 4);
  const std::size_t count = GENERATE(as<std::size_t>{}, 0, 1, 3, 1'000);
  std::vector<std::atomic<int>> done(count);
  {
    WorkPool pool(threads);
    const auto all = [&] { pool.Together(count, [&](auto i) { ++done[i]; }); };
    all();
    std::atomic<int> inside = 0;
    for (int i = 0; i < threads; ++i) {
      pool.Post([&] {
        all();
        ++inside;
        inside.notify_all();
      });
    }
    for (int seen = 0; seen < threads; seen = inside) inside.wait(seen);
  }
  CHECK(std::ranges::all_of(
      done, [&](const auto& times) { return times == 1 + threads; }));
}

}  // namespace
}  // namespace tributary::coordinator
