// SPDX-License-Identifier: Apache-2.0
// Client::Create stands here so that the core needs no gRPC.
#include "tributary/client.h"

#include <memory>
#include <utility>

#include "client/core/client_runner.h"
#include "client/grpc/credentials.h"
#include "client/grpc/grpc_link.h"
#include "privacy/crypto/random.h"

namespace tributary {

absl::StatusOr<std::unique_ptr<Client>> Client::Create(
    const ClientOptions& options, Trainer& trainer) {
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  SecureIdentitySource identity;
  // Without TLS they may be there for secure aggregation.
  if (!options.credentials.key.empty()) {
    absl::Status status = CheckCredentials(options.credentials);
    if (!status.ok()) return status;
    identity = IdentityFrom(options.credentials);
  }
  return MakeClient(options, trainer, MakeGrpcLink(options),
                    std::make_unique<SystemRandom>(), std::move(identity));
}

}  // namespace tributary
