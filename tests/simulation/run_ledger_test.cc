// SPDX-License-Identifier: Apache-2.0
#include "simulation/run_ledger.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "proto/codec/ledger.h"
#include "tests/client/data/folder.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

namespace fs = std::filesystem;

Charge ChargeOf(std::uint32_t round) {
  Charge charge;
  charge.debit = {.population = "digits",
                  .run = "a run",
                  .round = round,
                  .attempt = 1,
                  .mechanism = {.noise = dp::Noise::kCentral,
                                .sampling = dp::Sampling::kNone,
                                .statistics = {{.name = "update",
                                                .words = 10,
                                                .l1 = 3000,
                                                .l2 = 1000,
                                                .variance = 4e6}}},
                  .delta = 1e-5,
                  .clip_norm = 0.5,
                  .contributors = 2,
                  .plan = Sha256("plan")};
  charge.contributors = {{"client-0001"}, {"client-0002"}};
  return charge;
}

std::string BytesOf(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

codec::LedgerFile Read(const fs::path& file) {
  auto read = codec::ReadLedgerFile(BytesOf(file));
  INFO(read.status());
  REQUIRE(read.ok());
  return *read;
}

TEST_CASE("what a simulation is charged is in the file at once, in a chain") {
  const data::Folder folder;
  const fs::path file = folder.path() / kLedgerFile;
  auto ledger = RunLedger::Open(file);
  REQUIRE(ledger.ok());
  for (std::uint32_t round = 1; round <= 3; ++round) {
    REQUIRE((*ledger)->Charge(ChargeOf(round)).ok());
    const auto read = Read(file);
    REQUIRE(read.entries.size() == round);
    CHECK(dp::Ledger::Replay(read.entries).ok());
  }
  CHECK((*ledger)->spend().rounds() == 3);
  REQUIRE((*ledger)->WriteParticipation().ok());
  const auto read = Read(file);
  REQUIRE(read.participation.size() == 2);
  CHECK(read.participation[1].client() == "client-0002");
  CHECK(read.participation[1].rounds() == 3);
}

TEST_CASE("a run that goes on is not charged again for what it tells anew") {
  const data::Folder folder;
  const fs::path whole = folder.path() / "whole";
  const fs::path resumed = folder.path() / "resumed";
  const auto charge = [](const fs::path& file, std::uint32_t rounds) {
    auto ledger = RunLedger::Open(file);
    REQUIRE(ledger.ok());
    for (std::uint32_t round = 1; round <= rounds; ++round) {
      REQUIRE((*ledger)->Charge(ChargeOf(round)).ok());
    }
    CHECK((*ledger)->spend().rounds() == rounds);
    REQUIRE((*ledger)->WriteParticipation().ok());
  };
  charge(whole, 4);
  charge(resumed, 2);
  charge(resumed, 4);
  CHECK(BytesOf(resumed) == BytesOf(whole));
}

TEST_CASE("a ledger that a crash cut off goes on behind its last entry") {
  const data::Folder folder;
  const fs::path file = folder.path() / kLedgerFile;
  {
    auto ledger = RunLedger::Open(file);
    REQUIRE(ledger.ok());
    REQUIRE((*ledger)->Charge(ChargeOf(1)).ok());
    REQUIRE((*ledger)->Charge(ChargeOf(2)).ok());
  }
  const std::string whole = BytesOf(file);
  fs::resize_file(file, whole.size() - 3);
  auto ledger = RunLedger::Open(file);
  REQUIRE(ledger.ok());
  REQUIRE((*ledger)->Charge(ChargeOf(1)).ok());
  REQUIRE((*ledger)->Charge(ChargeOf(2)).ok());
  CHECK(BytesOf(file) == whole);
}

TEST_CASE("a ledger that was changed, or of another cost, is refused") {
  const data::Folder folder;
  const fs::path file = folder.path() / kLedgerFile;
  {
    auto ledger = RunLedger::Open(file);
    REQUIRE(ledger.ok());
    REQUIRE((*ledger)->Charge(ChargeOf(1)).ok());
  }
  {
    auto again = RunLedger::Open(file);
    REQUIRE(again.ok());
    Charge other = ChargeOf(1);
    other.debit.mechanism.statistics[0].variance *= 2;
    const absl::Status refused = (*again)->Charge(other);
    CHECK(refused.code() == absl::StatusCode::kFailedPrecondition);
    CHECK(refused.message().find(file.string()) == 0);
  }
  std::string bytes = BytesOf(file);
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(file, std::ios::binary) << bytes;
  const auto damaged = RunLedger::Open(file);
  REQUIRE_FALSE(damaged.ok());
  CHECK(damaged.status().message().find(file.string()) == 0);
}

}  // namespace
}  // namespace tributary::simulation
