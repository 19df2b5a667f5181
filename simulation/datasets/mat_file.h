// SPDX-License-Identifier: Apache-2.0
// One signal of a MATLAB level 5 file, through libmatio.
//
// libmatio is a large reader of a large format, and the files come from
// anywhere: it is given a file in memory with nothing in it but the one array
// wanted, its tags, dimensions and sizes checked against the bytes that are
// there.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "client/data/byte_source.h"

namespace tributary::datasets {

// The values of the only variable whose name ends with `suffix`: a real numeric
// vector, all finite. InvalidArgument if there is none, or several, or it is
// something else; so too for levels 4 and 7.3.
absl::StatusOr<std::vector<float>> ReadMatSignal(data::ByteSource& source,
                                                 std::string_view suffix);

}  // namespace tributary::datasets
