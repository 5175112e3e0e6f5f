#include "text/loose_json.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <unordered_map>

#include "text/utf8.h"

namespace melete {
namespace {

constexpr int kMaxLooseDepth = 64;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '$';
}

void append_code_point(uint32_t c, std::string& out) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6), tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12), tail(6), tail(0);
  } else {
    out += static_cast<char>(0xF0 | c >> 18), tail(12), tail(6), tail(0);
  }
}

class LooseReader {
 public:
  LooseReader(std::string_view text, bool may_lack_ends) : text_(text), may_lack_ends_(may_lack_ends) {}

  std::optional<Json> value(int depth) {
    skip_spaces();
    if (at_end() || depth > kMaxLooseDepth) return std::nullopt;
    const char c = text_[pos_];
    if (c == '{') return object(depth);
    if (c == '[') return array(depth);
    if (c == '"' || c == '\'') {
      auto read = string();
      return read ? std::optional<Json>(valid_utf8(*read)) : std::nullopt;
    }
    return literal();
  }

  size_t position() const { return pos_; }
  void skip_spaces() { pos_ = std::min(text_.find_first_not_of(" \t\r\n", pos_), text_.size()); }

 private:
  using Members = Json::object_t::Container;

  bool at_end() const { return pos_ >= text_.size(); }
  bool skip(char c) {
    skip_spaces();
    if (at_end() || text_[pos_] != c) return false;
    ++pos_;
    return true;
  }

  // After an item: true if another follows, nothing if what stands there is neither.
  std::optional<bool> more(char close) {
    if (skip(',')) {
      skip_spaces();
      if (!at_end() && text_[pos_] != close) return true;
    }
    if (skip(close) || (at_end() && may_lack_ends_)) return false;
    return std::nullopt;
  }

  std::optional<Json> object(int depth) {
    ++pos_;
    Json made = Json::object();
    auto& members = static_cast<Members&>(made.get_ref<Json::object_t&>());
    std::unordered_map<std::string, size_t> seen;
    skip_spaces();
    if (skip('}') || (at_end() && may_lack_ends_)) return made;
    while (true) {
      skip_spaces();
      auto name = key();
      if (!name || !skip(':')) return std::nullopt;
      auto read = value(depth + 1);
      if (!read) return std::nullopt;
      const auto [found, is_new] = seen.emplace(*name, members.size());
      if (is_new)
        members.emplace_back(std::move(*name), std::move(*read));
      else
        members[found->second].second = std::move(*read);
      const auto goes_on = more('}');
      if (!goes_on) return std::nullopt;
      if (!*goes_on) return made;
    }
  }

  std::optional<Json> array(int depth) {
    ++pos_;
    Json made = Json::array();
    skip_spaces();
    if (skip(']') || (at_end() && may_lack_ends_)) return made;
    while (true) {
      auto read = value(depth + 1);
      if (!read) return std::nullopt;
      made.push_back(std::move(*read));
      const auto goes_on = more(']');
      if (!goes_on) return std::nullopt;
      if (!*goes_on) return made;
    }
  }

  std::optional<std::string> key() {
    if (at_end()) return std::nullopt;
    if (text_[pos_] == '"' || text_[pos_] == '\'') {
      auto read = string();
      return read ? std::optional(valid_utf8(*read)) : std::nullopt;
    }
    const std::string word = take_word();
    return word.empty() ? std::nullopt : std::optional(word);
  }

  std::string take_word() {
    const size_t begin = pos_;
    while (!at_end() && is_word(text_[pos_])) ++pos_;
    return std::string(text_.substr(begin, pos_ - begin));
  }

  std::optional<Json> literal() {
    const size_t begin = pos_;
    while (!at_end() && (is_word(text_[pos_]) || text_[pos_] == '.' || text_[pos_] == '+')) ++pos_;
    std::string_view word = text_.substr(begin, pos_ - begin);
    if (word == "true" || word == "True") return Json(true);
    if (word == "false" || word == "False") return Json(false);
    if (word == "null" || word == "None") return Json(nullptr);
    if (word.starts_with('+')) word.remove_prefix(1);
    int64_t integer = 0;
    const char* end = word.data() + word.size();
    if (const auto read = std::from_chars(word.data(), end, integer);
        read.ec == std::errc() && read.ptr == end)
      return Json(integer);
    double real = 0;
    const bool is_number = !word.empty() && word.find_first_of("0123456789") <= 2;
    if (const auto read = std::from_chars(word.data(), end, real);
        is_number && read.ec == std::errc() && read.ptr == end)
      return Json(real);
    return std::nullopt;
  }

  std::optional<std::string> string() {
    const char quote = text_[pos_++];
    std::string read;
    while (!at_end()) {
      const char c = text_[pos_++];
      if (c == quote) return read;
      if (c != '\\' || at_end())
        read += c;
      else
        escape(read);
    }
    return std::nullopt;
  }

  std::optional<uint32_t> four_digits(size_t at) const {
    if (at + 4 > text_.size()) return std::nullopt;
    uint32_t code = 0;
    const auto read = std::from_chars(text_.data() + at, text_.data() + at + 4, code, 16);
    return read.ptr == text_.data() + at + 4 ? std::optional(code) : std::nullopt;
  }

  void escape(std::string& out) {
    const char c = text_[pos_++];
    constexpr std::string_view kLetters = "nrtbf\"\\/'", kValues = "\n\r\t\b\f\"\\/'";
    if (const size_t known = kLetters.find(c); known != std::string_view::npos) {
      out += kValues[known];
      return;
    }
    auto code = c == 'u' ? four_digits(pos_) : std::nullopt;
    if (!code) {
      out += '\\';
      out += c;
      return;
    }
    pos_ += 4;
    const bool is_high = *code >= 0xD800 && *code < 0xDC00;
    const auto low = is_high && text_.substr(pos_).starts_with("\\u") ? four_digits(pos_ + 2) : std::nullopt;
    if (low && *low >= 0xDC00 && *low < 0xE000) {
      pos_ += 6;
      code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
    } else if (*code >= 0xD800 && *code < 0xE000) {
      code = 0xFFFD;
    }
    append_code_point(*code, out);
  }

  std::string_view text_;
  const bool may_lack_ends_;
  size_t pos_ = 0;
};

}  // namespace

std::optional<Json> take_loose_json(std::string_view& text, bool may_lack_ends) {
  LooseReader reader(text, may_lack_ends);
  auto value = reader.value(1);
  if (value) text.remove_prefix(reader.position());
  return value;
}

std::optional<Json> parse_loose_json(std::string_view text, bool may_lack_ends) {
  auto value = take_loose_json(text, may_lack_ends);
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos ? value : std::nullopt;
}

}  // namespace melete
