// What kind of file some bytes are, from the bytes alone.
#pragma once

#include <string_view>

namespace melete {

enum class FileType { unknown, png, jpeg, webp, gif, sound, video, heif };

struct Sniffed {
  FileType type = FileType::unknown;
  const char* demuxer = "";  // video: ffmpeg's name of the container
};

// `unknown` where no signature is found: perhaps text.
Sniffed sniff(std::string_view bytes);

// True if the bytes are UTF-8 without control characters other than tab, line feed, form feed and carriage
// return.
bool is_plain_text(std::string_view bytes);

}  // namespace melete
