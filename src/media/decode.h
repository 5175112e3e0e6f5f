// Bytes from outside -> pixels, samples, frames. Decoders run in a separate process under seccomp and
// resource limits (no files, no network, 1 GiB, two seconds), since decoders are where the bugs are.
//
// Formats: PNG, JPEG (EXIF orientation honoured), WebP, GIF (first frame, or frames as Video), WAV, FLAC,
// OGG, MP3; mp4, webm and other video through the ffmpeg program, sandboxed in the same way.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"
#include "media/part.h"

namespace melete {

// Decodes a file's bytes; the kind is found from the bytes, never from a name. CSV, TSV, JSON and plain UTF-8
// text come back as a string. Errors: corrupt (broken or unknown bytes), exhausted (over a limit), timeout,
// unavailable (ffmpeg absent). `name` is for messages only.
Result<Part> decode_media(std::string_view bytes, std::string_view name);

// The same for a file; errors of read_file as well. At most 256 MiB.
Result<Part> decode_file(const std::filesystem::path& path);

}  // namespace melete
