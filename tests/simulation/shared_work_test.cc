// SPDX-License-Identifier: Apache-2.0
#include "simulation/shared_work.h"

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/thread_ranks.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

using Need = SharedWork::Need;

round::Instant At(int second) {
  return round::Instant(std::chrono::seconds(second));
}

// Gives its number; says where it was done.
class Numbered final : public SharedWork::Job {
 public:
  explicit Numbered(int number) : number_(number) {}
  void Do() override {
    value = number_;
    done = true;
  }
  std::string Outcome() const override { return std::to_string(value); }
  absl::Status Learn(std::string_view outcome) override {
    value = std::stoi(std::string(outcome));
    return absl::OkStatus();
  }

  int value = -1;
  bool done = false;

 private:
  const int number_;
};

// What every rank does: the same jobs in the same order.
struct Outcome {
  std::vector<int> values;
  std::vector<bool> done;
};
Outcome Work(Ranks& ranks, int workers,
             const std::vector<SharedWork::Demand>& demands,
             std::size_t wanted = 1000, std::uint64_t result_bytes = 1) {
  SharedWork work(ranks, workers, result_bytes);
  std::deque<Numbered> jobs;
  std::vector<SharedWork::JobId> ids;
  for (std::size_t i = 0; i < demands.size(); ++i) {
    ids.push_back(
        work.Submit(demands[i], jobs.emplace_back(static_cast<int>(i))));
  }
  Outcome outcome;
  for (std::size_t i = 0; i < demands.size(); ++i) work.Await(ids[i], wanted);
  for (const Numbered& job : jobs) {
    outcome.values.push_back(job.value);
    outcome.done.push_back(job.done);
  }
  return outcome;
}

// By rank.
std::vector<Outcome> OnRanks(Meeting& meeting, int workers,
                             const std::vector<SharedWork::Demand>& demands,
                             std::size_t wanted = 1000,
                             std::uint64_t result_bytes = 1) {
  std::vector<Outcome> outcomes(static_cast<std::size_t>(meeting.size()));
  OnEveryRank(meeting, [&](Ranks& ranks) {
    outcomes[static_cast<std::size_t>(ranks.rank())] =
        Work(ranks, workers, demands, wanted, result_bytes);
  });
  return outcomes;
}

std::vector<SharedWork::Demand> Demands(const std::vector<int>& costs) {
  std::vector<SharedWork::Demand> demands;
  for (const int cost : costs) {
    demands.push_back({.due = At(static_cast<int>(demands.size())),
                       .cost = static_cast<std::uint64_t>(cost)});
  }
  return demands;
}

TEST_CASE("every job is done by one rank, and its outcome known to all") {
  Meeting meeting(3);
  const auto outcomes = OnRanks(meeting, 2, Demands({5, 1, 1, 1, 1, 1, 4, 9}));
  for (const Outcome& outcome : outcomes) {
    CHECK(outcome.values == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7});
  }
  for (std::size_t job = 0; job < 8; ++job) {
    INFO(job);
    CHECK(outcomes[0].done[job] + outcomes[1].done[job] +
              outcomes[2].done[job] ==
          1);
  }
  // One said how many workers there are, one shared all eight jobs.
  CHECK(meeting.exchanges() == 2);
}

TEST_CASE("the longest jobs are dealt out first, each to the idlest rank") {
  Meeting meeting(2);
  const auto outcomes = OnRanks(meeting, 1, Demands({1, 2, 3, 6}));
  CHECK(outcomes[0].done == std::vector<bool>{false, false, false, true});
  CHECK(outcomes[1].done == std::vector<bool>{true, true, true, false});
}

TEST_CASE("a rank with more workers is dealt more") {
  Meeting meeting(2);
  std::array<int, 2> done{};
  OnEveryRank(meeting, [&](Ranks& ranks) {
    const Outcome outcome = Work(ranks, ranks.rank() == 0 ? 3 : 1,
                                 Demands({1, 1, 1, 1, 1, 1, 1, 1}));
    for (const bool each : outcome.done) {
      done[static_cast<std::size_t>(ranks.rank())] += each ? 1 : 0;
    }
  });
  CHECK(done == std::array<int, 2>{6, 2});
}

TEST_CASE("jobs of one home are done by one rank, window after window") {
  Meeting meeting(2);
  std::vector<SharedWork::Demand> demands = Demands(std::vector<int>(40, 1));
  for (std::size_t i = 0; i < demands.size(); ++i) demands[i].home = i % 5;
  // Windows of 8: 4 for each of two workers.
  const auto outcomes =
      OnRanks(meeting, 1, demands, 1000, std::uint64_t{1} << 40);
  CHECK(meeting.exchanges() == 1 + 5);
  for (std::size_t i = 0; i < demands.size(); ++i) {
    CHECK(outcomes[0].done[i] == (i % 5 % 2 == 0));
    CHECK(outcomes[1].done[i] == (i % 5 % 2 == 1));
  }
}

TEST_CASE("what may be dropped is done only as far as it is wanted") {
  Meeting meeting(2);
  std::atomic<int> done = 0;
  std::array<int, 2> last{};
  OnEveryRank(meeting, [&](Ranks& ranks) {
    SharedWork work(ranks, 1, 1);
    std::deque<Numbered> jobs;
    std::vector<SharedWork::JobId> ids;
    for (int i = 0; i < 10; ++i) {
      ids.push_back(
          work.Submit({.due = At(i), .cost = 1, .need = Need::kPerhaps},
                      jobs.emplace_back(i)));
    }
    for (std::size_t i = 0; i < 6; ++i) work.Await(ids[i], 6 - i);
    for (std::size_t i = 6; i < 10; ++i) work.Drop(ids[i]);
    for (const Numbered& job : jobs) done += job.done ? 1 : 0;
    last[static_cast<std::size_t>(ranks.rank())] = jobs[5].value;
  });
  CHECK(done == 6);
  CHECK(last == std::array<int, 2>{5, 5});
  CHECK(meeting.exchanges() == 2);
}

TEST_CASE("a rank that leaves ends the work of the others") {
  Meeting meeting(2);
  OnEveryRank(meeting, [&](Ranks& ranks) {
    SharedWork work(ranks, 1, 1);
    if (ranks.rank() == 1) {
      return ranks.Leave(absl::UnavailableError("rank 1 ended: disk full"));
    }
    Numbered job(7);
    const auto id = work.Submit({.due = At(1)}, job);
    work.Await(id, 1);
    CHECK(work.status().message() == "rank 1 ended: disk full");
    // Nothing is begun any more, and nothing hangs.
    Numbered next(8);
    work.Await(work.Submit({.due = At(2)}, next), 1);
    CHECK_FALSE(next.done);
  });
}

TEST_CASE("one rank alone does all by itself") {
  OneRank alone;
  const Outcome outcome = Work(alone, 2, Demands({3, 1, 2}));
  CHECK(outcome.values == std::vector<int>{0, 1, 2});
  CHECK(outcome.done == std::vector<bool>{true, true, true});
}

}  // namespace
}  // namespace tributary::simulation
