// SPDX-License-Identifier: Apache-2.0
#include "aggregation/manifest.h"

#include <limits>
#include <string>

#include "tests/catch.h"

namespace tributary {
namespace {

std::string ErrorOf(std::vector<TensorSpec> tensors) {
  return std::string(Manifest(std::move(tensors)).Validate().message());
}

TEST_CASE("a manifest counts its floats, trainable ones first") {
  const Manifest manifest({{"weight", {3, 4}, true},
                           {"bias", {3}, true},
                           {"empty", {0, 7}, true},
                           {"scale", {}, true},
                           {"running_mean", {5}, false}});
  CHECK(manifest.Validate().ok());
  CHECK(manifest.TrainableLength() == 16);
  CHECK(manifest.Length() == 21);
  CHECK(Manifest().Validate().ok());
}

TEST_CASE("what a strategy sends along stands behind the model") {
  const Manifest manifest({{"w", {2, 3}, true},
                           {"mean", {4}, false},
                           {"control", {6}, false, true}});
  CHECK(manifest.Validate().ok());
  CHECK(manifest.Length() == 16);
  CHECK(manifest.ModelLength() == 10);
  CHECK(manifest.TrainableLength() == 6);
  CHECK(manifest.ModelPart() ==
        Manifest({{"w", {2, 3}, true}, {"mean", {4}, false}}));
  CHECK(ErrorOf({{"c", {1}, true, true}}) ==
        "manifest: tensor \"c\" is auxiliary and trainable");
  CHECK(ErrorOf({{"c", {1}, false, true}, {"mean", {1}, false}}) ==
        "manifest: tensor \"mean\" stands after the auxiliary \"c\"; auxiliary "
        "tensors come last");
}

TEST_CASE("a manifest that is no model is refused by the tensor's name") {
  CHECK(ErrorOf({{"", {1}, true}}) == "manifest: tensor 0 has no name");
  CHECK(ErrorOf({{"a", {1}, true}, {"a", {2}, true}}) ==
        "manifest: tensor \"a\" appears twice");
  CHECK(ErrorOf({{"a", {2, -1}, true}}) ==
        "manifest: tensor \"a\" has the negative extent -1");
  CHECK(ErrorOf({{"mean", {1}, false}, {"a", {1}, true}}) ==
        "manifest: tensor \"a\" is trainable but stands after the buffer "
        "\"mean\"; trainable tensors come first");
  const std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  CHECK(ErrorOf({{"a", {huge, huge}, true}}) ==
        "manifest: tensor \"a\" takes the model over 17179869184 floats");
  CHECK(ErrorOf({{"a", {std::int64_t{1} << 34}, true}, {"b", {1}, true}}) ==
        "manifest: tensor \"b\" takes the model over 17179869184 floats");
  CHECK(ErrorOf({{"a", {huge, huge, 0}, true}}).empty());
  std::vector<TensorSpec> many;
  for (int i = 0; i <= 65'536; ++i) {
    many.push_back({std::to_string(i), {1}, true});
  }
  CHECK(ErrorOf(many) == "manifest: 65537 tensors; at most 65536 are allowed");
}

}  // namespace
}  // namespace tributary
