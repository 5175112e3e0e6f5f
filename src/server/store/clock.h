// Wall time in milliseconds since 1970 (UTC), given to whatever lets things expire, so that tests can choose
// it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace melete {

using Clock = std::function<int64_t()>;

inline int64_t system_time_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

constexpr int64_t kDayMs = 24 * 3600 * 1000;

}  // namespace melete
