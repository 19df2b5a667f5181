// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/fetch_call.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "coordinator/server/edge.h"
#include "coordinator/server/grpc_status.h"
#include "coordinator/server/log.h"
#include "coordinator/server/model_chunk.h"
#include "grpcpp/server_context.h"
#include "privacy/crypto/digest.h"

namespace tributary::coordinator {
namespace {

constexpr std::size_t kMaxRequest = 128;

absl::StatusOr<v1::FetchModelRequest> ReadRequest(
    const grpc::ByteBuffer& request) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  v1::FetchModelRequest message;
  if (request.Length() <= kMaxRequest && request.Dump(&slices).ok()) {
    for (const grpc::Slice& slice : slices) {
      bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
    if (message.ParseFromString(bytes)) return message;
  }
  return absl::InvalidArgumentError("fetch: the request is not readable");
}

}  // namespace

FetchCall* FetchCall::Start(Edge& edge, grpc::CallbackServerContext* call,
                            const grpc::ByteBuffer* request) {
  auto fetch = std::make_shared<FetchCall>(edge, call);
  {
    const std::lock_guard lock(fetch->mutex_);
    fetch->self_ = fetch;
  }
  edge.fetches.fetch_add(1, std::memory_order_relaxed);
  absl::StatusOr<CertificateIdentity> caller = CallingClient(edge, *call);
  absl::Status status = caller.status();
  if (status.ok()) status = fetch->Open(*request);
  if (!status.ok()) {
    fetch->Finish(ToGrpc(status));
    return fetch.get();
  }
  fetch->client_ = edge.options.tls ? caller->identity.name : call->peer();
  fetch->WatchUntil(Deadlines::Clock::now() + edge.options.chunk_limit);
  fetch->SendNext();
  return fetch.get();
}

FetchCall::FetchCall(Edge& edge, grpc::CallbackServerContext* call)
    : edge_(edge), call_(call) {}

absl::Status FetchCall::Open(const grpc::ByteBuffer& request) {
  absl::StatusOr<v1::FetchModelRequest> message = ReadRequest(request);
  if (!message.ok()) return message.status();
  absl::StatusOr<Digest> digest = Digest::FromBytes(message->sha256());
  if (!digest.ok()) return digest.status();
  absl::StatusOr<std::unique_ptr<ModelFile>> file =
      edge_.coordinator.OpenModel(*digest);
  if (!file.ok()) return file.status();
  if (message->offset() > (*file)->size()) {
    return absl::OutOfRangeError("fetch: the offset is behind the end");
  }
  file_ = *std::move(file);
  offset_ = message->offset();
  return absl::OkStatus();
}

void FetchCall::WatchUntil(Deadlines::Clock::time_point when) {
  edge_.deadlines.Add(when, weak_from_this());
}

void FetchCall::Expire() {
  const std::lock_guard lock(mutex_);
  if (call_ == nullptr) return;
  const auto now = Deadlines::Clock::now();
  const auto since = sending_since_.load(std::memory_order_relaxed);
  const ServerOptions& options = edge_.options;
  // Waiting for a slot is not the client's fault.
  if (since == kNotSending) return WatchUntil(now + options.chunk_limit);
  const auto held = now - since;
  const bool is_slow = held >= options.chunk_limit && edge_.chunks.IsShort();
  if (held < options.stall_limit && !is_slow) {
    constexpr int kLooks = 10;  // at who waits, in the time of one limit
    return WatchUntil(std::max(since + options.chunk_limit,
                               now + options.chunk_limit / kLooks));
  }
  edge_.stalls.fetch_add(1, std::memory_order_relaxed);
  LogInfo("download cut off",
          {{"client", client_},
           {"peer", call_->peer()},
           {"why",
            absl::StrCat("a chunk was not read for ",
                         absl::FormatDuration(absl::FromChrono(held)),
                         is_slow ? " while others wait for its memory" : "")}});
  // A status would wait behind the bytes that are not read.
  call_->TryCancel();
}

void FetchCall::SendNext() {
  edge_.chunks.Acquire(client_,
                       [self = shared_from_this()] { self->SendChunk(); });
}

void FetchCall::SendChunk() {
  absl::StatusOr<RawModelChunk> chunk = ReadModelChunk(
      *file_, offset_, is_first_ ? ChunkPlace::kFirst : ChunkPlace::kLater);
  if (!chunk.ok()) {
    edge_.chunks.Release(client_);
    Finish(ToGrpc(chunk.status()));
    return;
  }
  is_first_ = false;
  offset_ = chunk->next;
  message_ = std::move(chunk->message);
  sending_since_ = Deadlines::Clock::now();
  StartWrite(&message_);
}

void FetchCall::OnWriteDone(bool ok) {
  sending_since_ = kNotSending;
  message_.Clear();
  edge_.chunks.Release(client_);
  if (!ok) {
    Finish(grpc::Status(grpc::CANCELLED, "the client went away"));
  } else if (offset_ == file_->size()) {
    Finish(grpc::Status::OK);
  } else {
    SendNext();
  }
}

void FetchCall::OnDone() {
  std::shared_ptr<FetchCall> self;
  const std::lock_guard lock(mutex_);
  call_ = nullptr;
  self = std::move(self_);
}

}  // namespace tributary::coordinator
