// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numbers>

#include "tests/simulation/datasets/mat_bytes.h"
#include "tests/simulation/datasets/sources.h"

#include "tests/catch.h"

namespace tributary::datasets {
namespace {

std::string Signal(const std::vector<double>& values) {
  return MatHeader() +
         MatBytes(
             {.name = "X001RPM", .shape = {1, 1}, .data = Doubles({1797})}) +
         MatBytes({.name = "X001_DE_time",
                   .shape = {static_cast<std::int32_t>(values.size()), 1},
                   .data = Doubles(values)});
}

std::string Bearings(const Folder& folder, const std::string& more) {
  return absl::StrCat("bearings: {folder: \"", folder.path().string(), "\"",
                      more, "}");
}

TEST_CASE("recordings are windows with fault and motor load of their name") {
  const Folder folder;
  folder.WriteGzip("12k_Drive_End_IR007_0_105.mat.gz", Signal({1, 2, 3, 4, 5}));
  folder.Write("12k_Drive_End_IR007_3_108.mat", Signal({6, 7, 8, 9, 10}));
  folder.Write("normal_0.mat", Signal({11, 12, 13, 14, 15}));
  const std::string window = ", window: {length: 2}";
  const auto all = ReadYaml(Bearings(folder, window));
  INFO(all.status());
  REQUIRE(all.ok());
  CHECK(IsConsistent(*all));
  CHECK(all->data.example_shape == Shape{1, 2});
  CHECK(all->data.features == Floats{1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14});
  CHECK(all->data.targets == Floats{0, 0, 0, 0, 1, 1});
  CHECK(all->owners == Names{"load-0", "load-3"});
  CHECK(all->owner == Indexes{0, 0, 1, 1, 0, 0});
  const auto test = ReadYaml(
      Bearings(folder, window + ", part: test, test_fraction: 0.4, loads: [0], "
                                "faults: [normal, IR007]"));
  REQUIRE(test.ok());
  CHECK(test->data.features == Floats{4, 5, 14, 15});
  CHECK(test->data.targets == Floats{1, 0});
  CHECK(ErrorOf(Bearings(folder, window + ", faults: [B007]")) ==
        folder.path().string() +
            ": expected recordings of the fault B007, "
            "found those of IR007, normal");
}

TEST_CASE("a tone stands in the band of its frequency") {
  const Folder folder;
  std::vector<double> tone(64);
  for (std::size_t i = 0; i < tone.size(); ++i) {
    // Bin 20 of 32 and a mean: with 8 bands of 4 bins, the fifth.
    tone[i] = 3 + std::sin(2 * std::numbers::pi * 20 * double(i) / 64);
  }
  folder.Write("B007_1.mat", Signal(tone));
  const auto examples =
      ReadYaml(Bearings(folder, ", window: {length: 64}, bands: 8"));
  REQUIRE(examples.ok());
  CHECK(examples->data.example_shape == Shape{8});
  const auto& bands = examples->data.features;
  CHECK(std::max_element(bands.begin(), bands.end()) - bands.begin() == 4);
  // |FFT|^2 of a hann-windowed sine: (64/4)^2 at its bin, a quarter of it
  // beside; over 64 samples, the mean of the four bins 17 .. 20.
  CHECK(bands[4] == Approx(std::log10((256 + 64) / 64.0 / 4)).epsilon(0.01));
  CHECK(bands[0] < -8);
}

TEST_CASE("libmatio's types, byte order of this machine, compressed or not") {
  const Folder folder;
  std::string shorts;
  for (const std::int16_t value : {1, -2, 3}) shorts += BytesOf(value);
  // int16 numbers in an array of class double, as MATLAB saves small values.
  folder.Write("a_0.mat",
               MatHeader() + MatCompressed(MatBytes({.name = "X_DE_time",
                                                     .shape = {3, 1},
                                                     .data = shorts,
                                                     .type = 3})));
  // An array of class single, and a text that is skipped.
  std::string singles;
  for (const float value : {0.5f, 4.0f}) singles += BytesOf(value);
  folder.Write("b_0.mat", MatHeader() +
                              MatBytes({.name = "note",
                                        .shape = {1, 2},
                                        .data = "hi",
                                        .type = 16,
                                        .flags = 4}) +
                              MatBytes({.name = "X_DE_time",
                                        .shape = {1, 2},
                                        .data = singles,
                                        .type = 7,
                                        .flags = 7}));
  const auto examples = ReadYaml(Bearings(folder, ", window: {length: 1}"));
  INFO(examples.status());
  REQUIRE(examples.ok());
  CHECK(examples->data.features == Floats{1, -2, 3, 0.5f, 4});
}

class OneRecording {
 public:
  std::string Error(const std::string& content) const {
    const auto file = folder.Write("B007_1.mat", content);
    const std::string message =
        ErrorOf(Bearings(folder, ", window: {length: 2}"));
    INFO(message);
    REQUIRE(message.find(file.string() + ": ") == 0);
    return message.substr(file.string().size() + 2);
  }
  Folder folder;
};

TEST_CASE_METHOD(OneRecording,
                 "files that are cut, empty or of another level") {
  const std::string good = Signal({1, 2, 3});
  CHECK(Error("") ==
        "expected a MATLAB level 5 header of 128 bytes, found 0 "
        "bytes");
  CHECK(Error(good.substr(0, 100)).find("found 100 bytes") !=
        std::string::npos);
  CHECK(Error(MatHeader()) ==
        "expected one numeric variable *_DE_time, found none");
  for (const std::size_t cut : {good.size() - 1, good.size() - 30}) {
    CHECK(Error(good.substr(0, cut))
              .find("byte 200: expected an element that "
                    "fits into the file") == 0);
  }
  std::string level4(200, '\0');
  CHECK(Error(level4).find("expected a MATLAB level 5 file (version") == 0);
  std::string hdf5(600, ' ');
  hdf5.replace(512, 8, "\x89HDF\r\n\x1a\n");
  CHECK(Error(hdf5).find("found level 7.3") != std::string::npos);
}

TEST_CASE_METHOD(OneRecording, "arrays that are not what they say") {
  const auto error = [&](const MatMatrix& matrix) {
    return Error(MatHeader() + MatBytes(matrix));
  };
  const std::string three = Doubles({1, 2, 3});
  const std::string name = "X_DE_time";
  const std::string misdeclared =
      "byte 128: expected as many numbers as the dimensions of X_DE_time say, "
      "found 24 bytes";
  CHECK(error({.name = name, .shape = {4, 1}, .data = three}) == misdeclared);
  CHECK(error({.name = name, .shape = {3}, .data = three}) == misdeclared);
  CHECK(error({.name = name, .shape = {-1, -1}, .data = three}) == misdeclared);
  CHECK(error({.name = name,
               .shape = {65536, 65536, 65536, 65536},
               .data = three}) == misdeclared);
  CHECK(error({.name = name, .shape = {3, 1}, .data = three, .type = 77}) ==
        "byte 128: expected an array's numbers");
  CHECK(error({.name = name, .shape = {2, 2}, .data = Doubles({1, 2, 3, 4})}) ==
        "expected X_DE_time to be a vector, found 2 x 2");
  CHECK(error({.name = name, .shape = {0, 0}, .data = ""}) ==
        "expected X_DE_time to be a vector, found 0 x 0");
  CHECK(error({.name = name,
               .shape = {2, 1},
               .data = Doubles({1, std::nan("")})}) ==
        "X_DE_time, value 1: expected a finite number within float32");
  // A complex array, and a cell: not real numbers.
  for (const std::uint32_t flags : {0x0806u, 1u}) {
    CHECK(
        error({.name = name, .shape = {3, 1}, .data = three, .flags = flags}) ==
        "expected one numeric variable *_DE_time, found none");
  }
  CHECK(Error(Signal({1}) + Signal({2}).substr(128)) ==
        "expected one numeric variable *_DE_time, found X001_DE_time, "
        "X001_DE_time");
  CHECK(Error(MatHeader() + MatElement(99, "xyz")) ==
        "byte 128: expected an array, found an element of type 99");
  std::string damaged =
      MatHeader() +
      MatCompressed(MatBytes({.name = name, .shape = {3, 1}, .data = three}));
  damaged[150] ^= 0x55;
  CHECK(Error(damaged) == "byte 128: expected a whole compressed element");
}

TEST_CASE("names that say no fault and load are refused") {
  const Folder folder;
  const auto file = folder.Write("recording.mat", Signal({1}));
  CHECK(ErrorOf(Bearings(folder, ", window: {length: 1}"))
            .find(file.string() + ": expected a name <fault>_<load>") == 0);
}

TEST_CASE("the bearing recordings are read as their description says") {
  const auto folder = SharedData() / "cwru";
  if (!std::filesystem::exists(folder)) {
    WARN("skipped: no " << folder);
    return;
  }
  const auto examples = ReadYaml(
      absl::StrCat("bearings: {folder: \"", folder.string(),
                   "\", window: {length: 2048}, bands: 64, loads: [0]}"));
  INFO(examples.status());
  REQUIRE(examples.ok());
  CHECK(IsConsistent(*examples));
  // Nine faults of about 121,000 samples, the normal one of 243,938.
  std::vector<int> counts(10);
  for (const float label : examples->data.targets) {
    ++counts[static_cast<std::size_t>(label)];
  }
  CHECK(counts[9] == 243938 / 2048);
  CHECK(*std::min_element(counts.begin(), counts.end()) >= 59);
}

}  // namespace
}  // namespace tributary::datasets
