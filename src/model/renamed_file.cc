#include "model/renamed_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace melete {

RenamedFile::RenamedFile(const std::filesystem::path& path)
    : path_(path), temporary_(path.string() + ".XXXXXX") {
  std::error_code ignored;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ignored);
  fd_ = ::mkostemp(temporary_.data(), O_CLOEXEC);
}

RenamedFile::~RenamedFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  if (!committed_) ::unlink(temporary_.c_str());
}

Status RenamedFile::write(std::span<const std::byte> bytes) {
  if (fd_ < 0) return error();
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return error();
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return ok_status();
}

Status RenamedFile::commit() {
  if (fd_ < 0 || ::fchmod(fd_, 0644) != 0 || ::fsync(fd_) != 0 ||
      ::rename(temporary_.c_str(), path_.c_str()) != 0)
    return error();
  committed_ = true;
  return ok_status();
}

Error RenamedFile::error() const {
  return unavailable("[", path_.string(), "] the file must be possible to write, got: ", std::strerror(errno),
                     "; check the path, its permissions and the free space");
}

}  // namespace melete
