// SPDX-License-Identifier: Apache-2.0
// Plans whose updates are integers, and packed updates of their rounds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/secure/integer_round.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::testing {

inline const std::string kSecure = "secure_aggregation: {}\n";
// The section `privacy` with this noise and clipping; the multiplier is 1.5.
std::string Private(const std::string& noise, const std::string& clipping,
                    int population = 8);

// A valid plan with these sections, eight clients a round.
v1::Plan PlanWith(const std::string& sections);
// Of a model of `length` parameters; the clip norm is 0.5.
coordinator::IntegerRound MakeRound(const v1::Plan& plan, std::int64_t length);

std::vector<std::byte> Packed(int word_bits,
                              const std::vector<std::int64_t>& words);

}  // namespace tributary::testing
