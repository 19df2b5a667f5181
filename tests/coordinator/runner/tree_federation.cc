// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/runner/tree_federation.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "aggregation/encoding.h"
#include "aggregation/exact_sum.h"
#include "coordinator/round/derivation.h"
#include "coordinator/tree/subtree_sum.h"
#include "coordinator/wire/partial_sum.h"
#include "proto/codec/plan.h"
#include "proto/codec/strategy.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

round::LeafSet SetOf(const std::set<std::string>& names) {
  std::vector<round::ClientId> leaves;
  for (const std::string& name : names) leaves.push_back({name});
  return round::LeafSet::Make(std::move(leaves)).value();
}

aggregation::Layout LayoutOf(const v1::Plan& plan) {
  return codec::ToLayout(plan.update(),
                         codec::WithAuxiliary(TestManifest(), plan.strategy()),
                         plan.strategy())
      .value();
}

}  // namespace

v1::Task LeafTask(const v1::Task& aggregators, const std::string& leaf) {
  Key round_seed{};
  std::memcpy(round_seed.data(), aggregators.seed().data(), round_seed.size());
  const Key seed = round::TaskSeed(round_seed, {leaf});
  v1::Task task = aggregators;
  task.clear_subtree();
  task.set_seed(std::string(seed.begin(), seed.end()));
  return task;
}

coordinator::PartialSumFormat SumFormat(const v1::Task& task,
                                        std::uint64_t leaves,
                                        std::uint64_t weight) {
  return coordinator::PartialSumFormat::OfSum(LayoutOf(task.subtree().plan()),
                                              leaves, weight)
      .value();
}

TestUpdate MakeSum(const v1::Task& task, std::uint64_t epoch,
                   const std::set<std::string>& leaves) {
  const v1::Plan& plan = task.subtree().plan();
  const aggregation::Layout layout = LayoutOf(plan);
  aggregation::ExactSum sum(layout);
  double loss = 0;
  for (const std::string& leaf : leaves) {
    const TestUpdate update = MakeUpdate(LeafTask(task, leaf));
    const std::uint32_t weight =
        std::min(update.header.weight(), plan.update().max_weight());
    aggregation::UpdateDecoder decoder(
        codec::ToEncoding(plan.update()).encoding, layout.length);
    REQUIRE(decoder
                .Feed(std::as_bytes(std::span<const char>(update.bytes)),
                      [&](std::size_t offset, auto values) {
                        sum.AddBlock(offset, values, weight);
                        return absl::OkStatus();
                      })
                .ok());
    sum.AddContribution(weight);
    loss += update.header.train_loss() * weight;
  }
  const round::LeafSet names = SetOf(leaves);
  const round::Subtree subtree{
      .epoch = epoch,
      .leaves = static_cast<std::uint32_t>(leaves.size()),
      .weight = sum.weight(),
      .names = names.Name()};
  TestUpdate update;
  v1::UpdateHeader& header = update.header;
  header.set_task_token(task.task_token());
  header.set_encoding(task.update().encoding());
  header.set_base_model(task.model());
  header.set_train_loss(loss / static_cast<double>(sum.weight()));
  *header.mutable_partial_sum() = coordinator::ToMessage(subtree);
  std::string bytes;
  REQUIRE(coordinator::WriteSubtreeSum(
              names, SumFormat(task, subtree.leaves, subtree.weight),
              coordinator::SourceOf(sum),
              [&](std::span<const std::byte> some) {
                bytes.append(reinterpret_cast<const char*>(some.data()),
                             some.size());
                return absl::OkStatus();
              })
              .ok());
  SetBytes(update, std::move(bytes));
  return update;
}

void SetBytes(TestUpdate& sum, std::string bytes) {
  sum.bytes = std::move(bytes);
  sum.header.set_size(sum.bytes.size());
  sum.header.set_checksum(XXH3_64bits(sum.bytes.data(), sum.bytes.size()));
}

v1::Plan TreePlan(const PlanChoice& choice, int aggregators) {
  PlanChoice tree = choice;
  absl::StrAppend(&tree.sections, "\nhierarchy: {fan_out: [", aggregators,
                  "]}\n");
  return MakePlan(tree);
}

std::vector<std::string> TreeFederation::Leaves() const {
  std::set<std::string> all;
  for (const auto& [aggregator, leaves] : tree_) {
    all.insert(leaves.begin(), leaves.end());
  }
  return {all.begin(), all.end()};
}

void TreeFederation::KeepLog() {
  root_.options().log = [this](const coordinator::LogEvent& event) {
    std::string line = event.message;
    for (const auto& [key, value] : event.fields) {
      absl::StrAppend(&line, " ", key, "=", value);
    }
    const std::lock_guard lock(log_mutex_);
    log_.push_back(std::move(line));
  };
}

std::vector<std::string> TreeFederation::LogLines(const std::string& message) {
  const std::lock_guard lock(log_mutex_);
  std::vector<std::string> lines;
  for (const std::string& line : log_) {
    if (absl::StartsWith(line, message)) lines.push_back(line);
  }
  return lines;
}

void TreeFederation::ComeBack() {
  for (const auto& [aggregator, leaves] : tree_) {
    root_.JoinAggregator(aggregator, disks_[aggregator].session);
  }
  root_.ComeBack(trainers_);
}

void TreeFederation::Restart() {
  root_.Close();
  root_.Open();
  ComeBack();
}

void TreeFederation::LoseDisk(const std::string& aggregator) {
  disks_[aggregator] = {};
  root_.JoinAggregator(aggregator, 0);
}

std::string TreeFederation::Play(const v1::Plan& plan,
                                 const std::vector<std::string>& trainers,
                                 const std::function<void(int)>& before) {
  trainers_ = trainers;
  const std::string run = root_.Begin(plan);
  ComeBack();
  for (int number = 0;; ++number) {
    if (before) before(number);
    const std::optional<Letter> letter = root_.NextLetter(run);
    if (!letter) return run;
    React(*letter);
  }
}

void TreeFederation::React(const Letter& letter) {
  if (tree_.contains(letter.to)) {
    ReactAsAggregator(letter, disks_[letter.to]);
  } else {
    root_.React(letter);
  }
}

void TreeFederation::ReactAsAggregator(const Letter& letter, Disk& disk) {
  const std::string& name = letter.to;
  const auto announce = [&] {
    disk.sum = MakeSum(disk.task, disk.epoch, disk.leaves);
    root_.Announce(name, disk.sum.header);
  };
  switch (letter.message.kind_case()) {
    case v1::ServerMessage::kWelcome: {
      const v1::Welcome& welcome = letter.message.welcome();
      disk.session = welcome.session();
      disk.epoch = welcome.epoch();
      root_.CheckIn(name);
      break;
    }
    case v1::ServerMessage::kTask:
      disk.task = letter.message.task();
      disk.leaves = tree_.at(name);
      announce();
      break;
    case v1::ServerMessage::kUploadGrant: {
      const absl::Status uploaded =
          root_.Upload(name, disk.sum, letter.message.upload_grant().offset());
      if (!uploaded.ok()) root_.Announce(name, disk.sum.header);
      break;
    }
    case v1::ServerMessage::kVerdict:
      if (letter.message.verdict().reason() != v1::OVERLAP) {
        root_.CheckIn(name);
        break;
      }
      for (const std::string& leaf : letter.message.verdict().overlap()) {
        CHECK(disk.leaves.erase(leaf) == 1);
        taken_out_[name].insert(leaf);
      }
      announce();
      break;
    case v1::ServerMessage::kCancel:
    case v1::ServerMessage::kComeBack:
      root_.CheckIn(name);
      break;
    default:
      break;
  }
}

}  // namespace tributary::testing
