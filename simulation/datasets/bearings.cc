// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/bearings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <complex>
#include <filesystem>
#include <iterator>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <unsupported/Eigen/FFT>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/data/byte_source.h"
#include "client/data/files.h"
#include "simulation/datasets/mat_file.h"
#include "simulation/datasets/owners.h"
#include "simulation/datasets/windows.h"

namespace tributary::datasets {
namespace {

constexpr std::string_view kSignal = "_DE_time";

// What a file's name says.
struct Recording {
  std::filesystem::path file;
  std::string fault;
  std::uint32_t load = 0;
};

std::optional<std::uint32_t> Number(const std::string& text) {
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || rest != end) return std::nullopt;
  return value;
}

// [...]_<fault>_<load>[_<number>]
absl::StatusOr<Recording> ParseName(const std::filesystem::path& file) {
  std::vector<std::string> words =
      absl::StrSplit(data::StemOf(file, ".mat"), '_');
  if (words.size() > 2 && Number(words.back()) &&
      Number(words[words.size() - 2])) {
    words.pop_back();
  }
  const auto load = Number(words.back());
  if (words.size() < 2 || !load || words[words.size() - 2].empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.string(),
                     ": expected a name <fault>_<load>_<number>.mat such as "
                     "12k_Drive_End_IR007_0_105.mat"));
  }
  return Recording{file, words[words.size() - 2], *load};
}

// Faults that are classes, in their order.
absl::StatusOr<std::vector<std::string>> ClassesOf(
    const v1::DataSource::Bearings& source,
    const std::vector<Recording>& recordings) {
  std::vector<std::string> present;
  for (const Recording& recording : recordings) {
    present.push_back(recording.fault);
  }
  std::ranges::sort(present);
  present.erase(std::unique(present.begin(), present.end()), present.end());
  if (source.faults_size() == 0) return present;
  for (const std::string& fault : source.faults()) {
    if (!std::ranges::binary_search(present, fault)) {
      return absl::InvalidArgumentError(absl::StrCat(
          source.folder(), ": expected recordings of the fault ", fault,
          ", found those of ", absl::StrJoin(present, ", ")));
    }
  }
  return std::vector<std::string>(source.faults().begin(),
                                  source.faults().end());
}

// Features of windows of one length.
class Spectrum {
 public:
  Spectrum(std::size_t length, std::size_t bands)
      : bands_(bands), hann_(length), windowed_(length) {
    for (std::size_t i = 0; i < length; ++i) {
      hann_[i] = static_cast<float>(
          0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) /
                               static_cast<double>(length)));
    }
  }

  void Append(std::span<const float> samples, std::vector<float>& features) {
    double sum = 0;
    for (const float sample : samples) sum += sample;
    const auto mean =
        static_cast<float>(sum / static_cast<double>(samples.size()));
    for (std::size_t i = 0; i < samples.size(); ++i) {
      windowed_[i] = hann_[i] * (samples[i] - mean);
    }
    fft_.fwd(frequencies_, windowed_);
    const std::size_t bins = samples.size() / 2;
    for (std::size_t band = 0; band < bands_; ++band) {
      const std::size_t first = 1 + band * bins / bands_;
      const std::size_t end = 1 + (band + 1) * bins / bands_;
      double power = 0;
      for (std::size_t k = first; k < end; ++k) {
        power += std::norm(std::complex<double>(frequencies_[k]));
      }
      power /= static_cast<double>((end - first) * samples.size());
      features.push_back(static_cast<float>(std::log10(power + 1e-12)));
    }
  }

 private:
  std::size_t bands_;
  std::vector<float> hann_;
  std::vector<float> windowed_;
  std::vector<std::complex<float>> frequencies_;
  Eigen::FFT<float> fft_;
};

absl::StatusOr<std::vector<Recording>> FindRecordings(
    const v1::DataSource::Bearings& source) {
  const auto files = data::FilesIn(source.folder(), ".mat");
  if (!files.ok()) return files.status();
  std::vector<Recording> recordings;
  for (const std::filesystem::path& file : *files) {
    auto recording = ParseName(file);
    if (!recording.ok()) return recording.status();
    recordings.push_back(*std::move(recording));
  }
  return recordings;
}

}  // namespace

absl::StatusOr<Examples> Read(const v1::DataSource::Bearings& source) {
  const auto recordings = FindRecordings(source);
  if (!recordings.ok()) return recordings.status();
  const auto classes = ClassesOf(source, *recordings);
  if (!classes.ok()) return classes.status();
  const std::size_t length = source.window().length();
  Spectrum spectrum(length, source.bands());
  Examples examples;
  Owners owners(examples);
  for (const Recording& recording : *recordings) {
    const auto fault = std::ranges::find(*classes, recording.fault);
    const bool is_of_load = source.loads_size() == 0 ||
                            std::ranges::find(source.loads(), recording.load) !=
                                source.loads().end();
    if (fault == classes->end() || !is_of_load) continue;
    auto bytes = data::OpenFile(recording.file);
    if (!bytes.ok()) return bytes.status();
    const auto signal = ReadMatSignal(**bytes, kSignal);
    if (!signal.ok()) return signal.status();
    const std::size_t cut = BeginOfTest(signal->size(), source.test_fraction());
    const Range part = RangeOf(source.part(), cut, signal->size());
    ForEachWindow(
        source.window(), part.first, part.end, [&](std::size_t first) {
          const auto samples = std::span(*signal).subspan(first, length);
          if (source.bands() == 0) {
            examples.data.features.insert(examples.data.features.end(),
                                          samples.begin(), samples.end());
          } else {
            spectrum.Append(samples, examples.data.features);
          }
          examples.data.targets.push_back(
              static_cast<float>(std::distance(classes->begin(), fault)));
          examples.owner.push_back(
              owners.IndexOf(absl::StrCat("load-", recording.load)));
        });
  }
  if (examples.data.targets.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(source.folder(),
                     ": expected a recording of one of the faults and loads "
                     "of at least ",
                     length, " samples, found none"));
  }
  examples.data.example_shape = {1, static_cast<std::int64_t>(length)};
  if (source.bands() > 0) examples.data.example_shape = {source.bands()};
  return examples;
}

}  // namespace tributary::datasets
