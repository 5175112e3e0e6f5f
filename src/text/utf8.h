// Whole characters out of a stream that is cut anywhere.
#pragma once

#include <string>
#include <string_view>

namespace melete {

// Bytes at the end of `text` that begin a UTF-8 character whose rest may still come: 0 to 3.
size_t incomplete_utf8_tail(std::string_view text);

// Each run of bytes that is no UTF-8 replaced by U+FFFD, one for a byte.
std::string valid_utf8(std::string_view text);

// Holds back a cut character until the rest of it comes.
class Utf8Buffer {
 public:
  // What can be shown now, as valid UTF-8.
  std::string put(std::string_view bytes);
  // What is left at the end of the stream.
  std::string finish();

 private:
  std::string held_;
};

}  // namespace melete
