// SPDX-License-Identifier: Apache-2.0
// The open Join streams: at most one a client, the newest.
//
// Threads: any. Peers are called without a lock held.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/round/types.h"
#include "coordinator/runner/coordinator.h"

namespace tributary::coordinator {

struct Session {
  StreamId id = 0;
  Identity identity;
  std::string population;
  std::shared_ptr<Peer> peer;

  round::ClientId client() const { return {identity.name}; }
  round::Role role() const {
    switch (identity.role) {
      case v1::EVALUATOR:
        return round::Role::kEvaluator;
      case v1::AGGREGATOR:
        return round::Role::kAggregator;
      default:
        return round::Role::kTrainer;
    }
  }
  bool IsAggregator() const { return identity.role == v1::AGGREGATOR; }
};

class Sessions {
 public:
  // Messages of one stream that may wait to be handled; a client that sends
  // more than this without an answer is not ours.
  static constexpr int kMaxPending = 64;

  struct Added {
    StreamId id = 0;
    std::optional<Session> replaced;
  };
  // An aggregator is sent nothing before its welcome, which waits for the disk.
  Added Add(Session session);
  // Sends it, unless the stream is gone.
  void Welcome(StreamId id, const v1::ServerMessage& message);
  // The session, if it was still open.
  std::optional<Session> Remove(StreamId id);
  // Counts a message that waits; nullopt if the stream is gone, an empty peer
  // if too many wait.
  std::optional<Session> BeginMessage(StreamId id);
  void EndMessage(StreamId id);

  // False if the client has no open stream.
  bool Send(const round::ClientId& client,
            const v1::ServerMessage& message) const;
  // Whether what it was sent is still to be written. False without a stream.
  bool IsWriting(const round::ClientId& client) const;
  bool IsConnected(const round::ClientId& client) const;
  bool IsOpen(StreamId id) const;
  bool IsIn(const round::ClientId& client, const std::string& population) const;
  std::vector<Session> All() const;
  std::size_t size() const;

 private:
  struct Entry {
    Session session;
    int pending = 0;
    bool is_welcome = true;
  };
  // Null if the client has no open stream, or is not welcome on it yet.
  std::shared_ptr<Peer> PeerOf(const round::ClientId& client) const;

  mutable std::mutex mutex_;
  std::map<StreamId, Entry> by_id_;
  std::map<std::string, StreamId> by_name_;
  StreamId next_ = 1;
};

}  // namespace tributary::coordinator
