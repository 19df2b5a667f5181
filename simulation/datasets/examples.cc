// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/examples.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::datasets {
namespace {

absl::StatusOr<Examples> WithoutOwners(absl::StatusOr<Dataset> data) {
  if (!data.ok()) return data.status();
  return Examples{.data = *std::move(data), .owner = {}, .owners = {}};
}

absl::StatusOr<Examples> ReadFormat(const v1::DataSource& source,
                                    const Key& /*run_key*/) {
  switch (source.format_case()) {
    case v1::DataSource::kCsv: {
      const v1::DataSource::Csv& csv = source.csv();
      CsvOptions options;
      if (csv.has_label_column()) options.label_column = csv.label_column();
      options.header = csv.header();
      if (csv.has_scale()) options.scale = csv.scale();
      return WithoutOwners(ReadData(csv.path(), {}, options));
    }
    case v1::DataSource::kIdx: {
      const v1::DataSource::Idx& idx = source.idx();
      return WithoutOwners(ReadIdx(idx.features(), idx.labels(),
                                   idx.has_scale() ? idx.scale() : 1));
    }
    case v1::DataSource::FORMAT_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("names no format");
}

}  // namespace

absl::StatusOr<Examples> ReadExamples(const v1::DataSource& source,
                                      const std::string& key,
                                      const Key& run_key) {
  auto examples = ReadFormat(source, run_key);
  if (!examples.ok()) {
    return absl::Status(examples.status().code(),
                        absl::StrCat(key, ": ", examples.status().message()));
  }
  return examples;
}

}  // namespace tributary::datasets
