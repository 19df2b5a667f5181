// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/published.h"

#include <string>
#include <vector>

#include "tests/proto/files.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

// Accuracies of the rounds from the first.
RunRecord Run(const std::string& folder, const std::string& stop,
              const std::vector<double>& accuracies) {
  RunRecord run;
  run.folder = folder;
  run.status.end = "finished";
  run.plan = *FlattenPlan("stop: " + stop);
  for (std::size_t i = 0; i < accuracies.size(); ++i) {
    const int round = static_cast<int>(i) + 1;
    run.rounds[round] = {{"round", round},
                         {"metrics.accuracy", accuracies[i]},
                         {"wall_seconds", 0.5}};
  }
  return run;
}

TEST_CASE("rounds to the target stand beside those that were published") {
  const std::string stop = "{metric: accuracy, target: 0.8}";
  std::vector<RunRecord> runs = {
      // The best so far rises from 0.7 in round 3 to 0.9 in round 4.
      Run("out/quick/", stop, {0.5, 0.7, 0.6, 0.9}),
      Run("out/never", stop, {0.5, 0.75}), Run("out/unknown", stop, {0.8}),
      Run("out/aimless", "{rounds: 1}", {0.8})};
  runs[1].status.end = "stopped";
  CHECK(
      PublishedTable(runs, {{"quick", 7}, {"never", 5}}) ==
      Table{
          {"run", "target", "best", "rounds run", "to target", "published",
           "ratio", "wall time"},
          {"quick", "accuracy >= 0.8", "0.9", "4", "3.5", "7", "0.50", "2 s"},
          {"never (stopped)", "accuracy >= 0.8", "0.75", "2", "-", "5", "-",
           "1 s"},
          {"unknown", "accuracy >= 0.8", "0.8", "1", "1.0", "-", "-", "500 ms"},
          {"aimless", "-", "-", "1", "-", "-", "-", "500 ms"}});
}

TEST_CASE("published figures are read from a file, or the line is named") {
  const TemporaryFolder folder;
  const auto file = folder.Write("good.csv", "run,rounds\na,87\nb,0.5\n");
  const auto read = ReadPublished(file);
  INFO(read.status());
  REQUIRE(read.ok());
  CHECK(*read == Published{{"a", 87}, {"b", 0.5}});
  const auto error = [&](const std::string& text) {
    const auto bad = folder.Write("bad.csv", text);
    return std::string(ReadPublished(bad).status().message())
        .substr(bad.string().size());
  };
  CHECK(error("a,87\n") == ":1: expected \"run,rounds\"");
  CHECK(error("run,rounds\n") == ":2: expected a run and its rounds");
  for (const char* line : {"a", "a,", ",3", "a,none", "a,-1", "a,nan"}) {
    CHECK(error(std::string("run,rounds\na,1\n") + line + "\n") ==
          ":3: expected a run's folder, a comma, rounds over 0");
  }
  CHECK(ReadPublished(folder.path() / "absent").status().code() ==
        absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace tributary::simulation
