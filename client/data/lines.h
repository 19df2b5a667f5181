// SPDX-License-Identifier: Apache-2.0
// A text file line by line, as a stream: what is in memory is one line.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "client/data/byte_source.h"

namespace tributary::data {

// Called with each line, without its end (\n or \r\n), and its number from 1.
using TakeLine =
    std::function<absl::Status(std::string_view line, std::uint64_t number)>;

// Reads to the end, or to the first status that is not OK, which it returns. A
// byte order mark is dropped. InvalidArgument for a line over 16 MiB: a file of
// lines has line ends.
absl::Status ForEachLine(ByteSource& source, const TakeLine& take);

}  // namespace tributary::data
