// 128-bit hash of bytes (MurmurHash3 x64-128, Appleby 2010), the same on every platform. For cache keys: fast
// and well mixed, not made to resist someone who searches for two inputs with one hash.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace melete {

std::array<uint8_t, 16> hash_bytes(std::span<const uint8_t> bytes, uint64_t seed);

}  // namespace melete
