// SPDX-License-Identifier: Apache-2.0
#include "simulation/sweep.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <system_error>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/codec/yaml.h"
#include "proto/codec/yaml_document.h"

namespace tributary::simulation {
namespace {

constexpr std::size_t kLongestName = 120;

// Values at the commas that stand in no brackets and no quotes.
std::vector<std::string> SplitValues(std::string_view text) {
  std::vector<std::string> values(1);
  int depth = 0;
  char quote = 0;
  for (const char c : text) {
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',' && depth == 0) {
      values.emplace_back();
      continue;
    }
    values.back().push_back(c);
  }
  return values;
}

// The last parts of a key, `count` of them.
std::string_view Tail(std::string_view key, int count) {
  std::size_t at = key.size();
  for (int i = 0; i < count && at != std::string_view::npos && at > 0; ++i) {
    at = key.rfind('.', at - 1);
  }
  return at == std::string_view::npos || at == 0 ? key : key.substr(at + 1);
}

// For each axis as much of its key's end as no other axis ends with.
std::vector<std::string> ShortKeys(const v1::Sweep& sweep) {
  for (int parts = 1;; ++parts) {
    std::vector<std::string> keys;
    std::set<std::string> unique;
    bool are_whole = true;
    for (const v1::SweepAxis& axis : sweep.grid()) {
      keys.emplace_back(Tail(axis.key(), parts));
      unique.insert(keys.back());
      are_whole = are_whole && keys.back() == axis.key();
    }
    if (unique.size() == keys.size() || are_whole) return keys;
  }
}

std::string FolderName(std::string_view text) {
  std::string name;
  for (const char c : text.substr(0, kLongestName)) {
    const bool is_plain =
        std::isalnum(static_cast<unsigned char>(c)) != 0 ||
        std::string_view("=.,-+").find(c) != std::string_view::npos;
    if (is_plain) {
      name.push_back(c);
    } else if (!name.empty() && name.back() != '_' && name.back() != '=') {
      name.push_back('_');
    }
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  // Neither hidden nor an option.
  if (name.empty() || name.front() == '.' || name.front() == '-') {
    name.insert(name.begin(), '_');
  }
  return name;
}

bool IsSweep(std::string_view text) {
  const auto document = codec::ParseYamlDocument(text);
  const auto* root = std::get_if<codec::YamlNode>(&document);
  if (root == nullptr || root->kind != codec::YamlNode::Kind::kMapping) {
    return false;
  }
  for (std::size_t i = 0; i + 1 < root->items.size(); i += 2) {
    if (root->items[i].text == "plan") return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<v1::Sweep> ReadSweep(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    return absl::NotFoundError(
        absl::StrCat(file.string(),
                     ": cannot be read; expected a plan or a "
                     "sweep"));
  }
  const std::string text(std::istreambuf_iterator<char>(in), {});
  v1::Sweep sweep;
  if (!IsSweep(text)) {
    sweep.set_plan(file.string());
    return sweep;
  }
  if (auto read = codec::ParseYaml(text, file.string(), sweep); !read.ok()) {
    return read;
  }
  std::error_code ignored;
  const auto folder = std::filesystem::absolute(file, ignored).parent_path();
  sweep.set_plan((folder / sweep.plan()).lexically_normal().string());
  return sweep;
}

absl::StatusOr<v1::SweepAxis> ParseAxis(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos ||
      equals + 1 == text.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--grid: \"", std::string(text),
        "\" is not KEY=V1,V2, such as training.learning_rate=0.1,0.3"));
  }
  v1::SweepAxis axis;
  axis.set_key(std::string(text.substr(0, equals)));
  for (std::string& value : SplitValues(text.substr(equals + 1))) {
    axis.add_values(std::move(value));
  }
  return axis;
}

absl::StatusOr<std::vector<SweepRun>> RunsOf(const v1::Sweep& sweep) {
  std::vector<SweepRun> runs;
  for (const v1::SweepCase& each : sweep.cases()) {
    runs.push_back({each.name(), {each.set().begin(), each.set().end()}});
  }
  if (runs.empty()) runs.push_back({});
  const auto keys = ShortKeys(sweep);
  for (int a = 0; a < sweep.grid_size(); ++a) {
    const v1::SweepAxis& axis = sweep.grid(a);
    if (runs.size() * static_cast<std::size_t>(axis.values_size()) >
        kMostRuns) {
      return absl::InvalidArgumentError(absl::StrCat(
          "grid: more than ", kMostRuns, " combinations; take values away"));
    }
    std::vector<SweepRun> longer;
    for (const SweepRun& run : runs) {
      for (const std::string& value : axis.values()) {
        SweepRun next = run;
        absl::StrAppend(&next.name, next.name.empty() ? "" : ",",
                        keys[static_cast<std::size_t>(a)], "=", value);
        next.settings.push_back(absl::StrCat(axis.key(), "=", value));
        longer.push_back(std::move(next));
      }
    }
    runs = std::move(longer);
  }
  std::map<std::string, int> used;
  for (SweepRun& run : runs) {
    run.name = FolderName(run.name.empty() ? "plan" : run.name);
    const int times = ++used[run.name];
    if (times > 1) absl::StrAppend(&run.name, "-", times);
    run.settings.insert(run.settings.begin(), sweep.set().begin(),
                        sweep.set().end());
  }
  return runs;
}

}  // namespace tributary::simulation
