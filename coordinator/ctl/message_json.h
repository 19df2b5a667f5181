// SPDX-License-Identifier: Apache-2.0
// Messages as JSON for scripts: field names of the schema, in its order; every
// number a JSON number; enum values by name; hashes in hex; times in RFC 3339.
// Fields that are not set are written with their default, so that a script
// finds them.
#pragma once

#include <cstdint>
#include <string>

#include "google/protobuf/message.h"
#include "nlohmann/json.hpp"

namespace tributary::ctl {

nlohmann::ordered_json ToJson(const google::protobuf::Message& message);

// Seconds since 1970 as 2026-01-31T12:00:00Z.
std::string TimeText(std::int64_t seconds);

}  // namespace tributary::ctl
