// SPDX-License-Identifier: Apache-2.0
#include "simulation/write_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace tributary::simulation {

absl::Status WriteFile(const std::filesystem::path& file,
                       const std::function<void(std::ostream&)>& write) {
  std::filesystem::path temporary = file;
  temporary += ".partial";
  errno = 0;
  {
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    write(out);
    out.close();
    if (!out) {
      const std::string why = std::strerror(errno);
      std::error_code ignored;
      std::filesystem::remove(temporary, ignored);
      return absl::UnavailableError(
          absl::StrCat(file.string(), ": cannot write: ", why));
    }
  }
  std::error_code error;
  std::filesystem::rename(temporary, file, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat(file.string(), ": cannot write: ", error.message()));
  }
  return absl::OkStatus();
}

absl::Status WriteFile(const std::filesystem::path& file,
                       std::initializer_list<std::string_view> parts) {
  return WriteFile(file, [&](std::ostream& out) {
    for (const std::string_view part : parts) {
      out.write(part.data(), static_cast<std::streamsize>(part.size()));
    }
  });
}

}  // namespace tributary::simulation
