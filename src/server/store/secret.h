// Random names and tokens, and hashes of contents and secrets (libsodium: ChaCha20-based random bytes,
// BLAKE2b).
#pragma once

#include <string>
#include <string_view>

namespace melete {

// "conv_" and 128 random bits in hexadecimal, for prefix "conv".
std::string new_id(std::string_view prefix);

// Whether `text` can be an id of a row: 1 to 64 of a-z, A-Z, 0-9, '_' and '-'. Such a text is also safe as a
// file's name.
bool is_id(std::string_view text);

// `num_bytes` random bytes as unpadded base64url; 32 bytes are 43 characters.
std::string random_token(size_t num_bytes);

// BLAKE2b-256 in hexadecimal, 64 characters.
std::string content_hash(std::string_view bytes);

// As content_hash, of something secret and for one purpose: the same secret hashes differently elsewhere.
// Only for secrets of 128 random bits or more; passwords go through accounts/password.h.
std::string secret_hash(std::string_view secret, std::string_view purpose);

// Equality whose time depends on the lengths only.
bool equal_secrets(std::string_view a, std::string_view b);

std::string to_base64(std::string_view bytes);
// False if `text` isn't padded standard base64; then `bytes` is unchanged.
bool from_base64(std::string_view text, std::string& bytes);

}  // namespace melete
