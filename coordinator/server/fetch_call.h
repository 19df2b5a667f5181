// SPDX-License-Identifier: Apache-2.0
// One FetchModel call. Chunks are read straight into the memory that is sent,
// one at a time, and only while one of the edge's chunk slots is held, so
// memory is the same for ten clients and ten thousand. A client that does not
// read its chunk within the stall limit is cut off, and while others wait for a
// slot within the chunk limit; it resumes from its offset.
//
// Threads: gRPC's reactions one at a time; Expire from another.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "coordinator/runner/coordinator.h"
#include "coordinator/server/deadlines.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"

namespace tributary::coordinator {

struct Edge;

class FetchCall final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                        public Expiring,
                        public std::enable_shared_from_this<FetchCall> {
 public:
  // The reactor of a new call; it keeps itself alive until OnDone.
  static FetchCall* Start(Edge& edge, grpc::CallbackServerContext* call,
                          const grpc::ByteBuffer* request);
  FetchCall(Edge& edge, grpc::CallbackServerContext* call);

  void Expire() override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  static constexpr auto kNotSending = Deadlines::Clock::time_point::max();

  absl::Status Open(const grpc::ByteBuffer& request);
  // Asks for a slot, then reads and sends the next chunk.
  void SendNext();
  void SendChunk();
  void WatchUntil(Deadlines::Clock::time_point when);

  Edge& edge_;
  // Who holds the slots: the client its certificate names, or without TLS the
  // connection.
  std::string client_;
  std::unique_ptr<ModelFile> file_;
  std::uint64_t offset_ = 0;
  bool is_first_ = true;
  grpc::ByteBuffer message_;
  // Since when a chunk is on its way out; none is while it waits for a slot.
  std::atomic<Deadlines::Clock::time_point> sending_since_ = kNotSending;

  std::mutex mutex_;  // guards what follows
  std::shared_ptr<FetchCall> self_;
  grpc::CallbackServerContext* call_;
};

}  // namespace tributary::coordinator
