// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/codec/defaults.h"
#include "proto/codec/paths.h"
#include "proto/codec/plan_rules.h"
#include "proto/codec/problem.h"
#include "proto/codec/yaml.h"
#include "proto/codec/yaml_document.h"
#include "proto/codec/yaml_reader.h"

namespace tributary::codec {
namespace {

absl::StatusOr<std::string> ReadText(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status)) {
    return absl::NotFoundError(absl::StrCat(file.string(), ": no such file"));
  }
  if (std::filesystem::is_directory(status)) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.string(), ": is a folder, not a file"));
  }
  std::ifstream stream(file, std::ios::binary);
  std::string text(kMaxYamlBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad() || !stream.is_open()) {
    return absl::PermissionDeniedError(
        absl::StrCat(file.string(), ": cannot be read"));
  }
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

std::filesystem::path FolderOf(const std::filesystem::path& file) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(file, error);
  return (error ? file : absolute).parent_path();
}

// A problem with what a setting says quotes it instead of a line.
void QuoteSettings(std::span<const std::string> settings, Problems& problems) {
  for (Problem& problem : problems) {
    if (problem.line >= 0) continue;
    absl::StrAppend(&problem.reason, " (", settings[-problem.line - 1], ")");
    problem.line = 0;
  }
}

// Text into message; problems of the limits, then of the rules, in one status.
template <typename Message, typename Rules>
absl::StatusOr<Message> ReadAndCheck(const std::filesystem::path& file,
                                     std::span<const std::string> settings,
                                     Rules rules) {
  const auto text = ReadText(file);
  if (!text.ok()) return text.status();
  Message message;
  YamlReading reading = ReadYaml(*text, settings, message);
  AddRuleProblems(rules(message), reading);
  QuoteSettings(settings, reading.problems);
  if (auto status = ToStatus(reading.problems, file.string()); !status.ok()) {
    return status;
  }
  return message;
}

}  // namespace

absl::StatusOr<v1::Plan> ReadPlan(const std::filesystem::path& file,
                                  std::span<const std::string> settings) {
  auto read = ReadAndCheck<v1::Plan>(file, settings, FindPlanProblems);
  if (!read.ok()) return read.status();
  v1::Plan plan = WithDefaults(*read);
  MakePathsAbsolute(FolderOf(file), plan);
  return plan;
}

absl::StatusOr<v1::CoordinatorConfig> ReadCoordinatorConfig(
    const std::filesystem::path& file) {
  auto read = ReadAndCheck<v1::CoordinatorConfig>(file, {}, FindConfigProblems);
  if (!read.ok()) return read.status();
  v1::CoordinatorConfig config = WithDefaults(*read);
  MakePathsAbsolute(FolderOf(file), config);
  return config;
}

}  // namespace tributary::codec
