// SPDX-License-Identifier: Apache-2.0
// One UploadUpdate call: a header, then chunks. Deletes itself after its last
// callback; until then Cancel may be called from any thread.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/core/link.h"
#include "client/grpc/open_calls.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"
#include "tributary/v1/federation.grpc.pb.h"

namespace tributary {

class UploadCall final : public grpc::ClientWriteReactor<v1::UploadMessage>,
                         public std::enable_shared_from_this<UploadCall> {
 public:
  // The wire allows 1 MiB; from 256 KiB on nothing is gained.
  static constexpr std::size_t kChunkBytes = 512u << 10;

  UploadCall(std::unique_ptr<v1::Federation::Stub> stub, std::string token,
             std::shared_ptr<const UpdateBytes> bytes,
             std::uint64_t offset, std::function<void(absl::Status)> done,
             OpenCalls& calls)
      : stub_(std::move(stub)),
        bytes_(std::move(bytes)),
        offset_(static_cast<std::size_t>(offset)),
        done_(std::move(done)),
        calls_(calls) {
    message_.mutable_header()->set_task_token(std::move(token));
    message_.mutable_header()->set_offset(offset);
  }

  void Start() {
    self_ = shared_from_this();
    calls_.Add();
    stub_->async()->UploadUpdate(&context_, &reply_, this);
    StartWrite(&message_);
    StartCall();
  }
  void Cancel() { context_.TryCancel(); }

  void OnWriteDone(bool ok) override {
    if (!ok) return;
    const std::size_t left = bytes_->size() - offset_;
    if (left == 0) return StartWritesDone();
    const std::size_t chunk = std::min(left, kChunkBytes);
    message_.set_data(bytes_->data() + offset_, chunk);
    offset_ += chunk;
    StartWrite(&message_);
  }

  void OnDone(const grpc::Status& status) override {
    absl::Status result = ToAbsl(status);
    if (result.ok() && reply_.received() != bytes_->size()) {
      result = absl::UnavailableError(absl::StrCat("the coordinator has ",
                                                   reply_.received(), " of ",
                                                   bytes_->size(), " bytes"));
    }
    done_(std::move(result));
    OpenCalls& calls = calls_;
    std::exchange(self_, nullptr).reset();
    calls.Remove();
  }

 private:
  const std::unique_ptr<v1::Federation::Stub> stub_;
  const std::shared_ptr<const UpdateBytes> bytes_;
  std::size_t offset_;
  const std::function<void(absl::Status)> done_;
  OpenCalls& calls_;
  std::shared_ptr<UploadCall> self_;
  grpc::ClientContext context_;
  v1::UploadMessage message_;
  v1::UploadReply reply_;
};

}  // namespace tributary
