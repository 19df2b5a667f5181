// SPDX-License-Identifier: Apache-2.0
// Whether two effective plans make the same run.
//
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tributary::simulation {

// A plan may leave the number of clients to its data; then only the effective
// plan of a run that has read them has it.
enum class Clients { kInPlan, kInData };

// The first key at which two plans, as YAML with every default, decide on other
// bytes, with both values: "seed was 1, is 2". Empty if there is none: the
// number of threads decides nothing, nor does that of clients if it is in the
// data, nor noise that was calibrated where the second plan leaves it open.
// InvalidArgument if a text is no YAML.
absl::StatusOr<std::string> DifferenceOf(std::string_view was,
                                         std::string_view is, Clients clients);

}  // namespace tributary::simulation
