// SPDX-License-Identifier: Apache-2.0
#include "client/data/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace tributary::data {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 16;
// A file of numbers has line ends; without them it is something else.
constexpr std::size_t kLongestLine = std::size_t{1} << 24;
constexpr std::size_t kLongestQuote = 24;

std::string Quote(std::string_view text) {
  const bool is_cut = text.size() > kLongestQuote;
  return absl::StrCat("\"",
                      absl::CEscape(std::string(text.substr(0, kLongestQuote))),
                      is_cut ? "...\"" : "\"");
}

std::string_view Trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

class CsvReader {
 public:
  CsvReader(std::string name, const CsvOptions& options)
      : name_(std::move(name)), options_(options) {}

  // One line without its line end.
  absl::Status AddLine(std::string_view line) {
    ++line_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line_ == 1) {
      if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
      if (options_.header) return absl::OkStatus();
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

  absl::Status RefuseLongLine() {
    ++line_;
    return Refuse(
        absl::StrCat("expected a line of at most ", kLongestLine, " bytes"));
  }

  absl::StatusOr<Dataset> Finish() {
    if (dataset_.targets.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(name_, ": expected examples, found none"));
    }
    dataset_.example_shape = {static_cast<std::int64_t>(columns_ - 1)};
    return std::move(dataset_);
  }

 private:
  absl::Status AddRow(std::string_view line) {
    const auto columns =
        static_cast<std::size_t>(std::ranges::count(line, ',')) + 1;
    if (columns_ == 0) {
      if (absl::Status status = SetColumns(columns); !status.ok()) {
        return status;
      }
    }
    if (columns != columns_) {
      return Refuse(absl::StrCat("expected ", columns_,
                                 " columns, as in the first row; found ",
                                 columns));
    }
    for (std::size_t column = 0; column < columns; ++column) {
      const std::size_t comma = line.find(',');
      const std::string_view field = Trim(line.substr(0, comma));
      if (comma != std::string_view::npos) line.remove_prefix(comma + 1);
      if (absl::Status status = AddField(column, field); !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  }

  absl::Status SetColumns(std::size_t columns) {
    if (columns < 2) {
      return Refuse("expected features and a label, found one column");
    }
    const auto count = static_cast<std::int64_t>(columns);
    const std::int64_t label = options_.label_column < 0
                                   ? count + options_.label_column
                                   : options_.label_column;
    if (label < 0 || label >= count) {
      return Refuse(absl::StrCat("label_column: ", options_.label_column,
                                 " is not one of ", columns, " columns"));
    }
    columns_ = columns;
    label_ = static_cast<std::size_t>(label);
    return absl::OkStatus();
  }

  absl::Status AddField(std::size_t column, std::string_view field) {
    double number = 0;
    const char* const end = field.data() + field.size();
    const char* first = field.data();
    if (field.size() > 1 && field[0] == '+' && field[1] != '-') ++first;
    const auto [rest, error] = std::from_chars(first, end, number);
    if (error == std::errc::invalid_argument || rest != end) {
      return RefuseField(column, "a number", field);
    }
    const bool is_label = column == label_;
    const auto value =
        static_cast<float>(is_label ? number : number * options_.scale);
    if (error == std::errc::result_out_of_range || !std::isfinite(value)) {
      return RefuseField(column, "a finite number within float32", field);
    }
    (is_label ? dataset_.targets : dataset_.features).push_back(value);
    return absl::OkStatus();
  }

  absl::Status RefuseField(std::size_t column, const char* expected,
                           std::string_view field) const {
    return absl::InvalidArgumentError(
        absl::StrCat(name_, ", line ", line_, ", column ", column + 1,
                     ": expected ", expected, ", found ", Quote(field)));
  }

  absl::Status Refuse(std::string_view reason) const {
    return absl::InvalidArgumentError(
        absl::StrCat(name_, ", line ", line_, ": ", std::string(reason)));
  }

  std::string name_;
  CsvOptions options_;
  Dataset dataset_;
  std::size_t columns_ = 0;  // of every row; 0 before the first
  std::size_t label_ = 0;
  std::uint64_t line_ = 0;        // the line at hand, from 1
  std::uint64_t empty_line_ = 0;  // the first empty one; 0: none yet
};

}  // namespace

absl::StatusOr<Dataset> ParseCsv(ByteSource& source,
                                 const CsvOptions& options) {
  if (!std::isfinite(options.scale)) {
    return absl::InvalidArgumentError(
        absl::StrCat("scale: ", options.scale, " is not a finite number"));
  }
  CsvReader reader(source.Name(), options);
  std::vector<std::uint8_t> chunk(kChunk);
  std::string line;  // the beginning of a line that a chunk cut
  while (true) {
    const absl::StatusOr<std::size_t> count = source.Read(chunk);
    if (!count.ok()) return count.status();
    if (*count == 0) break;
    std::string_view text(reinterpret_cast<const char*>(chunk.data()), *count);
    for (std::size_t end = text.find('\n'); end != std::string_view::npos;
         end = text.find('\n')) {
      absl::Status status;
      if (line.empty()) {
        status = reader.AddLine(text.substr(0, end));
      } else {
        line.append(text.substr(0, end));
        status = reader.AddLine(line);
        line.clear();
      }
      if (!status.ok()) return status;
      text.remove_prefix(end + 1);
    }
    line.append(text);
    if (line.size() > kLongestLine) return reader.RefuseLongLine();
  }
  if (!line.empty()) {
    if (absl::Status status = reader.AddLine(line); !status.ok()) {
      return status;
    }
  }
  return reader.Finish();
}

}  // namespace tributary::data
