// SPDX-License-Identifier: Apache-2.0
// One UploadUpdate call: raw messages whose slices go to the spool where they
// lie. At most one message is held at a time, and it is freed before the next
// is asked for. A client that moves nothing for the stall limit is cut off;
// what came is kept, and its credit is free again.
//
// Threads: gRPC's reactions one at a time; Expire from another.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "coordinator/runner/coordinator.h"
#include "coordinator/server/deadlines.h"
#include "coordinator/server/upload_message.h"
#include "grpcpp/support/server_callback.h"

namespace tributary::coordinator {

struct Edge;

class UploadCall final : public grpc::ServerReadReactor<grpc::ByteBuffer>,
                         public Expiring,
                         public std::enable_shared_from_this<UploadCall> {
 public:
  // The reactor of a new call; it keeps itself alive until OnDone.
  static UploadCall* Start(Edge& edge, grpc::CallbackServerContext* call,
                           grpc::ByteBuffer* reply);
  UploadCall(Edge& edge, grpc::CallbackServerContext* call,
             grpc::ByteBuffer* reply);

  void Expire() override;
  void OnReadDone(bool ok) override;
  void OnDone() override;

 private:
  absl::Status Take();
  absl::Status Open(std::span<const Bytes> payload);
  // The client sent all, or the connection broke.
  absl::Status End();
  void WatchForStall();

  Edge& edge_;
  grpc::ByteBuffer* reply_;
  Identity identity_;
  grpc::ByteBuffer message_;
  std::vector<Bytes> slices_;
  std::vector<Bytes> payload_;
  std::unique_ptr<Upload> upload_;
  // Messages taken, and how many there were when stalling was last looked for.
  std::atomic<std::uint64_t> taken_ = 0;
  std::uint64_t seen_ = 0;

  std::mutex mutex_;  // guards what follows
  std::shared_ptr<UploadCall> self_;
  grpc::CallbackServerContext* call_;
};

}  // namespace tributary::coordinator
