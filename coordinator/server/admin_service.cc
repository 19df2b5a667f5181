// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/admin_service.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "coordinator/server/grpc_status.h"
#include "coordinator/server/model_chunk.h"

namespace tributary::coordinator {
namespace {

// How often a watch looks whether its caller is still there.
constexpr std::chrono::milliseconds kWatchPoll{250};

// The messages of a submission after the plan, as two consecutive blobs, with
// one message in memory.
class Submission {
 public:
  explicit Submission(grpc::ServerReader<v1::SubmitRunMessage>& messages)
      : messages_(messages) {
    Next();
  }

  const v1::SubmitRunMessage* current() const {
    return has_message_ ? &message_ : nullptr;
  }
  void Next() { has_message_ = messages_.Read(&message_); }

  bool Has(v1::SubmitRunMessage::KindCase kind) const {
    return has_message_ && message_.kind_case() == kind;
  }
  // The bytes of consecutive messages of one kind.
  Coordinator::Source Blob(v1::SubmitRunMessage::KindCase kind) {
    return [this, kind]() -> absl::StatusOr<std::string> {
      // An empty chunk would read as the end.
      while (Has(kind)) {
        std::string bytes = std::move(kind == v1::SubmitRunMessage::kWeights
                                          ? *message_.mutable_weights()
                                          : *message_.mutable_archive());
        Next();
        if (!bytes.empty()) return bytes;
      }
      return std::string();
    };
  }

 private:
  grpc::ServerReader<v1::SubmitRunMessage>& messages_;
  v1::SubmitRunMessage message_;
  bool has_message_ = false;
};

bool IsOver(const v1::RunDetail& detail) {
  const v1::RunState state = detail.summary().state();
  return state == v1::FINISHED || state == v1::STOPPED || state == v1::FAILED;
}

// The newest state of a run that was not yet sent. States that come while the
// caller still reads replace each other.
class NewestDetail {
 public:
  void Put(const v1::RunDetail& detail) {
    const std::lock_guard lock(mutex_);
    detail_ = detail;
    changed_.notify_one();
  }
  std::optional<v1::RunDetail> Take(std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, wait, [this] { return detail_.has_value(); });
    return std::exchange(detail_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<v1::RunDetail> detail_;
};

absl::StatusOr<v1::RunSummary> Submit(Coordinator& coordinator,
                                      const grpc::ServerContext& call,
                                      Submission& submission) {
  if (!submission.Has(v1::SubmitRunMessage::kPlan)) {
    return absl::InvalidArgumentError("submit: the plan comes first");
  }
  const v1::Plan plan = submission.current()->plan();
  submission.Next();
  if (!submission.Has(v1::SubmitRunMessage::kWeights)) {
    return absl::InvalidArgumentError(
        "submit: the first weights come after the plan");
  }
  absl::StatusOr<Digest> weights =
      coordinator.StoreBlob(submission.Blob(v1::SubmitRunMessage::kWeights));
  if (!weights.ok()) return weights.status();
  std::optional<Digest> archive;
  if (submission.Has(v1::SubmitRunMessage::kArchive)) {
    absl::StatusOr<Digest> stored =
        coordinator.StoreBlob(submission.Blob(v1::SubmitRunMessage::kArchive));
    if (!stored.ok()) return stored.status();
    archive = *stored;
  }
  if (submission.current() != nullptr) {
    return absl::InvalidArgumentError(
        "submit: after the archive nothing else comes");
  }
  if (call.IsCancelled()) return absl::CancelledError("cancelled");
  return coordinator.Submit(plan, *weights,
                            archive.has_value() ? &*archive : nullptr);
}

}  // namespace

grpc::Status AdminService::SubmitRun(
    grpc::ServerContext* call,
    grpc::ServerReader<v1::SubmitRunMessage>* messages, v1::RunSummary* reply) {
  absl::Status status = CheckOperator(edge_, *call);
  if (!status.ok()) return ToGrpc(status);
  Submission submission(*messages);
  absl::StatusOr<v1::RunSummary> summary =
      Submit(edge_.coordinator, *call, submission);
  if (!summary.ok()) return ToGrpc(summary.status());
  *reply = *std::move(summary);
  return grpc::Status::OK;
}

grpc::Status AdminService::ListRuns(grpc::ServerContext* call,
                                    const v1::ListRunsRequest* request,
                                    v1::ListRunsReply* reply) {
  absl::Status status = CheckOperator(edge_, *call);
  if (status.ok()) *reply = edge_.coordinator.ListRuns(*request);
  return ToGrpc(status);
}

grpc::Status AdminService::GetRun(grpc::ServerContext* call,
                                  const v1::GetRunRequest* request,
                                  v1::RunDetail* reply) {
  absl::Status status = CheckOperator(edge_, *call);
  if (!status.ok()) return ToGrpc(status);
  absl::StatusOr<v1::RunDetail> detail =
      edge_.coordinator.GetRun(request->run());
  if (!detail.ok()) return ToGrpc(detail.status());
  *reply = *std::move(detail);
  return grpc::Status::OK;
}

grpc::Status AdminService::WatchRun(
    grpc::ServerContext* call, const v1::GetRunRequest* request,
    grpc::ServerWriter<v1::RunDetail>* details) {
  absl::Status status = CheckOperator(edge_, *call);
  if (!status.ok()) return ToGrpc(status);
  NewestDetail newest;
  absl::StatusOr<std::unique_ptr<Coordinator::Watch>> watch =
      edge_.coordinator.WatchRun(
          request->run(),
          [&newest](const v1::RunDetail& detail) { newest.Put(detail); });
  if (!watch.ok()) return ToGrpc(watch.status());
  while (!call->IsCancelled() && !is_stopping_) {
    // It may last for days, and the certificate be revoked meanwhile.
    if (absl::Status valid = Caller(edge_, *call).status(); !valid.ok()) {
      return ToGrpc(valid);
    }
    const std::optional<v1::RunDetail> detail = newest.Take(kWatchPoll);
    if (!detail.has_value()) continue;
    if (!details->Write(*detail)) break;
    if (IsOver(*detail)) return grpc::Status::OK;
  }
  return is_stopping_ ? grpc::Status(grpc::UNAVAILABLE,
                                     "the coordinator is shutting down")
                      : grpc::Status(grpc::CANCELLED, "cancelled");
}

grpc::Status AdminService::StopRun(grpc::ServerContext* call,
                                   const v1::GetRunRequest* request,
                                   v1::RunSummary* reply) {
  absl::Status status = CheckOperator(edge_, *call);
  if (!status.ok()) return ToGrpc(status);
  absl::StatusOr<v1::RunSummary> summary =
      edge_.coordinator.StopRun(request->run());
  if (!summary.ok()) return ToGrpc(summary.status());
  *reply = *std::move(summary);
  return grpc::Status::OK;
}

grpc::Status AdminService::GetModel(
    grpc::ServerContext* call, const v1::GetModelRequest* request,
    grpc::ServerWriter<v1::ModelChunk>* chunks) {
  absl::Status status = CheckOperator(edge_, *call);
  if (!status.ok()) return ToGrpc(status);
  absl::StatusOr<Digest> model = edge_.coordinator.ModelOf(
      request->run(), static_cast<int>(request->round()));
  if (!model.ok()) return ToGrpc(model.status());
  absl::StatusOr<std::unique_ptr<ModelFile>> file =
      edge_.coordinator.OpenModel(*model);
  if (!file.ok()) return ToGrpc(file.status());
  v1::ModelChunk chunk;
  chunk.set_total_size((*file)->size());
  std::uint64_t offset = 0;
  do {
    chunk.mutable_data()->resize(
        std::min<std::uint64_t>(kModelChunk, (*file)->size() - offset));
    absl::StatusOr<std::size_t> got = (*file)->Read(
        offset, std::as_writable_bytes(std::span(*chunk.mutable_data())));
    if (!got.ok()) return ToGrpc(got.status());
    if (*got == 0 && offset < (*file)->size()) {
      return grpc::Status(grpc::DATA_LOSS,
                          "the stored file is shorter than it says");
    }
    chunk.mutable_data()->resize(*got);
    if (!chunks->Write(chunk)) {
      return grpc::Status(grpc::CANCELLED, "the caller went away");
    }
    chunk.clear_total_size();
    offset += *got;
  } while (offset < (*file)->size());
  return grpc::Status::OK;
}

grpc::Status AdminService::ListClients(grpc::ServerContext* call,
                                       const v1::ListClientsRequest* request,
                                       v1::ListClientsReply* reply) {
  absl::Status status = CheckOperator(edge_, *call);
  if (status.ok()) *reply = edge_.coordinator.ListClients(*request);
  return ToGrpc(status);
}

grpc::Status AdminService::ReadLedger(
    grpc::ServerContext* call, const v1::ReadLedgerRequest* request,
    grpc::ServerWriter<v1::LedgerPage>* pages) {
  absl::Status status = CheckOperator(edge_, *call);
  if (!status.ok()) return ToGrpc(status);
  bool is_there = true;
  status =
      edge_.coordinator.ReadLedger(*request, [&](const v1::LedgerPage& page) {
        is_there = pages->Write(page);
        return is_there;
      });
  if (!status.ok()) return ToGrpc(status);
  return is_there ? grpc::Status::OK
                  : grpc::Status(grpc::CANCELLED, "the caller went away");
}

}  // namespace tributary::coordinator
