// SPDX-License-Identifier: Apache-2.0
#include "client/data/field.h"

#include <charconv>
#include <cmath>
#include <system_error>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace tributary::data {
namespace {

constexpr std::size_t kLongestQuote = 24;

absl::Status Expected(std::string_view what, std::string_view field) {
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", std::string(what), ", found ", Quote(field)));
}

}  // namespace

std::string_view Trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string Quote(std::string_view text) {
  const bool is_cut = text.size() > kLongestQuote;
  return absl::StrCat("\"",
                      absl::CEscape(std::string(text.substr(0, kLongestQuote))),
                      is_cut ? "...\"" : "\"");
}

absl::StatusOr<float> ParseFloat(std::string_view field, double scale) {
  double number = 0;
  const char* const end = field.data() + field.size();
  const char* first = field.data();
  if (field.size() > 1 && field[0] == '+' && field[1] != '-') ++first;
  const auto [rest, error] = std::from_chars(first, end, number);
  if (error == std::errc::invalid_argument || rest != end) {
    return Expected("a number", field);
  }
  const auto value = static_cast<float>(number * scale);
  if (error == std::errc::result_out_of_range || !std::isfinite(value)) {
    return Expected("a finite number within float32", field);
  }
  return value;
}

absl::StatusOr<std::uint64_t> ParseCount(std::string_view field,
                                         std::uint64_t largest) {
  std::uint64_t number = 0;
  const char* const end = field.data() + field.size();
  const auto [rest, error] = std::from_chars(field.data(), end, number);
  if (error != std::errc() || rest != end || number > largest) {
    return Expected(absl::StrCat("a whole number up to ", largest), field);
  }
  return number;
}

}  // namespace tributary::data
