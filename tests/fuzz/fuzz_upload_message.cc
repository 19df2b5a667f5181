// SPDX-License-Identifier: Apache-2.0
// Any bytes as one UploadMessage, cut anywhere: what is taken is what protobuf
// reads. Input: size of a piece, then the message.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "coordinator/server/upload_message.h"

namespace {

void Demand(bool is_kept) {
  if (!is_kept) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace tributary;
  using namespace tributary::coordinator;
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 16;
  const Bytes bytes = std::as_bytes(std::span(data, size).subspan(1));
  std::vector<Bytes> slices;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    slices.push_back(bytes.subspan(at, std::min(piece, bytes.size() - at)));
  }
  std::vector<Bytes> payload;
  const auto part = FindPayload(slices, payload);
  Demand(part.ok() || payload.empty());
  if (!part.ok()) return 0;

  v1::UploadMessage message;
  const bool is_message =
      message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (*part == UploadPart::kData) {
    std::string taken;
    for (const Bytes each : payload) {
      taken.append(reinterpret_cast<const char*>(each.data()), each.size());
    }
    Demand(is_message && message.kind_case() == v1::UploadMessage::kData &&
           message.data() == taken);
    return 0;
  }
  const auto header = ReadUploadHeader(payload);
  if (!header.ok()) return 0;
  Demand(is_message && message.has_header());
  Demand(message.header().task_token() == header->task_token());
  Demand(message.header().offset() == header->offset());
  return 0;
}
