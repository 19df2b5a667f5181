// SPDX-License-Identifier: Apache-2.0
// One client's Join stream: a small queue of messages out, one message at a
// time in. It lives from the call's start to OnDone, and as long as the
// coordinator holds it as a Peer; after OnDone it does nothing.
//
// Threads: gRPC's reactions come one at a time, but reads and writes may
// overlap with each other and with Send and Close, which come from any thread.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "coordinator/runner/coordinator.h"
#include "coordinator/server/deadlines.h"
#include "grpcpp/support/server_callback.h"

namespace tributary::coordinator {

struct Edge;

class JoinStream final
    : public grpc::ServerBidiReactor<v1::ClientMessage, v1::ServerMessage>,
      public Peer,
      public Expiring,
      public std::enable_shared_from_this<JoinStream> {
 public:
  // The reactor of a new call; it keeps itself alive until OnDone.
  static JoinStream* Start(Edge& edge, grpc::CallbackServerContext* call);
  JoinStream(Edge& edge, grpc::CallbackServerContext* call);

  void Send(const v1::ServerMessage& message) override;
  void Close(const absl::Status& status) override;
  bool IsWriting() const override;
  void Expire() override;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  // Refuses a client that sends more than a client ever has reason to.
  bool IsFlooding(std::size_t message_bytes);
  absl::Status Take();
  absl::Status Hello();
  void CloseLocked(const absl::Status& status);

  Edge& edge_;
  v1::ClientMessage incoming_;
  // Set by the hello; touched by reads and OnDone only.
  std::optional<StreamId> stream_;
  double allowance_;
  Deadlines::Clock::time_point allowance_at_;

  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<JoinStream> self_;
  grpc::CallbackServerContext* call_;
  // The front is being written.
  std::list<v1::ServerMessage> outgoing_;
  bool said_hello_ = false;
  // Set by Close; the stream ends with it after what is in the queue.
  std::optional<absl::Status> ending_;
};

}  // namespace tributary::coordinator
