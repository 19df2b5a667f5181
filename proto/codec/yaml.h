// SPDX-License-Identifier: Apache-2.0
// YAML into a protobuf message, strictly: the schema is the .proto, limits
// included (tributary/v1/limits.proto). Durations are written "90s", "500ms",
// "2m", "1h". Enum values by name in lower case ("cross_entropy").
//
// All errors of a file are reported in one InvalidArgument, a line each:
//   plan.yaml:12: round.cohort_sise: unknown key; did you mean "cohort_size"?
//   plan.yaml:14: round.deadline: "soon" is not a duration such as 90s or 5m
//
// Pure (text in, message out), except Read*, which read one file.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

// Reads `text` into `message` (cleared first). `name` stands in the errors.
absl::Status ParseYaml(std::string_view text, std::string_view name,
                       google::protobuf::Message& message);

// Every violated limit of a message that did not come from YAML (the wire),
// and, for a Plan, every rule across fields (ValidatePlan). One error a line,
// by key.
absl::Status CheckLimits(const google::protobuf::Message& message);

// Rules across fields, e.g. "round.min_updates: 12 exceeds round.cohort_size
// 10", "training: exactly one of epochs and steps". All of them at once.
// Includes CheckLimits.
absl::Status ValidatePlan(const v1::Plan& plan);

// The plan with every default written out: what runs, is stored and is shown.
v1::Plan WithDefaults(const v1::Plan& plan);
v1::DataSource WithDefaults(const v1::DataSource& source);

// Parse, validate, defaults. Paths in the file are made absolute against the
// file's folder. Rules across fields are reported together with the rest.
//
// `settings` stand in place of what the file says: "round.cohort_size=20"
// (yaml_setting.h has the spelling). Errors about one quote it:
//   plan.yaml: round.cohort_size: 0 is less than 1 (round.cohort_size=0)
absl::StatusOr<v1::Plan> ReadPlan(const std::filesystem::path& file,
                                  std::span<const std::string> settings = {});
absl::StatusOr<v1::CoordinatorConfig> ReadCoordinatorConfig(
    const std::filesystem::path& file);

// A message as YAML that ParseYaml reads back to the same message.
std::string ToYaml(const google::protobuf::Message& message);

}  // namespace tributary::codec
