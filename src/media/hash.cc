#include "media/hash.h"

#include <bit>

namespace melete {
namespace {

constexpr uint64_t kFirst = 0x87c37b91114253d5, kSecond = 0x4cf5ad432745937f;

// `count` <= 8 bytes as a little-endian number.
uint64_t load(const uint8_t* bytes, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) value |= uint64_t{bytes[i]} << (8 * i);
  return value;
}

uint64_t mix_first(uint64_t k) { return std::rotl(k * kFirst, 31) * kSecond; }
uint64_t mix_second(uint64_t k) { return std::rotl(k * kSecond, 33) * kFirst; }

uint64_t finish(uint64_t k) {
  k = (k ^ (k >> 33)) * 0xff51afd7ed558ccd;
  k = (k ^ (k >> 33)) * 0xc4ceb9fe1a85ec53;
  return k ^ (k >> 33);
}

}  // namespace

std::array<uint8_t, 16> hash_bytes(std::span<const uint8_t> bytes, uint64_t seed) {
  uint64_t a = seed, b = seed;
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 16; at += 16, left -= 16) {
    a = (std::rotl(a ^ mix_first(load(at, 8)), 27) + b) * 5 + 0x52dce729;
    b = (std::rotl(b ^ mix_second(load(at + 8, 8)), 31) + a) * 5 + 0x38495ab5;
  }
  if (left > 8) b ^= mix_second(load(at + 8, left - 8));
  if (left > 0) a ^= mix_first(load(at, left < 8 ? left : 8));
  a ^= bytes.size();
  b ^= bytes.size();
  a += b;
  b += a;
  a = finish(a);
  b = finish(b);
  a += b;
  b += a;
  std::array<uint8_t, 16> hash{};
  for (size_t i = 0; i < 8; ++i) {
    hash[i] = static_cast<uint8_t>(a >> (8 * i));
    hash[8 + i] = static_cast<uint8_t>(b >> (8 * i));
  }
  return hash;
}

}  // namespace melete
