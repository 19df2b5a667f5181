// SPDX-License-Identifier: Apache-2.0
#include "coordinator/store/spool.h"

#include <array>
#include <span>
#include <string>
#include <vector>

#include "coordinator/store/folder_lock.h"
#include "tests/coordinator/store/temp_folder.h"

#include "tests/catch.h"

namespace tributary::store {
namespace {

std::span<const std::byte> Bytes(const std::string& text) {
  return std::as_bytes(std::span<const char>(text));
}

TEST_CASE("a slot is lent to one upload at a time and used again") {
  const testing::TempFolder folder;
  const auto spool = Spool::Open(folder.path(), {}).value();
  auto first = spool->Take().value();
  auto second = spool->Take().value();
  CHECK(first->number() != second->number());
  const std::int64_t number = first->number();
  auto reader = first;
  first.reset();
  CHECK(spool->Take().value()->number() != number);
  reader.reset();
  const auto again = spool->Take().value();
  CHECK(again->number() == number);
  CHECK(again->Sync().ok());
}

TEST_CASE("slots of accepted updates are not lent after a restart") {
  const testing::TempFolder folder;
  std::int64_t number = 0;
  {
    const auto spool = Spool::Open(folder.path(), {}).value();
    auto slot = spool->Take().value();
    number = slot->number();
    REQUIRE(slot->file().Write(0, Bytes("update")).ok());
    REQUIRE(slot->Sync().ok());
  }
  const auto spool = Spool::Open(folder.path(), {number}).value();
  CHECK(spool->Take().value()->number() != number);
  const auto slot = spool->Retake(number).value();
  std::array<std::byte, 6> bytes{};
  CHECK(slot->file().ReadFully(0, bytes).ok());
  CHECK(std::equal(bytes.begin(), bytes.end(), Bytes("update").begin()));
  CHECK(absl::IsNotFound(spool->Retake(number + 100).status()));
  CHECK(spool->Probe().ok());
}

TEST_CASE("pieces are written one after the other") {
  const testing::TempFolder folder;
  auto file = File::Open(folder.path() / "file", File::Mode::kCreate).value();
  const std::string text = "abcdefghij";
  std::vector<std::span<const std::byte>> pieces;
  std::string expected;
  // More than one call takes.
  for (int i = 0; i < 150; ++i) {
    pieces.push_back(Bytes(text).first(static_cast<std::size_t>(i % 11)));
    expected += text.substr(0, static_cast<std::size_t>(i % 11));
  }
  REQUIRE(file.WritePieces(3, pieces).ok());
  CHECK(file.Size().value() == expected.size() + 3);
  std::string read(expected.size(), ' ');
  REQUIRE(
      file.ReadFully(3, std::as_writable_bytes(std::span<char>(read))).ok());
  CHECK(read == expected);
  CHECK(absl::IsDataLoss(
      file.ReadFully(4, std::as_writable_bytes(std::span<char>(read)))));
}

TEST_CASE("a folder is locked once") {
  const testing::TempFolder folder;
  auto lock = FolderLock::Acquire(folder.path());
  REQUIRE(lock.ok());
  CHECK(
      absl::IsFailedPrecondition(FolderLock::Acquire(folder.path()).status()));
  lock = absl::UnknownError("let go");
  CHECK(FolderLock::Acquire(folder.path()).ok());
}

}  // namespace
}  // namespace tributary::store
