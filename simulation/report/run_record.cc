// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/run_record.h"

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "proto/codec/yaml_document.h"

namespace tributary::simulation {
namespace {

using Json = nlohmann::ordered_json;
using codec::YamlNode;

absl::StatusOr<std::string> ReadText(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    return absl::NotFoundError(absl::StrCat(
        file.string(), ": cannot be read; is this a results folder?"));
  }
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// A value on one line.
std::string OnOneLine(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "";
    case YamlNode::Kind::kScalar:
      return node.text;
    case YamlNode::Kind::kSequence: {
      std::string text = "[";
      for (const YamlNode& item : node.items) {
        absl::StrAppend(&text, text.size() > 1 ? ", " : "", OnOneLine(item));
      }
      return text + "]";
    }
    case YamlNode::Kind::kMapping: {
      std::string text = "{";
      for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
        absl::StrAppend(&text, text.size() > 1 ? ", " : "", node.items[i].text,
                        ": ", OnOneLine(node.items[i + 1]));
      }
      return text + "}";
    }
  }
  return "";
}

void Flatten(const YamlNode& node, const std::string& path,
             std::vector<PlanValue>& values) {
  if (node.kind != YamlNode::Kind::kMapping || node.items.empty()) {
    values.push_back({path, OnOneLine(node)});
    return;
  }
  for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
    const std::string& key = node.items[i].text;
    Flatten(node.items[i + 1],
            path.empty() ? key : absl::StrCat(path, ".", key), values);
  }
}

// The numbers of an object, those within another one behind its name.
void AddNumbers(const Json& object, const std::string& prefix,
                std::map<std::string, double>& numbers) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_number()) {
      numbers[prefix + key] = value.get<double>();
    } else if (value.is_object()) {
      AddNumbers(value, absl::StrCat(prefix, key, "."), numbers);
    }
  }
}

absl::Status ReadRounds(const std::filesystem::path& file,
                        const std::string& text, RunRecord& record) {
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const Json json = Json::parse(line, nullptr, false);
    const bool is_torn = lines.eof() && json.is_discarded();
    if (is_torn) break;
    if (!json.is_object() || !json.contains("round") ||
        !json["round"].is_number_integer()) {
      return absl::InvalidArgumentError(
          absl::StrCat(file.string(), ":", number,
                       ": expected an object with a whole \"round\""));
    }
    AddNumbers(json, "", record.rounds[json["round"].get<int>()]);
  }
  return absl::OkStatus();
}

Json ToJson(const PrivacyStatement& statement) {
  return {{"epsilon", statement.epsilon},
          {"delta", statement.delta},
          {"releases", statement.releases},
          {"unit", statement.unit},
          {"neighbours", statement.neighbours},
          {"sampling", statement.sampling},
          {"accountant", statement.accountant},
          {"noise", statement.noise},
          {"noise_multiplier", statement.noise_multiplier}};
}

// Throws what the library throws.
PrivacyStatement StatementFromJson(const Json& json) {
  PrivacyStatement statement;
  json.at("epsilon").get_to(statement.epsilon);
  json.at("delta").get_to(statement.delta);
  json.at("releases").get_to(statement.releases);
  json.at("unit").get_to(statement.unit);
  json.at("neighbours").get_to(statement.neighbours);
  json.at("sampling").get_to(statement.sampling);
  json.at("accountant").get_to(statement.accountant);
  json.at("noise").get_to(statement.noise);
  json.at("noise_multiplier").get_to(statement.noise_multiplier);
  return statement;
}

absl::StatusOr<RunStatus> RunStatusFromJson(const std::string& text) {
  // The library reports what is missing or of another kind by exceptions.
  try {
    const Json json = Json::parse(text);
    RunStatus status;
    json.at("end").get_to(status.end);
    json.at("reason").get_to(status.reason);
    json.at("parameters").get_to(status.parameters);
    json.at("exceptions").get_to(status.exceptions);
    status.device = json.value("device", status.device);
    status.masks = json.value("masks", status.masks);
    if (json.contains("privacy")) {
      status.privacy = StatementFromJson(json["privacy"]);
    }
    return status;
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
}

absl::Status InFile(const std::filesystem::path& file,
                    const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(file.string(), ": ", status.message()));
}

}  // namespace

std::string ToJson(const RunStatus& status) {
  Json json = {{"end", status.end},
               {"reason", status.reason},
               {"parameters", status.parameters},
               {"exceptions", status.exceptions},
               {"device", status.device},
               {"masks", status.masks}};
  if (status.privacy) json["privacy"] = ToJson(*status.privacy);
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::map<std::string, double> NumbersOf(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  std::map<std::string, double> numbers;
  if (json.is_object()) AddNumbers(json, "", numbers);
  return numbers;
}

absl::StatusOr<std::vector<PlanValue>> FlattenPlan(std::string_view yaml) {
  const auto document = codec::ParseYamlDocument(yaml);
  if (const auto* problem = std::get_if<codec::Problem>(&document)) {
    return absl::InvalidArgumentError(
        absl::StrCat("line ", problem->line, ": ", problem->reason));
  }
  std::vector<PlanValue> values;
  Flatten(std::get<YamlNode>(document), "", values);
  return values;
}

std::string RunRecord::Name() const {
  const auto path = folder.lexically_normal();
  return path.has_filename() ? path.filename().string()
                             : path.parent_path().filename().string();
}

std::vector<std::string> RunRecord::Columns() const {
  std::set<std::string> names;
  for (const auto& [round, numbers] : rounds) {
    for (const auto& [name, number] : numbers) names.insert(name);
  }
  return {names.begin(), names.end()};
}

std::vector<Point> RunRecord::Over(const std::string& x,
                                   const std::string& y) const {
  std::vector<Point> points;
  for (const auto& [round, numbers] : rounds) {
    const auto at_x = numbers.find(x);
    const auto at_y = numbers.find(y);
    if (at_x != numbers.end() && at_y != numbers.end()) {
      points.push_back({at_x->second, at_y->second});
    }
  }
  return points;
}

std::optional<double> RunRecord::Total(const std::string& column) const {
  std::optional<double> total;
  for (const auto& [round, numbers] : rounds) {
    const auto found = numbers.find(column);
    if (found != numbers.end()) total = total.value_or(0) + found->second;
  }
  return total;
}

std::optional<double> RunRecord::Last(const std::string& column) const {
  for (auto round = rounds.rbegin(); round != rounds.rend(); ++round) {
    const auto found = round->second.find(column);
    if (found != round->second.end()) return found->second;
  }
  return std::nullopt;
}

std::string RunRecord::PlanValueOf(const std::string& key) const {
  for (const PlanValue& value : plan) {
    if (value.key == key) return value.value;
  }
  return "";
}

absl::StatusOr<RunRecord> ReadRun(const std::filesystem::path& folder) {
  RunRecord record;
  record.folder = folder;
  auto plan_text = ReadText(folder / "plan.yaml");
  if (!plan_text.ok()) return plan_text.status();
  auto plan = FlattenPlan(*plan_text);
  if (!plan.ok()) return InFile(folder / "plan.yaml", plan.status());
  record.plan_text = *std::move(plan_text);
  record.plan = *std::move(plan);

  const auto metrics = ReadText(folder / "metrics.jsonl");
  if (!metrics.ok()) return metrics.status();
  if (auto read = ReadRounds(folder / "metrics.jsonl", *metrics, record);
      !read.ok()) {
    return read;
  }
  std::error_code ignored;
  if (std::filesystem::exists(folder / "timing.jsonl", ignored)) {
    const auto timing = ReadText(folder / "timing.jsonl");
    if (!timing.ok()) return timing.status();
    // Rounds that wait for their evaluation are timed already.
    RunRecord timed;
    if (auto read = ReadRounds(folder / "timing.jsonl", *timing, timed);
        !read.ok()) {
      return read;
    }
    for (auto& [round, numbers] : record.rounds) {
      const auto found = timed.rounds.find(round);
      if (found != timed.rounds.end()) numbers.merge(found->second);
    }
  }
  if (std::filesystem::exists(folder / "run.json", ignored)) {
    const auto text = ReadText(folder / "run.json");
    if (!text.ok()) return text.status();
    auto status = RunStatusFromJson(*text);
    if (!status.ok()) return InFile(folder / "run.json", status.status());
    record.status = *std::move(status);
  }
  if (std::filesystem::exists(folder / "partition.txt", ignored)) {
    const auto text = ReadText(folder / "partition.txt");
    if (!text.ok()) return text.status();
    // A summary, an empty line, then a line for every client.
    record.partition = text->substr(0, text->find("\n\n"));
  }
  if (std::filesystem::exists(folder / "partition.svg", ignored)) {
    auto picture = ReadText(folder / "partition.svg");
    if (!picture.ok()) return picture.status();
    record.partition_picture = *std::move(picture);
  }
  if (std::filesystem::exists(folder / "devices.txt", ignored)) {
    auto devices = ReadText(folder / "devices.txt");
    if (!devices.ok()) return devices.status();
    record.devices = *std::move(devices);
  }
  return record;
}

}  // namespace tributary::simulation
