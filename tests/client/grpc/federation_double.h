// SPDX-License-Identifier: Apache-2.0
// A Federation service with one training task for whoever asks, over mutual
// TLS, that can be cut off in the middle of a transfer. What arrived outlives a
// cut, as on a coordinator's disk.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "grpcpp/server.h"
#include "tests/client/grpc/certificates.h"
#include "tributary/v1/federation.grpc.pb.h"

namespace tributary {

class FederationDouble final : public v1::Federation::Service {
 public:
  static constexpr std::uint64_t kNever =
      std::numeric_limits<std::uint64_t>::max();

  FederationDouble(const TestCertificates& certificates, v1::Task task,
                   std::string model_file);
  ~FederationDouble() override;

  // Starts on a free port, or again on the port it had.
  void Start();
  // As a kill -9 would: every connection breaks.
  void Cut();
  std::string address() const;

  // The next transfer stops after this many bytes and waits for Cut.
  void StallDownloadAfter(std::uint64_t bytes);
  void StallUploadAfter(std::uint64_t bytes);
  void WaitUntilStalled();

  // What was seen.
  std::vector<std::uint64_t> FetchOffsets();
  std::vector<std::uint64_t> UploadOffsets();
  std::string Uploaded();
  v1::UpdateHeader Announced();
  int Joins();

 private:
  using JoinStream =
      grpc::ServerReaderWriter<v1::ServerMessage, v1::ClientMessage>;

  grpc::Status Join(grpc::ServerContext* context, JoinStream* stream) override;
  grpc::Status FetchModel(grpc::ServerContext* context,
                          const v1::FetchModelRequest* request,
                          grpc::ServerWriter<v1::ModelChunk>* writer) override;
  grpc::Status UploadUpdate(grpc::ServerContext* context,
                            grpc::ServerReader<v1::UploadMessage>* reader,
                            v1::UploadReply* reply) override;
  // Returns once Cut was called.
  void Stall();

  const TestCertificates certificates_;
  const v1::Task task_;
  const std::string model_file_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;

  std::mutex mutex_;
  std::condition_variable changed_;
  JoinStream* stream_ = nullptr;
  std::uint64_t stall_download_ = kNever;
  std::uint64_t stall_upload_ = kNever;
  bool stalled_ = false;
  bool cut_ = false;
  bool accepted_ = false;
  int joins_ = 0;
  v1::UpdateHeader announced_;
  std::string uploaded_;
  std::vector<std::uint64_t> fetch_offsets_;
  std::vector<std::uint64_t> upload_offsets_;
};

}  // namespace tributary
