// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/cifar.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tributary::datasets {
namespace {

using v1::DataSource;

constexpr std::size_t kPixels = 3 * 32 * 32;

// Where in a record the label is, and how many classes there are.
struct Layout {
  std::size_t label_bytes;
  std::size_t label;
  unsigned classes;
};

Layout LayoutOf(DataSource::Cifar::Labels labels) {
  switch (labels) {
    case DataSource::Cifar::CIFAR100:
      return {2, 1, 100};
    case DataSource::Cifar::CIFAR100_COARSE:
      return {2, 0, 20};
    default:
      return {1, 0, 10};
  }
}

}  // namespace

absl::Status AppendCifar(data::ByteSource& source,
                         DataSource::Cifar::Labels labels, Dataset& data) {
  const Layout layout = LayoutOf(labels);
  std::vector<std::uint8_t> record(layout.label_bytes + kPixels);
  for (std::size_t number = 0;; ++number) {
    const auto count = source.Read(record);
    if (!count.ok()) return count.status();
    if (*count == 0 && number > 0) return absl::OkStatus();
    const std::string where =
        absl::StrCat(source.Name(), ", record ", number, ": ");
    if (*count < record.size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          where, "expected ", record.size(), " bytes, found ", *count));
    }
    const unsigned label = record[layout.label];
    if (label >= layout.classes) {
      return absl::InvalidArgumentError(absl::StrCat(
          where, "expected a label below ", layout.classes, ", found ", label));
    }
    data.targets.push_back(static_cast<float>(label));
    data.features.insert(
        data.features.end(),
        record.begin() + static_cast<std::ptrdiff_t>(layout.label_bytes),
        record.end());
  }
}

absl::StatusOr<Examples> Read(const DataSource::Cifar& source) {
  Examples examples;
  for (const std::string& file : source.files()) {
    auto bytes = data::OpenFile(file);
    if (!bytes.ok()) return bytes.status();
    const absl::Status status =
        AppendCifar(**bytes, source.labels(), examples.data);
    if (!status.ok()) return status;
  }
  examples.data.example_shape = {3, 32, 32};
  for (float& value : examples.data.features) {
    value = static_cast<float>(value * source.scale());
  }
  return examples;
}

}  // namespace tributary::datasets
