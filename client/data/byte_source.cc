// SPDX-License-Identifier: Apache-2.0
#include "client/data/byte_source.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tributary::data {
namespace {

constexpr unsigned kBuffer = 1 << 17;
constexpr std::size_t kLargestRead = std::size_t{1} << 30;

class File final : public ByteSource {
 public:
  File(gzFile file, std::string name) : file_(file), name_(std::move(name)) {}
  ~File() override { gzclose_r(file_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  absl::StatusOr<std::size_t> Read(std::span<std::uint8_t> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const std::size_t wanted = std::min(out.size() - done, kLargestRead);
      const int count =
          gzread(file_, out.data() + done, static_cast<unsigned>(wanted));
      int code = Z_OK;
      const char* reason = gzerror(file_, &code);
      // A compressed file that ends early gives Z_BUF_ERROR at its last bytes,
      // not a negative count.
      if (count < 0 || (code != Z_OK && code != Z_STREAM_END)) {
        if (code == Z_ERRNO) reason = std::strerror(errno);
        return absl::DataLossError(absl::StrCat(
            name_,
            ": expected a whole file, but it cannot be read to its end: ",
            reason));
      }
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  std::string Name() const override { return name_; }

 private:
  gzFile file_;
  std::string name_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> OpenFile(
    const std::filesystem::path& path) {
  const std::string name = path.string();
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    return absl::NotFoundError(absl::StrCat(name, ": no such file"));
  }
  if (status.type() == std::filesystem::file_type::directory) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": expected a file, found a folder"));
  }
  const gzFile file = gzopen(name.c_str(), "rb");
  if (file == nullptr) {
    const std::string reason = std::strerror(errno);
    return absl::PermissionDeniedError(absl::StrCat(name, ": ", reason));
  }
  auto source = std::make_unique<File>(file, name);
  gzbuffer(file, kBuffer);
  if (path.extension() == ".gz" && gzdirect(file) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": expected gzip, as its name says; it is not"));
  }
  return source;
}

}  // namespace tributary::data
