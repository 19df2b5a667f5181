// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/problem.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>

#include "absl/strings/str_cat.h"

namespace tributary::codec {
namespace {

constexpr std::size_t kMostShown = 100;
constexpr std::size_t kLongestQuote = 64;
// Names longer than this are nobody's typing mistake; it also bounds the work.
constexpr std::size_t kLongestName = 64;

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({changed, above + 1, row[j - 1] + 1});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

absl::Status ToStatus(Problems problems, const std::string& file) {
  if (problems.empty()) return absl::OkStatus();
  std::stable_sort(
      problems.begin(), problems.end(),
      [](const Problem& a, const Problem& b) { return a.line < b.line; });
  std::string text;
  for (std::size_t i = 0; i < std::min(problems.size(), kMostShown); ++i) {
    const Problem& problem = problems[i];
    if (i > 0) text += '\n';
    if (!file.empty()) {
      absl::StrAppend(&text, file);
      if (problem.line > 0) absl::StrAppend(&text, ":", problem.line);
      text += ": ";
    }
    if (!problem.path.empty()) absl::StrAppend(&text, problem.path, ": ");
    text += problem.reason;
  }
  if (problems.size() > kMostShown) {
    absl::StrAppend(&text, "\nand ", problems.size() - kMostShown, " more");
  }
  return absl::InvalidArgumentError(text);
}

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, kLongestQuote)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
      out += escaped;
    } else {
      out += c;
    }
  }
  if (text.size() > kLongestQuote) out += "...";
  return out + '"';
}

std::string JoinPath(const std::string& path, const std::string& key) {
  return path.empty() ? key : absl::StrCat(path, ".", key);
}

std::string NearestName(std::string_view name,
                        const std::vector<std::string>& candidates) {
  if (name.size() > kLongestName) return {};
  std::string best;
  // A third of the letters may be wrong, and at least one.
  std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = EditDistance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace tributary::codec
