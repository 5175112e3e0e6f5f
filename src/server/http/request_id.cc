#include "server/http/request_id.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/check.h"
#include "base/hex.h"

namespace melete {

std::string random_hex(int bytes) {
  std::array<unsigned char, 64> random{};
  MELETE_CHECK(bytes <= 64 && ::getrandom(random.data(), static_cast<size_t>(bytes), 0) == bytes);
  return hex_text(std::span(random).first(static_cast<size_t>(bytes)));
}

std::string request_id(std::string_view given) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == ':';
  };
  if (!given.empty() && given.size() <= 128 && std::all_of(given.begin(), given.end(), is_plain))
    return std::string(given);
  return "req_" + random_hex(12);
}

std::string time_text() {
  const auto now = std::chrono::system_clock::now();
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)),
                     ms);
}

}  // namespace melete
