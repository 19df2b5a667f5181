// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/zip_archive.h"

#include <zip.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/data/field.h"

namespace tributary::datasets {
namespace {

constexpr std::size_t kLargestRead = std::size_t{1} << 30;
constexpr zip_int64_t kMembersShown = 10;

class MemberSource final : public data::ByteSource {
 public:
  MemberSource(zip_file_t* file, std::string name)
      : file_(file), name_(std::move(name)) {}
  ~MemberSource() override { zip_fclose(file_); }
  MemberSource(const MemberSource&) = delete;
  MemberSource& operator=(const MemberSource&) = delete;

  absl::StatusOr<std::size_t> Read(std::span<std::uint8_t> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const zip_int64_t count = zip_fread(
          file_, out.data() + done, std::min(out.size() - done, kLargestRead));
      if (count < 0) {
        return absl::DataLossError(absl::StrCat(
            name_,
            ": expected a whole member, but it cannot be read to its "
            "end: ",
            zip_file_strerror(file_)));
      }
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }
  std::string Name() const override { return name_; }

 private:
  zip_file_t* file_;
  std::string name_;
};

class LibzipArchive final : public ZipArchive {
 public:
  LibzipArchive(zip_t* archive, std::string name)
      : archive_(archive), name_(std::move(name)) {}
  ~LibzipArchive() override { zip_discard(archive_); }
  LibzipArchive(const LibzipArchive&) = delete;
  LibzipArchive& operator=(const LibzipArchive&) = delete;

  absl::StatusOr<std::unique_ptr<data::ByteSource>> Member(
      const std::string& name) override {
    const zip_int64_t index = zip_name_locate(archive_, name.c_str(), 0);
    if (index < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(name_, ": expected a member ", data::Quote(name),
                       ", found ", Members()));
    }
    zip_file_t* const file =
        zip_fopen_index(archive_, static_cast<zip_uint64_t>(index), 0);
    if (file == nullptr) {
      return absl::DataLossError(absl::StrCat(
          name_, ": ", name, ": cannot be opened: ", zip_strerror(archive_)));
    }
    return std::make_unique<MemberSource>(file,
                                          absl::StrCat(name_, ": ", name));
  }

 private:
  std::string Members() const {
    const zip_int64_t count = zip_get_num_entries(archive_, 0);
    std::string members;
    for (zip_int64_t i = 0; i < std::min(count, kMembersShown); ++i) {
      const char* const name =
          zip_get_name(archive_, static_cast<zip_uint64_t>(i), 0);
      absl::StrAppend(&members, i == 0 ? "" : ", ",
                      data::Quote(name == nullptr ? "" : name));
    }
    if (count > kMembersShown) absl::StrAppend(&members, ", ...");
    return members.empty() ? "none" : members;
  }

  zip_t* archive_;
  std::string name_;
};

std::string Text(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ZipArchive>> ZipArchive::Open(
    const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    return absl::NotFoundError(absl::StrCat(file.string(), ": no such file"));
  }
  int code = 0;
  zip_t* const archive = zip_open(file.c_str(), ZIP_RDONLY, &code);
  if (archive == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.string(),
                     ": expected a zip archive such as an .npz: ", Text(code)));
  }
  return std::make_unique<LibzipArchive>(archive, file.string());
}

absl::StatusOr<std::unique_ptr<ZipArchive>> ZipArchive::OpenBytes(
    std::span<const std::uint8_t> bytes) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* const source =
      zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  zip_t* const archive = source == nullptr
                             ? nullptr
                             : zip_open_from_source(source, ZIP_RDONLY, &error);
  if (archive == nullptr) {
    if (source != nullptr) zip_source_free(source);
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    return absl::InvalidArgumentError(
        absl::StrCat("memory: expected a zip archive: ", reason));
  }
  zip_error_fini(&error);
  return std::make_unique<LibzipArchive>(archive, "memory");
}

}  // namespace tributary::datasets
