// SPDX-License-Identifier: Apache-2.0
// What carries the sums of a round between ranks. Gloo takes them from the
// host's memory to the host's memory; NCCL from CUDA device to CUDA device,
// and needs one of its own for every rank.
//
// Pure, but for NameOfDevice.
#pragma once

#include <optional>
#include <span>
#include <string>

namespace tributary::simulation {

enum class Transport { kGloo, kNccl };

// What of NCCL this program was built with.
enum class NcclSupport { kNone, kBuilt };

// `devices`: the name of each rank's CUDA device; empty: it has none.
Transport ChooseTransport(NcclSupport nccl,
                          std::span<const std::string> devices);

// Differs for any two devices, on one machine or two; may differ for one device
// that two processes know by different numbers. Empty for none.
std::string NameOfDevice(std::optional<int> cuda_device);

}  // namespace tributary::simulation
