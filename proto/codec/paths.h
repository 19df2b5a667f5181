// SPDX-License-Identifier: Apache-2.0
// The fields of a message that name files (limits.is_path), wherever in it they
// stand. Pure: no file is looked at.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "google/protobuf/message.h"

namespace tributary::codec {

// Calls `change` with the key of each path that is not empty, such as
// "simulation.train.csv.path", and the text it may replace.
void ForEachPath(google::protobuf::Message& message,
                 const std::function<void(const std::string& key,
                                          std::string& path)>& change);

// Begins a path within the folder of data sets, which is known only where a
// plan is simulated: "${data}/mnist/train-images-idx3-ubyte.gz".
inline constexpr std::string_view kDataFolder = "${data}";

// Makes relative paths absolute against `folder`, but for those that begin with
// kDataFolder.
void MakePathsAbsolute(const std::filesystem::path& folder,
                       google::protobuf::Message& message);

}  // namespace tributary::codec
