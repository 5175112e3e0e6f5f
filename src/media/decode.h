// Bytes from outside -> pixels, samples, frames. Decoders run in a separate process under seccomp and
// resource limits (no files, no network, 1 GiB, 1.8 s of processor time), since decoders are where the bugs
// are.
//
// Formats: PNG, JPEG, WebP (EXIF orientation honoured), GIF; an animated GIF or WebP is a Video, thinned to
// fit. WAV, FLAC, OGG, MP3, AIFF. mp4, mov, webm, mkv, avi, ogv, mpeg and flv through the ffmpeg program,
// sandboxed in the same way: a Video, or Audio where there is only sound (m4a); long clips come as the frames
// that preprocess would take.
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
