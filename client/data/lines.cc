// SPDX-License-Identifier: Apache-2.0
#include "client/data/lines.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tributary::data {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 16;
constexpr std::size_t kLongestLine = std::size_t{1} << 24;

class Lines {
 public:
  explicit Lines(const TakeLine& take) : take_(take) {}

  absl::Status Add(std::string_view line) {
    ++number_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (number_ == 1 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
    return take_(line, number_);
  }
  std::uint64_t number() const { return number_; }

 private:
  const TakeLine& take_;
  std::uint64_t number_ = 0;
};

}  // namespace

absl::Status ForEachLine(ByteSource& source, const TakeLine& take) {
  Lines lines(take);
  std::vector<std::uint8_t> chunk(kChunk);
  std::string begun;  // the beginning of a line that a chunk cut
  while (true) {
    const absl::StatusOr<std::size_t> count = source.Read(chunk);
    if (!count.ok()) return count.status();
    if (*count == 0) break;
    std::string_view text(reinterpret_cast<const char*>(chunk.data()), *count);
    for (std::size_t end = text.find('\n'); end != std::string_view::npos;
         end = text.find('\n')) {
      absl::Status status;
      if (begun.empty()) {
        status = lines.Add(text.substr(0, end));
      } else {
        begun.append(text.substr(0, end));
        status = lines.Add(begun);
        begun.clear();
      }
      if (!status.ok()) return status;
      text.remove_prefix(end + 1);
    }
    begun.append(text);
    if (begun.size() > kLongestLine) {
      return absl::InvalidArgumentError(absl::StrCat(
          source.Name(), ", line ", lines.number() + 1,
          ": expected a line of at most ", kLongestLine, " bytes"));
    }
  }
  return begun.empty() ? absl::OkStatus() : lines.Add(begun);
}

}  // namespace tributary::data
