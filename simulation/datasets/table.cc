// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/table.h"

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "client/data/field.h"
#include "client/data/lines.h"

namespace tributary::datasets {

absl::StatusOr<Table> ParseTable(data::ByteSource& source,
                                 std::size_t columns) {
  Table table{.columns = columns, .values = {}};
  const auto refuse = [&](std::uint64_t line, const std::string& reason) {
    return absl::InvalidArgumentError(
        absl::StrCat(source.Name(), ", line ", line, ": ", reason));
  };
  const absl::Status read = data::ForEachLine(
      source, [&](std::string_view line, std::uint64_t number) {
        line = data::Trim(line);
        std::size_t found = 0;
        for (; !line.empty(); ++found) {
          const std::size_t end = line.find_first_of(" \t");
          const auto value = data::ParseFloat(line.substr(0, end), 1);
          if (!value.ok()) {
            return refuse(number, absl::StrCat("column ", found + 1, ": ",
                                               value.status().message()));
          }
          if (found < columns) table.values.push_back(*value);
          line = end == std::string_view::npos ? std::string_view()
                                               : data::Trim(line.substr(end));
        }
        if (found == columns) return absl::OkStatus();
        return refuse(number, absl::StrCat("expected ", columns,
                                           " columns, found ", found));
      });
  if (!read.ok()) return read;
  if (table.values.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(source.Name(), ": expected rows, found none"));
  }
  return table;
}

absl::StatusOr<Table> ReadTable(const std::filesystem::path& file,
                                std::size_t columns) {
  auto source = data::OpenFile(file);
  if (!source.ok()) return source.status();
  return ParseTable(**source, columns);
}

}  // namespace tributary::datasets
