// SPDX-License-Identifier: Apache-2.0
#include "simulation/ranks/transport.h"

#include <string>
#include <vector>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

using Names = std::vector<std::string>;

TEST_CASE("NCCL carries sums if every rank has a CUDA device of its own") {
  CHECK(ChooseTransport(NcclSupport::kBuilt, Names{"a/0", "a/1", "b/0"}) ==
        Transport::kNccl);
  // Two ranks on one device, which NCCL refuses; a rank on the processor.
  CHECK(ChooseTransport(NcclSupport::kBuilt, Names{"a/0", "a/0"}) ==
        Transport::kGloo);
  CHECK(ChooseTransport(NcclSupport::kBuilt, Names{"a/0", ""}) ==
        Transport::kGloo);
  CHECK(ChooseTransport(NcclSupport::kBuilt, Names{"", ""}) ==
        Transport::kGloo);
  CHECK(ChooseTransport(NcclSupport::kNone, Names{"a/0", "a/1"}) ==
        Transport::kGloo);
}

TEST_CASE("devices of one machine have different names") {
  CHECK(NameOfDevice({}).empty());
  CHECK(NameOfDevice(0) == NameOfDevice(0));
  CHECK(NameOfDevice(0) != NameOfDevice(1));
}

}  // namespace
}  // namespace tributary::simulation
