// SPDX-License-Identifier: Apache-2.0
// Announcements of partial sums and what answers them over the wire, and what a
// root receives in a round.
#include "coordinator/wire/partial_sum.h"

#include <algorithm>
#include <string>
#include <vector>

#include "coordinator/tree/leaf_names.h"
#include "coordinator/tree/partial_sum.h"
#include "coordinator/wire/messages.h"
#include "privacy/crypto/random.h"
#include "proto/codec/yaml.h"
#include "tributary/v1/federation.pb.h"
// Last.
#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

using round::ClientId;
using round::LeafSet;
using round::Subtree;

constexpr std::size_t kMebibyte = 1 << 20;

LeafSet Leaves(std::size_t count, std::size_t length) {
  std::vector<ClientId> leaves;
  for (std::size_t i = 0; i < count; ++i) {
    std::string name = std::to_string(count + i);
    leaves.push_back({name + std::string(length - name.size(), '-')});
  }
  std::ranges::sort(leaves);
  return LeafSet::Make(std::move(leaves)).value();
}

Subtree Announced(const LeafSet& leaves, std::uint64_t weight) {
  return {.epoch = 3,
          .leaves = static_cast<std::uint32_t>(leaves.size()),
          .weight = weight,
          .names = leaves.Name()};
}

TEST_CASE("an announcement says the same when it is read") {
  const Subtree subtree = Announced(Leaves(5, 10), std::uint64_t{1} << 44);
  const v1::PartialSum message = ToMessage(subtree);
  CHECK(codec::CheckLimits(message).ok());
  CHECK(ToSubtree(message).value() == subtree);
  v1::PartialSum bad = message;
  bad.mutable_leaves_sha256()->pop_back();
  CHECK(ToSubtree(bad).status().message() == "leaves_sha256: 31 bytes, not 32");
  bad = message;
  bad.set_weight((std::uint64_t{1} << 44) + 1);
  CHECK_FALSE(codec::CheckLimits(bad).ok());
  bad = message;
  bad.set_leaves((1 << 20) + 1);
  CHECK_FALSE(codec::CheckLimits(bad).ok());
  bad.set_leaves(0);
  CHECK(ToSubtree(bad).status().message() == "leaves: 0 is less than 1");
  bad = message;
  bad.set_epoch(0);
  CHECK(ToSubtree(bad).status().message() == "epoch: 0 is less than 1");
}

v1::UpdateHeader Header(const v1::PartialSum& sum) {
  v1::UpdateHeader header;
  header.set_base_model(std::string(32, 'm'));
  header.set_train_loss(0.5);
  *header.mutable_partial_sum() = sum;
  return header;
}

TEST_CASE("an announced sum is a contribution of its subtree's weight") {
  const Subtree subtree = Announced(Leaves(5, 10), 4'000'000'000'000);
  v1::UpdateHeader header = Header(ToMessage(subtree));
  const auto contribution = ToContribution(header);
  REQUIRE(contribution.has_value());
  CHECK(contribution->weight == 4'000'000'000'000);
  CHECK(contribution->train_loss == 0.5);
  CHECK(contribution->subtree == subtree);
  header.clear_partial_sum();
  CHECK_FALSE(ToContribution(header)->subtree.has_value());
}

TEST_CASE("an announced sum that says too little or too much is none") {
  const v1::PartialSum sum = ToMessage(Announced(Leaves(5, 10), 5));
  v1::UpdateHeader header = Header(sum);
  CHECK(ToContribution(header).has_value());
  SECTION("a weight of its own") { header.set_weight(5); }
  SECTION("no epoch") { header.mutable_partial_sum()->set_epoch(0); }
  SECTION("no leaves") { header.mutable_partial_sum()->set_leaves(0); }
  SECTION("no names") { header.mutable_partial_sum()->clear_leaves_sha256(); }
  CHECK_FALSE(ToContribution(header).has_value());
}

TEST_CASE("a verdict names up to 4,000 leaves that overlap") {
  for (const std::size_t count : {0u, 1u, 4'000u, 4'001u}) {
    const LeafSet leaves = Leaves(count, 128);
    const v1::ServerMessage message = RefusedMessage(
        {}, round::Refusal::kOverlap, "they count elsewhere", leaves);
    const v1::Verdict& verdict = message.verdict();
    CHECK(verdict.reason() == v1::OVERLAP);
    CHECK(verdict.overlap_size() ==
          static_cast<int>(std::min<std::size_t>(count, 4'000)));
    CHECK(codec::CheckLimits(message).ok());
    CHECK(message.ByteSizeLong() <= kMebibyte);
    if (count > 0) CHECK(verdict.overlap(0) == leaves.leaves()[0].name);
  }
}

TEST_CASE("an aggregator is welcome with its session and its epoch") {
  const v1::Welcome welcome =
      WelcomeMessage("edge-1", {.session = 7, .epoch = 5}).welcome();
  CHECK(welcome.client_name() == "edge-1");
  CHECK(welcome.role() == v1::AGGREGATOR);
  CHECK(welcome.session() == 7);
  CHECK(welcome.epoch() == 5);
  CHECK(WelcomeMessage("pump", v1::TRAINER).welcome().session() == 0);
}

TEST_CASE("an aggregator alone is asked for a subtree, without the seed") {
  v1::Plan plan;
  plan.set_name("Pump wear");
  plan.set_seed(7);
  plan.mutable_simulation();
  plan.mutable_hierarchy()->add_fan_out(3);
  TaskFrame frame;
  frame.subtree = ToSubtreeTask(plan, 1);
  round::Task task;
  CHECK_FALSE(TaskMessage(frame, task, {}).task().has_subtree());
  task.role = round::Role::kAggregator;
  task.seed = KeyFromSeed(3);
  const v1::Task asked = TaskMessage(frame, task, {}).task();
  REQUIRE(asked.has_subtree());
  CHECK(asked.subtree().tier() == 1);
  CHECK(asked.subtree().plan().name() == "Pump wear");
  CHECK(asked.subtree().plan().hierarchy().fan_out(0) == 3);
  CHECK_FALSE(asked.subtree().plan().has_seed());
  CHECK_FALSE(asked.subtree().plan().has_simulation());
  CHECK(asked.seed() == std::string(task.seed.begin(), task.seed.end()));
}

// Issue: the root's inbound bytes of a round are aggregators x model x
// accumulator bits / 32, and 2 % at most beside. Here everything that the
// protocol of the partial sum itself needs: announcement, leaves, chunks.
TEST_CASE(
    "a root receives the sums of its aggregators and 2 % at most beside") {
  constexpr std::size_t kModel = 1'663'370;
  constexpr std::uint64_t kAggregators = 3;
  constexpr std::uint64_t kEach = 8;
  const auto grid =
      aggregation::Grid::Make({.max_abs = 1, .max_weight = 128}).value();
  const aggregation::Layout layout{kModel, kModel, grid, grid};
  const LeafSet leaves = Leaves(kEach, 64);
  const Subtree subtree = Announced(leaves, kEach * 100);
  const auto format =
      PartialSumFormat::OfSum(layout, subtree.leaves, subtree.weight).value();
  // The bound 1 is 2^32 steps, and 800 weights are less than 2^10; a sign.
  constexpr std::uint64_t kBits = 32 + 10 + 1;
  const double expected = kAggregators * (kModel * 4.0) * kBits / 32;
  CHECK(kAggregators * format.Bytes() >= expected);
  CHECK(kAggregators * format.Bytes() < expected + kAggregators);

  v1::ClientMessage ready;
  v1::UpdateHeader& header = *ready.mutable_update_ready()->mutable_header();
  header.set_task_token(std::string(16, 't'));
  header.set_base_model(std::string(32, 'm'));
  header.set_size(NameBytes(leaves) + format.Bytes());
  header.set_checksum(~std::uint64_t{0});
  header.set_train_loss(0.5);
  *header.mutable_partial_sum() = ToMessage(subtree);
  std::uint64_t beside = ready.ByteSizeLong() + NameBytes(leaves);
  v1::UploadMessage upload;
  *upload.mutable_header()->mutable_task_token() = std::string(16, 't');
  beside += upload.ByteSizeLong();
  for (std::uint64_t sent = 0; sent < header.size();) {
    const std::size_t chunk =
        std::min<std::uint64_t>(kMebibyte, header.size() - sent);
    upload.set_data(std::string(chunk, 'd'));
    beside += upload.ByteSizeLong() - chunk;
    sent += chunk;
  }
  CHECK(kAggregators * (format.Bytes() + beside) <= 1.02 * expected);
  CHECK(kAggregators * beside < 2'500);
}

}  // namespace
}  // namespace tributary::coordinator
