// SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include "proto/codec/yaml.h"

namespace tributary::codec {
namespace {

using v1::DataSource;

template <typename Format>
void FillScale(Format& format) {
  if (!format.has_scale()) format.set_scale(1);
}

template <typename Format>
void FillTestFraction(Format& format, double fraction) {
  if (!format.has_test_fraction()) format.set_test_fraction(fraction);
}

void FillStride(DataSource::Window& window) {
  if (!window.has_stride()) window.set_stride(window.length());
}

// The whole window where none is given.
template <typename Format>
void FillWindow(Format& format, std::uint32_t length, std::uint32_t stride) {
  if (!format.has_window()) {
    format.mutable_window()->set_length(length);
    format.mutable_window()->set_stride(stride);
  }
  FillStride(*format.mutable_window());
}

void Fill(DataSource::Csv& csv) {
  if (csv.label_column().empty()) csv.set_label_column("-1");
  FillScale(csv);
  if (csv.has_window()) FillStride(*csv.mutable_window());
}

void Fill(DataSource::Cifar& cifar) {
  if (cifar.labels() == DataSource::Cifar::LABELS_UNSPECIFIED) {
    cifar.set_labels(DataSource::Cifar::CIFAR10);
  }
  FillScale(cifar);
}

void Fill(DataSource::Bearings& bearings) {
  FillStride(*bearings.mutable_window());
  FillTestFraction(bearings, 0.2);
}

void Fill(DataSource::Inertial& inertial) {
  FillWindow(inertial, 128, 64);
  if (inertial.activities_size() > 0) return;
  for (std::uint32_t activity = 1; activity <= 6; ++activity) {
    inertial.add_activities(activity);
  }
}

void Fill(DataSource::EngineLife& engines) {
  FillWindow(engines, 30, 1);
  if (!engines.has_max_life()) engines.set_max_life(125);
  if (engines.sensors_size() > 0) return;
  for (const std::uint32_t sensor :
       {2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21}) {
    engines.add_sensors(sensor);
  }
}

void Fill(DataSource::HourlyLoad& load) {
  FillWindow(load, 24, 1);
  if (!load.has_test_hours()) load.set_test_hours(8760);
}

void Fill(DataSource::SpeakerText& text) {
  FillStride(*text.mutable_window());
  FillTestFraction(text, 0.2);
}

void Fill(DataSource::Synthetic& synthetic) {
  if (!synthetic.has_devices()) synthetic.set_devices(30);
  FillTestFraction(synthetic, 0.1);
}

}  // namespace

DataSource WithDefaults(const DataSource& given) {
  DataSource source = given;
  switch (source.format_case()) {
    case DataSource::kCsv:
      Fill(*source.mutable_csv());
      break;
    case DataSource::kIdx:
      FillScale(*source.mutable_idx());
      break;
    case DataSource::kCifar:
      Fill(*source.mutable_cifar());
      break;
    case DataSource::kBearings:
      Fill(*source.mutable_bearings());
      break;
    case DataSource::kInertial:
      Fill(*source.mutable_inertial());
      break;
    case DataSource::kEngineLife:
      Fill(*source.mutable_engine_life());
      break;
    case DataSource::kHourlyLoad:
      Fill(*source.mutable_hourly_load());
      break;
    case DataSource::kSpeakerText:
      Fill(*source.mutable_speaker_text());
      break;
    case DataSource::kNumpy:
      FillScale(*source.mutable_numpy());
      break;
    case DataSource::kNpz:
      FillScale(*source.mutable_npz());
      break;
    case DataSource::kSynthetic:
      Fill(*source.mutable_synthetic());
      break;
    case DataSource::kLeaf:
    case DataSource::FORMAT_NOT_SET:
      break;
  }
  return source;
}

}  // namespace tributary::codec
