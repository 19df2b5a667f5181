// SPDX-License-Identifier: Apache-2.0
#include "tributary/dataset.h"

#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/data/byte_source.h"
#include "client/data/csv.h"
#include "client/data/files.h"
#include "client/data/idx.h"

namespace tributary {
namespace {

absl::StatusOr<data::IdxArray> ReadIdxArray(const std::filesystem::path& path) {
  absl::StatusOr<std::unique_ptr<data::ByteSource>> source =
      data::OpenFile(path);
  if (!source.ok()) return source.status();
  return data::ParseIdx(**source);
}

absl::StatusOr<Dataset> ReadFolder(const std::filesystem::path& folder,
                                   const CsvOptions& options) {
  const auto files = data::FilesIn(folder, ".csv");
  if (!files.ok()) return files.status();
  Dataset all;
  for (const std::filesystem::path& file : *files) {
    absl::StatusOr<Dataset> part = ReadCsv(file, options);
    if (!part.ok()) return part.status();
    if (all.targets.empty()) {
      all = *std::move(part);
      continue;
    }
    if (part->example_shape != all.example_shape) {
      return absl::InvalidArgumentError(
          absl::StrCat(file.string(), ": expected ", all.example_shape[0],
                       " features, as in ", files->front().filename().string(),
                       "; found ", part->example_shape[0]));
    }
    all.features.insert(all.features.end(), part->features.begin(),
                        part->features.end());
    all.targets.insert(all.targets.end(), part->targets.begin(),
                       part->targets.end());
  }
  return all;
}

}  // namespace

std::size_t Dataset::ExampleLength() const {
  std::size_t length = 1;
  for (const std::int64_t extent : example_shape) {
    length *= static_cast<std::size_t>(extent);
  }
  return length;
}

Dataset Dataset::Select(const std::vector<std::uint32_t>& indexes) const {
  const std::size_t length = ExampleLength();
  Dataset selected;
  selected.example_shape = example_shape;
  selected.features.reserve(indexes.size() * length);
  selected.targets.reserve(indexes.size());
  for (const std::uint32_t index : indexes) {
    const auto first =
        features.begin() + static_cast<std::ptrdiff_t>(index * length);
    selected.features.insert(selected.features.end(), first,
                             first + static_cast<std::ptrdiff_t>(length));
    selected.targets.push_back(targets[index]);
  }
  return selected;
}

absl::StatusOr<Dataset> ReadCsv(const std::filesystem::path& file,
                                const CsvOptions& options) {
  absl::StatusOr<std::unique_ptr<data::ByteSource>> source =
      data::OpenFile(file);
  if (!source.ok()) return source.status();
  return data::ParseCsv(**source, options);
}

absl::StatusOr<Dataset> ReadIdx(const std::filesystem::path& features,
                                const std::filesystem::path& labels,
                                double scale) {
  if (!std::isfinite(static_cast<float>(255 * scale))) {
    return absl::InvalidArgumentError(
        absl::StrCat("scale: ", scale, " does not keep 255 within float32"));
  }
  absl::StatusOr<data::IdxArray> target = ReadIdxArray(labels);
  if (!target.ok()) return target.status();
  if (target->shape.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        labels.string(), ": expected labels in one dimension, found ",
        absl::StrJoin(target->shape, " x ")));
  }
  absl::StatusOr<data::IdxArray> feature = ReadIdxArray(features);
  if (!feature.ok()) return feature.status();
  if (feature->type == data::IdxType::kI32) {
    return absl::InvalidArgumentError(absl::StrCat(
        features.string(), ": expected features of u8 or f32, found i32"));
  }
  if (feature->shape[0] != target->shape[0]) {
    return absl::InvalidArgumentError(
        absl::StrCat(labels.string(), ": expected ", feature->shape[0],
                     " labels, one for each example of ", features.string(),
                     "; found ", target->shape[0]));
  }
  Dataset dataset;
  dataset.features = std::move(feature->values);
  dataset.targets = std::move(target->values);
  dataset.example_shape.assign(feature->shape.begin() + 1,
                               feature->shape.end());
  if (dataset.example_shape.empty()) dataset.example_shape = {1};
  if (dataset.example_shape.size() == 2) {
    dataset.example_shape.insert(dataset.example_shape.begin(), 1);
  }
  if (feature->type == data::IdxType::kU8) {
    for (float& value : dataset.features) {
      value = static_cast<float>(value * scale);
    }
  }
  return dataset;
}

absl::StatusOr<Dataset> ReadData(const std::filesystem::path& path,
                                 const std::filesystem::path& labels,
                                 const CsvOptions& options) {
  std::error_code error;
  const bool is_folder = std::filesystem::is_directory(path, error);
  const bool is_csv = is_folder || data::HasExtension(path, ".csv");
  if (is_csv && !labels.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(),
                     ": expected no file of labels: in CSV they "
                     "are a column; found ",
                     labels.string()));
  }
  if (is_folder) return ReadFolder(path, options);
  if (is_csv) return ReadCsv(path, options);
  if (!std::filesystem::exists(path, error)) {
    return absl::NotFoundError(
        absl::StrCat(path.string(), ": no such file or folder"));
  }
  if (labels.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(),
                     ": expected a folder, *.csv, *.csv.gz, or an IDX file "
                     "together with a file of labels"));
  }
  return ReadIdx(path, labels, options.scale);
}

}  // namespace tributary
