// SPDX-License-Identifier: Apache-2.0
// OpenSSL calls that can only fail when memory or the library itself is broken:
// there is no safe way to go on, so the process ends and says which call it
// was.
#pragma once

#include <string_view>

namespace tributary::internal {

[[noreturn]] void OpenSslFailed(std::string_view call);

}  // namespace tributary::internal
