// SPDX-License-Identifier: Apache-2.0
// SHA-256 of the files of the sets in catalog.h, decompressed.
#pragma once

#include <string_view>

namespace tributary::datasets {

// Lines as sha256sum writes them, "<digest>  <set>/<path>", sorted by path.
std::string_view KnownSums();

}  // namespace tributary::datasets
