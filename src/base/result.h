// Result<T>: a value or an Error, for everything that input, files, networks, tools or model text can break.
//
// A message reads `[where] what must hold, got <values>; <what to do>`. Each kind maps to one exit code and
// one HTTP status (exit_code, http_status), so the caller never decides that again.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace melete {

enum class ErrorKind { invalid_argument, not_found, exhausted, timeout, cancelled, corrupt, unavailable };

const char* name_of(ErrorKind kind);
int exit_code(ErrorKind kind);  // 2 invalid, 3 not found, 4 exhausted, 5 timeout, 130 cancelled, 6 corrupt, 7
                                // unavailable
int http_status(ErrorKind kind);  // 400, 404, 429, 504, 499, 422, 503

struct Error {
  ErrorKind kind = ErrorKind::invalid_argument;
  std::string message;
};

template <class... Args>
Error invalid_argument(const Args&... args) {
  return {ErrorKind::invalid_argument, cat(args...)};
}
template <class... Args>
Error not_found(const Args&... args) {
  return {ErrorKind::not_found, cat(args...)};
}
template <class... Args>
Error exhausted(const Args&... args) {
  return {ErrorKind::exhausted, cat(args...)};
}
template <class... Args>
Error timed_out(const Args&... args) {
  return {ErrorKind::timeout, cat(args...)};
}
template <class... Args>
Error cancelled(const Args&... args) {
  return {ErrorKind::cancelled, cat(args...)};
}
template <class... Args>
Error corrupt(const Args&... args) {
  return {ErrorKind::corrupt, cat(args...)};
}
template <class... Args>
Error unavailable(const Args&... args) {
  return {ErrorKind::unavailable, cat(args...)};
}

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // The value; a Bug if this is an error, since the caller must have asked ok() first.
  T& value() & {
    MELETE_CHECK(ok(), error_message());
    return std::get<0>(state_);
  }
  const T& value() const& {
    MELETE_CHECK(ok(), error_message());
    return std::get<0>(state_);
  }
  T&& value() && {
    MELETE_CHECK(ok(), error_message());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    MELETE_CHECK(!ok());
    return std::get<1>(state_);
  }

 private:
  std::string error_message() const { return ok() ? std::string() : std::get<1>(state_).message; }

  std::variant<T, Error> state_;
};

struct Unit {};
using Status = Result<Unit>;
inline Status ok_status() { return Unit{}; }

}  // namespace melete

// Returns the Error of `expression` from the enclosing function, or goes on.
#define MELETE_RETURN_IF_ERROR(expression)                                                       \
  do {                                                                                           \
    if (auto melete_status_ = (expression); !melete_status_.ok()) return melete_status_.error(); \
  } while (false)

#define MELETE_CONCAT_(a, b) a##b
#define MELETE_CONCAT(a, b) MELETE_CONCAT_(a, b)

// MELETE_ASSIGN_OR_RETURN(auto file, read_file(path)): declares `file`, or returns the Error.
#define MELETE_ASSIGN_OR_RETURN(declaration, expression) \
  MELETE_ASSIGN_OR_RETURN_(MELETE_CONCAT(melete_result_, __LINE__), declaration, expression)
#define MELETE_ASSIGN_OR_RETURN_(name, declaration, expression) \
  auto name = (expression);                                     \
  if (!name.ok()) return name.error();                          \
  declaration = std::move(name).value()
