// SPDX-License-Identifier: Apache-2.0
// One FetchModel call. Chunks are read straight into the memory that is sent,
// one at a time, and only while one of the edge's chunk slots is held, so
// memory is the same for ten clients and ten thousand. A client that reads
// nothing for the stall limit is cut off; it resumes from its offset.
//
// Threads: gRPC's reactions one at a time; Expire from another.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
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
  absl::Status Open(const grpc::ByteBuffer& request);
  // Asks for a slot, then reads and sends the next chunk.
  void SendNext();
  void SendChunk();
  void WatchForStall();

  Edge& edge_;
  std::unique_ptr<ModelFile> file_;
  std::uint64_t offset_ = 0;
  bool is_first_ = true;
  grpc::ByteBuffer message_;
  // A chunk is on its way out (as opposed to waiting for a slot).
  std::atomic<bool> is_sending_ = false;
  std::atomic<std::uint64_t> sent_ = 0;
  std::uint64_t seen_ = 0;

  absl::Mutex mutex_;
  std::shared_ptr<FetchCall> self_ ABSL_GUARDED_BY(mutex_);
  grpc::CallbackServerContext* call_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary::coordinator
