// SPDX-License-Identifier: Apache-2.0
// .npy, .npz and the generated set.
#include <zip.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "tests/simulation/datasets/sources.h"

#include "tests/catch.h"

namespace tributary::datasets {
namespace {

// As numpy.save writes it: the header padded with blanks to 64 bytes.
std::string Npy(const std::string& descr, const std::string& shape,
                const std::string& data, const std::string& order = "False") {
  std::string header = "{'descr': '" + descr + "', 'fortran_order': " + order +
                       ", 'shape': " + shape + ", }";
  header.resize((header.size() + 1 + 10 + 63) / 64 * 64 - 11, ' ');
  header += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) +
         BytesOf(static_cast<std::uint16_t>(header.size())) + header + data;
}

template <typename T>
std::string Values(const std::vector<T>& values) {
  std::string bytes;
  for (const T value : values) bytes += BytesOf(value);
  return bytes;
}

class Arrays {
 public:
  Arrays()
      : labels(folder.Write(
            "y.npy", Npy("<i8", "(2,)", Values<std::int64_t>({4, 9})))) {}
  std::string Yaml(const std::filesystem::path& features,
                   const std::string& more = "") const {
    return absl::StrCat("numpy: {features: \"", features.string(),
                        "\", labels: \"", labels.string(), "\"", more, "}");
  }
  // What is said after the file's name about features of these bytes.
  std::string Error(const std::string& bytes) const {
    const auto file = folder.Write("x.npy", bytes);
    const std::string message = ErrorOf(Yaml(file));
    INFO(message);
    REQUIRE(message.find(file.string() + ": ") == 0);
    return message.substr(file.string().size() + 2);
  }
  Folder folder;
  std::filesystem::path labels;
};

TEST_CASE_METHOD(Arrays, "every number type reads as float32") {
  const auto read = [&](const std::string& descr, const std::string& data) {
    const auto file =
        folder.WriteGzip("x.npy.gz", Npy(descr, "(2, 1, 2)", data));
    const auto examples = ReadYaml(Yaml(file, ", scale: 2"));
    INFO(descr << " " << examples.status());
    REQUIRE(examples.ok());
    CHECK(examples->data.example_shape == Shape{1, 2});
    CHECK(examples->data.targets == Floats{4, 9});
    return examples->data.features;
  };
  const Floats expected = {2, 4, 6, 200};
  CHECK(read("<f4", Values<float>({1, 2, 3, 100})) == expected);
  CHECK(read("<f8", Values<double>({1, 2, 3, 100})) == expected);
  CHECK(read("|u1", Values<std::uint8_t>({1, 2, 3, 100})) == expected);
  CHECK(read("|i1", Values<std::int8_t>({1, 2, -3, 100})) ==
        Floats{2, 4, -6, 200});
  CHECK(read("<i2", Values<std::int16_t>({1, 2, 3, 100})) == expected);
  CHECK(read("<u2", Values<std::uint16_t>({1, 2, 3, 100})) == expected);
  CHECK(read("<i4", Values<std::int32_t>({1, 2, 3, 100})) == expected);
  CHECK(read("<u4", Values<std::uint32_t>({1, 2, 3, 100})) == expected);
  CHECK(read("<u8", Values<std::uint64_t>({1, 2, 3, 100})) == expected);
  CHECK(read("|b1", Values<std::uint8_t>({0, 1, 0, 1})) == Floats{0, 2, 0, 2});
  CHECK(read(">i2", std::string("\0\1\0\2\0\3\0\144", 8)) == expected);
}

TEST_CASE_METHOD(Arrays, "a third array names the client of each row") {
  const auto x =
      folder.Write("x.npy", Npy("<f4", "(2,)", Values<float>({1, 2})));
  const auto c =
      folder.Write("c.npy", Npy("<i4", "(2, 1)", Values<std::int32_t>({7, 3})));
  const auto examples =
      ReadYaml(Yaml(x, absl::StrCat(", clients: \"", c.string(), "\"")));
  INFO(examples.status());
  REQUIRE(examples.ok());
  CHECK(IsConsistent(*examples));
  CHECK(examples->data.example_shape == Shape{1});
  CHECK(examples->owners == Names{"7", "3"});
  folder.Write("c.npy", Npy("<f4", "(2,)", Values<float>({7, 0.5f})));
  CHECK(ErrorOf(Yaml(x, absl::StrCat(", clients: \"", c.string(), "\""))) ==
        c.string() + ": expected whole numbers in 0 .. 16777215, found 0.5");
}

TEST_CASE_METHOD(Arrays, "arrays that are cut, misdeclared, empty or hostile") {
  const std::string data = Values<float>({1, 2, 3, 4});
  CHECK(Error("") == "expected a header of NumPy, found the end of the file");
  CHECK(Error("PK\3\4 an archive, say") ==
        "expected an array of NumPy (\\x93NUMPY first)");
  CHECK(Error(Npy("<f4", "(2, 2)", data).substr(0, 40)) ==
        "expected a header of NumPy, found the end of the file");
  CHECK(Error(Npy("<f4", "(2, 2)", data + "x")) ==
        "expected 16 bytes for 2 x 2 values, found 17");
  CHECK(Error(Npy("<f4", "(2, 2)", data + data)) ==
        "expected 16 bytes for 2 x 2 values, found more");
  CHECK(Error(Npy("<f4", "(2, 2)", data.substr(0, 12))) ==
        "expected 16 bytes for 2 x 2 values, found 12");
  CHECK(Error(Npy("<f4", "(2, 4294967296)", data)) ==
        "expected 34359738368 bytes for 2 x 4294967296 values, found 16");
  CHECK(Error(Npy("<f4", "(2, 9223372036854775807)", data))
            .find("expected between 1 and 17179869184 values") == 0);
  CHECK(Error(Npy("<f4", "(2, 0)", "")).find("expected between 1 and") == 0);
  const auto three =
      folder.Write("x.npy", Npy("<f4", "(3, 1)", data.substr(0, 12)));
  CHECK(ErrorOf(Yaml(three)) ==
        labels.string() +
            ": expected 3 values in one dimension, one for each "
            "row of " +
            three.string() + "; found 2");
  CHECK(Error(Npy("<f4", "()", data.substr(0, 4))) ==
        "expected examples along the first dimension, found a single value");
  CHECK(Error(Npy("<f4", "(2,)", data.substr(0, 8), "True"))
            .find("expected an array in C order") == 0);
  for (const std::string descr : {"<c8", "<U4", "|O", "<f2", "<f16", "f4"}) {
    CHECK(Error(Npy(descr, "(2,)", data))
              .find("expected booleans, integers, float32 or float64") == 0);
  }
  for (const std::string shape :
       {"2", "(-2,)", "(2", "(2 2)", "(1,1,1,1,1,1,1,1,1)",
        "(99999999999999999"
        "999,)"}) {
    CHECK(Error(Npy("<f4", shape, data)).find("expected a header such as") ==
          0);
  }
  CHECK(Error(Npy("<f4", "(1, 2)", Values<float>({1, INFINITY}))) ==
        "value 1: expected a finite number within float32");
  std::string version9 = Npy("<f4", "(2,)", data);
  version9[6] = 9;
  CHECK(Error(version9) == "expected version 1 to 3, found 9");
}

std::filesystem::path WriteZip(
    const Folder& folder,
    const std::vector<std::pair<std::string, std::string>>& members) {
  const auto path = folder.path() / "set.npz";
  zip_t* const archive =
      zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  REQUIRE(archive != nullptr);
  for (const auto& [name, bytes] : members) {
    zip_file_add(archive, name.c_str(),
                 zip_source_buffer(archive, bytes.data(), bytes.size(), 0), 0);
  }
  REQUIRE(zip_close(archive) == 0);
  return path;
}

TEST_CASE("members of an archive are arrays by name") {
  const Folder folder;
  const auto path = WriteZip(
      folder, {{"x.npy", Npy("<f8", "(2, 2)", Values<double>({1, 2, 3, 4}))},
               {"y.npy", Npy("|u1", "(2,)", Values<std::uint8_t>({1, 0}))},
               {"who.npy", Npy("|u1", "(2,)", Values<std::uint8_t>({5, 5}))}});
  const std::string npz = "npz: {path: \"" + path.string() + "\", ";
  const auto examples = ReadYaml(npz + "features: x, labels: y, clients: who}");
  INFO(examples.status());
  REQUIRE(examples.ok());
  CHECK(IsConsistent(*examples));
  CHECK(examples->data.features == Floats{1, 2, 3, 4});
  CHECK(examples->owners == Names{"5"});
  CHECK(ErrorOf(npz + "features: x, labels: z}") ==
        path.string() +
            ": expected a member \"z.npy\", found \"x.npy\", "
            "\"y.npy\", \"who.npy\"");

  std::string bytes(std::filesystem::file_size(path), '\0');
  std::ifstream(path, std::ios::binary)
      .read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  for (const std::size_t size : {std::size_t{0}, bytes.size() / 2}) {
    folder.Write("set.npz", bytes.substr(0, size));
    CHECK(ErrorOf(npz + "features: x, labels: y}")
              .find(path.string() + ": expected a zip archive") == 0);
  }
  bytes[60] ^= 0x55;  // within the first member
  folder.Write("set.npz", bytes);
  CHECK(ErrorOf(npz + "features: x, labels: y}").find("x.npy: ") !=
        std::string::npos);
}

TEST_CASE("Synthetic has the sizes, the spread and the classes of its paper") {
  const auto examples =
      ReadYaml("synthetic: {alpha: 0, beta: 0, devices: 200}");
  REQUIRE(examples.ok());
  CHECK(IsConsistent(*examples));
  CHECK(examples->data.example_shape == Shape{60});
  CHECK(examples->owners.size() == 200);
  std::vector<std::size_t> sizes(200);
  for (const std::uint32_t owner : examples->owner) ++sizes[owner];
  // Median of lognormal(4, 2) + 50 is 104.6; that of 200 draws is within 30 of
  // it but for one seed in ten thousand.
  std::sort(sizes.begin(), sizes.end());
  CHECK(sizes.front() >= 50);
  CHECK(sizes[100] > 75);
  CHECK(sizes[100] < 150);
  // Within a device the variance of feature j is j^-1.2.
  const std::size_t largest = static_cast<std::size_t>(
      std::max_element(examples->owner.begin(), examples->owner.end()) -
      examples->owner.begin());
  const std::uint32_t device = examples->owner[largest];
  for (const std::size_t j : {0, 9}) {
    double sum = 0, squares = 0, count = 0;
    for (std::size_t i = 0; i < examples->owner.size(); ++i) {
      if (examples->owner[i] != device) continue;
      const double x = examples->data.features[i * 60 + j];
      sum += x;
      squares += x * x;
      ++count;
    }
    const double variance = squares / count - sum / count * sum / count;
    const double expected = std::pow(double(j + 1), -1.2);
    // Six standard errors of a variance.
    CHECK(std::abs(variance - expected) < 6 * expected * std::sqrt(2 / count));
  }
}

TEST_CASE("Synthetic is split by part and drawn from the run's key") {
  const std::string some = "synthetic: {alpha: 1, beta: 1, devices: 3";
  const auto all = ReadYaml(some + "}");
  const auto train = ReadYaml(some + ", part: train}");
  const auto test = ReadYaml(some + ", part: test}");
  REQUIRE(test.ok());
  CHECK(train->data.Size() + test->data.Size() == all->data.Size());
  CHECK(train->data.features[59] == all->data.features[59]);
  CHECK(test->data.targets.back() == all->data.targets.back());
  v1::DataSource source;
  source.mutable_synthetic()->set_alpha(1);
  const auto other = ReadExamples(source, "test", KeyFromSeed(2));
  CHECK(other->data.features[0] != all->data.features[0]);
  // The first devices do not depend on how many there are.
  const auto more = ReadYaml("synthetic: {alpha: 1, beta: 1, devices: 4}");
  CHECK(std::equal(all->data.targets.begin(), all->data.targets.end(),
                   more->data.targets.begin()));
  // One model for all: the same x has the same class everywhere, so alpha is
  // not looked at.
  const auto iid = ReadYaml("synthetic: {alpha: 9, devices: 2, iid: true}");
  const auto same = ReadYaml("synthetic: {alpha: 0, devices: 2, iid: true}");
  CHECK(iid->data.targets == same->data.targets);
}

}  // namespace
}  // namespace tributary::datasets
