// SPDX-License-Identifier: Apache-2.0
// One FetchModel call. Deletes itself after its last callback; until then
// Cancel may be called from any thread.
#pragma once

#include <memory>
#include <span>
#include <utility>

#include "client/core/link.h"
#include "client/grpc/open_calls.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"
#include "tributary/v1/federation.grpc.pb.h"

namespace tributary {

class FetchCall final : public grpc::ClientReadReactor<v1::ModelChunk>,
                        public std::enable_shared_from_this<FetchCall> {
 public:
  FetchCall(std::unique_ptr<v1::Federation::Stub> stub, const Digest& digest,
            std::uint64_t offset, Link::FetchHandler handler, OpenCalls& calls)
      : stub_(std::move(stub)), handler_(std::move(handler)), calls_(calls) {
    const std::string_view bytes = digest.AsBytes();
    request_.set_sha256(bytes.data(), bytes.size());
    request_.set_offset(offset);
  }

  void Start() {
    self_ = shared_from_this();
    calls_.Add();
    stub_->async()->FetchModel(&context_, &request_, this);
    StartRead(&chunk_);
    StartCall();
  }
  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    failure_ = Take();
    if (!failure_.ok()) return context_.TryCancel();
    StartRead(&chunk_);
  }

  void OnDone(const grpc::Status& status) override {
    handler_.done(failure_.ok() ? ToAbsl(status) : failure_);
    OpenCalls& calls = calls_;
    std::exchange(self_, nullptr).reset();
    calls.Remove();
  }

 private:
  absl::Status Take() {
    if (std::exchange(first_, false)) {
      const absl::Status status = handler_.total(chunk_.total_size());
      if (!status.ok()) return status;
    }
    return handler_.data(std::as_bytes(std::span<const char>(chunk_.data())));
  }

  const std::unique_ptr<v1::Federation::Stub> stub_;
  const Link::FetchHandler handler_;
  OpenCalls& calls_;
  std::shared_ptr<FetchCall> self_;
  grpc::ClientContext context_;
  v1::FetchModelRequest request_;
  v1::ModelChunk chunk_;
  bool first_ = true;
  absl::Status failure_;
};

}  // namespace tributary
