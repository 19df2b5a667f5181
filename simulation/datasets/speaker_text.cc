// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/speaker_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/data/byte_source.h"
#include "client/data/field.h"
#include "client/data/lines.h"
#include "simulation/datasets/owners.h"
#include "simulation/datasets/windows.h"

namespace tributary::datasets {
namespace {

// What one speaker says: lines, each with its end, and where each begins.
struct Speech {
  std::string text;
  std::vector<std::size_t> lines;
};

class Play {
 public:
  explicit Play(Owners& owners) : owners_(owners) {}

  // False for the first line of a block that is not "Name:".
  bool Add(std::string_view line) {
    Mark(line);
    if (data::Trim(line).empty()) {
      in_block_ = false;
      return true;
    }
    if (in_block_) {
      Speech& speech = speeches_[speaker_];
      speech.lines.push_back(speech.text.size());
      absl::StrAppend(&speech.text, std::string(line), "\n");
      return true;
    }
    if (line.size() < 2 || !line.ends_with(':')) return false;
    line.remove_suffix(1);
    speaker_ = owners_.IndexOf(std::string(line));
    if (speaker_ == speeches_.size()) speeches_.emplace_back();
    in_block_ = true;
    return true;
  }

  // Index of each byte among those of the file, sorted.
  std::array<float, 256> Indexes() const {
    std::array<float, 256> indexes{};
    float next = 0;
    for (std::size_t byte = 0; byte < is_used_.size(); ++byte) {
      indexes[byte] = next;
      if (is_used_[byte]) ++next;
    }
    return indexes;
  }

  const std::vector<Speech>& speeches() const { return speeches_; }

 private:
  void Mark(std::string_view line) {
    is_used_['\n'] = true;
    for (const char c : line) is_used_[static_cast<unsigned char>(c)] = true;
  }

  Owners& owners_;
  std::vector<Speech> speeches_;  // by speaker
  std::array<bool, 256> is_used_{};
  std::uint32_t speaker_ = 0;
  bool in_block_ = false;
};

// The lines of one part.
std::string_view PartOf(const Speech& speech,
                        const v1::DataSource::SpeakerText& source) {
  const std::size_t cut =
      BeginOfTest(speech.lines.size(), source.test_fraction());
  const Range lines = RangeOf(source.part(), cut, speech.lines.size());
  const auto offset = [&](std::size_t line) {
    return line < speech.lines.size() ? speech.lines[line] : speech.text.size();
  };
  return std::string_view(speech.text)
      .substr(offset(lines.first), offset(lines.end) - offset(lines.first));
}

}  // namespace

absl::StatusOr<Examples> Read(const v1::DataSource::SpeakerText& source) {
  auto bytes = data::OpenFile(source.file());
  if (!bytes.ok()) return bytes.status();
  Examples found;  // names every speaker
  Owners speakers(found);
  Play play(speakers);
  const absl::Status read = data::ForEachLine(
      **bytes, [&](std::string_view line, std::uint64_t number) {
        if (play.Add(line)) return absl::OkStatus();
        return absl::InvalidArgumentError(absl::StrCat(
            source.file(), ", line ", number,
            ": expected \"Name:\" at the beginning of a block, found ",
            data::Quote(line)));
      });
  if (!read.ok()) return read;

  const std::size_t length = source.window().length();
  const auto indexes = play.Indexes();
  const auto index_of = [&](char c) {
    return indexes[static_cast<unsigned char>(c)];
  };
  Examples examples;
  Owners owners(examples);
  for (std::size_t i = 0; i < play.speeches().size(); ++i) {
    const Speech& speech = play.speeches()[i];
    if (speech.text.size() < source.min_characters()) continue;
    const std::string_view text = PartOf(speech, source);
    for (std::size_t target = length; target < text.size();
         target += source.window().stride()) {
      for (const char c : text.substr(target - length, length)) {
        examples.data.features.push_back(index_of(c));
      }
      examples.data.targets.push_back(index_of(text[target]));
      examples.owner.push_back(owners.IndexOf(found.owners[i]));
    }
  }
  if (examples.data.targets.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(source.file(), ": expected a speaker of at least ",
                     std::max<std::size_t>(length + 1, source.min_characters()),
                     " characters, found none"));
  }
  examples.data.example_shape = {static_cast<std::int64_t>(length)};
  return examples;
}

}  // namespace tributary::datasets
