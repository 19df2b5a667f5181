// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/client_book.h"

#include <chrono>
#include <variant>

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

using std::chrono::seconds;

WallTime At(int when) { return WallTime(seconds(when)); }

// When the database would say that the client was last seen; -1: unchanged.
std::int64_t SavedSeconds(ClientBook& book) {
  store::Batch batch;
  book.AddChanges(batch);
  if (batch.empty()) return -1;
  REQUIRE(batch.size() == 1);
  return std::get<store::SaveClient>(batch[0]).row.last_seen / 1000;
}

TEST_CASE("a client that looks in often is saved once a minute") {
  const Identity pump{"pump-17", v1::TRAINER, ""};
  ClientBook book({});
  book.Saw(pump, "pumps", At(1000));
  CHECK(SavedSeconds(book) == 1000);
  int saved = 0;
  for (int when = 1010; when <= 1310; when += 10) {
    book.Saw(pump, "pumps", At(when));
    if (SavedSeconds(book) == when) ++saved;
  }
  CHECK(saved == 4);

  SECTION("and after a restart goes on from there") {
    ClientBook again(book.List("", "", 10));
    again.Saw(pump, "pumps", At(1320));
    CHECK(SavedSeconds(again) == -1);
    again.Saw(pump, "pumps", At(1380));
    CHECK(SavedSeconds(again) == 1380);
  }
}

}  // namespace
}  // namespace tributary::coordinator
