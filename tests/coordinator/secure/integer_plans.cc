// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/secure/integer_plans.h"

#include "privacy/secagg/packing.h"
#include "proto/codec/yaml.h"
#include "tests/proto/plans.h"

#include "tests/catch.h"

namespace tributary::testing {

std::string Private(const std::string& noise, const std::string& clipping,
                    int population) {
  return "privacy: {unit: client, neighbours: add_or_remove_one, noise: " +
         noise + ", sampling: none, delta: 1e-6, epsilon: 100, population: " +
         std::to_string(population) +
         ", "
         "noise_multiplier: 1.5, clipping: " +
         clipping + "}\n";
}

v1::Plan PlanWith(const std::string& sections) {
  v1::Plan plan;
  REQUIRE(codec::ParseYaml(codec::kGoodPlan + sections, "p", plan).ok());
  plan.mutable_round()->set_cohort_size(8);
  plan.mutable_update()->set_max_weight(plan.has_privacy() ? 1 : 100);
  const absl::Status valid = codec::ValidatePlan(plan);
  INFO(valid.message());
  REQUIRE(valid.ok());
  return codec::WithDefaults(plan);
}

coordinator::IntegerRound MakeRound(const v1::Plan& plan, std::int64_t length) {
  auto round = coordinator::MakeIntegerRound(
      plan, Manifest({{.name = "weights", .shape = {length}}}), 0.5);
  INFO(round.status().ToString());
  REQUIRE(round.ok());
  return *std::move(round);
}

std::vector<std::byte> Packed(int word_bits,
                              const std::vector<std::int64_t>& words) {
  const std::vector<std::uint64_t> bits(words.begin(), words.end());
  std::vector<std::byte> out(secagg::PackedSize(words.size(), word_bits));
  secagg::Pack(bits, word_bits, out);
  return out;
}

}  // namespace tributary::testing
