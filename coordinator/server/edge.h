// SPDX-License-Identifier: Apache-2.0
// What all calls of the Federation service share, and the rules on who may
// call. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/runner/coordinator.h"
#include "coordinator/server/certificate.h"
#include "coordinator/server/chunk_slots.h"
#include "coordinator/server/deadlines.h"
#include "coordinator/server/server_options.h"

namespace grpc {
class ServerContextBase;
}

namespace tributary::coordinator {

class JoinStream;

// The Join streams that are open.
class StreamRegistry {
 public:
  void Add(JoinStream* stream);
  void Remove(JoinStream* stream);
  std::size_t size() const;
  // Closes every stream with this status.
  void CloseAll(const absl::Status& status);

 private:
  mutable std::mutex mutex_;  // guards what follows
  std::unordered_set<JoinStream*> streams_;
};

struct Edge {
  Edge(Coordinator& the_coordinator, const ServerOptions& the_options)
      : coordinator(the_coordinator), options(the_options) {}

  Coordinator& coordinator;
  const ServerOptions options;
  Deadlines deadlines;
  StreamRegistry streams;
  // 32 chunks of 512 KiB: 16 MiB, however many clients fetch. Two for a client:
  // one is on its way while the next is read.
  ChunkSlots chunks{32, 2};
  std::atomic<bool> is_draining = false;
  std::atomic<std::uint64_t> joins = 0;
  std::atomic<std::uint64_t> uploads = 0;
  std::atomic<std::uint64_t> fetches = 0;
  std::atomic<std::uint64_t> stalls = 0;
  std::atomic<std::uint64_t> admin_calls = 0;
};

// The caller as its certificate says, if it is not revoked. Without TLS: nobody
// (an empty name). Refusals are counted.
absl::StatusOr<CertificateIdentity> Caller(Edge& edge,
                                           const grpc::ServerContextBase& call);
// The same for a client's call: an operator is not a client.
absl::StatusOr<CertificateIdentity> CallingClient(
    Edge& edge, const grpc::ServerContextBase& call);
// OK if the caller is an operator (or there is no TLS).
absl::Status CheckOperator(Edge& edge, const grpc::ServerContextBase& call);
// Who joins: the certificate's word, or without TLS the hello's.
absl::StatusOr<Identity> Admit(Edge& edge, const grpc::ServerContextBase& call,
                               const v1::Hello& hello);

}  // namespace tributary::coordinator
