// SPDX-License-Identifier: Apache-2.0
// A YAML text as a bounded tree that remembers its lines. What a plan never
// needs is refused: aliases (and so alias bombs), tags, several documents,
// nesting deeper than 32, more than 20,000 nodes, texts over 1 MiB.
//
// Pure. The only place that sees the YAML library.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/codec/problem.h"

namespace tributary::codec {

inline constexpr std::size_t kMaxYamlBytes = 1u << 20;

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMapping };
  Kind kind = Kind::kNull;
  int line = 1;
  // kScalar. Quoted text is never a number.
  std::string text;
  bool quoted = false;
  // kSequence: the elements. kMapping: key, value, key, value, ...
  std::vector<YamlNode> items;
};

// The root (kNull for an empty text), or what is wrong and where.
std::variant<YamlNode, Problem> ParseYamlDocument(std::string_view text);

}  // namespace tributary::codec
