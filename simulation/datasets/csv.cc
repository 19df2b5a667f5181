// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/csv.h"

#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/data/byte_source.h"
#include "client/data/csv.h"
#include "client/data/files.h"
#include "simulation/datasets/owners.h"
#include "simulation/datasets/windows.h"

namespace tributary::datasets {
namespace {

using data::CsvRows;
using data::CsvSchema;

CsvSchema SchemaOf(const v1::DataSource::Csv& source) {
  CsvSchema schema;
  schema.label = source.label_column();
  schema.features.assign(source.feature_columns().begin(),
                         source.feature_columns().end());
  schema.client = source.client_column();
  schema.header = source.header();
  schema.scale = source.scale();
  return schema;
}

class CsvSet {
 public:
  explicit CsvSet(const v1::DataSource::Csv& source)
      : source_(source), owners_(examples_) {}

  absl::Status Add(const std::filesystem::path& file) {
    auto bytes = data::OpenFile(file);
    if (!bytes.ok()) return bytes.status();
    auto rows = data::ParseCsv(**bytes, SchemaOf(source_));
    if (!rows.ok()) return rows.status();
    if (source_.client_per_file()) {
      rows->clients = {data::StemOf(file, ".csv")};
      rows->client.assign(rows->data.Size(), 0);
    }
    if (width_ == 0) width_ = rows->data.ExampleLength();
    if (rows->data.ExampleLength() != width_) {
      return absl::InvalidArgumentError(
          absl::StrCat(file.string(), ": expected ", width_,
                       " features, as in the first file; found ",
                       rows->data.ExampleLength()));
    }
    if (source_.has_window()) {
      AddWindows(*rows);
    } else {
      AddRows(*rows);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Examples> Finish() {
    if (examples_.data.targets.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          source_.path(), ": expected at least ", source_.window().length(),
          " rows of one client in one file, a window; found "
          "fewer"));
    }
    const auto width = static_cast<std::int64_t>(width_);
    examples_.data.example_shape = {width};
    if (source_.has_window()) {
      examples_.data.example_shape.push_back(source_.window().length());
    }
    return std::move(examples_);
  }

 private:
  void AddRows(CsvRows& rows) {
    Dataset& data = examples_.data;
    for (const std::uint32_t client : rows.client) {
      examples_.owner.push_back(owners_.IndexOf(rows.clients[client]));
    }
    if (data.targets.empty()) {
      data = std::move(rows.data);
      return;
    }
    data.features.insert(data.features.end(), rows.data.features.begin(),
                         rows.data.features.end());
    data.targets.insert(data.targets.end(), rows.data.targets.begin(),
                        rows.data.targets.end());
  }

  void AddWindows(const CsvRows& rows) {
    if (rows.client.empty()) {
      AddWindowsOf(rows.data, std::nullopt);
      return;
    }
    std::vector<std::vector<std::uint32_t>> own(rows.clients.size());
    for (std::uint32_t row = 0; row < rows.client.size(); ++row) {
      own[rows.client[row]].push_back(row);
    }
    for (std::size_t client = 0; client < own.size(); ++client) {
      AddWindowsOf(rows.data.Select(own[client]),
                   owners_.IndexOf(rows.clients[client]));
    }
  }

  void AddWindowsOf(const Dataset& series, std::optional<std::uint32_t> owner) {
    const std::size_t length = source_.window().length();
    ForEachWindow(source_.window(), 0, series.Size(), [&](std::size_t first) {
      AppendWindow(series.features, width_, first, length,
                   examples_.data.features);
      examples_.data.targets.push_back(series.targets[first + length - 1]);
      if (owner) examples_.owner.push_back(*owner);
    });
  }

  const v1::DataSource::Csv& source_;
  Examples examples_;
  Owners owners_;
  std::size_t width_ = 0;  // features of a row; 0 before the first file
};

}  // namespace

absl::StatusOr<Examples> Read(const v1::DataSource::Csv& source) {
  const auto files = data::FileOrFolder(source.path(), ".csv");
  if (!files.ok()) return files.status();
  CsvSet set(source);
  for (const std::filesystem::path& file : *files) {
    if (absl::Status status = set.Add(file); !status.ok()) return status;
  }
  return set.Finish();
}

}  // namespace tributary::datasets
