// SPDX-License-Identifier: Apache-2.0
#include "client/data/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/data/field.h"
#include "client/data/lines.h"

namespace tributary::data {
namespace {

std::string_view Unquoted(std::string_view name) {
  name = Trim(name);
  if (name.size() > 1 && name.starts_with('"') && name.ends_with('"')) {
    name = name.substr(1, name.size() - 2);
  }
  return name;
}

// Calls `take` with each field and its index, until it returns an error.
template <typename Take>
absl::Status ForEachField(std::string_view line, Take take) {
  for (std::size_t column = 0;; ++column) {
    const std::size_t comma = line.find(',');
    absl::Status status = take(column, Trim(line.substr(0, comma)));
    if (!status.ok() || comma == std::string_view::npos) return status;
    line.remove_prefix(comma + 1);
  }
}

class CsvReader {
 public:
  CsvReader(std::string name, const CsvSchema& schema)
      : name_(std::move(name)), schema_(schema) {}

  absl::Status AddLine(std::string_view line, std::uint64_t number) {
    line_ = number;
    if (line_ == 1 && schema_.header) {
      return ForEachField(line, [&](std::size_t, std::string_view field) {
        names_.emplace_back(Unquoted(field));
        return absl::OkStatus();
      });
    }
    if (Trim(line).empty()) {  // may stand at the end of the file only
      if (empty_line_ == 0) empty_line_ = line_;
      return absl::OkStatus();
    }
    if (empty_line_ != 0) {
      line_ = empty_line_;
      return Refuse("expected an example, found an empty line");
    }
    return AddRow(line);
  }

  absl::StatusOr<CsvRows> Finish() {
    if (rows_.data.targets.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(name_, ": expected examples, found none"));
    }
    rows_.data.example_shape = {static_cast<std::int64_t>(width_)};
    return std::move(rows_);
  }

 private:
  // What a column is: where in the row its feature goes, or one of these.
  static constexpr std::ptrdiff_t kIgnored = -1;
  static constexpr std::ptrdiff_t kLabel = -2;
  static constexpr std::ptrdiff_t kClient = -3;

  absl::Status AddRow(std::string_view line) {
    const auto columns =
        static_cast<std::size_t>(std::ranges::count(line, ',')) + 1;
    if (roles_.empty()) {
      if (absl::Status status = SetColumns(columns); !status.ok()) {
        return status;
      }
    }
    if (columns != roles_.size()) {
      return Refuse(absl::StrCat("expected ", roles_.size(),
                                 " columns, as in the first row; found ",
                                 columns));
    }
    const std::size_t row = rows_.data.features.size();
    rows_.data.features.resize(row + width_);
    return ForEachField(line, [&](std::size_t column, std::string_view field) {
      return AddField(row, column, field);
    });
  }

  absl::Status AddField(std::size_t row, std::size_t column,
                        std::string_view field) {
    const std::ptrdiff_t role = roles_[column];
    if (role == kIgnored) return absl::OkStatus();
    if (role == kClient) return AddClient(column, field);
    const auto value = ParseFloat(field, role == kLabel ? 1 : schema_.scale);
    if (!value.ok())
      return RefuseField(column, std::string(value.status().message()));
    if (role == kLabel) {
      rows_.data.targets.push_back(*value);
    } else {
      rows_.data.features[row + static_cast<std::size_t>(role)] = *value;
    }
    return absl::OkStatus();
  }

  absl::Status AddClient(std::size_t column, std::string_view field) {
    const std::string name(Unquoted(field));
    if (name.empty()) {
      return RefuseField(column, "expected the name of a client, found none");
    }
    const auto [found, is_new] = clients_.emplace(
        name, static_cast<std::uint32_t>(rows_.clients.size()));
    if (is_new) rows_.clients.push_back(name);
    rows_.client.push_back(found->second);
    return absl::OkStatus();
  }

  absl::Status SetColumns(std::size_t columns) {
    if (columns < 2) {
      return Refuse("expected features and a label, found one column");
    }
    std::vector<std::ptrdiff_t> roles(columns, kIgnored);
    const auto assign = [&](const char* key, const std::string& column,
                            std::ptrdiff_t role) {
      const auto index = Find(key, column, columns);
      if (!index.ok()) return index.status();
      if (roles[*index] != kIgnored) {
        return Refuse(absl::StrCat(key, ": column ", Quote(column),
                                   " is used for something else already"));
      }
      roles[*index] = role;
      return absl::OkStatus();
    };
    absl::Status status = assign("label_column", schema_.label, kLabel);
    if (status.ok() && !schema_.client.empty()) {
      status = assign("client_column", schema_.client, kClient);
    }
    for (const std::string& feature : schema_.features) {
      if (!status.ok()) return status;
      status = assign("feature_columns", feature,
                      static_cast<std::ptrdiff_t>(width_++));
    }
    if (!status.ok()) return status;
    if (schema_.features.empty()) {
      for (std::ptrdiff_t& role : roles) {
        if (role == kIgnored) role = static_cast<std::ptrdiff_t>(width_++);
      }
    }
    if (width_ == 0) {
      return Refuse("expected features beside the label and the client");
    }
    roles_ = std::move(roles);
    return absl::OkStatus();
  }

  absl::StatusOr<std::size_t> Find(const char* key, const std::string& column,
                                   std::size_t columns) const {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] != column) continue;
      if (names_.size() == columns) return i;
      return Refuse(absl::StrCat("expected ", names_.size(),
                                 " columns, as in the header; found ",
                                 columns));
    }
    std::int64_t index = 0;
    const char* const end = column.data() + column.size();
    const auto [rest, error] = std::from_chars(column.data(), end, index);
    if (error != std::errc() || rest != end) {
      return Refuse(absl::StrCat(
          key, ": ", Quote(column),
          schema_.header ? " is not a name of the header"
                         : " is not an index; names need header: true"));
    }
    const auto count = static_cast<std::int64_t>(columns);
    if (index < -count || index >= count) {
      return Refuse(absl::StrCat(key, ": ", column, " is not one of ", columns,
                                 " columns"));
    }
    return static_cast<std::size_t>(index < 0 ? count + index : index);
  }

  absl::Status RefuseField(std::size_t column, std::string_view reason) const {
    return absl::InvalidArgumentError(absl::StrCat(name_, ", line ", line_,
                                                   ", column ", column + 1,
                                                   ": ", std::string(reason)));
  }

  absl::Status Refuse(std::string_view reason) const {
    return absl::InvalidArgumentError(
        absl::StrCat(name_, ", line ", line_, ": ", std::string(reason)));
  }

  std::string name_;
  const CsvSchema& schema_;
  std::vector<std::string> names_;  // of the header
  // What each column of a row is; empty before the first.
  std::vector<std::ptrdiff_t> roles_;
  std::size_t width_ = 0;  // features of a row
  CsvRows rows_;
  std::map<std::string, std::uint32_t> clients_;
  std::uint64_t line_ = 0;        // the line at hand, from 1
  std::uint64_t empty_line_ = 0;  // the first empty one; 0: none yet
};

}  // namespace

absl::StatusOr<CsvRows> ParseCsv(ByteSource& source, const CsvSchema& schema) {
  if (!std::isfinite(schema.scale)) {
    return absl::InvalidArgumentError(
        absl::StrCat("scale: ", schema.scale, " is not a finite number"));
  }
  CsvReader reader(source.Name(), schema);
  const absl::Status read =
      ForEachLine(source, [&](std::string_view line, std::uint64_t number) {
        return reader.AddLine(line, number);
      });
  if (!read.ok()) return read;
  return reader.Finish();
}

absl::StatusOr<Dataset> ParseCsv(ByteSource& source,
                                 const CsvOptions& options) {
  const CsvSchema schema{.label = absl::StrCat(options.label_column),
                         .features = {},
                         .client = {},
                         .header = options.header,
                         .scale = options.scale};
  auto rows = ParseCsv(source, schema);
  if (!rows.ok()) return rows.status();
  return std::move(rows->data);
}

}  // namespace tributary::data
