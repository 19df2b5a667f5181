// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/ledger.h"

#include <string>
#include <vector>

#include "rapidcheck.h"
#include "tests/proto/ledgers.h"

#include "tests/catch.h"

namespace tributary::codec {
namespace {

TEST_CASE("an entry is what it was when it is read back") {
  const auto entries = SomeEntries(3);
  for (const dp::Entry& entry : entries) {
    const auto read = ReadEntry(ToBytes(entry));
    REQUIRE(read.ok());
    CHECK(*read == entry);
    CHECK(ToEntry(ToMessage(entry)).value() == entry);
  }
  CHECK(dp::Ledger::Replay(entries).ok());
}

TEST_CASE("no byte of an entry can be changed unseen") {
  const auto entries = SomeEntries(2);
  const std::string bytes = ToBytes(entries[1]);
  dp::Chain before;
  REQUIRE(before.Check(entries[0]).ok());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ 1 << bit);
      const auto entry = ReadEntry(changed);
      if (!entry.ok()) {
        CHECK(entry.status().code() == absl::StatusCode::kDataLoss);
        continue;
      }
      dp::Chain chain = before;
      const auto status = chain.Check(*entry);
      INFO("byte " << at << " bit " << bit);
      CHECK(status.code() == absl::StatusCode::kDataLoss);
    }
    // Nor taken out, nor put in.
    std::string shorter = bytes;
    shorter.erase(at, 1);
    const auto entry = ReadEntry(shorter);
    dp::Chain chain = before;
    CHECK((!entry.ok() || !chain.Check(*entry).ok()));
  }
}

TEST_CASE("a field out of its limits is named") {
  const auto message = [](auto change) {
    v1::LedgerEntry entry = ToMessage(SomeEntries(1)[0]);
    change(entry);
    const auto status = ToEntry(entry).status();
    CHECK(status.code() == absl::StatusCode::kDataLoss);
    return std::string(status.message());
  };
  CHECK(message([](auto& e) { e.clear_number(); }) ==
        "ledger: number: is required");
  CHECK(message([](auto& e) { e.set_rate(1.5); }) ==
        "ledger: rate: 1.5 is greater than 1");
  CHECK(message([](auto& e) { e.clear_noise(); }) ==
        "ledger: noise: is required");
  CHECK(message([](auto& e) {
          e.set_unit(static_cast<v1::PrivacyPlan::Unit>(9));
        }) == "ledger: unit: 9 is not a value of Unit");
  CHECK(message([](auto& e) { e.clear_accountant(); }) ==
        "ledger: accountant: is required");
  CHECK(message([](auto& e) { e.clear_statistics(); }) ==
        "ledger: statistics: is required");
  CHECK(message([](auto& e) { e.mutable_hash()->pop_back(); }) ==
        "ledger: hash has not 32 bytes");
  CHECK(message([](auto& e) {
          e.mutable_statistics(0)->set_variance(1);
        }).find("noise multiplier") != std::string::npos);
}

std::string FileOf(const std::vector<dp::Entry>& entries) {
  std::string file;
  for (const dp::Entry& entry : entries) {
    v1::LedgerPage page;
    *page.add_entries() = ToMessage(entry);
    file += ToRecord(page);
  }
  v1::LedgerPage took_part;
  for (const char* client : {"a", "b", "a"}) {
    auto& one = *took_part.add_participation();
    one.set_population("sensors");
    one.set_client(client);
    one.set_rounds(static_cast<std::uint64_t>(took_part.participation_size()));
  }
  return file + ToRecord(took_part);
}

TEST_CASE("a ledger's file gives its entries and who took part") {
  const auto entries = SomeEntries(4);
  const std::string bytes = FileOf(entries);
  const auto file = ReadLedgerFile(bytes).value();
  CHECK(file.entries == entries);
  CHECK(file.whole_bytes == bytes.size());
  REQUIRE(file.participation.size() == 2);
  CHECK(file.participation[0].client() == "a");
  // What was written last counts.
  CHECK(file.participation[0].rounds() == 3);
  CHECK(ReadLedgerFile("").value().entries.empty());
}

TEST_CASE("a file that was cut off says where it can go on") {
  const auto entries = SomeEntries(4);
  const std::string bytes = FileOf(entries);
  const std::string first = FileOf({entries[0]});
  std::uint64_t last = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto file = ReadLedgerFile(bytes.substr(0, size)).value();
    CHECK(file.whole_bytes <= size);
    CHECK(file.whole_bytes >= last);
    last = file.whole_bytes;
    CHECK(dp::Ledger::Replay(file.entries).ok());
  }
}

TEST_CASE("no byte of a ledger's file can be changed unseen") {
  const auto entries = SomeEntries(3);
  std::string bytes;
  for (const dp::Entry& entry : entries) {
    v1::LedgerPage page;
    *page.add_entries() = ToMessage(entry);
    bytes += ToRecord(page);
  }
  CHECK(rc::check([&] {
    std::string changed = bytes;
    const auto at = static_cast<std::size_t>(
        *rc::gen::inRange(0, static_cast<int>(bytes.size())));
    changed[at] = static_cast<char>(changed[at] ^ *rc::gen::inRange(1, 256));
    const auto file = ReadLedgerFile(changed);
    const bool is_seen = !file.ok() || file->whole_bytes != changed.size() ||
                         !dp::Ledger::Replay(file->entries).ok();
    RC_ASSERT(is_seen);
  }));
}

}  // namespace
}  // namespace tributary::codec
