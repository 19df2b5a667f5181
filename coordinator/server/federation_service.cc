// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/federation_service.h"

#include "coordinator/server/fetch_call.h"
#include "coordinator/server/join_stream.h"
#include "coordinator/server/upload_call.h"

namespace tributary::coordinator {

grpc::ServerBidiReactor<v1::ClientMessage, v1::ServerMessage>*
FederationService::Join(grpc::CallbackServerContext* call) {
  return JoinStream::Start(edge_, call);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* FederationService::FetchModel(
    grpc::CallbackServerContext* call, const grpc::ByteBuffer* request) {
  return FetchCall::Start(edge_, call, request);
}

grpc::ServerReadReactor<grpc::ByteBuffer>* FederationService::UploadUpdate(
    grpc::CallbackServerContext* call, grpc::ByteBuffer* reply) {
  return UploadCall::Start(edge_, call, reply);
}

}  // namespace tributary::coordinator
