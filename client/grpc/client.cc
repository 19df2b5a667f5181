// SPDX-License-Identifier: Apache-2.0
// Client::Create stands here so that the core needs no gRPC.
#include "tributary/client.h"

#include <memory>

#include "client/core/client_runner.h"
#include "client/grpc/credentials.h"
#include "client/grpc/grpc_link.h"
#include "privacy/crypto/random.h"

namespace tributary {

absl::StatusOr<std::unique_ptr<Client>> Client::Create(
    const ClientOptions& options, Trainer& trainer) {
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  if (!options.insecure) {
    absl::Status status = CheckCredentials(options.credentials);
    if (!status.ok()) return status;
  }
  return MakeClient(options, trainer, MakeGrpcLink(options),
                    std::make_unique<SystemRandom>());
}

}  // namespace tributary
