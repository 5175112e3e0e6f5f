// Clips and sounds in containers, through the ffprobe and ffmpeg programs.
//
// They get the bytes as a sealed in-memory file on descriptor 0, with the container's name fixed, and run
// under program_filter, Landlock (system libraries only) and limits: no network, no files, no processes, 1
// GiB of memory, two seconds.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "media/part.h"

namespace melete {

// `demuxer`: as sniff() says. A Video, or Audio where the file has sound only. A clip whose frames fit in
// kMaxVideoBytes comes whole; of a longer one come the frames that sampled_frames takes with default limits,
// scaled down if needed, and of one too long to decode in time only key frames. Errors: corrupt, exhausted,
// timeout, unavailable (no ffmpeg).
Result<Part> decode_video(std::string_view bytes, const char* demuxer);

// Reads frames as ffmpeg writes them, a row of binary PPM (P6) pictures of one size. Error: corrupt.
Result<std::vector<Image>> parse_ppm_frames(std::string_view bytes);

}  // namespace melete
