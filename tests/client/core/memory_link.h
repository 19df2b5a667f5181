// SPDX-License-Identifier: Apache-2.0
// A link whose other end is the test: it says what the coordinator says, from
// inside the client's own calls. No thread, no socket.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/core/link.h"

namespace tributary {

class MemoryLink final : public Link {
 public:
  // Answers one message of the client, through Say and Hang.
  using Coordinator =
      std::function<void(MemoryLink&, const v1::ClientMessage&)>;

  MemoryLink(Coordinator coordinator, std::string file)
      : coordinator_(std::move(coordinator)), file_(std::move(file)) {}

  void Say(v1::ServerMessage message) { handler_.received(std::move(message)); }
  void HangUp() {
    if (StreamHandler handler = std::exchange(handler_, {}); handler.closed) {
      handler.closed(absl::UnavailableError("hung up"));
    }
  }

  void Open(const std::string& address, StreamHandler handler) override {
    addresses.push_back(address);
    handler_ = std::move(handler);
    handler_.opened();
  }
  void Send(const v1::ClientMessage& message) override {
    if (handler_.received) coordinator_(*this, message);
  }
  void Close() override { handler_ = {}; }

  void Fetch(const Digest&, std::uint64_t offset,
             FetchHandler handler) override {
    absl::Status status = handler.total(file_.size());
    if (status.ok()) {
      status = handler.data(
          std::as_bytes(std::span<const char>(file_)).subspan(offset));
    }
    handler.done(status);
  }
  void CancelFetch() override {}

  void Upload(const std::string&, std::shared_ptr<const UpdateBytes> bytes,
              std::uint64_t, std::function<void(absl::Status)> done) override {
    uploads.push_back(*bytes);
    done(absl::OkStatus());
    if (uploaded) uploaded(*this);
  }
  void CancelUpload() override {}

  std::function<void(MemoryLink&)> uploaded;
  std::vector<UpdateBytes> uploads;
  std::vector<std::string> addresses;  // of all streams

 private:
  Coordinator coordinator_;
  std::string file_;
  StreamHandler handler_;
};

}  // namespace tributary
