// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/grpc_status.h"

#include <array>
#include <string>
#include <utility>

namespace tributary::coordinator {
namespace {

constexpr std::array<std::pair<absl::StatusCode, grpc::StatusCode>, 17> kCodes{{
    {absl::StatusCode::kOk, grpc::OK},
    {absl::StatusCode::kCancelled, grpc::CANCELLED},
    {absl::StatusCode::kUnknown, grpc::UNKNOWN},
    {absl::StatusCode::kInvalidArgument, grpc::INVALID_ARGUMENT},
    {absl::StatusCode::kDeadlineExceeded, grpc::DEADLINE_EXCEEDED},
    {absl::StatusCode::kNotFound, grpc::NOT_FOUND},
    {absl::StatusCode::kAlreadyExists, grpc::ALREADY_EXISTS},
    {absl::StatusCode::kPermissionDenied, grpc::PERMISSION_DENIED},
    {absl::StatusCode::kUnauthenticated, grpc::UNAUTHENTICATED},
    {absl::StatusCode::kResourceExhausted, grpc::RESOURCE_EXHAUSTED},
    {absl::StatusCode::kFailedPrecondition, grpc::FAILED_PRECONDITION},
    {absl::StatusCode::kAborted, grpc::ABORTED},
    {absl::StatusCode::kOutOfRange, grpc::OUT_OF_RANGE},
    {absl::StatusCode::kUnimplemented, grpc::UNIMPLEMENTED},
    {absl::StatusCode::kInternal, grpc::INTERNAL},
    {absl::StatusCode::kUnavailable, grpc::UNAVAILABLE},
    {absl::StatusCode::kDataLoss, grpc::DATA_LOSS},
}};

bool ContinuesCharacter(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

}  // namespace

grpc::StatusCode ToGrpcCode(absl::StatusCode code) {
  for (const auto& [ours, theirs] : kCodes) {
    if (ours == code) return theirs;
  }
  return grpc::UNKNOWN;
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  std::string message(status.message());
  if (message.size() > kMaxStatusMessage) {
    std::size_t end = kMaxStatusMessage - 3;
    while (end > 0 && ContinuesCharacter(message[end])) --end;
    message.resize(end);
    message += "...";
  }
  return grpc::Status(ToGrpcCode(status.code()), std::move(message));
}

}  // namespace tributary::coordinator
