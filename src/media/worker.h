// The decoding worker: this same executable, started again to decode one file's bytes and nothing else.
//
// It is entered before main(), by a constructor that looks for a flag in the arguments, so every program that
// links this room can decode. A fresh process rather than a fork: it holds none of this process's memory
// (keys, other people's files), no locks of other threads, and its memory limit is its own. What it does is
// bounded by enter_decoder_sandbox, 1 GiB of address space and 1.8 s of its time; what it answers is checked
// as if it were hostile.
#pragma once

#include <string_view>

#include "base/result.h"
#include "media/part.h"

namespace melete {

enum class Decoder : char { png = 'p', jpeg = 'j', webp = 'w', gif = 'g', sound = 's' };

// Decodes in a worker. Errors: those of the decoder; exhausted (memory); timeout; corrupt (the worker died);
// unavailable (no process or no seccomp).
Result<Part> decode_in_worker(Decoder decoder, std::string_view bytes);

// The answer that a worker writes for a Part or Error, and its reader, which accepts any bytes (corrupt if
// broken).
std::string pack_answer(const Result<Part>& answer);
Result<Part> unpack_answer(std::string_view packed);

}  // namespace melete
