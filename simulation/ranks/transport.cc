// SPDX-License-Identifier: Apache-2.0
#include "simulation/ranks/transport.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <set>

#include "absl/strings/str_cat.h"

namespace tributary::simulation {

Transport ChooseTransport(NcclSupport nccl,
                          std::span<const std::string> devices) {
  if (nccl == NcclSupport::kNone) return Transport::kGloo;
  const std::set<std::string> different(devices.begin(), devices.end());
  // NCCL refuses two ranks on one device.
  return !different.contains("") && different.size() == devices.size()
             ? Transport::kNccl
             : Transport::kGloo;
}

std::string NameOfDevice(std::optional<int> cuda_device) {
  if (!cuda_device) return "";
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  // Devices are numbered among the visible ones.
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  return absl::StrCat(host.data(), "/", visible == nullptr ? "" : visible, "/",
                      *cuda_device);
}

}  // namespace tributary::simulation
