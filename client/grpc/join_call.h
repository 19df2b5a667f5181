// SPDX-License-Identifier: Apache-2.0
// One Join stream. Deletes itself after its last callback; until then Send and
// Cancel may be called from any thread.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "client/core/link.h"
#include "client/grpc/open_calls.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"
#include "tributary/v1/federation.grpc.pb.h"

namespace tributary {

class JoinCall final
    : public grpc::ClientBidiReactor<v1::ClientMessage, v1::ServerMessage>,
      public std::enable_shared_from_this<JoinCall> {
 public:
  JoinCall(std::unique_ptr<v1::Federation::Stub> stub,
           Link::StreamHandler handler, OpenCalls& calls)
      : stub_(std::move(stub)), handler_(std::move(handler)), calls_(calls) {}

  void Start() {
    self_ = shared_from_this();
    calls_.Add();
    stub_->async()->Join(&context_, this);
    // Send may come from another thread at any time: gRPC must not finish the
    // call between our look at `ended_` and StartWrite.
    AddHold();
    StartRead(&incoming_);
    StartCall();
  }

  void Send(const v1::ClientMessage& message) {
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return;
      outgoing_.push_back(message);
      if (writing_) return;
      writing_ = true;
    }
    WriteFront();
  }

  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (ok) {
      handler_.received(std::move(incoming_));
      incoming_.Clear();
      StartRead(&incoming_);
      return;
    }
    bool idle;
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      idle = !writing_;
    }
    if (idle) RemoveHold();
  }

  void OnWriteDone(bool ok) override {
    bool more;
    bool ended;
    {
      const std::lock_guard lock(mutex_);
      outgoing_.pop_front();
      ended = ended_;
      more = ok && !ended && !outgoing_.empty();
      writing_ = more;
    }
    if (more) {
      WriteFront();
    } else if (ended) {
      RemoveHold();
    }
  }

  void OnDone(const grpc::Status& status) override {
    // The server ends the stream only when something is over, even if it says
    // OK.
    handler_.closed(status.ok() ? absl::UnavailableError("the stream ended")
                                : ToAbsl(status));
    OpenCalls& calls = calls_;
    std::exchange(self_, nullptr).reset();
    calls.Remove();
  }

 private:
  // References into a deque stay valid while others are added at its end.
  void WriteFront() {
    const v1::ClientMessage* front;
    {
      const std::lock_guard lock(mutex_);
      front = &outgoing_.front();
    }
    StartWrite(front);
  }

  const std::unique_ptr<v1::Federation::Stub> stub_;
  const Link::StreamHandler handler_;
  OpenCalls& calls_;
  std::shared_ptr<JoinCall> self_;
  grpc::ClientContext context_;
  v1::ServerMessage incoming_;
  std::mutex mutex_;
  std::deque<v1::ClientMessage> outgoing_;
  bool writing_ = false;
  bool ended_ = false;
};

}  // namespace tributary
