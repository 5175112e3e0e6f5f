#include "engine/memory.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <sstream>

namespace melete {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max();

// The number at the start of a file; kUnknown if there is none ("max").
int64_t number_in(const fs::path& path) {
  std::ifstream file(path);
  int64_t value = 0;
  return file >> value ? value : kUnknown;
}

int64_t system_available(const fs::path& root) {
  std::ifstream file(root / "proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    int64_t kib = 0;
    if (words >> name >> kib && name == "MemAvailable:") return kib * 1024;
  }
  return kUnknown;
}

// What the file cache of a group holds counts as used, but is given up when memory is short.
int64_t inactive_file(const fs::path& stat, const char* key) {
  std::ifstream file(stat);
  std::string name;
  for (int64_t value = 0; file >> name >> value;)
    if (name == key) return value;
  return 0;
}

int64_t left_of(int64_t limit, int64_t used, int64_t reclaimable) {
  if (limit == kUnknown || used == kUnknown) return kUnknown;
  return std::max<int64_t>(0, limit - std::max<int64_t>(0, used - reclaimable));
}

// A group and all that contain it: each may have a limit.
int64_t group_available(const fs::path& mount, const std::string& group, const char* limit, const char* usage,
                        const char* reclaimable) {
  int64_t least = kUnknown;
  for (fs::path relative = fs::path(group).relative_path();; relative = relative.parent_path()) {
    const fs::path folder = mount / relative;
    least = std::min(least, left_of(number_in(folder / limit), number_in(folder / usage),
                                    inactive_file(folder / "memory.stat", reclaimable)));
    if (relative.empty()) return least;
  }
}

int64_t groups_available(const fs::path& root) {
  std::ifstream file(root / "proc/self/cgroup");
  int64_t least = kUnknown;
  for (std::string line; std::getline(file, line);) {  // "ID:CONTROLLERS:PATH"; version 2 has ID 0
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1),
                      path = line.substr(second + 1);
    if (controllers.empty())
      least = std::min(least, group_available(root / "sys/fs/cgroup", path, "memory.max", "memory.current",
                                              "inactive_file"));
    else if (controllers == "memory")
      least = std::min(least, group_available(root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes",
                                              "memory.usage_in_bytes", "total_inactive_file"));
  }
  return least;
}

}  // namespace

int64_t available_memory(const fs::path& root) {
  return std::min(system_available(root), groups_available(root));
}

std::string size_text(int64_t bytes) {
  const bool large = bytes >= int64_t{1} << 30;
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %s", static_cast<double>(bytes) / (large ? 1 << 30 : 1 << 20),
                large ? "GiB" : "MiB");
  return text;
}

Status check_memory(const std::string& model, int64_t needed_bytes, int64_t available_bytes) {
  if (needed_bytes <= available_bytes) return ok_status();
  return exhausted("[", model, "] the weights must fit the memory that is free, got ",
                   size_text(needed_bytes), " needed and ", size_text(available_bytes),
                   " free; choose 8-bit or 4-bit weights, a smaller model, or free some memory");
}

}  // namespace melete
