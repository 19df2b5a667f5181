// SPDX-License-Identifier: Apache-2.0
// The Admin service: few callers, so plain blocking handlers on a few threads
// (bounded by the server's quota). Each checks the caller's role, converts,
// delegates to the coordinator and converts back.
#pragma once

#include <atomic>

#include "coordinator/server/edge.h"
#include "tributary/v1/admin.grpc.pb.h"

namespace tributary::coordinator {

class AdminService final : public v1::Admin::Service {
 public:
  // `edge` outlives the service.
  explicit AdminService(Edge& edge) : edge_(edge) {}
  // Ends every watch soon; before the server shuts down.
  void Stop() { is_stopping_ = true; }

  grpc::Status SubmitRun(grpc::ServerContext* call,
                         grpc::ServerReader<v1::SubmitRunMessage>* messages,
                         v1::RunSummary* reply) override;
  grpc::Status ListRuns(grpc::ServerContext* call,
                        const v1::ListRunsRequest* request,
                        v1::ListRunsReply* reply) override;
  grpc::Status GetRun(grpc::ServerContext* call,
                      const v1::GetRunRequest* request,
                      v1::RunDetail* reply) override;
  grpc::Status WatchRun(grpc::ServerContext* call,
                        const v1::GetRunRequest* request,
                        grpc::ServerWriter<v1::RunDetail>* details) override;
  grpc::Status StopRun(grpc::ServerContext* call,
                       const v1::GetRunRequest* request,
                       v1::RunSummary* reply) override;
  grpc::Status GetModel(grpc::ServerContext* call,
                        const v1::GetModelRequest* request,
                        grpc::ServerWriter<v1::ModelChunk>* chunks) override;
  grpc::Status ListClients(grpc::ServerContext* call,
                           const v1::ListClientsRequest* request,
                           v1::ListClientsReply* reply) override;
  grpc::Status ReadLedger(grpc::ServerContext* call,
                          const v1::ReadLedgerRequest* request,
                          grpc::ServerWriter<v1::LedgerPage>* pages) override;

 private:
  Edge& edge_;
  std::atomic<bool> is_stopping_ = false;
};

}  // namespace tributary::coordinator
