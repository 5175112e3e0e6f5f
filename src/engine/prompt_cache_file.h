// Remembered prompts (RadixCache) in a file, so that a later process finds them.
//
// Layout, integers little-endian as the machine's: "MELETEKV", u64 version, u64 length of the header and the
// header (the model's fingerprint and the pages' layout), then the nodes, parents first: i64 parent (-1: the
// root; -2: the end), u64 number of positions, their keys of 16 bytes, u64 mask of the groups that have a
// page, the pages; at last the 16 bytes of a hash over all before it (hash_bytes of each piece, seeded with
// the one before). Not made to resist someone who forges it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "engine/radix_cache.h"

namespace melete {

// fingerprint: of everything that the pages' contents depend on.
Status save_prompt_cache(const std::filesystem::path& file, const RadixCache& cache, const KvPool& pool,
                         std::string_view fingerprint);

// Fills the cache, which forgets what it held, with as much as finds room; returns the number of positions.
// Errors: not_found (also of an earlier version's file), corrupt (cut or changed), invalid_argument (another
// fingerprint or layout); the cache is empty then.
Result<int64_t> load_prompt_cache(const std::filesystem::path& file, RadixCache& cache, KvPool& pool,
                                  std::string_view fingerprint);

// Names, sizes and times of a model's files; a changed file has another identity.
std::string files_identity(const std::filesystem::path& model);

}  // namespace melete
