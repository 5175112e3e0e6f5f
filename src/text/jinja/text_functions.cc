#include "text/jinja/text_functions.h"

#include <utf8proc.h>

#include <algorithm>
#include <utility>

#include "text/unicode.h"

namespace melete::jinja {
namespace {

bool is_stripped(const Char& c, std::string_view bytes, const MarkedText* characters) {
  if (!characters) return c.is(kSpace) || (c.code_point >= 0x1C && c.code_point <= 0x1F);
  return characters->str().find(bytes) != std::string::npos;
}

// Appends the character at `pos` of `text` through `map`.
template <class Map>
void append_mapped(const MarkedText& text, size_t pos, const Char& c, Map&& map, MarkedText& out) {
  const int32_t mapped = c.code_point < 0 ? -1 : map(c.code_point);
  if (mapped < 0 || mapped == c.code_point) return out.append_part(text, pos, pos + c.length);
  utf8proc_uint8_t bytes[4];
  const auto length = utf8proc_encode_char(mapped, bytes);
  out.append(std::string_view(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length)),
             text.trusted_at(pos));
}

int32_t to_upper(int32_t c) { return utf8proc_toupper(c); }
int32_t to_lower(int32_t c) { return utf8proc_tolower(c); }

template <class Map>
MarkedText mapped(const MarkedText& text, Map&& map) {
  MarkedText out;
  for (size_t pos = 0; pos < text.size();) {
    const Char c = char_at(text.str(), pos);
    append_mapped(text, pos, c, map, out);
    pos += c.length;
  }
  return out;
}

std::vector<MarkedText> split_spaces(const MarkedText& text, int64_t max_splits, bool from_right) {
  std::vector<std::pair<size_t, size_t>> words;
  size_t begin = std::string::npos;
  for (size_t pos = 0; pos <= text.size();) {
    const Char c = pos < text.size() ? char_at(text.str(), pos) : Char{};
    const bool is_space = pos == text.size() || is_stripped(c, {}, nullptr);
    if (is_space && begin != std::string::npos)
      words.emplace_back(std::exchange(begin, std::string::npos), pos);
    if (!is_space && begin == std::string::npos) begin = pos;
    pos += pos == text.size() ? 1 : c.length;
  }
  std::vector<MarkedText> parts;
  const auto limit = max_splits < 0 ? words.size() : static_cast<size_t>(max_splits);
  if (words.size() <= limit || words.empty()) {
    for (const auto& [first, last] : words) parts.push_back(text.part(first, last));
  } else if (from_right) {
    const size_t kept = words.size() - limit - 1;
    parts.push_back(stripped(text.part(0, words[kept].second), Side::right));
    for (size_t i = kept + 1; i < words.size(); ++i)
      parts.push_back(text.part(words[i].first, words[i].second));
  } else {
    for (size_t i = 0; i < limit; ++i) parts.push_back(text.part(words[i].first, words[i].second));
    parts.push_back(text.part(words[limit].first, text.size()));
  }
  return parts;
}

}  // namespace

MarkedText stripped(const MarkedText& text, Side side, const MarkedText* characters) {
  size_t begin = 0, end = text.size();
  while (side != Side::right && begin < end) {
    const Char c = char_at(text.str(), begin);
    if (!is_stripped(c, std::string_view(text.str()).substr(begin, c.length), characters)) break;
    begin += c.length;
  }
  while (side != Side::left && end > begin) {
    const Char c = char_before(text.str(), end);
    if (!is_stripped(c, std::string_view(text.str()).substr(end - c.length, c.length), characters)) break;
    end -= c.length;
  }
  return text.part(begin, end);
}

MarkedText upper(const MarkedText& text) { return mapped(text, to_upper); }
MarkedText lower(const MarkedText& text) { return mapped(text, to_lower); }

MarkedText capitalized(const MarkedText& text) {
  bool is_first = true;
  return mapped(text, [&](int32_t c) { return std::exchange(is_first, false) ? to_upper(c) : to_lower(c); });
}

MarkedText titled(const MarkedText& text, bool jinja_words) {
  bool begins = true;
  return mapped(text, [&](int32_t c) {
    const int32_t changed = begins ? to_upper(c) : to_lower(c);
    const auto category = utf8proc_category(c);
    const bool is_cased = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LT;
    const bool is_break =
        c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || c == ' ' || (c >= 9 && c <= 13);
    begins = jinja_words ? is_break : !is_cased;
    return changed;
  });
}

MarkedText replaced(const MarkedText& text, std::string_view from, const MarkedText& to, int64_t count) {
  MarkedText out;
  size_t begin = 0;
  if (from.empty()) {
    for (size_t pos = 0; pos <= text.size() && count != 0; --count) {
      out.append(to);
      const size_t length = pos < text.size() ? char_at(text.str(), pos).length : 1;
      out.append_part(text, pos, pos + length);
      begin = pos += length;
    }
    if (begin < text.size()) out.append_part(text, begin, text.size());
    return out;
  }
  for (size_t at = text.str().find(from); at != std::string::npos && count != 0;
       at = text.str().find(from, begin)) {
    out.append_part(text, begin, at);
    out.append(to);
    begin = at + from.size();
    --count;
  }
  out.append_part(text, begin, text.size());
  return out;
}

std::vector<MarkedText> split(const MarkedText& text, const MarkedText* separator, int64_t max_splits,
                              bool from_right) {
  if (!separator) return split_spaces(text, max_splits, from_right);
  const std::string& by = separator->str();
  std::vector<MarkedText> parts;
  if (from_right) {
    size_t end = text.size();
    while (max_splits-- != 0 && end >= by.size()) {
      const size_t at = text.str().rfind(by, end - by.size());
      if (at == std::string::npos) break;
      parts.push_back(text.part(at + by.size(), end));
      end = at;
      if (at == 0 && by.empty()) break;
    }
    parts.push_back(text.part(0, end));
    std::reverse(parts.begin(), parts.end());
    return parts;
  }
  size_t begin = 0;
  while (max_splits-- != 0) {
    const size_t at = text.str().find(by, begin);
    if (at == std::string::npos) break;
    parts.push_back(text.part(begin, at));
    begin = at + by.size();
  }
  parts.push_back(text.part(begin, text.size()));
  return parts;
}

std::vector<MarkedText> split_lines(const MarkedText& text, bool keep_ends) {
  std::vector<MarkedText> lines;
  const std::string& bytes = text.str();
  for (size_t begin = 0; begin < bytes.size();) {
    const size_t at = std::min(bytes.find_first_of("\n\r\v\f\x1c\x1d\x1e", begin), bytes.size());
    size_t next = std::min(at + 1, bytes.size());
    if (at + 1 < bytes.size() && bytes[at] == '\r' && bytes[at + 1] == '\n') ++next;
    lines.push_back(text.part(begin, keep_ends ? next : at));
    begin = next;
  }
  return lines;
}

MarkedText reversed(const MarkedText& text) {
  MarkedText out;
  for (size_t end = text.size(); end > 0;) {
    const size_t length = char_before(text.str(), end).length;
    out.append_part(text, end - length, end);
    end -= length;
  }
  return out;
}

}  // namespace melete::jinja
