// The decoders themselves, bytes -> pixels or samples, in this process. Third-party parsers work here on
// hostile bytes: outside of tests and fuzzers they are entered only by the worker process (media/worker.h).
//
// Each checks sizes in headers before it allocates, and returns corrupt (broken, truncated or lying bytes) or
// exhausted (over a limit below). Transparent pixels are laid on white; EXIF orientation is applied.
#pragma once

#include <string_view>

#include "base/result.h"
#include "media/part.h"

namespace melete {

constexpr int64_t kMaxPixels = 64'000'000;              // of one image or frame
constexpr int64_t kMaxVideoBytes = int64_t{192} << 20;  // of all frames of a clip; frames are dropped to fit
constexpr int64_t kMaxSamples = 64'000'000;             // of one sound, after mixing to one channel

Result<Part> decode_png(std::string_view bytes);
Result<Part> decode_jpeg(std::string_view bytes);   // grey, YCbCr, CMYK and YCCK; sequential or progressive
Result<Part> decode_webp(std::string_view bytes);   // an animation of several frames gives a Video
Result<Part> decode_gif(std::string_view bytes);    // several frames give a Video
Result<Part> decode_sound(std::string_view bytes);  // WAV, FLAC, OGG, MP3, AIFF; channels are averaged

// Exhausted or corrupt unless 1 <= width * height <= kMaxPixels.
Status check_picture_size(const char* format, int64_t width, int64_t height);

}  // namespace melete
