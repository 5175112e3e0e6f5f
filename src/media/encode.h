// Decoded media back to file bytes, for examples, `task show` and the web page.
#pragma once

#include <string>

#include "base/result.h"
#include "media/media.h"

namespace melete {

// PNG, 8-bit RGB. Error: invalid_argument (sizes that don't fit the bytes, or no pixels).
Result<std::string> encode_png(const Image& image);

// WAV, 16-bit mono at the sound's rate; samples are clipped to [-1, 1]. Error: invalid_argument (no samples,
// no rate).
Result<std::string> encode_wav(const Audio& audio);

// MP4 (H.264, 4:2:0, visually lossless) through the ffmpeg program, at the clip's average rate; an odd last
// row or column is repeated. Errors: invalid_argument (no frames, sizes that differ), unavailable (no ffmpeg,
// or one without H.264), timeout.
Result<std::string> encode_mp4(const Video& video);

}  // namespace melete
