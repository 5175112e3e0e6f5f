#include "text/utf8.h"

#include <algorithm>
#include <cstdint>

#include "text/unicode.h"

namespace melete {

size_t incomplete_utf8_tail(std::string_view text) {
  for (size_t length = 1; length <= std::min<size_t>(3, text.size()); ++length) {
    const auto byte = static_cast<uint8_t>(text[text.size() - length]);
    if ((byte & 0xC0) == 0x80) continue;
    const size_t needed = byte >= 0xF0 && byte < 0xF5   ? 4
                          : byte >= 0xE0 && byte < 0xF0 ? 3
                          : byte >= 0xC2 && byte < 0xE0 ? 2
                                                        : 1;
    return needed > length ? length : 0;
  }
  return 0;
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  for (size_t pos = 0; pos < text.size();) {
    const Char c = char_at(text, pos);
    if (c.code_point < 0)
      out += "\xEF\xBF\xBD";
    else
      out.append(text, pos, c.length);
    pos += c.length;
  }
  return out;
}

std::string Utf8Buffer::put(std::string_view bytes) {
  held_ += bytes;
  const size_t tail = incomplete_utf8_tail(held_);
  const std::string shown = valid_utf8(std::string_view(held_).substr(0, held_.size() - tail));
  held_.erase(0, held_.size() - tail);
  return shown;
}

std::string Utf8Buffer::finish() {
  const std::string shown = valid_utf8(held_);
  held_.clear();
  return shown;
}

}  // namespace melete
