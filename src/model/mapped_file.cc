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

int64_t nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }

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
  const FileStamp stamp{info.st_dev, info.st_ino, info.st_size, nanoseconds(info.st_mtim),
                        nanoseconds(info.st_ctim)};
  const bool is_private = info.st_uid == ::geteuid() && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  return std::shared_ptr<const MappedFile>(new MappedFile(path, data, stamp, is_private));
}

void MappedFile::forget_pages() const { ::madvise(data_, size_, MADV_DONTNEED); }

MappedFile::~MappedFile() { ::munmap(data_, size_); }

}  // namespace melete
