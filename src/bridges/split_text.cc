#include "bridges/split_text.h"

#include <algorithm>
#include <initializer_list>

#include "base/check.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace melete {
namespace {

constexpr std::string_view kFence = "```", kClosing = "\n```";
// What follows the opening of a code block is a language; longer, it isn't repeated.
constexpr size_t kLongestInfo = 30;

bool joins_the_one_before(const Char& c) {
  const int32_t point = c.code_point;
  return c.is(kMark) || point == 0x200D || (point >= 0xFE00 && point <= 0xFE0F) ||
         (point >= 0x1F3FB && point <= 0x1F3FF);
}

// The longest beginning of at most max_units that ends between characters as people see them, and isn't
// empty.
size_t longest_beginning(std::string_view text, size_t max_units) {
  size_t at = 0, units = 0, boundary = 0, whole = 0;
  bool joins = false;
  while (at < text.size()) {
    const Char c = char_at(text, at);
    if (at > 0 && !joins && !joins_the_one_before(c)) boundary = at;
    units += c.code_point > 0xFFFF ? 2 : 1;
    if (units > max_units) return boundary > 0 ? boundary : whole;
    joins = c.code_point == 0x200D;
    at += c.length;
    whole = at;
  }
  return at;
}

// Behind the last of these that begins in the second half of the window; npos if there is none.
size_t after_last(std::string_view window, std::initializer_list<std::string_view> marks) {
  size_t best = std::string_view::npos;
  for (const std::string_view mark : marks) {
    const size_t at = window.rfind(mark);
    if (at == std::string_view::npos || at < window.size() / 2) continue;
    if (best == std::string_view::npos || at + mark.size() > best) best = at + mark.size();
  }
  return best;
}

size_t best_cut(std::string_view window) {
  for (const auto& marks :
       {std::initializer_list<std::string_view>{"\n\n"}, {"\n"}, {". ", "! ", "? "}, {" "}})
    if (const size_t cut = after_last(window, marks); cut != std::string_view::npos) return cut;
  return window.size();
}

// Follows the lines of a text: the opening line of the code block that is open at its end, or empty.
std::string open_fence(std::string_view text, std::string open) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (!line.starts_with(kFence)) continue;
    if (open.empty())
      open = line.size() <= kFence.size() + kLongestInfo ? line : kFence;
    else
      open.clear();
  }
  return open;
}

std::string_view without_spaces_behind(std::string_view text) {
  return text.substr(0, text.find_last_not_of(" \n\t") + 1);
}

std::string_view without_spaces_before(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \n\t"), text.size()));
}

}  // namespace

size_t utf16_units(std::string_view text) {
  size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    units += (byte & 0xC0) != 0x80;
    units += byte >= 0xF0;
  }
  return units;
}

std::string plain_text(std::string_view text) {
  const std::string valid = valid_utf8(text);
  std::string plain;
  plain.reserve(valid.size());
  for (size_t at = 0; at < valid.size();) {
    const Char c = char_at(valid, at);
    const bool is_control = (c.code_point < 0x20 && c.code_point != '\n' && c.code_point != '\t') ||
                            (c.code_point >= 0x7F && c.code_point < 0xA0);
    if (!is_control) plain.append(valid, at, c.length);
    at += c.length;
  }
  return plain;
}

std::vector<std::string> split_text(std::string_view text, size_t max_units) {
  MELETE_CHECK(max_units >= 100);
  std::vector<std::string> parts;
  std::string fence;  // opening line of the block that the rest is in
  for (std::string_view rest = without_spaces_before(text); !rest.empty();) {
    const std::string opening = fence.empty() ? "" : fence + "\n";
    const size_t room = max_units - opening.size();
    if (longest_beginning(rest, room) == rest.size()) {
      const std::string_view last = without_spaces_behind(rest);
      if (!last.empty()) parts.push_back(opening + std::string(last));
      break;
    }
    const size_t cut = best_cut(rest.substr(0, longest_beginning(rest, room - kClosing.size())));
    const std::string_view piece = without_spaces_behind(rest.substr(0, cut));
    fence = open_fence(piece, std::move(fence));
    if (!piece.empty())
      parts.push_back(opening + std::string(piece) + std::string(fence.empty() ? "" : kClosing));
    rest.remove_prefix(cut);
    // In a block the spaces of the next line mean something.
    if (fence.empty()) rest = without_spaces_before(rest);
  }
  return parts;
}

}  // namespace melete
