// SPDX-License-Identifier: Apache-2.0
#include "client/torch/ranking.h"

#include <rapidcheck.h>

#include <vector>

#include "privacy/crypto/random.h"

#include "tests/catch.h"

namespace tributary::torch_internal {
namespace {

using Floats = std::vector<float>;

TEST_CASE("known areas under the curve") {
  CHECK(AreaUnderCurve(Floats{1, 2, 3, 4}, Floats{0, 0, 1, 1}) == 1.0);
  CHECK(AreaUnderCurve(Floats{1, 2, 3, 4}, Floats{1, 1, 0, 0}) == 0.0);
  CHECK(AreaUnderCurve(Floats{5, 5, 5}, Floats{0, 1, 0}) == 0.5);
  // scikit-learn's example of roc_auc_score.
  CHECK(AreaUnderCurve(Floats{0.1f, 0.4f, 0.35f, 0.8f}, Floats{0, 0, 1, 1}) ==
        0.75);
}

TEST_CASE("without both labels, or with others, there is no area") {
  CHECK_FALSE(AreaUnderCurve(Floats{}, Floats{}).has_value());
  CHECK_FALSE(AreaUnderCurve(Floats{1, 2}, Floats{1, 1}).has_value());
  CHECK_FALSE(AreaUnderCurve(Floats{1, 2}, Floats{0, 0}).has_value());
  CHECK_FALSE(AreaUnderCurve(Floats{1, 2, 3}, Floats{0, 1, 2}).has_value());
}

TEST_CASE("the area counts the pairs in the right order") {
  CHECK(rc::check([](std::uint64_t seed) {
    KeyedStream random(KeyFromSeed(seed), "ranking");
    Floats scores, labels;
    for (std::uint64_t i = 2 + random.Below(40); i > 0; --i) {
      scores.push_back(static_cast<float>(random.Below(8)));
      labels.push_back(static_cast<float>(random.Below(2)));
    }
    labels[0] = 0;
    labels[1] = 1;
    double pairs = 0;
    double right = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      for (std::size_t j = 0; j < scores.size(); ++j) {
        if (labels[i] != 1 || labels[j] != 0) continue;
        ++pairs;
        right += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
      }
    }
    const auto area = AreaUnderCurve(scores, labels);
    RC_ASSERT(area.has_value());
    RC_ASSERT(*area == Approx(right / pairs));
  }));
}

}  // namespace
}  // namespace tributary::torch_internal
