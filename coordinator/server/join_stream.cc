// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/join_stream.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coordinator/server/edge.h"
#include "coordinator/server/grpc_status.h"
#include "grpcpp/server_context.h"
#include "proto/codec/secagg.h"

namespace tributary::coordinator {
namespace {

using Clock = Deadlines::Clock;

// A client that does not read what it is sent is not worth the memory.
constexpr std::size_t kMaxOutgoing = 64;
// The longest there is, an evaluation with 32 names of 64 bytes, has 3 KiB.
constexpr std::size_t kMaxMessageBytes = 8'192;
// But for secure sessions: shares for 2,047 holders have 248 KiB, those of
// 6,000 owners 235 KiB.
constexpr std::size_t kMaxSecureBytes = 256 << 10;
// Messages a client may send at once, and each second after. A long one counts
// as those of kMaxMessageBytes that it is as long as.
constexpr double kBurst = 256;
constexpr double kPerSecond = 256;

}  // namespace

JoinStream* JoinStream::Start(Edge& edge, grpc::CallbackServerContext* call) {
  auto stream = std::make_shared<JoinStream>(edge, call);
  {
    const std::lock_guard lock(stream->mutex_);
    stream->self_ = stream;
  }
  edge.joins.fetch_add(1, std::memory_order_relaxed);
  edge.streams.Add(stream.get());
  edge.deadlines.Add(Clock::now() + edge.options.hello_limit, stream);
  if (edge.is_draining) {
    stream->Close(absl::UnavailableError("the coordinator is shutting down"));
  } else {
    stream->StartRead(&stream->incoming_);
  }
  return stream.get();
}

JoinStream::JoinStream(Edge& edge, grpc::CallbackServerContext* call)
    : edge_(edge),
      allowance_(kBurst),
      allowance_at_(Clock::now()),
      call_(call) {}

void JoinStream::Send(const v1::ServerMessage& message) {
  const std::lock_guard lock(mutex_);
  if (call_ == nullptr || ending_.has_value()) return;
  if (outgoing_.size() >= kMaxOutgoing) {
    CloseLocked(absl::ResourceExhaustedError("the client does not read"));
    return;
  }
  outgoing_.push_back(message);
  if (outgoing_.size() == 1) StartWrite(&outgoing_.front());
}

void JoinStream::Close(const absl::Status& status) {
  const std::lock_guard lock(mutex_);
  CloseLocked(status);
}

bool JoinStream::IsWriting() const {
  const std::lock_guard lock(mutex_);
  return !outgoing_.empty();
}

void JoinStream::CloseLocked(const absl::Status& status) {
  if (call_ == nullptr || ending_.has_value()) return;
  ending_ = status;
  if (outgoing_.empty()) {
    Finish(ToGrpc(status));
  } else {
    // A client that does not read would keep the stream open.
    edge_.deadlines.Add(Clock::now() + edge_.options.stall_limit,
                        weak_from_this());
  }
}

void JoinStream::Expire() {
  const std::lock_guard lock(mutex_);
  if (call_ == nullptr) return;
  if (ending_.has_value()) {
    call_->TryCancel();
  } else if (!said_hello_) {
    CloseLocked(absl::DeadlineExceededError("no hello came"));
  }
}

bool JoinStream::IsFlooding(std::size_t message_bytes) {
  const Clock::time_point now = Clock::now();
  const std::chrono::duration<double> passed = now - allowance_at_;
  allowance_at_ = now;
  allowance_ = std::min(kBurst, allowance_ + kPerSecond * passed.count());
  allowance_ -= 1 + static_cast<double>(message_bytes / kMaxMessageBytes);
  return allowance_ < 0;
}

absl::Status JoinStream::Hello() {
  grpc::CallbackServerContext* call = nullptr;
  {
    const std::lock_guard lock(mutex_);
    call = call_;
    said_hello_ = true;
  }
  // The call outlives this reaction, so it may be read without the lock.
  absl::StatusOr<Identity> identity = Admit(edge_, *call, incoming_.hello());
  if (!identity.ok()) return identity.status();
  absl::StatusOr<StreamId> stream =
      edge_.coordinator.Join(*identity, incoming_.hello(), shared_from_this());
  if (!stream.ok()) return stream.status();
  stream_ = *stream;
  // A list of revocations may have come between the look at it and the joining.
  if (edge_.coordinator.IsRevoked(identity->serial)) {
    edge_.coordinator.CountRefusal(round::Refusal::kRevoked);
    return absl::PermissionDeniedError(
        absl::StrCat("certificate ", identity->serial, " was revoked"));
  }
  return absl::OkStatus();
}

absl::Status JoinStream::Take() {
  const std::size_t bytes = incoming_.ByteSizeLong();
  if (IsFlooding(bytes)) {
    edge_.coordinator.CountRefusal(round::Refusal::kBadMessage);
    return absl::ResourceExhaustedError("too many messages");
  }
  // Before the coordinator keeps a copy of it.
  const std::size_t most =
      incoming_.has_secure() ? kMaxSecureBytes : kMaxMessageBytes;
  if (bytes > most) {
    edge_.coordinator.CountRefusal(round::Refusal::kBadMessage);
    return absl::InvalidArgumentError(
        absl::StrCat("a message is longer than ", most / 1024, " KiB"));
  }
  const bool is_hello = incoming_.has_hello();
  if (is_hello != !stream_.has_value() ||
      incoming_.kind_case() == v1::ClientMessage::KIND_NOT_SET) {
    edge_.coordinator.CountRefusal(round::Refusal::kBadMessage);
    return absl::InvalidArgumentError(is_hello ? "hello came twice"
                                      : stream_.has_value()
                                          ? "a message of no known kind"
                                          : "the first message must be hello");
  }
  if (is_hello) return Hello();
  edge_.coordinator.Receive(*stream_, incoming_);
  return absl::OkStatus();
}

void JoinStream::OnReadDone(bool ok) {
  if (!ok) {
    Close(absl::OkStatus());
    return;
  }
  if (absl::Status status = Take(); !status.ok()) {
    Close(status);
    return;
  }
  // An idle stream keeps no message.
  if (incoming_.has_secure()) codec::EraseShares(*incoming_.mutable_secure());
  incoming_ = v1::ClientMessage();
  StartRead(&incoming_);
}

void JoinStream::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  if (ok) {
    outgoing_.pop_front();
  } else {
    outgoing_.clear();
    if (!ending_.has_value()) ending_ = absl::CancelledError("not reachable");
  }
  if (!outgoing_.empty()) {
    StartWrite(&outgoing_.front());
  } else if (ending_.has_value()) {
    Finish(ToGrpc(*ending_));
  }
}

void JoinStream::OnDone() {
  if (stream_.has_value()) edge_.coordinator.Leave(*stream_);
  edge_.streams.Remove(this);
  std::shared_ptr<JoinStream> self;
  const std::lock_guard lock(mutex_);
  call_ = nullptr;
  outgoing_.clear();
  self = std::move(self_);
}

}  // namespace tributary::coordinator
