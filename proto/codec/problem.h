// SPDX-License-Identifier: Apache-2.0
// What is wrong with a file or a message, gathered so that all of it can be
// said at once. Values; no threads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace tributary::codec {

struct Problem {
  std::string path;    // "round.cohort_size"; empty: the whole
  std::string reason;  // "0 is less than 1"
  int line = 0;        // in its file; 0: unknown
};
using Problems = std::vector<Problem>;

// OK if there are none; else one InvalidArgument with a line each, in order of
// line: "plan.yaml:12: round.cohort_size: 0 is less than 1". Without a file the
// lines start at the path. At most 100 are written out.
absl::Status ToStatus(Problems problems, const std::string& file = {});

// Text of others as it may stand in an error: in quotes, at most 64 bytes of
// it, control characters as \xNN.
std::string Quoted(std::string_view text);

// "a.b", or "b" when the first is empty.
std::string JoinPath(const std::string& path, const std::string& key);

// The name among `candidates` that `name` was likely meant to be; empty if none
// is near.
std::string NearestName(std::string_view name,
                        const std::vector<std::string>& candidates);

}  // namespace tributary::codec
