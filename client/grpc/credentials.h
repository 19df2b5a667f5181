// SPDX-License-Identifier: Apache-2.0
// The client's PEM files. Read at each connect, so that renewed ones count;
// checked once at the start, where nobody would see a handshake fail for ever.
//
// Threads: any. Failures name the option, the file and what is wrong with it.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/core/secure_identity.h"
#include "tributary/client.h"

namespace tributary {

struct PemTexts {
  std::string authority;
  std::string certificate;
  std::string key;
};

absl::StatusOr<PemTexts> ReadPemFiles(const Credentials& files);

// Every file is there and holds what it should, and the key is the
// certificate's.
absl::Status CheckCredentials(const Credentials& files);

// This client among its peers, by what the files hold when it is asked.
SecureIdentitySource IdentityFrom(const Credentials& files);

}  // namespace tributary
