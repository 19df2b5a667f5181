// SPDX-License-Identifier: Apache-2.0
// The Federation service on gRPC's callback API: each call is an object that
// reacts, none has a thread. Uploads and downloads are raw bytes.
#pragma once

#include "coordinator/server/edge.h"
#include "tributary/v1/federation.grpc.pb.h"

namespace tributary::coordinator {

class FederationService final
    : public v1::Federation::WithCallbackMethod_Join<
          v1::Federation::WithRawCallbackMethod_FetchModel<
              v1::Federation::WithRawCallbackMethod_UploadUpdate<
                  v1::Federation::Service>>> {
 public:
  // `edge` outlives the service.
  explicit FederationService(Edge& edge) : edge_(edge) {}

  grpc::ServerBidiReactor<v1::ClientMessage, v1::ServerMessage>* Join(
      grpc::CallbackServerContext* call) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* FetchModel(
      grpc::CallbackServerContext* call,
      const grpc::ByteBuffer* request) override;
  grpc::ServerReadReactor<grpc::ByteBuffer>* UploadUpdate(
      grpc::CallbackServerContext* call, grpc::ByteBuffer* reply) override;

 private:
  Edge& edge_;
};

}  // namespace tributary::coordinator
