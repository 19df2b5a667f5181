// SPDX-License-Identifier: Apache-2.0
// A restart near a round's deadline, in virtual time.
#include <atomic>
#include <chrono>
#include <string>

#include "google/protobuf/util/time_util.h"
#include "tests/coordinator/runner/federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

using google::protobuf::util::TimeUtil;
using namespace std::chrono_literals;

// Two clients are asked, for 60 s. The first one's update is accepted in the
// last second but one; then the coordinator is down for an hour.
struct NearDeadline {
  std::atomic<std::chrono::steady_clock::time_point> now{
      std::chrono::steady_clock::time_point(24h)};
  Federation federation;
  v1::Plan plan;
  std::string run;
  TestUpdate first;
  TestUpdate second;

  explicit NearDeadline(int min_updates)
      : plan(
            MakePlan({.clients = 2, .min_updates = min_updates, .rounds = 1})) {
    federation.SetClock([this] { return now.load(); });
    run = federation.Submit(plan);
    federation.ComeBack({"client-0", "client-1"});
    first = MakeUpdate(federation.AwaitTask("client-0"));
    second = MakeUpdate(federation.AwaitTask("client-1"));
    Advance(59s);
    REQUIRE(federation.Return("client-0", first).accepted());
    federation.Close();
    Advance(1h);
    federation.Open();
  }
  ~NearDeadline() { federation.Close(); }
  void Advance(std::chrono::steady_clock::duration time) {
    now = now.load() + time;
  }
  void AwaitEnd() {
    // Operators are told before clients are.
    federation.mail().Await(
        [](const Letter& letter) { return letter.message.has_come_back(); });
    REQUIRE(federation.Show(run).summary().state() == v1::FINISHED);
  }
};

TEST_CASE("the time the coordinator was down does not count") {
  NearDeadline near(2);
  near.federation.ComeBack({"client-1"});
  const v1::Task task = near.federation.AwaitTask("client-1");
  CHECK(task.task_token() == near.second.header.task_token());
  CHECK(TimeUtil::DurationToMilliseconds(task.time_left()) == 1'000);
  near.Advance(999ms);
  CHECK(near.federation.Return("client-1", near.second).accepted());
  near.federation.CheckIn("client-1");
  near.AwaitEnd();
  CHECK(near.federation.ModelBytes(near.run, 1) ==
        OracleModels(near.plan, {{near.first, near.second}}).back());
}

TEST_CASE("what was accepted before the crash counts after the deadline") {
  NearDeadline near(1);
  near.federation.Join("client-1");
  near.Advance(1s);
  const v1::Verdict verdict = near.federation.Return("client-1", near.second);
  CHECK_FALSE(verdict.accepted());
  CHECK(verdict.reason() == v1::TOO_LATE);
  near.federation.CheckIn("client-1");
  near.AwaitEnd();
  CHECK(near.federation.ModelBytes(near.run, 1) ==
        OracleModels(near.plan, {{near.first}}).back());
}

}  // namespace
}  // namespace tributary::testing
