#include "text/byte_level.h"

#include <array>

#include "text/unicode.h"

namespace melete {
namespace {

constexpr int kAlphabetEnd = 0x144;

struct Alphabet {
  std::array<std::string, 256> spelling;
  std::array<int, kAlphabetEnd> byte_of;
};

std::string utf8(int code_point) {
  if (code_point < 0x80) return std::string(1, static_cast<char>(code_point));
  return {static_cast<char>(0xC0 | code_point >> 6), static_cast<char>(0x80 | (code_point & 0x3F))};
}

const Alphabet& alphabet() {
  static const Alphabet made = [] {
    Alphabet a;
    a.byte_of.fill(-1);
    int next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      const bool is_printable =
          (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      const int code_point = is_printable ? byte : next++;
      a.spelling[static_cast<size_t>(byte)] = utf8(code_point);
      a.byte_of[static_cast<size_t>(code_point)] = byte;
    }
    return a;
  }();
  return made;
}

}  // namespace

std::string bytes_to_alphabet(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += alphabet().spelling[static_cast<uint8_t>(c)];
  return text;
}

std::optional<std::string> alphabet_to_bytes(std::string_view text) {
  std::string bytes;
  for (size_t pos = 0; pos < text.size();) {
    const Char c = char_at(text, pos);
    if (c.code_point < 0 || c.code_point >= kAlphabetEnd) return std::nullopt;
    const int byte = alphabet().byte_of[static_cast<size_t>(c.code_point)];
    if (byte < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
    pos += c.length;
  }
  return bytes;
}

}  // namespace melete
