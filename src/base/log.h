// Log lines on stderr; stdout belongs to answers and data.
#pragma once

#include <string>

#include "base/check.h"

namespace melete {

enum class LogLevel { debug, info, warn, error };

void set_log_level(LogLevel lowest);  // info until set
void log_line(LogLevel level, const std::string& message);

template <class... Args>
void log_debug(const Args&... args) {
  log_line(LogLevel::debug, cat(args...));
}
template <class... Args>
void log_info(const Args&... args) {
  log_line(LogLevel::info, cat(args...));
}
template <class... Args>
void log_warn(const Args&... args) {
  log_line(LogLevel::warn, cat(args...));
}
template <class... Args>
void log_error(const Args&... args) {
  log_line(LogLevel::error, cat(args...));
}

}  // namespace melete
