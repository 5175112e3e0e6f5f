// How a table or other text given with a question stands in the user's message. Training data and
// conversations must agree on it to the byte, since small models don't forgive.
#pragma once

#include <string>
#include <string_view>

namespace melete {

// The text without line breaks at its end, then a blank line; nothing if there is no text.
inline std::string attachment_text(std::string_view text) {
  const size_t last = text.find_last_not_of("\r\n");
  return last == std::string_view::npos ? std::string() : std::string(text.substr(0, last + 1)) + "\n\n";
}

}  // namespace melete
