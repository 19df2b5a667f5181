// SPDX-License-Identifier: Apache-2.0
#include "privacy/crypto/openssl_failure.h"

#include <openssl/err.h>

#include <cstdio>
#include <cstdlib>

namespace tributary::internal {

void OpenSslFailed(std::string_view call) {
  char reason[256] = "no reason given";
  if (const unsigned long code = ERR_get_error(); code != 0) {
    ERR_error_string_n(code, reason, sizeof(reason));
  }
  std::fprintf(stderr, "OpenSSL: %.*s failed: %s\n",
               static_cast<int>(call.size()), call.data(), reason);
  std::abort();
}

}  // namespace tributary::internal
