#include "model/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace melete {
namespace {

Error system_error(const std::filesystem::path& path) {
  const ErrorKind kind = errno == ENOENT ? ErrorKind::not_found : ErrorKind::unavailable;
  return {kind, cat("[", path.string(), "] the file must be possible to open, got: ", std::strerror(errno),
                    "; check the path and its permissions")};
}

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return system_error(path);
  struct stat info {};
  void* data = MAP_FAILED;
  const bool known = ::fstat(fd, &info) == 0, regular = known && S_ISREG(info.st_mode);
  if (regular && info.st_size > 0)
    data = ::mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
  const Error error = system_error(path);
  ::close(fd);
  if (known && !regular)
    return corrupt("[", path.string(), "] must be a regular file, got another kind; check the path");
  if (regular && info.st_size == 0)
    return corrupt("[", path.string(), "] must hold a header, got an empty file; get it again");
  if (data == MAP_FAILED) return error;
  return std::shared_ptr<const MappedFile>(new MappedFile(data, static_cast<size_t>(info.st_size)));
}

MappedFile::~MappedFile() { ::munmap(data_, size_); }

}  // namespace melete
