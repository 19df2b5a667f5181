// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/examples.h"

#include "absl/strings/str_cat.h"
#include "proto/codec/yaml.h"
#include "simulation/datasets/bearings.h"
#include "simulation/datasets/cifar.h"
#include "simulation/datasets/csv.h"
#include "simulation/datasets/engine_life.h"
#include "simulation/datasets/hourly_load.h"
#include "simulation/datasets/idx.h"
#include "simulation/datasets/inertial.h"
#include "simulation/datasets/leaf.h"
#include "simulation/datasets/numpy.h"
#include "simulation/datasets/speaker_text.h"
#include "simulation/datasets/synthetic.h"

namespace tributary::datasets {
namespace {

absl::StatusOr<Examples> ReadFormat(const v1::DataSource& source,
                                    const Key& run_key) {
  switch (source.format_case()) {
    case v1::DataSource::kCsv:
      return Read(source.csv());
    case v1::DataSource::kIdx:
      return Read(source.idx());
    case v1::DataSource::kCifar:
      return Read(source.cifar());
    case v1::DataSource::kLeaf:
      return Read(source.leaf());
    case v1::DataSource::kBearings:
      return Read(source.bearings());
    case v1::DataSource::kInertial:
      return Read(source.inertial());
    case v1::DataSource::kEngineLife:
      return Read(source.engine_life());
    case v1::DataSource::kHourlyLoad:
      return Read(source.hourly_load());
    case v1::DataSource::kSpeakerText:
      return Read(source.speaker_text());
    case v1::DataSource::kNumpy:
      return Read(source.numpy());
    case v1::DataSource::kNpz:
      return Read(source.npz());
    case v1::DataSource::kSynthetic:
      return Read(source.synthetic(), run_key);
    case v1::DataSource::FORMAT_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("names no format");
}

}  // namespace

absl::StatusOr<Examples> ReadExamples(const v1::DataSource& source,
                                      const std::string& key,
                                      const Key& run_key) {
  auto examples = ReadFormat(codec::WithDefaults(source), run_key);
  if (!examples.ok()) {
    return absl::Status(examples.status().code(),
                        absl::StrCat(key, ": ", examples.status().message()));
  }
  return examples;
}

}  // namespace tributary::datasets
