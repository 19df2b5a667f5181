// SPDX-License-Identifier: Apache-2.0
#include "simulation/ranks/rank_place.h"

#include <map>
#include <string>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

absl::StatusOr<RankPlace> Read(
    const std::map<std::string, std::string>& variables) {
  return ReadRankPlace([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string ErrorOf(const std::map<std::string, std::string>& variables) {
  const auto place = Read(variables);
  REQUIRE_FALSE(place.ok());
  return std::string(place.status().message());
}

TEST_CASE("the place of a rank is what torchrun and Kubeflow say") {
  const auto place = Read({{"RANK", "2"},
                           {"WORLD_SIZE", "3"},
                           {"MASTER_ADDR", "node-0"},
                           {"MASTER_PORT", "29500"}});
  REQUIRE(place.ok());
  CHECK(place->rank == 2);
  CHECK(place->size == 3);
  CHECK(place->address == "node-0");
  CHECK(place->port == 29500);
}

TEST_CASE("which process of its machine this is, torchrun and Slurm say") {
  using Variables = std::map<std::string, std::string>;
  const auto local = [](const Variables& variables) {
    return ReadLocalRank([&](const char* name) -> const char* {
      const auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second.c_str();
    });
  };
  CHECK(*local({}) == 0);
  CHECK(*local({{"LOCAL_RANK", "3"}}) == 3);
  CHECK(*local({{"SLURM_LOCALID", "2"}}) == 2);
  CHECK(*local({{"SLURM_LOCALID", "2"}, {"LOCAL_RANK", "1"}}) == 1);
  const auto none = local({{"LOCAL_RANK", "first"}});
  CHECK(
      std::string(none.status().message()).starts_with("LOCAL_RANK: 'first'"));
}

TEST_CASE("without ranks, or with one, there is a single process") {
  for (const auto& place : {Read({}), Read({{"MASTER_PORT", "29500"}}),
                            Read({{"RANK", "0"}, {"WORLD_SIZE", "1"}})}) {
    REQUIRE(place.ok());
    CHECK(place->size == 1);
    CHECK(place->rank == 0);
  }
}

TEST_CASE("an error names the variable that is missing or makes no sense") {
  const std::map<std::string, std::string> whole = {{"RANK", "1"},
                                                    {"WORLD_SIZE", "2"},
                                                    {"MASTER_ADDR", "node-0"},
                                                    {"MASTER_PORT", "29500"}};
  for (const auto& [name, value] : whole) {
    auto without = whole;
    without.erase(name);
    CHECK(ErrorOf(without).starts_with(name + " is not set"));
  }
  const auto with = [&](const std::string& name, const std::string& value) {
    auto changed = whole;
    changed[name] = value;
    return ErrorOf(changed);
  };
  CHECK(with("RANK", "2") == "RANK: '2' is no number from 0 to 1");
  CHECK(with("RANK", "-1") == "RANK: '-1' is no number from 0 to 1");
  CHECK(with("WORLD_SIZE", "two") ==
        "WORLD_SIZE: 'two' is no number from 1 to 4096");
  CHECK(with("MASTER_PORT", "70000") ==
        "MASTER_PORT: '70000' is no number from 1 to 65535");
  CHECK(with("MASTER_ADDR", "").starts_with("MASTER_ADDR is not set"));
}

}  // namespace
}  // namespace tributary::simulation
