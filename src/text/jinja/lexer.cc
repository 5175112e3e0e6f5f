#include "text/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "text/jinja/value.h"
#include "text/unicode.h"

namespace melete::jinja {
namespace {

using Kind = Token::Kind;

constexpr std::array<std::string_view, 28> kSymbols = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "*", "/",
                                                       "%",  "~",  "[",  "]",  "(",  ")",  "{", "}", ">", "<",
                                                       "=",  ".",  ":",  "|",  ",",  ";",  "!", "@"};

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(uint32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

// All line ends as "\n", and not one at the very end.
std::string with_plain_newlines(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      text += source[i];
    } else {
      text += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)), text_(source_) {}

  std::vector<Token> run() {
    while (pos_ < text_.size()) {
      const size_t tag = next_tag();
      data(tag);
      if (tag < text_.size()) read_tag();
    }
    put(Kind::end);
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail_here(const auto&... what) const {
    throw Failure{Failure::Kind::syntax, cat("line ", line_, ": ", what...)};
  }

  void put(Kind kind, std::string text = {}) {
    Token token;
    token.kind = kind;
    token.text = std::move(text);
    token.line = line_;
    tokens_.push_back(std::move(token));
  }

  void advance(size_t end) {
    line_ += static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(pos_),
                                         text_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    pos_ = end;
  }

  bool at(std::string_view word) const { return text_.substr(pos_).starts_with(word); }

  size_t next_tag() const {
    for (size_t at = text_.find('{', pos_); at != std::string_view::npos; at = text_.find('{', at + 1))
      if (at + 1 < text_.size() && std::strchr("{%#", text_[at + 1]) && text_[at + 1] != 0) return at;
    return text_.size();
  }

  size_t skip_spaces(size_t at) const {
    while (at < text_.size()) {
      const Char c = char_at(text_, at);
      if (!c.is(kSpace)) break;
      at += c.length;
    }
    return at;
  }

  // The text up to the tag at `tag`, less what the tag's sign and lstrip_blocks take.
  void data(size_t tag) {
    size_t end = tag;
    const char sign = tag + 2 < text_.size() ? text_[tag + 2] : 0;
    if (tag < text_.size() && sign == '-') {
      while (end > pos_) {
        const Char c = char_before(text_, end);
        if (!c.is(kSpace)) break;
        end -= c.length;
      }
      end = std::max(end, pos_);
    } else if (tag < text_.size() && sign != '+' && text_[tag + 1] != '{') {
      const size_t newline = text_.substr(pos_, tag - pos_).rfind('\n');
      const bool starts_line = newline != std::string_view::npos || at_line_start_;
      const size_t line_begin = newline == std::string_view::npos ? pos_ : pos_ + newline + 1;
      if (starts_line && skip_spaces(line_begin) >= tag) end = line_begin;
    }
    if (end > pos_) put(Kind::data, std::string(text_.substr(pos_, end - pos_)));
    advance(tag);
  }

  // After a tag that ends at `end`: what its sign and trim_blocks take.
  void after_tag(size_t end, char sign, bool is_block) {
    if (sign == '-')
      end = skip_spaces(end);
    else if (sign != '+' && is_block && end < text_.size() && text_[end] == '\n')
      ++end;
    at_line_start_ = end > 0 && text_[end - 1] == '\n';
    advance(end);
  }

  void read_tag() {
    const char kind = text_[pos_ + 1];
    size_t begin = pos_ + 2;
    if (begin < text_.size() && (text_[begin] == '-' || text_[begin] == '+')) ++begin;
    if (kind == '#') return comment(begin);
    if (kind == '%' && raw(begin)) return;
    advance(begin);
    put(kind == '{' ? Kind::variable_begin : Kind::block_begin);
    expression(kind == '{' ? "}}" : "%}", kind == '%');
  }

  void comment(size_t begin) {
    const size_t close = text_.find("#}", begin);
    if (close == std::string_view::npos) fail_here("a comment must end with #}");
    const char sign = close > begin ? text_[close - 1] : 0;
    after_tag(close + 2, sign, true);
  }

  // {% raw %} ... {% endraw %}, if that is the tag whose inside begins at `begin`.
  bool raw(size_t begin) {
    const auto word_at = [&](size_t at, std::string_view word) {
      at = skip_spaces(at);
      return text_.substr(at).starts_with(word) ? skip_spaces(at + word.size()) : std::string_view::npos;
    };
    size_t end = word_at(begin, "raw");
    if (end == std::string_view::npos) return false;
    const bool strips = end < text_.size() && text_[end] == '-';
    if (strips) ++end;
    if (!text_.substr(end).starts_with("%}")) return false;
    size_t body = end + 2;
    if (strips) body = skip_spaces(body);
    for (size_t close = text_.find("{%", body); close != std::string_view::npos;
         close = text_.find("{%", close + 2)) {
      size_t inside = close + 2;
      const char sign = inside < text_.size() ? text_[inside] : 0;
      if (sign == '-' || sign == '+') ++inside;
      size_t last = word_at(inside, "endraw");
      if (last == std::string_view::npos) continue;
      const char end_sign = last < text_.size() ? text_[last] : 0;
      if (end_sign == '-' || end_sign == '+') ++last;
      if (!text_.substr(last).starts_with("%}")) continue;
      std::string_view content = text_.substr(body, close - body);
      if (sign == '-')
        while (!content.empty() && char_before(content, content.size()).is(kSpace))
          content.remove_suffix(char_before(content, content.size()).length);
      if (!content.empty()) put(Kind::data, std::string(content));
      after_tag(last + 2, end_sign, true);
      return true;
    }
    fail_here("{% raw %} must end with {% endraw %}");
  }

  // Tokens up to the tag's end. Brackets hide it, so that {{ {'a': {}} }} is read whole.
  void expression(std::string_view close, bool is_block) {
    std::string brackets;
    while (true) {
      advance(skip_spaces(pos_));
      if (pos_ >= text_.size()) fail_here("a tag must end with ", close);
      const char c = text_[pos_];
      if (brackets.empty()) {
        const bool signed_close =
            (c == '-' || (c == '+' && is_block)) && text_.substr(pos_ + 1).starts_with(close);
        if (signed_close || at(close)) {
          put(is_block ? Kind::block_end : Kind::variable_end);
          return after_tag(pos_ + close.size() + signed_close, signed_close ? c : 0, is_block);
        }
      }
      if (is_name_start(c))
        name();
      else if (is_digit(c))
        number();
      else if (c == '"' || c == '\'')
        string(c);
      else
        symbol(brackets);
    }
  }

  void name() {
    size_t end = pos_;
    while (end < text_.size() && (is_name_start(text_[end]) || is_digit(text_[end]))) ++end;
    put(Kind::name, std::string(text_.substr(pos_, end - pos_)));
    advance(end);
  }

  void number() {
    size_t end = pos_;
    bool is_real = false;
    std::string digits;
    const auto run = [&] {
      for (; end < text_.size() && (is_digit(text_[end]) || text_[end] == '_'); ++end)
        if (text_[end] != '_') digits += text_[end];
    };
    run();
    if (end + 1 < text_.size() && text_[end] == '.' && is_digit(text_[end + 1])) {
      is_real = true;
      digits += text_[end++];
      run();
    }
    if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
      const size_t first =
          end + 1 + (end + 1 < text_.size() && (text_[end + 1] == '-' || text_[end + 1] == '+'));
      if (first < text_.size() && is_digit(text_[first])) {
        is_real = true;
        digits += 'e';
        if (text_[first - 1] == '-') digits += '-';
        end = first;
        run();
      }
    }
    put(is_real ? Kind::real : Kind::integer, digits);
    Token& token = tokens_.back();
    const char* last = digits.data() + digits.size();
    const auto read = is_real ? std::from_chars(digits.data(), last, token.real)
                              : std::from_chars(digits.data(), last, token.integer);
    if (read.ec != std::errc() || read.ptr != last)
      fail_here("a number must fit 64 bits, got ", digits.substr(0, 80));
    advance(end);
  }

  void string(char quote) {
    const int begin_line = line_;
    std::string value;
    size_t at = pos_ + 1;
    while (at < text_.size() && text_[at] != quote) {
      if (text_[at] == '\\' && at + 1 < text_.size())
        at = escape(at + 1, value);
      else
        value += text_[at++];
    }
    if (at >= text_.size()) fail_here("a string must end with ", quote);
    put(Kind::string, std::move(value));
    tokens_.back().line = begin_line;
    advance(at + 1);
  }

  // The escape whose letter is at `at`, as Python reads it; returns where it ends.
  size_t escape(size_t at, std::string& value) const {
    const char letter = text_[at];
    constexpr std::string_view kLetters = "ntrabfv\\'\"", kValues = "\n\t\r\a\b\f\v\\'\"";
    if (const size_t known = kLetters.find(letter); known != std::string_view::npos) {
      value += kValues[known];
      return at + 1;
    }
    if (letter == '\n') return at + 1;
    const size_t hex = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    const std::string_view digits = text_.substr(at + 1, hex);
    uint32_t code = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    const bool is_read =
        hex > 0 && digits.size() == hex && read.ec == std::errc() && read.ptr == digits.data() + hex;
    if (is_read && code < 0x110000 && !(code >= 0xD800 && code < 0xE000)) {
      append_utf8(code, value);
      return at + 1 + hex;
    }
    value += '\\';
    return at;
  }

  void symbol(std::string& brackets) {
    const auto found =
        std::find_if(kSymbols.begin(), kSymbols.end(), [&](std::string_view s) { return at(s); });
    if (found == kSymbols.end() || *found == "!" || *found == "@")
      fail_here("an expression has an unexpected character '",
                text_.substr(pos_, char_at(text_, pos_).length), "'");
    const std::string_view symbol = *found;
    if (symbol == "(" || symbol == "[" || symbol == "{") brackets += symbol;
    if (symbol == ")" || symbol == "]" || symbol == "}") {
      const char open = symbol == ")" ? '(' : symbol == "]" ? '[' : '{';
      if (brackets.empty() || brackets.back() != open) fail_here("unexpected '", symbol, "'");
      brackets.pop_back();
    }
    put(Kind::symbol, std::string(symbol));
    advance(pos_ + symbol.size());
  }

  const std::string source_;
  std::string_view text_;
  size_t pos_ = 0;
  int line_ = 1;
  bool at_line_start_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) { return Lexer(with_plain_newlines(source)).run(); }

}  // namespace melete::jinja
