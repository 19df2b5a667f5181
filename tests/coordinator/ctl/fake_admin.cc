// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/ctl/fake_admin.h"

#include <algorithm>
#include <chrono>

#include "grpcpp/server_builder.h"

namespace tributary::ctl {

FakeAdmin::FakeAdmin(std::shared_ptr<grpc::ServerCredentials> credentials) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", std::move(credentials), &port_);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
}

FakeAdmin::~FakeAdmin() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_all();
  server_->Shutdown();
}

grpc::Status FakeAdmin::SubmitRun(
    grpc::ServerContext*, grpc::ServerReader<v1::SubmitRunMessage>* reader,
    v1::RunSummary* reply) {
  const std::lock_guard lock(mutex_);
  v1::SubmitRunMessage message;
  while (reader->Read(&message)) {
    if (message.has_plan()) plan = message.plan();
    weights += message.weights();
    archive += message.archive();
    largest_chunk = std::max(
        {largest_chunk, message.weights().size(), message.archive().size()});
  }
  *reply = summary;
  return answer;
}

grpc::Status FakeAdmin::ListRuns(grpc::ServerContext*,
                                 const v1::ListRunsRequest*,
                                 v1::ListRunsReply* reply) {
  const std::lock_guard lock(mutex_);
  *reply->add_runs() = summary;
  return answer;
}

grpc::Status FakeAdmin::GetRun(grpc::ServerContext*, const v1::GetRunRequest*,
                               v1::RunDetail* reply) {
  const std::lock_guard lock(mutex_);
  *reply = detail;
  return answer;
}

grpc::Status FakeAdmin::WatchRun(grpc::ServerContext* context,
                                 const v1::GetRunRequest*,
                                 grpc::ServerWriter<v1::RunDetail>* writer) {
  std::unique_lock lock(mutex_);
  for (const v1::RunDetail& one : watched) writer->Write(one);
  has_watcher_ = true;
  changed_.notify_all();
  while (watch_goes_on && !is_over_ && !context->IsCancelled()) {
    changed_.wait_for(lock, std::chrono::milliseconds(20));
  }
  return answer;
}

void FakeAdmin::WaitForWatcher() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return has_watcher_; });
}

grpc::Status FakeAdmin::StopRun(grpc::ServerContext*, const v1::GetRunRequest*,
                                v1::RunSummary* reply) {
  const std::lock_guard lock(mutex_);
  *reply = summary;
  return answer;
}

grpc::Status FakeAdmin::GetModel(grpc::ServerContext*,
                                 const v1::GetModelRequest* request,
                                 grpc::ServerWriter<v1::ModelChunk>* writer) {
  const std::lock_guard lock(mutex_);
  asked_round = request->round();
  for (std::size_t at = 0; at < model.size(); at += 100) {
    v1::ModelChunk chunk;
    if (at == 0) chunk.set_total_size(model.size());
    chunk.set_data(model.substr(at, 100));
    writer->Write(chunk);
  }
  return answer;
}

grpc::Status FakeAdmin::ListClients(grpc::ServerContext*,
                                    const v1::ListClientsRequest* request,
                                    v1::ListClientsReply* reply) {
  const std::lock_guard lock(mutex_);
  ++pages;
  for (const std::string& name : clients) {
    if (name <= request->after()) continue;
    if (reply->clients_size() == static_cast<int>(request->limit())) break;
    reply->add_clients()->set_name(name);
  }
  return answer;
}

grpc::Status FakeAdmin::ReadLedger(grpc::ServerContext*,
                                   const v1::ReadLedgerRequest*,
                                   grpc::ServerWriter<v1::LedgerPage>* writer) {
  const std::lock_guard lock(mutex_);
  for (const v1::LedgerPage& page : ledger) writer->Write(page);
  return ledger_answer;
}

}  // namespace tributary::ctl
