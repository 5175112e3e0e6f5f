// Memory that this process may still take, and the refusal of a model that needs more.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace melete {

// The least of what the system says is available (/proc/meminfo) and what the process's control groups leave
// (cgroup v2 and v1). INT64_MAX where neither is known. `root`: of the file system, for tests.
int64_t available_memory(const std::filesystem::path& root = "/");

// Error: exhausted, naming both sizes.
Status check_memory(const std::string& model, int64_t needed_bytes, int64_t available_bytes);

// "1.25 GiB"
std::string size_text(int64_t bytes);

}  // namespace melete
