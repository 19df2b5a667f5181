// SPDX-License-Identifier: Apache-2.0
// A folder that lives as long as the test, and files made in it.
#pragma once

#include <stdlib.h>
#include <zlib.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace tributary::data {

class Folder {
 public:
  Folder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "tributary-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  std::filesystem::path Write(const std::string& name,
                              std::string_view content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }

  std::filesystem::path WriteGzip(const std::string& name,
                                  std::string_view content) const {
    const gzFile file = gzopen((path_ / name).c_str(), "wb");
    gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
    gzclose(file);
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

inline std::string BigEndian(std::uint32_t value) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) {
    bytes.push_back(static_cast<char>(value >> shift));
  }
  return bytes;
}

// The bytes of an IDX file: header, then `values` as they are.
inline std::string Idx(std::uint8_t type,
                       const std::vector<std::uint32_t>& shape,
                       std::string_view values) {
  std::string bytes = {0, 0, static_cast<char>(type),
                       static_cast<char>(shape.size())};
  for (const std::uint32_t extent : shape) bytes += BigEndian(extent);
  return bytes.append(values);
}

inline std::string BigEndianFloats(const std::vector<float>& values) {
  std::string bytes;
  for (const float value : values) {
    bytes += BigEndian(std::bit_cast<std::uint32_t>(value));
  }
  return bytes;
}

}  // namespace tributary::data
