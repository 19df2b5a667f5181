// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/quantity.h"

#include <limits>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

TEST_CASE("a quantity is written in the unit a person would choose") {
  CHECK(FormatQuantity(Quantity::kNumber, 0.96215) == "0.9621");
  CHECK(FormatQuantity(Quantity::kNumber, 12345678) == "12,345,678");
  CHECK(FormatQuantity(Quantity::kCount, 1234) == "1,234");
  CHECK(FormatQuantity(Quantity::kCount, -1234567) == "-1,234,567");
  CHECK(FormatQuantity(Quantity::kCount, -0.2) == "0");
  CHECK(FormatQuantity(Quantity::kSeconds, 0) == "0 s");
  CHECK(FormatQuantity(Quantity::kSeconds, 0.25) == "250 ms");
  CHECK(FormatQuantity(Quantity::kSeconds, 59) == "59 s");
  CHECK(FormatQuantity(Quantity::kSeconds, 90) == "1.5 min");
  CHECK(FormatQuantity(Quantity::kSeconds, 7200) == "2 h");
  CHECK(FormatQuantity(Quantity::kSeconds, 86400 * 3) == "3 days");
  CHECK(FormatQuantity(Quantity::kBytes, 1023) == "1023 B");
  CHECK(FormatQuantity(Quantity::kBytes, 1536) == "1.5 KiB");
  CHECK(FormatQuantity(Quantity::kBytes, 3.0 * (1 << 30)) == "3 GiB");
  CHECK(FormatQuantity(Quantity::kJoules, 2500) == "2.5 kJ");
}

TEST_CASE("what is no number is a dash") {
  CHECK(FormatQuantity(Quantity::kNumber,
                       std::numeric_limits<double>::quiet_NaN()) == "-");
  CHECK(FormatQuantity(Quantity::kBytes,
                       std::numeric_limits<double>::infinity()) == "-");
}

TEST_CASE("a column's name says what it counts") {
  CHECK(QuantityOf("virtual_seconds", Values::kWhole) == Quantity::kSeconds);
  CHECK(QuantityOf("bytes_up", Values::kWhole) == Quantity::kBytes);
  CHECK(QuantityOf("devices.joules", Values::kFractional) == Quantity::kJoules);
  CHECK(QuantityOf("accepted", Values::kWhole) == Quantity::kCount);
  CHECK(QuantityOf("train_loss", Values::kFractional) == Quantity::kNumber);
  // Only whole words count.
  CHECK(QuantityOf("megabytes", Values::kFractional) == Quantity::kNumber);
}

}  // namespace
}  // namespace tributary::simulation
