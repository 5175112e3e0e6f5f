#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/descriptor.h"
#include "base/file_writer.h"

namespace melete {
namespace {

Error file_error(const std::filesystem::path& path, const char* action) {
  const ErrorKind kind = errno == ENOENT ? ErrorKind::not_found : ErrorKind::unavailable;
  return {kind, cat("[", path.string(), "] the file must be possible to ", action,
                    ", got: ", std::strerror(errno), "; check the path and its permissions")};
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, uint64_t max_bytes) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return file_error(path, "open");
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return file_error(path, "read");
  if (S_ISDIR(info.st_mode))
    return invalid_argument("[", path.string(), "] must be a file, got a folder; name a file");
  std::string bytes;
  if (S_ISREG(info.st_mode)) bytes.reserve(static_cast<size_t>(std::min<uint64_t>(info.st_size, max_bytes)));
  char buffer[65536];
  while (true) {
    const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error(path, "read");
    if (n == 0) return bytes;
    if (bytes.size() + static_cast<size_t>(n) > max_bytes)
      return exhausted("[", path.string(), "] must be at most ", max_bytes,
                       " bytes, got more; give a smaller file");
    bytes.append(buffer, static_cast<size_t>(n));
  }
}

Result<FileWriter> FileWriter::create(const std::filesystem::path& path) {
  std::error_code ignored;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ignored);
  std::string temporary = path.string() + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return file_error(path, "write");
  return FileWriter(path, std::move(temporary), fd);
}

FileWriter::FileWriter(FileWriter&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      fd_(std::exchange(other.fd_, -1)) {}

FileWriter::~FileWriter() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

Status FileWriter::write(std::string_view bytes) {
  return write_all(fd_, bytes) ? ok_status() : file_error(path_, "write");
}

Status FileWriter::write(std::span<const std::byte> bytes) {
  return write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

Status FileWriter::commit(unsigned mode) {
  const bool written =
      ::fchmod(fd_, mode) == 0 && ::fsync(fd_) == 0 && ::rename(temporary_.c_str(), path_.c_str()) == 0;
  if (!written) return file_error(path_, "write");
  ::close(std::exchange(fd_, -1));
  return ok_status();
}

Status write_file(const std::filesystem::path& path, std::string_view bytes) {
  MELETE_ASSIGN_OR_RETURN(FileWriter file, FileWriter::create(path));
  MELETE_RETURN_IF_ERROR(file.write(bytes));
  return file.commit();
}

}  // namespace melete
