// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/source_rules.h"

#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/codec/limits.h"

namespace tributary::codec {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using v1::DataSource;

class SourceRules {
 public:
  SourceRules(std::string path, Problems& problems)
      : path_(std::move(path)), problems_(problems) {}

  // Keys that several formats have.
  void CheckScale(const Message& format);
  void CheckOnce(const Message& format, const char* key);
  void Check(const DataSource::Csv& csv);
  void Check(const DataSource::Cifar& cifar);
  void Check(const DataSource::Bearings& bearings);

 private:
  void Fail(const std::string& key, std::string reason) {
    problems_.push_back({absl::StrCat(path_, ".", key), std::move(reason)});
  }

  std::string path_;
  Problems& problems_;
};

void SourceRules::CheckScale(const Message& format) {
  const FieldDescriptor* field =
      format.GetDescriptor()->FindFieldByName("scale");
  const auto& reflection = *format.GetReflection();
  if (field == nullptr || !reflection.HasField(format, field)) return;
  const double scale = reflection.GetDouble(format, field);
  if (!std::isfinite(scale) || scale == 0) {
    Fail("scale", "must be finite and not 0");
  }
}

void SourceRules::CheckOnce(const Message& format, const char* key) {
  const FieldDescriptor* field = format.GetDescriptor()->FindFieldByName(key);
  const auto& reflection = *format.GetReflection();
  std::set<std::string> seen;
  for (int i = 0; i < reflection.FieldSize(format, field); ++i) {
    const std::string value =
        field->cpp_type() == FieldDescriptor::CPPTYPE_STRING
            ? reflection.GetRepeatedString(format, field, i)
            : absl::StrCat(reflection.GetRepeatedUInt32(format, field, i));
    if (!seen.insert(value).second) {
      Fail(absl::StrCat(key, "[", i, "]"),
           absl::StrCat(Quoted(value), " is given twice"));
    }
  }
}

void SourceRules::Check(const DataSource::Csv& csv) {
  CheckOnce(csv, "feature_columns");
  if (csv.client_per_file() && !csv.client_column().empty()) {
    Fail("client_per_file", "cannot stand beside client_column; keep one");
  }
}

void SourceRules::Check(const DataSource::Cifar& cifar) {
  if (cifar.files_size() == 0) Fail("files", "is required");
}

void SourceRules::Check(const DataSource::Bearings& bearings) {
  CheckOnce(bearings, "faults");
  if (bearings.bands() > bearings.window().length() / 2) {
    Fail("bands",
         absl::StrCat(bearings.bands(), " exceeds half of window.length ",
                      bearings.window().length()));
  }
}

}  // namespace

void FindSourceProblems(const DataSource& source, const std::string& path,
                        Problems& problems) {
  const auto& formats = *DataSource::descriptor()->FindOneofByName("format");
  const auto& reflection = *source.GetReflection();
  const FieldDescriptor* chosen =
      reflection.GetOneofFieldDescriptor(source, &formats);
  if (chosen == nullptr) {
    problems.push_back({path, absl::StrCat("needs one of ", NamesOf(formats))});
    return;
  }
  SourceRules rules(absl::StrCat(path, ".", std::string(chosen->name())),
                    problems);
  rules.CheckScale(reflection.GetMessage(source, chosen));
  switch (source.format_case()) {
    case DataSource::kCsv:
      return rules.Check(source.csv());
    case DataSource::kCifar:
      return rules.Check(source.cifar());
    case DataSource::kBearings:
      return rules.Check(source.bearings());
    case DataSource::kInertial:
      return rules.CheckOnce(source.inertial(), "activities");
    case DataSource::kEngineLife:
      return rules.CheckOnce(source.engine_life(), "sensors");
    case DataSource::kHourlyLoad:
      return rules.CheckOnce(source.hourly_load(), "zones");
    default:
      return;
  }
}

}  // namespace tributary::codec
