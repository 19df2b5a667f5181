// SPDX-License-Identifier: Apache-2.0
// How tributaryctl reaches a coordinator's Admin service, and what went wrong
// when it does not.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "tributary/v1/admin.grpc.pb.h"

namespace tributary::ctl {

struct ConnectionOptions {
  std::string admin = "127.0.0.1:8471";
  // PEM files: the authority to trust, the operator's certificate and key.
  std::string ca;
  std::string cert;
  std::string key;
  // Plaintext; the coordinator takes it on loopback only.
  bool insecure = false;

  absl::Status Validate() const;
};

// Opens nothing yet: an unreachable coordinator shows at the first call.
absl::StatusOr<std::unique_ptr<v1::Admin::Stub>> Connect(
    const ConnectionOptions& options);

// A call that is answered at once may take this long.
void SetDeadline(grpc::ClientContext& context);

// The status of a call in the operator's words: what to look at when the
// coordinator cannot be reached, TLS fails or the role is wrong.
absl::Status Explain(const grpc::Status& status,
                     const ConnectionOptions& options);

}  // namespace tributary::ctl
