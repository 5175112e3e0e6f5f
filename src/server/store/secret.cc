#include "server/store/secret.h"

#include <sodium.h>

#include <algorithm>

#include "base/check.h"

namespace melete {
namespace {

void start_sodium() {
  static const bool ready = sodium_init() >= 0;
  MELETE_CHECK(ready, "libsodium needs a source of random bytes");
}

std::string random_bytes(size_t num_bytes) {
  start_sodium();
  std::string bytes(num_bytes, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

const unsigned char* data_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string to_hex(std::string_view bytes) {
  std::string text(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), data_of(bytes), bytes.size());
  text.pop_back();
  return text;
}

std::string to_base64(std::string_view bytes, int variant) {
  std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), data_of(bytes), bytes.size(), variant);
  text.pop_back();
  return text;
}

std::string blake2b(std::string_view bytes, std::string_view key) {
  start_sodium();
  std::string hash(crypto_generichash_BYTES, '\0');
  const int failed =
      crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(), data_of(bytes),
                         bytes.size(), key.empty() ? nullptr : data_of(key), key.size());
  MELETE_CHECK(failed == 0, "key of ", key.size(), " bytes");
  return to_hex(hash);
}

}  // namespace

std::string new_id(std::string_view prefix) { return std::string(prefix) + "_" + to_hex(random_bytes(16)); }

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string random_token(size_t num_bytes) {
  return to_base64(random_bytes(num_bytes), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

std::string content_hash(std::string_view bytes) { return blake2b(bytes, {}); }

std::string secret_hash(std::string_view secret, std::string_view purpose) {
  return blake2b(secret, cat("melete ", purpose));
}

bool equal_secrets(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string to_base64(std::string_view bytes) { return to_base64(bytes, sodium_base64_VARIANT_ORIGINAL); }

bool from_base64(std::string_view text, std::string& bytes) {
  std::string decoded(text.size() / 4 * 3 + 3, '\0');
  size_t size = 0;
  const int failed =
      sodium_base642bin(reinterpret_cast<unsigned char*>(decoded.data()), decoded.size(), text.data(),
                        text.size(), nullptr, &size, nullptr, sodium_base64_VARIANT_ORIGINAL);
  if (failed != 0) return false;
  decoded.resize(size);
  bytes = std::move(decoded);
  return true;
}

}  // namespace melete
