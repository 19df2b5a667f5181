// SPDX-License-Identifier: Apache-2.0
// What a rule needs, as the error that names it.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace tributary::robust {

// InvalidArgument, such as "robust.krum: 3 adversaries take at
// least 9 updates (n > 2f + 2), there are 7", unless
// updates >= per_adversary * adversaries + more.
absl::Status RequireUpdates(std::string_view key, std::uint32_t adversaries,
                            std::uint32_t per_adversary, std::uint32_t more,
                            std::string_view formula, std::uint64_t updates);
// InvalidArgument unless `value` is finite and over 0.
absl::Status RequirePositive(std::string_view key, double value);
// InvalidArgument unless `value` is in low .. high; `meaning` says what the
// bounds are.
absl::Status RequireWithin(std::string_view key, std::int64_t value,
                           std::int64_t low, std::int64_t high,
                           std::string_view meaning);

}  // namespace tributary::robust
