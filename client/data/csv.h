// SPDX-License-Identifier: Apache-2.0
// A CSV of numbers, one example a line, as a stream: what is in memory is the
// examples so far and one line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/data/byte_source.h"
#include "tributary/dataset.h"

namespace tributary::data {

// Which columns are what. A column is given by its name, which needs a header,
// or by its index from 0; negative counts from the end.
struct CsvSchema {
  std::string label = "-1";
  // Empty: every column but those of label and client.
  std::vector<std::string> features;
  // Its text, not empty, names the client of the row. Empty: there is none.
  std::string client;
  bool header = false;
  // Each feature is multiplied by this.
  double scale = 1;
};

struct CsvRows {
  Dataset data;
  // With a client column: for each row an index into `clients`, which holds
  // each name once, in the order in which they appear.
  std::vector<std::uint32_t> client;
  std::vector<std::string> clients;
};

absl::StatusOr<CsvRows> ParseCsv(ByteSource& source, const CsvSchema& schema);
absl::StatusOr<Dataset> ParseCsv(ByteSource& source, const CsvOptions& options);

}  // namespace tributary::data
