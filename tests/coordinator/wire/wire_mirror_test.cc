// SPDX-License-Identifier: Apache-2.0
// Neither the schema nor the engine may know the other, so a test holds their
// lists of refusals together.
#include <string>

#include "absl/strings/ascii.h"
#include "coordinator/round/types.h"
#include "google/protobuf/descriptor.h"
#include "tributary/v1/federation.pb.h"
// Last.
#include "tests/catch.h"

namespace tributary {
namespace {

TEST_CASE("the wire's refusals are the engine's, by number and by name") {
  const auto& values = *v1::Refusal_descriptor();
  CHECK(values.value_count() ==
        static_cast<int>(round::Refusal::kEpochOver) + 1);
  for (int i = 0; i < values.value_count(); ++i) {
    const auto& value = *values.value(i);
    CHECK(value.number() == i);
    if (i == 0) continue;
    CHECK(std::string(round::Name(static_cast<round::Refusal>(i))) ==
          absl::AsciiStrToLower(value.name()));
  }
}

TEST_CASE("the wire's roles and kinds of task are the engine's") {
  CHECK(static_cast<int>(v1::TRAINER) ==
        static_cast<int>(round::Role::kTrainer) + 1);
  CHECK(static_cast<int>(v1::EVALUATOR) ==
        static_cast<int>(round::Role::kEvaluator) + 1);
  CHECK(static_cast<int>(v1::AGGREGATOR) ==
        static_cast<int>(round::Role::kAggregator) + 2);
  CHECK(static_cast<int>(v1::Task::TRAIN) ==
        static_cast<int>(round::TaskKind::kTrain) + 1);
  CHECK(static_cast<int>(v1::Task::EVALUATE) ==
        static_cast<int>(round::TaskKind::kEvaluate) + 1);
}

}  // namespace
}  // namespace tributary
