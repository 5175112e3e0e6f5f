#include "cli/trainer.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace melete {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> trainer_candidates() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) return {};
  std::vector<fs::path> paths = {self.parent_path() / "melete-train"};
  for (const char* preset : {"release", "test"})
    paths.push_back(self.parent_path().parent_path() / preset / "melete-train");
  return paths;
}

}  // namespace

Error exec_trainer(const std::vector<std::string>& words) {
  std::vector<std::string> all = {"melete-train"};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (std::string& word : all) argv.push_back(word.data());
  argv.push_back(nullptr);
  for (const fs::path& path : trainer_candidates()) {
    if (::access(path.c_str(), X_OK) != 0) continue;
    ::execv(path.c_str(), argv.data());
    return unavailable("[", path.string(), "] must start, got: ", std::strerror(errno),
                       "; run ./dev build train again");
  }
  return unavailable(
      "[melete ", words.empty() ? "" : words.front(),
      "] needs the program melete-train, which is built with libtorch, and found none beside melete; "
      "run: ./dev setup train && ./dev build train");
}

}  // namespace melete
