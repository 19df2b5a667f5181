// SPDX-License-Identifier: Apache-2.0
// partition.file: what a file may say, and what it may not.
#include <rapidcheck.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/simulation/partitions/plans.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

namespace fs = std::filesystem;

class FileFixture {
 public:
  FileFixture() {
    std::string name =
        (fs::temp_directory_path() / "partition-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    folder = name;
    plan.mutable_partition()->mutable_file()->set_path(File());
  }
  ~FileFixture() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }

  std::string File() const { return (folder / "split.csv").string(); }

  absl::StatusOr<Partition> Make(const std::string& text) const {
    std::ofstream(File(), std::ios::binary) << text;
    return MakePartition(plan, examples, KeyFromSeed(1));
  }

  // What is wrong with the file, without its place in plan and file system.
  std::string Refusal(const std::string& text) const {
    const auto made = Make(text);
    if (made.ok()) return "nothing";
    CHECK(made.status().code() == absl::StatusCode::kInvalidArgument);
    const std::string message(made.status().message());
    const std::string place = "simulation.partition.file: " + File() + ":";
    CHECK(message.starts_with(place));
    return message.substr(place.size());
  }

  fs::path folder;
  v1::SimulationPlan plan;
  datasets::Examples examples = WithOwners(4, 2);
};

TEST_CASE_METHOD(FileFixture, "a file gives each example to a client") {
  const auto partition = Make(
      "\xef\xbb\xbf"
      "example,client\r\n0,1\r\n2,0\n\n1,1\n3,1");
  REQUIRE(partition.ok());
  CHECK(partition->clients() == 2);
  CHECK(std::vector(partition->Of(0).begin(), partition->Of(0).end()) ==
        std::vector<std::uint32_t>{2});
  CHECK(std::vector(partition->Of(1).begin(), partition->Of(1).end()) ==
        std::vector<std::uint32_t>{0, 1, 3});
}

TEST_CASE_METHOD(FileFixture, "or each owner, whose name may hold commas") {
  examples.owners = {"Capulet, Juliet", "Romeo"};
  const auto partition = Make("owner,client\nRomeo,0\nCapulet, Juliet,1\n");
  REQUIRE(partition.ok());
  CHECK(std::vector(partition->Of(1).begin(), partition->Of(1).end()) ==
        std::vector<std::uint32_t>{0, 2});
}

TEST_CASE_METHOD(FileFixture,
                 "the plan may leave room for clients without examples") {
  plan.set_clients(9);
  const auto partition = Make("owner,client\na,3\nb,0\n");
  REQUIRE(partition.ok());
  CHECK(partition->clients() == 9);
  CHECK(partition->Of(3).size() == 2);
  CHECK(partition->Of(8).empty());
}

TEST_CASE_METHOD(FileFixture, "every example is held exactly once") {
  CHECK(rc::check([this] {
    const std::size_t count = *rc::gen::inRange<std::size_t>(1, 60);
    const std::uint32_t clients = *rc::gen::inRange<std::uint32_t>(1, 20);
    examples = WithTargets(Targets(count, 3));
    plan.set_clients(clients);
    std::string text = "example,client\n";
    std::vector<std::uint32_t> client_of;
    for (std::size_t i = 0; i < count; ++i) {
      client_of.push_back(*rc::gen::inRange<std::uint32_t>(0, clients));
      absl::StrAppend(&text, i, ",", client_of.back(), "\n");
    }
    const auto partition = Make(text);
    RC_ASSERT(partition.ok());
    std::size_t held = 0;
    for (std::uint32_t client = 0; client < clients; ++client) {
      for (const std::uint32_t example : partition->Of(client)) {
        RC_ASSERT(client_of.at(example) == client);
        ++held;
      }
    }
    RC_ASSERT(held == count);
  }));
}

TEST_CASE_METHOD(FileFixture, "errors name file, line and what was expected") {
  CHECK(Refusal("") == " is empty");
  CHECK(Refusal("client,example\n") ==
        "1: expected \"example,client\" or \"owner,client\" as the first "
        "line");
  CHECK(Refusal("example,client\n0\n") ==
        "2: expected an example, a comma and a client");
  const std::string example =
      "2: expected an example, a whole number less than 4";
  for (const char* bad : {"4", "-1", "", "1.5", " 1", "99999999999999999999"}) {
    CHECK(Refusal(absl::StrCat("example,client\n", bad, ",0\n")) == example);
  }
  plan.set_clients(3);
  const std::string client = "2: expected a client, a whole number less than 3";
  for (const char* bad : {"3", "-1", "", "x", "0 "}) {
    CHECK(Refusal(absl::StrCat("example,client\n0,", bad, "\n")) == client);
  }
  CHECK(Refusal("example,client\n0,1\n0,2\n") ==
        "3: example 0 has a client already, 1");
  CHECK(Refusal("example,client\n0,1\n1,1\n") ==
        " has no line for example 2; each of the 4 examples needs one");
  CHECK(Refusal("owner,client\na,1\n") ==
        " has no line for owner \"b\"; each of the 2 owners needs one");
  CHECK(Refusal("owner,client\nc,1\n") ==
        "2: no example belongs to this owner");
  CHECK(Refusal("example,client\n" + std::string(5000, '1')) ==
        "2: is longer than 4096 bytes");
  examples.owners.clear();
  CHECK(Refusal("owner,client\n")
            .starts_with("1: simulation.train does not say whom"));
}

TEST_CASE_METHOD(FileFixture, "a gap in the clients' numbers is an error") {
  // However large the number, no more memory is taken than the examples need.
  CHECK(Refusal("example,client\n0,0\n1,1\n2,4000000000\n3,1\n") ==
        " nothing goes to client 2, but there is a client 4000000000; number "
        "the clients from 0 without gaps, or set simulation.clients");
}

TEST_CASE_METHOD(FileFixture, "whatever a file holds, it is read or refused") {
  CHECK(rc::check([this](const std::string& tail) {
    static_cast<void>(Make("example,client\n" + tail));
    static_cast<void>(Make(tail));
  }));
}

TEST_CASE_METHOD(FileFixture, "a file that is missing is named") {
  const auto made = MakePartition(plan, examples, KeyFromSeed(1));
  CHECK(made.status().code() == absl::StatusCode::kNotFound);
  CHECK(std::string(made.status().message())
            .starts_with("simulation.partition.file: " + File()));
}

}  // namespace
}  // namespace tributary::simulation
