// SPDX-License-Identifier: Apache-2.0
#include "coordinator/upstream/parent_link.h"

#include "absl/strings/str_cat.h"
#include "client/grpc/credentials.h"
#include "client/grpc/grpc_link.h"

namespace tributary::coordinator {

absl::Status CheckParentFiles(const UpstreamOptions& options) {
  if (!options.name.empty()) return absl::OkStatus();
  const absl::Status status = CheckCredentials(options.credentials);
  if (status.ok()) return status;
  return absl::Status(
      status.code(),
      absl::StrCat("parent.tls: ", std::string(status.message())));
}

std::unique_ptr<Link> MakeParentLink(const UpstreamOptions& options) {
  ClientOptions link;
  link.credentials = options.credentials;
  link.insecure = !options.name.empty();
  return MakeGrpcLink(link);
}

}  // namespace tributary::coordinator
