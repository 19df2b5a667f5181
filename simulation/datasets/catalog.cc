// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/catalog.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/data/byte_source.h"
#include "client/data/files.h"
#include "privacy/crypto/digest.h"
#include "simulation/datasets/known_sums.h"

namespace tributary::datasets {
namespace {

constexpr std::size_t kHexDigits = 64;
constexpr std::size_t kChunk = std::size_t{1} << 17;

constexpr std::array kSets = {
    KnownSet{
        .name = "cmapss",
        .what = "remaining life of simulated turbofan engines (FD001): 20,631 "
                "+ 13,096 cycles of 21 sensors",
        .authors = "A. Saxena, K. Goebel, D. Simon, N. Eklund; NASA "
                   "Prognostics Center of Excellence",
        .address = "https://data.nasa.gov (CMAPSS Jet Engine Simulated Data)",
        .licence = "not stated; published by a US government agency for "
                   "public use",
        .cite = "Saxena, Goebel, Simon, Eklund 2008, \"Damage Propagation "
                "Modeling for Aircraft Engine Run-to-Failure Simulation\", "
                "PHM08",
        .clients = "100 + 100 engines"},
    KnownSet{.name = "cwru",
             .what =
                 "bearing faults from vibration at 12 kHz: 37 recordings, 9 "
                 "faults and none",
             .authors = "Case Western Reserve University Bearing Data Center",
             .address = "https://engineering.case.edu/bearingdatacenter",
             .licence = "not stated; offered for public download",
             .cite = "credit the Case Western Reserve University Bearing Data "
                     "Center",
             .clients = "4 motor loads"},
    KnownSet{
        .name = "hapt",
        .what = "human activity from the sensors of a phone at 50 Hz: 61 "
                "experiments, 1,122,772 samples",
        .authors = "J. L. Reyes-Ortiz, L. Oneto, A. Sama, X. Parra, D. Anguita",
        .address = "https://archive.ics.uci.edu/dataset/341",
        .licence = "\"Any commercial use is prohibited\" (the authors' README)",
        .cite = "Reyes-Ortiz, Oneto, Sama, Parra, Anguita 2016, "
                "\"Transition-Aware Human Activity Recognition Using "
                "Smartphones\", Neurocomputing",
        .clients = "30 persons"},
    KnownSet{
        .name = "mnist",
        .what = "handwritten digits: 60,000 + 10,000 images of 28 x 28, 10 "
                "classes",
        .authors = "Y. LeCun, C. Cortes, C. J. C. Burges",
        .address = "http://yann.lecun.com/exdb/mnist/",
        .licence = "not stated in the files; commonly given as CC BY-SA 3.0",
        .cite = "LeCun, Bottou, Bengio, Haffner 1998, \"Gradient-Based "
                "Learning Applied to Document Recognition\", Proceedings of "
                "the IEEE",
        .clients = "none: partition it"},
    KnownSet{
        .name = "optdigits",
        .what = "handwritten digits: 3,823 + 1,797 images of 8 x 8, 10 classes",
        .authors = "E. Alpaydin, C. Kaynak",
        .address = "https://archive.ics.uci.edu/dataset/80",
        .licence = "not stated in the files; CC BY 4.0 in the UCI archive",
        .cite = "Alpaydin, Kaynak 1998, \"Optical Recognition of Handwritten "
                "Digits\", UCI Machine Learning Repository",
        .clients = "none (writers are not published): partition it"},
    KnownSet{
        .name = "pjm",
        .what = "hourly electric load in MW: 1,090,167 hours of 12 series",
        .authors = "PJM Interconnection; collected by R. Mulla",
        .address =
            "https://www.kaggle.com/robikscube/hourly-energy-consumption",
        .licence = "listed by its collector as CC0; not repeated in the files",
        .cite = "R. Mulla, \"Hourly Energy Consumption\", Kaggle",
        .clients = "10 zones or regions"},
    KnownSet{
        .name = "shakespeare",
        .what = "lines of plays, 1,115,394 characters (\"tiny shakespeare\")",
        .authors = "W. Shakespeare; collected by A. Karpathy",
        .address = "https://github.com/karpathy/char-rnn",
        .licence = "public domain text",
        .cite = "A. Karpathy, char-rnn",
        .clients = "309 speakers"},
};

absl::StatusOr<std::string> HashOf(const std::filesystem::path& file) {
  auto source = data::OpenFile(data::PlainOrGz(file));
  if (!source.ok()) return source.status();
  Sha256Stream hash;
  std::vector<std::uint8_t> chunk(kChunk);
  while (true) {
    const auto count = (*source)->Read(chunk);
    if (!count.ok()) return count.status();
    if (*count == 0) return hash.Finish().Hex();
    hash.Update(std::as_bytes(std::span(chunk)).first(*count));
  }
}

FileCheck Check(std::string path, std::string_view expected,
                const std::filesystem::path& folder) {
  const auto found = HashOf(folder / path);
  if (!found.ok()) {
    return {std::move(path), std::string(found.status().message())};
  }
  if (*found == expected) return {std::move(path), ""};
  return {path, absl::StrCat((folder / path).string(), ": expected SHA-256 ",
                             std::string(expected), ", found ", *found)};
}

}  // namespace

std::span<const KnownSet> KnownSets() { return kSets; }

absl::StatusOr<const KnownSet*> FindKnownSet(std::string_view name) {
  std::string names;
  for (const KnownSet& set : kSets) {
    if (set.name == name) return &set;
    absl::StrAppend(&names, names.empty() ? "" : ", ", std::string(set.name));
  }
  return absl::NotFoundError(absl::StrCat("no data set \"", std::string(name),
                                          "\"; there are ", names));
}

std::vector<FileCheck> CheckFiles(const KnownSet& set,
                                  const std::filesystem::path& folder) {
  const std::string prefix = absl::StrCat(std::string(set.name), "/");
  std::vector<FileCheck> checks;
  std::string_view rest = KnownSums();
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    // "<64 hex digits>  <set>/<path>", as sha256sum writes it.
    if (line.size() < kHexDigits + 2) continue;
    const std::string_view path = line.substr(kHexDigits + 2);
    if (!path.starts_with(prefix)) continue;
    checks.push_back(Check(std::string(path.substr(prefix.size())),
                           line.substr(0, kHexDigits), folder));
  }
  return checks;
}

}  // namespace tributary::datasets
