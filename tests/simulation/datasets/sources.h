// SPDX-License-Identifier: Apache-2.0
// Sources as a plan writes them, and what reading them says.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/codec/yaml.h"
#include "simulation/datasets/examples.h"
#include "tests/client/data/folder.h"

namespace tributary::datasets {

using data::Folder;
using Floats = std::vector<float>;
using Shape = std::vector<std::int64_t>;
using Indexes = std::vector<std::uint32_t>;
using Names = std::vector<std::string>;

inline absl::StatusOr<Examples> ReadYaml(const std::string& yaml) {
  v1::DataSource source;
  if (auto read = codec::ParseYaml(yaml, "source", source); !read.ok()) {
    return read;
  }
  return ReadExamples(source, "test", KeyFromSeed(1));
}

// The error without the source's key, "" if there is none.
inline std::string ErrorOf(const std::string& yaml) {
  const auto examples = ReadYaml(yaml);
  if (examples.ok()) return "";
  return std::string(examples.status().message()).substr(6);
}

// True if everything an example has is there as often as its label.
inline bool IsConsistent(const Examples& examples) {
  const std::size_t size = examples.data.Size();
  for (const std::uint32_t owner : examples.owner) {
    if (owner >= examples.owners.size()) return false;
  }
  return size > 0 &&
         examples.data.features.size() ==
             size * examples.data.ExampleLength() &&
         (examples.owner.empty() ? examples.owners.empty()
                                 : examples.owner.size() == size);
}

// The public data sets beside the source tree, where there are any.
inline std::filesystem::path SharedData() {
  return std::filesystem::path(TRIBUTARY_SOURCE_DIR) / "../shared/data";
}

// `value`, as it lies in the memory of a little-endian machine.
template <typename T>
std::string BytesOf(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

}  // namespace tributary::datasets
