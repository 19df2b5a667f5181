// SPDX-License-Identifier: Apache-2.0
// How a client reaches its coordinator. client/grpc implements it over gRPC;
// tests in memory.
//
// Threads: the client calls from one thread at a time. Handlers are called from
// the link's own threads or from inside a call to the link, and must neither
// wait nor call the link. At most one stream, one fetch and one upload are
// alive at a time. After Close or a Cancel* the handlers of what ended may
// still be called once more; the client tells them apart. The destructor
// returns when no handler runs or will run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/core/update_bytes.h"
#include "privacy/crypto/digest.h"
#include "tributary/v1/federation.pb.h"

namespace tributary {

class Link {
 public:
  struct StreamHandler {
    // Messages can be sent.
    std::function<void()> opened;
    std::function<void(v1::ServerMessage)> received;
    // Exactly once, last; also if the stream could not be opened.
    std::function<void(absl::Status)> closed;
  };
  struct FetchHandler {
    // The size of the whole file, before the first bytes.
    std::function<absl::Status(std::uint64_t)> total;
    // The next bytes. An error ends the fetch.
    std::function<absl::Status(std::span<const std::byte>)> data;
    // Exactly once, last: OK at the end of the file.
    std::function<void(absl::Status)> done;
  };

  virtual ~Link() = default;

  // To host:port. Fetches and uploads go to where the latest stream went.
  virtual void Open(const std::string& address, StreamHandler handler) = 0;
  // Without an open stream the message is dropped.
  virtual void Send(const v1::ClientMessage& message) = 0;
  virtual void Close() = 0;

  virtual void Fetch(const Digest& digest, std::uint64_t offset,
                     FetchHandler handler) = 0;
  virtual void CancelFetch() = 0;

  // Sends bytes from `offset` on; `done` exactly once, OK when the coordinator
  // said that it has all of them.
  virtual void Upload(const std::string& token,
                      std::shared_ptr<const UpdateBytes> bytes,
                      std::uint64_t offset,
                      std::function<void(absl::Status)> done) = 0;
  virtual void CancelUpload() = 0;
};

}  // namespace tributary
