// SPDX-License-Identifier: Apache-2.0
#include "tests/client/grpc/federation_double.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace tributary {
namespace {

constexpr std::size_t kChunkBytes = 256u << 10;

}  // namespace

FederationDouble::FederationDouble(const TestCertificates& certificates,
                                   v1::Task task, std::string model_file)
    : certificates_(certificates),
      task_(std::move(task)),
      model_file_(std::move(model_file)) {}

FederationDouble::~FederationDouble() { Cut(); }

void FederationDouble::Start() {
  {
    const std::lock_guard lock(mutex_);
    cut_ = false;
    stalled_ = false;
  }
  grpc::SslServerCredentialsOptions tls(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = certificates_.authority.certificate;
  tls.pem_key_cert_pairs.push_back(
      {certificates_.coordinator.key, certificates_.coordinator.certificate});
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port_),
                           grpc::SslServerCredentials(tls), &port_);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
}

void FederationDouble::Cut() {
  if (server_ == nullptr) return;
  {
    const std::lock_guard lock(mutex_);
    cut_ = true;
  }
  changed_.notify_all();
  server_->Shutdown(std::chrono::system_clock::now());
  server_.reset();
}

std::string FederationDouble::address() const {
  return "127.0.0.1:" + std::to_string(port_);
}

void FederationDouble::StallDownloadAfter(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  stall_download_ = bytes;
}

void FederationDouble::StallUploadAfter(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  stall_upload_ = bytes;
}

void FederationDouble::WaitUntilStalled() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stalled_; });
}

void FederationDouble::Stall() {
  std::unique_lock lock(mutex_);
  stall_download_ = kNever;
  stall_upload_ = kNever;
  stalled_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return cut_; });
}

std::vector<std::uint64_t> FederationDouble::FetchOffsets() {
  const std::lock_guard lock(mutex_);
  return fetch_offsets_;
}
std::vector<std::uint64_t> FederationDouble::UploadOffsets() {
  const std::lock_guard lock(mutex_);
  return upload_offsets_;
}
std::string FederationDouble::Uploaded() {
  const std::lock_guard lock(mutex_);
  return uploaded_;
}
v1::UpdateHeader FederationDouble::Announced() {
  const std::lock_guard lock(mutex_);
  return announced_;
}
int FederationDouble::Joins() {
  const std::lock_guard lock(mutex_);
  return joins_;
}

grpc::Status FederationDouble::Join(grpc::ServerContext*, JoinStream* stream) {
  v1::ClientMessage message;
  while (stream->Read(&message)) {
    const std::lock_guard lock(mutex_);
    stream_ = stream;
    v1::ServerMessage answer;
    if (message.has_hello()) {
      ++joins_;
      if (message.hello().population() != "pumps") {
        stream_ = nullptr;
        return grpc::Status(grpc::PERMISSION_DENIED, "wrong population");
      }
      answer.mutable_welcome()->set_wire_version(1);
    } else if (message.has_check_in() && !accepted_) {
      *answer.mutable_task() = task_;
    } else if (message.has_check_in()) {
      answer.mutable_come_back()->mutable_earliest()->set_seconds(60);
      answer.mutable_come_back()->mutable_latest()->set_seconds(60);
    } else if (message.has_update_ready()) {
      announced_ = message.update_ready().header();
      answer.mutable_upload_grant()->set_task_token(announced_.task_token());
      answer.mutable_upload_grant()->set_offset(uploaded_.size());
    } else {
      continue;
    }
    stream->Write(answer);
  }
  const std::lock_guard lock(mutex_);
  if (stream_ == stream) stream_ = nullptr;
  return grpc::Status::OK;
}

grpc::Status FederationDouble::FetchModel(
    grpc::ServerContext*, const v1::FetchModelRequest* request,
    grpc::ServerWriter<v1::ModelChunk>* writer) {
  std::uint64_t stall_after;
  {
    const std::lock_guard lock(mutex_);
    fetch_offsets_.push_back(request->offset());
    stall_after = stall_download_;
  }
  v1::ModelChunk chunk;
  chunk.set_total_size(model_file_.size());
  for (std::size_t at = request->offset(); at < model_file_.size();
       at += kChunkBytes) {
    if (at - request->offset() >= stall_after) {
      Stall();
      return grpc::Status(grpc::UNAVAILABLE, "cut off");
    }
    chunk.set_data(model_file_.substr(at, kChunkBytes));
    if (!writer->Write(chunk)) return grpc::Status::CANCELLED;
    chunk.clear_total_size();
  }
  return grpc::Status::OK;
}

grpc::Status FederationDouble::UploadUpdate(
    grpc::ServerContext*, grpc::ServerReader<v1::UploadMessage>* reader,
    v1::UploadReply* reply) {
  v1::UploadMessage message;
  std::uint64_t received = 0;
  std::uint64_t stall_after;
  {
    const std::lock_guard lock(mutex_);
    stall_after = stall_upload_;
  }
  while (reader->Read(&message)) {
    {
      const std::lock_guard lock(mutex_);
      if (message.has_header()) {
        upload_offsets_.push_back(message.header().offset());
        continue;
      }
      uploaded_ += message.data();
      received += message.data().size();
    }
    if (received >= stall_after) {
      Stall();
      return grpc::Status(grpc::UNAVAILABLE, "cut off");
    }
  }
  const std::lock_guard lock(mutex_);
  reply->set_received(uploaded_.size());
  if (uploaded_.size() == announced_.size()) {
    accepted_ = true;
    if (stream_ != nullptr) {
      v1::ServerMessage answer;
      answer.mutable_verdict()->set_task_token(announced_.task_token());
      answer.mutable_verdict()->set_accepted(true);
      stream_->Write(answer);
    }
  }
  return grpc::Status::OK;
}

}  // namespace tributary
