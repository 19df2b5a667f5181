// SPDX-License-Identifier: Apache-2.0
// MATLAB level 5 files, byte by byte ("MAT-File Format", MathWorks).
#pragma once

#include <zlib.h>

#include <string>
#include <vector>

#include "tests/simulation/datasets/sources.h"

namespace tributary::datasets {

inline std::string MatHeader() {
  std::string header = "MATLAB 5.0 MAT-file";
  header.resize(124, ' ');
  return header + BytesOf<std::uint16_t>(0x0100) + "IM";
}

inline std::string MatElement(std::uint32_t type, const std::string& data) {
  std::string bytes =
      BytesOf(type) + BytesOf(static_cast<std::uint32_t>(data.size())) + data;
  bytes.resize((bytes.size() + 7) / 8 * 8);
  return bytes;
}

// What a matrix consists of; each field may be made wrong.
struct MatMatrix {
  std::string name;
  std::vector<std::int32_t> shape;
  std::string data;         // of the numbers
  std::uint32_t type = 9;   // of the numbers: double
  std::uint32_t flags = 6;  // class: double
};

inline std::string MatBytes(const MatMatrix& matrix) {
  std::string shape;
  for (const std::int32_t extent : matrix.shape) shape += BytesOf(extent);
  return MatElement(
      14, MatElement(6, BytesOf(matrix.flags) + BytesOf<std::uint32_t>(0)) +
              MatElement(5, shape) + MatElement(1, matrix.name) +
              MatElement(matrix.type, matrix.data));
}

inline std::string Doubles(const std::vector<double>& values) {
  std::string bytes;
  for (const double value : values) bytes += BytesOf(value);
  return bytes;
}

inline std::string MatCompressed(const std::string& element) {
  std::string bytes(compressBound(element.size()), '\0');
  uLongf size = bytes.size();
  compress(reinterpret_cast<Bytef*>(bytes.data()), &size,
           reinterpret_cast<const Bytef*>(element.data()), element.size());
  bytes.resize(size);
  return BytesOf<std::uint32_t>(15) +
         BytesOf(static_cast<std::uint32_t>(size)) + bytes;
}

}  // namespace tributary::datasets
