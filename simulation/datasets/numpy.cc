// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/numpy.h"

#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/data/byte_source.h"
#include "simulation/datasets/npy.h"
#include "simulation/datasets/owners.h"
#include "simulation/datasets/zip_archive.h"

namespace tributary::datasets {
namespace {

// An array and what errors call it.
struct Named {
  std::string name;
  NpyArray array;
};

absl::StatusOr<Named> Parse(
    absl::StatusOr<std::unique_ptr<data::ByteSource>> source) {
  if (!source.ok()) return source.status();
  auto array = ParseNpy(**source);
  if (!array.ok()) return array.status();
  return Named{(*source)->Name(), *std::move(array)};
}

absl::Status CheckRows(const Named& column, const Named& features) {
  const std::int64_t rows = features.array.shape[0];
  const auto& shape = column.array.shape;
  const bool is_column =
      shape.size() == 1 || (shape.size() == 2 && shape[1] == 1);
  if (is_column && shape[0] == rows) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(column.name, ": expected ", rows,
                   " values in one dimension, one for "
                   "each row of ",
                   features.name, "; found ",
                   is_column ? absl::StrCat(shape[0]) : "another shape"));
}

absl::Status AddOwners(const Named& clients, Examples& examples) {
  Owners owners(examples);
  for (const float client : clients.array.values) {
    // Above 2^24 a float32 no longer tells whole numbers apart.
    if (client < 0 || client > 16'777'215 || client != std::floor(client)) {
      return absl::InvalidArgumentError(absl::StrCat(
          clients.name, ": expected whole numbers in 0 .. 16777215, found ",
          client));
    }
    examples.owner.push_back(
        owners.IndexOf(absl::StrCat(static_cast<std::uint32_t>(client))));
  }
  return absl::OkStatus();
}

// `open` gives the bytes of an array by the name that the source gives it.
template <typename Source, typename Open>
absl::StatusOr<Examples> ReadArrays(const Source& source, Open open) {
  auto features = Parse(open(source.features()));
  if (!features.ok()) return features.status();
  if (features->array.shape.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(features->name,
                     ": expected examples along the first dimension, found "
                     "a single value"));
  }
  auto labels = Parse(open(source.labels()));
  if (!labels.ok()) return labels.status();
  if (auto fit = CheckRows(*labels, *features); !fit.ok()) return fit;
  Examples examples;
  if (!source.clients().empty()) {
    const auto clients = Parse(open(source.clients()));
    if (!clients.ok()) return clients.status();
    if (auto fit = CheckRows(*clients, *features); !fit.ok()) return fit;
    if (auto added = AddOwners(*clients, examples); !added.ok()) return added;
  }
  auto& shape = features->array.shape;
  examples.data.example_shape.assign(shape.begin() + 1, shape.end());
  if (examples.data.example_shape.empty()) examples.data.example_shape = {1};
  examples.data.features = std::move(features->array.values);
  examples.data.targets = std::move(labels->array.values);
  for (float& value : examples.data.features) {
    value = static_cast<float>(value * source.scale());
    if (!std::isfinite(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat(features->name, ": scale ", source.scale(),
                       " does not keep its values within float32"));
    }
  }
  return examples;
}

}  // namespace

absl::StatusOr<Examples> Read(const v1::DataSource::NumPy& source) {
  return ReadArrays(
      source, [](const std::string& file) { return data::OpenFile(file); });
}

absl::StatusOr<Examples> Read(const v1::DataSource::NumPyArchive& source) {
  const auto archive = ZipArchive::Open(source.path());
  if (!archive.ok()) return archive.status();
  return ReadArrays(source, [&](const std::string& name) {
    return (*archive)->Member(name + ".npy");
  });
}

}  // namespace tributary::datasets
