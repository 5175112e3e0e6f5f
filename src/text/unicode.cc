#include "text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <utility>

namespace melete {
namespace {

bool is_space(int32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

// Alphabetic symbols and joiners, which \w has beside letters, marks, digits and connectors.
bool is_word_symbol(int32_t c) {
  return c == 0x200C || c == 0x200D || (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
         (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
}

uint16_t classes_of(int32_t c) {
  uint16_t classes = is_space(c) ? kSpace : 0;
  if (is_word_symbol(c)) classes |= kWord;
  if (c == '\r' || c == '\n') classes |= kNewline;
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT: classes |= kLetter | kUpperLike | kWord; break;
    case UTF8PROC_CATEGORY_LL: classes |= kLetter | kLowerLike | kWord; break;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: classes |= kLetter | kUpperLike | kLowerLike | kWord; break;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME: classes |= kMark | kUpperLike | kLowerLike | kWord; break;
    case UTF8PROC_CATEGORY_ND: classes |= kNumber | kWord; break;
    case UTF8PROC_CATEGORY_NL: classes |= kNumber | kWord; break;
    case UTF8PROC_CATEGORY_NO: classes |= kNumber; break;
    case UTF8PROC_CATEGORY_PC: classes |= kWord | kPunctuation; break;
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO: classes |= kPunctuation; break;
    default: break;
  }
  return classes;
}

const std::array<uint16_t, 128>& ascii_classes() {
  static const std::array<uint16_t, 128> table = [] {
    std::array<uint16_t, 128> classes{};
    for (int c = 0; c < 128; ++c) classes[static_cast<size_t>(c)] = classes_of(c);
    return classes;
  }();
  return table;
}

// Combining marks (and one composing letter) that Unicode assigned after 9.0. The normalizer of the
// `tokenizers` package has the tables of 9.0 and so neither reorders nor composes them; models were trained
// on what it gives.
constexpr std::pair<int32_t, int32_t> kNewerMarks[] = {
    {0x7FD, 0x7FD},     {0x898, 0x89F},     {0x8CA, 0x8D3},     {0x9FE, 0x9FE},     {0xC3C, 0xC3C},
    {0xD3B, 0xD3C},     {0xEBA, 0xEBA},     {0x1715, 0x1715},   {0x1ABF, 0x1ACE},   {0x1DF6, 0x1DFA},
    {0xA82C, 0xA82C},   {0x10D24, 0x10D27}, {0x10EAB, 0x10EAC}, {0x10EFD, 0x10EFF}, {0x10F46, 0x10F50},
    {0x10F82, 0x10F85}, {0x11070, 0x11070}, {0x1133B, 0x1133B}, {0x1145E, 0x1145E}, {0x11839, 0x1183A},
    {0x11930, 0x11930}, {0x1193D, 0x1193E}, {0x11943, 0x11943}, {0x119E0, 0x119E0}, {0x11A34, 0x11A34},
    {0x11A47, 0x11A47}, {0x11A99, 0x11A99}, {0x11D42, 0x11D42}, {0x11D44, 0x11D45}, {0x11D97, 0x11D97},
    {0x11F41, 0x11F42}, {0x16FF0, 0x16FF1}, {0x1E08F, 0x1E08F}, {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE},
    {0x1E2EC, 0x1E2EF}, {0x1E4EC, 0x1E4EF}};

bool is_newer_mark(int32_t c) {
  return std::any_of(std::begin(kNewerMarks), std::end(kNewerMarks),
                     [&](const auto& r) { return c >= r.first && c <= r.second; });
}

// Appends the NFC of valid UTF-8.
void append_nfc(std::string_view valid, std::string& out) {
  utf8proc_uint8_t* mapped = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(valid.data()),
                                   static_cast<utf8proc_ssize_t>(valid.size()), &mapped, options);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (length < 0)
    out.append(valid);
  else
    out.append(reinterpret_cast<const char*>(mapped), static_cast<size_t>(length));
}

}  // namespace

Char char_at(std::string_view text, size_t pos) {
  const auto byte = static_cast<uint8_t>(text[pos]);
  if (byte < 128) return {byte, ascii_classes()[byte], 1};
  utf8proc_int32_t code_point = -1;
  const auto left = static_cast<utf8proc_ssize_t>(std::min<size_t>(text.size() - pos, 4));
  const auto length =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + pos), left, &code_point);
  if (length <= 0 || code_point < 0) return {};
  return {code_point, classes_of(code_point), static_cast<uint8_t>(length)};
}

Char char_before(std::string_view text, size_t pos) {
  for (size_t length = 1; length <= std::min<size_t>(4, pos); ++length) {
    const auto byte = static_cast<uint8_t>(text[pos - length]);
    if ((byte & 0xC0) == 0x80) continue;
    const Char c = char_at(text.substr(0, pos), pos - length);
    if (c.length == length) return c;
    break;
  }
  return {};
}

std::string to_nfc(std::string_view text) {
  const auto is_ascii = [](char c) { return static_cast<uint8_t>(c) < 128; };
  if (std::all_of(text.begin(), text.end(), is_ascii)) return std::string(text);
  std::string out;
  out.reserve(text.size());
  size_t begin = 0;
  for (size_t pos = 0; pos < text.size();) {
    const Char c = char_at(text, pos);
    if (c.code_point < 0 || is_newer_mark(c.code_point)) {
      if (pos > begin) append_nfc(text.substr(begin, pos - begin), out);
      out.append(text, pos, c.length);
      begin = pos + c.length;
    }
    pos += c.length;
  }
  if (begin < text.size()) append_nfc(text.substr(begin), out);
  return out;
}

}  // namespace melete
