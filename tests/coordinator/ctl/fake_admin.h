// SPDX-License-Identifier: Apache-2.0
// An Admin service on loopback that answers as it is told and remembers what it
// was sent.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "tributary/v1/admin.grpc.pb.h"

namespace tributary::ctl {

class FakeAdmin final : public v1::Admin::Service {
 public:
  explicit FakeAdmin(std::shared_ptr<grpc::ServerCredentials> credentials =
                         grpc::InsecureServerCredentials());
  ~FakeAdmin() override;

  std::string address() const { return "localhost:" + std::to_string(port_); }

  // What it answers.
  grpc::Status answer;
  v1::RunSummary summary;
  v1::RunDetail detail;
  std::vector<v1::RunDetail> watched;
  bool watch_goes_on = false;  // until the caller cancels
  std::string model;
  std::vector<std::string> clients;
  std::vector<v1::LedgerPage> ledger;
  grpc::Status ledger_answer;  // after the pages

  // What the test has set is seen by the calls that come after, and what they
  // have remembered by the test: a network between threads is no order in C++.
  void HandOver() { const std::lock_guard lock(mutex_); }

  // What it was sent.
  v1::Plan plan;
  std::string weights;
  std::string archive;
  std::size_t largest_chunk = 0;
  std::uint32_t asked_round = 0;
  int pages = 0;
  // Returns once somebody watches.
  void WaitForWatcher();

 private:
  grpc::Status SubmitRun(grpc::ServerContext*,
                         grpc::ServerReader<v1::SubmitRunMessage>* reader,
                         v1::RunSummary* reply) override;
  grpc::Status ListRuns(grpc::ServerContext*, const v1::ListRunsRequest*,
                        v1::ListRunsReply* reply) override;
  grpc::Status GetRun(grpc::ServerContext*, const v1::GetRunRequest*,
                      v1::RunDetail* reply) override;
  grpc::Status WatchRun(grpc::ServerContext* context, const v1::GetRunRequest*,
                        grpc::ServerWriter<v1::RunDetail>* writer) override;
  grpc::Status StopRun(grpc::ServerContext*, const v1::GetRunRequest*,
                       v1::RunSummary* reply) override;
  grpc::Status GetModel(grpc::ServerContext*,
                        const v1::GetModelRequest* request,
                        grpc::ServerWriter<v1::ModelChunk>* writer) override;
  grpc::Status ListClients(grpc::ServerContext*,
                           const v1::ListClientsRequest* request,
                           v1::ListClientsReply* reply) override;
  grpc::Status ReadLedger(grpc::ServerContext*, const v1::ReadLedgerRequest*,
                          grpc::ServerWriter<v1::LedgerPage>* writer) override;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool has_watcher_ = false;
  bool is_over_ = false;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tributary::ctl
