// Reading a text from its front.
#pragma once

#include <algorithm>
#include <string_view>

namespace melete {

inline constexpr std::string_view kSpaces = " \t\r\n";

inline void skip_spaces(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
}

inline std::string_view trimmed(std::string_view text) {
  skip_spaces(text);
  return text.substr(0, text.find_last_not_of(kSpaces) + 1);
}

// Takes `token` off the front, or leaves `text` as it is.
inline bool take(std::string_view& text, std::string_view token) {
  if (!text.starts_with(token)) return false;
  text.remove_prefix(token.size());
  return true;
}

}  // namespace melete
