// Characters of UTF-8 text by the classes that pre-tokenizer patterns name, and NFC. Unicode data: utf8proc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace melete {

// Class bits of one character.
enum CharClass : uint16_t {
  kLetter = 1,         // \p{L}
  kNumber = 2,         // \p{N}
  kSpace = 4,          // \s
  kNewline = 8,        // \r or \n, kSpace as well
  kMark = 16,          // \p{M}
  kUpperLike = 32,     // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
  kLowerLike = 64,     // [\p{Ll}\p{Lm}\p{Lo}\p{M}]
  kWord = 128,         // \w
  kPunctuation = 256,  // \p{P}
};

struct Char {
  int32_t code_point = -1;  // -1: a byte that is no part of valid UTF-8
  uint16_t classes = 0;
  uint8_t length = 1;  // bytes

  bool is(uint16_t any_of) const { return (classes & any_of) != 0; }
};

// The character at text[pos], pos < text.size(). An invalid byte is a character of its own without classes.
Char char_at(std::string_view text, size_t pos);

// The character before text[pos], pos > 0.
Char char_before(std::string_view text, size_t pos);

// Normalization form C with the tables of Unicode 9, as public tokenizers have it. Invalid bytes stay as they
// are and separate the text around them.
std::string to_nfc(std::string_view text);

}  // namespace melete
