// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/catalog.h"

#include <algorithm>
#include <set>

#include "tests/simulation/datasets/sources.h"

#include "tests/catch.h"

namespace tributary::datasets {
namespace {

TEST_CASE("every set says whose it is, its terms and its files") {
  std::set<std::string_view> names;
  for (const KnownSet& set : KnownSets()) {
    INFO(set.name);
    CHECK(names.insert(set.name).second);
    for (const std::string_view text : {set.what, set.authors, set.address,
                                        set.licence, set.cite, set.clients}) {
      CHECK_FALSE(text.empty());
    }
    const auto checks = CheckFiles(set, "/nowhere");
    CHECK_FALSE(checks.empty());
    for (const FileCheck& check : checks) {
      CHECK(check.problem == "/nowhere/" + check.path + ": no such file");
    }
  }
  const auto unknown = FindKnownSet("minst");
  CHECK(unknown.status().code() == absl::StatusCode::kNotFound);
  CHECK(unknown.status().message() ==
        "no data set \"minst\"; there are cmapss, cwru, hapt, mnist, "
        "optdigits, pjm, shakespeare");
}

TEST_CASE("a file that differs is told from one that is damaged") {
  const Folder folder;
  const auto file = folder.Write("input.txt", "First Citizen:\n");
  const KnownSet& set = **FindKnownSet("shakespeare");
  const auto differs = CheckFiles(set, folder.path());
  REQUIRE(differs.size() == 1);
  CHECK(differs[0].problem.find(
            file.string() +
            ": expected SHA-256 86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e"
            "86bf0ca57e2dc565ed, found ") == 0);
  std::filesystem::remove(file);
  folder.Write("input.txt.gz", "First Citizen:\n");
  CHECK(CheckFiles(set, folder.path())[0].problem.find(".gz") !=
        std::string::npos);
}

TEST_CASE("the published files pass, compressed as they may be") {
  if (!std::filesystem::exists(SharedData())) {
    WARN("skipped: no " << SharedData());
    return;
  }
  for (const std::string name : {"mnist", "shakespeare", "cmapss"}) {
    const auto checks = CheckFiles(**FindKnownSet(name), SharedData() / name);
    CHECK(std::ranges::all_of(
        checks, [](const FileCheck& check) { return check.problem.empty(); }));
  }
}

}  // namespace
}  // namespace tributary::datasets
