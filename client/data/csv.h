// SPDX-License-Identifier: Apache-2.0
// A CSV of numbers, one example a line, as a stream: what is in memory is the
// examples so far and one line.
#pragma once

#include "absl/status/statusor.h"
#include "client/data/byte_source.h"
#include "tributary/dataset.h"

namespace tributary::data {

absl::StatusOr<Dataset> ParseCsv(ByteSource& source, const CsvOptions& options);

}  // namespace tributary::data
