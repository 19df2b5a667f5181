// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/upload_call.h"

#include <utility>

#include "absl/status/status.h"
#include "coordinator/server/edge.h"
#include "coordinator/server/grpc_status.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"

namespace tributary::coordinator {

UploadCall* UploadCall::Start(Edge& edge, grpc::CallbackServerContext* call,
                              grpc::ByteBuffer* reply) {
  auto upload = std::make_shared<UploadCall>(edge, call, reply);
  {
    const std::lock_guard lock(upload->mutex_);
    upload->self_ = upload;
  }
  edge.uploads.fetch_add(1, std::memory_order_relaxed);
  absl::StatusOr<CertificateIdentity> caller = CallingClient(edge, *call);
  if (!caller.ok()) {
    upload->Finish(ToGrpc(caller.status()));
    return upload.get();
  }
  upload->identity_ = caller->identity;
  upload->WatchForStall();
  upload->StartRead(&upload->message_);
  return upload.get();
}

UploadCall::UploadCall(Edge& edge, grpc::CallbackServerContext* call,
                       grpc::ByteBuffer* reply)
    : edge_(edge), reply_(reply), call_(call) {}

void UploadCall::WatchForStall() {
  edge_.deadlines.Add(Deadlines::Clock::now() + edge_.options.stall_limit,
                      weak_from_this());
}

void UploadCall::Expire() {
  const std::lock_guard lock(mutex_);
  if (call_ == nullptr) return;
  const std::uint64_t taken = taken_.load(std::memory_order_relaxed);
  if (taken == seen_) {
    edge_.stalls.fetch_add(1, std::memory_order_relaxed);
    call_->TryCancel();
    return;
  }
  seen_ = taken;
  WatchForStall();
}

absl::Status UploadCall::Open(std::span<const Bytes> payload) {
  absl::StatusOr<v1::UploadHeader> header = ReadUploadHeader(payload);
  if (!header.ok()) return header.status();
  absl::StatusOr<std::unique_ptr<Upload>> upload =
      edge_.coordinator.OpenUpload(identity_, *header);
  if (!upload.ok()) return upload.status();
  upload_ = *std::move(upload);
  return absl::OkStatus();
}

absl::Status UploadCall::Take() {
  std::vector<grpc::Slice> slices;
  if (!message_.Dump(&slices).ok()) {
    return absl::InvalidArgumentError("upload: a message is not readable");
  }
  slices_.clear();
  for (const grpc::Slice& slice : slices) {
    slices_.push_back(std::as_bytes(std::span(slice.begin(), slice.size())));
  }
  absl::StatusOr<UploadPart> part = FindPayload(slices_, payload_);
  if (!part.ok()) return part.status();
  if ((*part == UploadPart::kHeader) != (upload_ == nullptr)) {
    return absl::InvalidArgumentError(
        upload_ == nullptr ? "upload: the first message must be the header"
                           : "upload: a header came after the first message");
  }
  taken_.fetch_add(1, std::memory_order_relaxed);
  return upload_ == nullptr ? Open(payload_) : upload_->WritePieces(payload_);
}

absl::Status UploadCall::End() {
  if (upload_ == nullptr) {
    return absl::InvalidArgumentError("upload: no header came");
  }
  {
    const std::lock_guard lock(mutex_);
    if (call_->IsCancelled()) return absl::CancelledError("cancelled");
  }
  if (absl::Status status = upload_->Finish(); !status.ok()) return status;
  v1::UploadReply reply;
  reply.set_received(upload_->received());
  const std::string bytes = reply.SerializeAsString();
  const grpc::Slice slice(bytes);
  *reply_ = grpc::ByteBuffer(&slice, 1);
  return absl::OkStatus();
}

void UploadCall::OnReadDone(bool ok) {
  const absl::Status status = ok ? Take() : End();
  // Before the next read: the bytes are in the spool, and count in the quota.
  message_.Clear();
  if (ok && status.ok()) {
    StartRead(&message_);
    return;
  }
  if (status.code() == absl::StatusCode::kInvalidArgument &&
      upload_ == nullptr) {
    edge_.coordinator.CountRefusal(round::Refusal::kBadMessage);
  }
  upload_.reset();
  Finish(ToGrpc(status));
}

void UploadCall::OnDone() {
  upload_.reset();
  std::shared_ptr<UploadCall> self;
  const std::lock_guard lock(mutex_);
  call_ = nullptr;
  self = std::move(self_);
}

}  // namespace tributary::coordinator
