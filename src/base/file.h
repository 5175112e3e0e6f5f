// Whole-file reads and atomic writes. Every file this program writes appears by rename, so a reader or a kill
// -9 sees the old content or the new one, never a part.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace melete {

// Errors: not_found, unavailable (unreadable), exhausted (larger than max_bytes).
Result<std::string> read_file(const std::filesystem::path& path, uint64_t max_bytes = uint64_t{1} << 30);

// Writes beside `path`, fsyncs, renames over it; creates parent folders. The old file survives any error.
Status write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace melete
