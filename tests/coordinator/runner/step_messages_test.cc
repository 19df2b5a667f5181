// SPDX-License-Identifier: Apache-2.0
// A step's messages go out a few clients at a time, and each client gets what
// it is to answer now, once.
#include "coordinator/runner/step_messages.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/coordinator/runner/secure_federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

using coordinator::StepMessages;
using round::ClientId;

constexpr int kSlice = StepMessages::kClientsAtOnce;

// A session of more clients than are told at once.
PlanChoice ManyClients(int clients, int min_updates) {
  PlanChoice choice = SecureChoice();
  choice.clients = clients;
  choice.min_updates = min_updates;
  return choice;
}

std::vector<std::string> SortedNames(int clients) {
  std::vector<std::string> names = ClientNames(clients);
  std::ranges::sort(names);
  return names;
}

TEST_CASE("other events get in between the messages of a step") {
  constexpr int kClients = 2 * kSlice + 2;
  const std::vector<std::string> names = SortedNames(kClients);
  SecureFederation federation(ManyClients(kClients, 12));
  std::vector<std::string> told;
  federation.federation().mail().overhear = [&](const Letter& letter) {
    if (!letter.message.secure().has_neighbours()) return;
    told.push_back(letter.to);
    // It lost its stream, and is back: it is told at once, and no second time.
    if (told.size() == 1) federation.federation().CheckIn(names.back());
  };
  federation.Drive();
  REQUIRE(told.size() == kClients);
  CHECK(told[kSlice] == names.back());
  std::ranges::sort(told);
  CHECK(told == names);
  CHECK(federation.federation().ModelBytes(federation.run(), 1) ==
        federation.OracleModel({{names.begin(), names.end()}}));
}

TEST_CASE("of a step that was closed meanwhile nobody is told any more") {
  constexpr int kClients = 3 * kSlice + 2;
  const std::vector<std::string> names = SortedNames(kClients);
  SecureFederation federation(ManyClients(kClients, 2 * kSlice + 1));
  std::map<std::string, int> told;
  int letters = 0;
  federation.federation().mail().overhear = [&](const Letter& letter) {
    if (!letter.message.secure().has_neighbours()) return;
    ++told[letter.to];
    // In the second slice: then the step has its deadline already. Before the
    // third is through, the deadline is found to be over.
    if (++letters == kSlice + 1) federation.PassTime();
  };
  federation.Drive();
  // In the first attempt the third slice was the last; the second was told all.
  REQUIRE(told.size() == kClients);
  for (int i = 0; i < kClients; ++i) {
    INFO(names[i]);
    CHECK(told.at(names[i]) == (i < 3 * kSlice ? 2 : 1));
  }
  CHECK(federation.federation().MetricOf("tributary_rounds_abandoned_total",
                                         {{"run", federation.run()}}) == 1);
}

constexpr std::size_t kHalf = StepMessages::kMostUnwritten / 2;

TEST_CASE("no more is made while too much waits to be written") {
  const std::vector<ClientId> clients = {{"a"}, {"b"}, {"c"}, {"d"}, {"e"}};
  StepMessages messages(clients);
  StepMessages::Time now{};
  std::set<std::string> writing = {"a", "b"};
  const auto next = [&]() -> std::string {
    const auto client = messages.Next(
        [&](const ClientId& sent) { return writing.contains(sent.name); }, now);
    return client ? client->name : "nobody";
  };
  const auto send = [&] {
    const std::string client = next();
    messages.Sent({client}, kHalf, now);
    return client;
  };
  CHECK(send() == "a");
  CHECK(send() == "b");
  CHECK(next() == "nobody");
  SECTION("until some of it is written") {
    writing = {"b", "c"};
    CHECK(send() == "c");
    CHECK(next() == "nobody");
  }
  SECTION("or has waited for too long") {
    now += StepMessages::kPatience - std::chrono::milliseconds(1);
    CHECK(next() == "nobody");
    now += std::chrono::milliseconds(1);
    CHECK(send() == "c");
    CHECK(send() == "d");
  }
  SECTION("and not for who has it from elsewhere") {
    writing.clear();
    messages.Skip({"c"});
    messages.Skip({"d"});
    CHECK(send() == "e");
    CHECK(messages.IsDone());
    CHECK(next() == "nobody");
  }
}

}  // namespace
}  // namespace tributary::testing
