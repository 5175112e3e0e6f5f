// MELETE_CHECK: states what must hold if this program has no bug; a failure throws Bug.
//
// For conditions that input can't break. What input can break (files, network, model text, options) returns
// Result<T> instead. Bug is caught in exactly three places: main, the request handler and the engine loop.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace melete {

// A broken promise of our own code, with file, line, condition and the values given to MELETE_CHECK.
class Bug : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// Streams its arguments into one string: cat("got heads=", 3).
template <class... Args>
std::string cat(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return out.str();
}

[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& values);

}  // namespace melete

#define MELETE_CHECK(condition, ...)                                                                        \
  do {                                                                                                      \
    if (!(condition)) [[unlikely]]                                                                          \
      ::melete::check_failed(__FILE__, __LINE__, #condition, ::melete::cat("" __VA_OPT__(, ) __VA_ARGS__)); \
  } while (false)
