// SPDX-License-Identifier: Apache-2.0
// Any bytes as a safetensors file: an error, or a manifest that is valid, fits
// the data exactly and is the same after being written and read again.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "proto/codec/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace tributary::codec;
  const auto header =
      ParseSafetensorsHeader(std::as_bytes(std::span(data, size)), size);
  if (!header.ok()) return 0;
  if (!header->manifest.Validate().ok()) std::abort();
  if (header->data_offset + header->data_size != size) std::abort();
  if (header->manifest.Length() * sizeof(float) != header->data_size) {
    std::abort();
  }
  const std::string head =
      FormatSafetensorsHeader(header->manifest, header->metadata);
  const auto again = ParseSafetensorsHeader(std::as_bytes(std::span(head)),
                                            head.size() + header->data_size);
  if (!again.ok() || again->manifest != header->manifest) std::abort();
  return 0;
}
