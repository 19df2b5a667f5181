// SPDX-License-Identifier: Apache-2.0
// Ranks over c10d on loopback: threads of this test, each with connections of
// its own.
#include "simulation/ranks/join.h"

#include <signal.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

using std::chrono::seconds;

// Does something on every rank at a port that rank 0 finds free.
void OnRanks(int size, const std::function<void(Ranks&)>& action) {
  std::promise<std::uint16_t> port;
  const std::shared_future<std::uint16_t> found = port.get_future().share();
  // None leaves while another still meets the rest.
  std::latch met(size);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      RankPlace place{.rank = rank, .size = size, .address = "127.0.0.1"};
      JoinOptions options{.timeout = seconds(30)};
      if (rank == 0) {
        options.on_listening = [&](std::uint16_t number) {
          port.set_value(number);
          return absl::OkStatus();
        };
      } else {
        place.port = found.get();
      }
      const auto ranks = Join(place, options);
      if (!ranks.ok()) FAIL(ranks.status().ToString());
      met.arrive_and_wait();
      action(**ranks);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("ranks tell one another texts of any length") {
  std::atomic<int> right = 0;
  OnRanks(3, [&](Ranks& ranks) {
    // Of rank 0 nothing, of rank 2 two thousand bytes, a zero among them.
    const auto text = [](int rank) {
      std::string bytes(static_cast<std::size_t>(1000 * rank), 'a');
      if (rank > 0) bytes[10] = '\0';
      return bytes;
    };
    for (int i = 0; i < 3; ++i) {
      const auto all = ranks.Gather(text(ranks.rank()));
      if (all.ok() && *all == std::vector{text(0), text(1), text(2)}) ++right;
    }
  });
  CHECK(right == 9);
}

TEST_CASE("sums over ranks are exact in all 64 bits") {
  std::atomic<int> right = 0;
  OnRanks(2, [&](Ranks& ranks) {
    std::vector<std::int64_t> values(100'000, ranks.rank() + 1);
    values[7] = ranks.rank() == 0 ? (std::int64_t{1} << 62) + 1 : -3;
    if (!ranks.Sum(values).ok()) return;
    if (values[0] == 3 && values[99'999] == 3 &&
        values[7] == (std::int64_t{1} << 62) - 2) {
      ++right;
    }
  });
  CHECK(right == 2);
}

// Gloo's writev to a rank that is gone would end this one without a word.
TEST_CASE("a rank does not end by writing to one that is gone") {
  ::signal(SIGPIPE, SIG_DFL);
  OnRanks(2, [](Ranks&) {});
  struct sigaction now {};
  REQUIRE(::sigaction(SIGPIPE, nullptr, &now) == 0);
  const bool is_ignored = now.sa_handler == SIG_IGN;
  CHECK(is_ignored);
}

TEST_CASE("who is missing is named") {
  const auto begin = std::chrono::steady_clock::now();
  const auto ranks =
      Join({.rank = 0, .size = 3, .address = "127.0.0.1", .port = 0},
           {.timeout = seconds(1)});
  CHECK(ranks.status().message() == "ranks 1, 2 of 3 did not come within 1 s");
  CHECK(std::chrono::steady_clock::now() - begin < seconds(30));
}

TEST_CASE("an error while the others are awaited ends the waiting") {
  const auto ranks =
      Join({.rank = 0, .size = 2, .address = "127.0.0.1", .port = 0},
           {.timeout = seconds(60), .while_waiting = [] {
              return absl::UnavailableError("rank 1 ended with exit code 2");
            }});
  CHECK(ranks.status().message() == "rank 1 ended with exit code 2");
}

TEST_CASE("a rank that leaves tells the others why") {
  std::string heard;
  OnRanks(2, [&](Ranks& ranks) {
    if (ranks.rank() == 1) {
      return ranks.Leave(absl::UnavailableError("disk full"));
    }
    const auto all = ranks.Gather("still here");
    heard = std::string(all.status().message());
  });
  CHECK(heard == "rank 1 ended: disk full");
}

TEST_CASE("a rank that is gone without a word is named") {
  std::string heard;
  OnRanks(2, [&](Ranks& ranks) {
    if (ranks.rank() == 1) return;
    std::vector<std::int64_t> values(1000, 1);
    heard = std::string(ranks.Sum(values).message());
  });
  CHECK(heard.starts_with("rank 1 is gone, or does not answer any more"));
}

}  // namespace
}  // namespace tributary::simulation
