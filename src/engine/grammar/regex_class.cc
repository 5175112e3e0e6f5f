#include "engine/grammar/regex_class.h"

#include <algorithm>
#include <iterator>

#include "text/unicode.h"

namespace melete {
namespace {

struct NamedClass {
  std::string_view name;
  CodePoints set;
};

CodePoints joined(std::initializer_list<CodePointRange> ranges) {
  CodePoints set;
  for (const CodePointRange& r : ranges) set.add(r.first, r.last);
  return set;
}

const CodePoints& digit_set() {
  static const CodePoints set('0', '9');
  return set;
}
const CodePoints& word_set() {
  static const CodePoints set = joined({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}});
  return set;
}
const CodePoints& space_set() {
  static const CodePoints set = CodePoints::of("\t\n\f\r ");
  return set;
}
// What any dialect calls white space: the complement of \S.
const CodePoints& any_space_set() {
  static const CodePoints set = joined({{0x09, 0x0D},
                                        {0x20, 0x20},
                                        {0x85, 0x85},
                                        {0xA0, 0xA0},
                                        {0x1680, 0x1680},
                                        {0x2000, 0x200A},
                                        {0x2028, 0x2029},
                                        {0x202F, 0x202F},
                                        {0x205F, 0x205F},
                                        {0x3000, 0x3000},
                                        {0xFEFF, 0xFEFF}});
  return set;
}

// Of [[:name:]], all ASCII.
const NamedClass kNamedClasses[] = {
    {"alnum", joined({{'0', '9'}, {'A', 'Z'}, {'a', 'z'}})},
    {"alpha", joined({{'A', 'Z'}, {'a', 'z'}})},
    {"ascii", joined({{0, 0x7F}})},
    {"blank", CodePoints::of("\t ")},
    {"cntrl", joined({{0, 0x1F}, {0x7F, 0x7F}})},
    {"digit", joined({{'0', '9'}})},
    {"graph", joined({{'!', '~'}})},
    {"lower", joined({{'a', 'z'}})},
    {"print", joined({{' ', '~'}})},
    {"punct", joined({{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}})},
    {"space", CodePoints::of("\t\n\v\f\r ")},
    {"upper", joined({{'A', 'Z'}})},
    {"word", joined({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}})},
    {"xdigit", joined({{'0', '9'}, {'A', 'F'}, {'a', 'f'}})},
};

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The class of \d, \W, ...; nothing for other letters.
std::optional<CodePoints> class_of(char c) {
  switch (c) {
    case 'd': return digit_set();
    case 'D': return digit_set().complement();
    case 'w': return word_set();
    case 'W': return word_set().complement();
    case 's': return space_set();
    case 'S': return any_space_set().complement();
    default: return std::nullopt;
  }
}

// The control character of \n, \t, ...; -1 for other letters.
int32_t control_of(char c) {
  switch (c) {
    case 't': return '\t';
    case 'n': return '\n';
    case 'r': return '\r';
    case 'f': return '\f';
    case 'v': return '\v';
    case 'a': return '\a';
    case '0': return 0;
    default: return -1;
  }
}

CodePoints single(int32_t code_point) { return CodePoints(code_point, code_point); }

}  // namespace

bool RegexCursor::take(char c) {
  if (at_end() || peek() != c) return false;
  ++at_;
  return true;
}

bool RegexCursor::take_all(char c) {
  const bool any = take(c);
  while (take(c)) {
  }
  return any;
}

std::optional<int64_t> RegexCursor::digits() {
  std::optional<int64_t> value;
  for (; !at_end() && peek() >= '0' && peek() <= '9'; ++at_)
    value = std::min<int64_t>(value.value_or(0) * 10 + (peek() - '0'), 1'000'000'000);
  return value;
}

Error RegexCursor::problem(const std::string& what, const std::string& got) const {
  return invalid_argument("[", where_, "] a regular expression must have ", what, ", got ", got, " at byte ",
                          at_, "; escape it with \\ if it stands for itself");
}

Result<int32_t> RegexCursor::character() {
  const Char c = char_at(pattern_, at_);
  if (c.code_point < 0)
    return invalid_argument("[", where_, "] a regular expression must be UTF-8, got another byte at byte ",
                            at_, "; save it as UTF-8");
  at_ += c.length;
  return c.code_point;
}

// \p{Lu}, \pL: from the letter after p on.
Result<CodePoints> RegexCursor::category(bool negated) {
  std::string name;
  if (take('{')) {
    if (take('^')) negated = !negated;
    while (!at_end() && peek() != '}') name += pattern_[at_++];
    if (!take('}')) return problem("a } after \\p{", "the end");
  } else if (!at_end()) {
    name = pattern_[at_++];
  }
  const auto set = unicode_category(name);
  if (!set)
    return invalid_argument("[", where_,
                            "] \\p{...} must name a general category such as L, Lu, N, Nd or P, got ", name,
                            " at byte ", at_, "; scripts and properties aren't supported");
  return negated ? set->complement() : *set;
}

// fixed_digits of them, or any number in braces if 0.
Result<CodePoints> RegexCursor::hexadecimal(size_t begin, size_t fixed_digits) {
  int32_t value = 0;
  size_t num_digits = 0;
  for (; !at_end() && hex_value(peek()) >= 0 && num_digits < (fixed_digits ? fixed_digits : 6);
       ++at_, ++num_digits)
    value = value * 16 + hex_value(peek());
  const bool closed = fixed_digits ? num_digits == fixed_digits : num_digits > 0 && take('}');
  if (!closed || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
    return problem("a code point in hexadecimal", std::string(since(begin)));
  return single(value);
}

Result<CodePoints> RegexCursor::escape(bool in_bracket) {
  const size_t begin = at_++;
  if (at_end()) return problem("a character after \\", "the end");
  const char c = peek();
  if (auto set = class_of(c)) {
    ++at_;
    return *std::move(set);
  }
  if (const int32_t control = control_of(c); control >= 0) {
    ++at_;
    return single(control);
  }
  if (c == 'p' || c == 'P') {
    ++at_;
    return category(c == 'P');
  }
  if (c == 'x') {
    ++at_;
    return hexadecimal(begin, take('{') ? 0 : 2);
  }
  if (c == 'u') {
    ++at_;
    return hexadecimal(begin, take('{') ? 0 : 4);
  }
  if (c == 'b' && in_bracket) {
    ++at_;
    return single('\b');
  }
  if (std::isalnum(static_cast<unsigned char>(c)))
    return invalid_argument("[", where_,
                            "] an escape must be one of \\d \\w \\s \\D \\W \\S \\p \\P \\t \\n \\r \\f "
                            "\\v \\a \\0 \\x \\u, got \\",
                            std::string(1, c), " at byte ", begin,
                            "; word boundaries and back references aren't supported");
  MELETE_ASSIGN_OR_RETURN(const int32_t code_point, character());
  return single(code_point);
}

// [:name:] or [:^name:].
Result<CodePoints> RegexCursor::named_class() {
  const size_t begin = at_;
  at_ += 2;
  const bool negated = take('^');
  const size_t end = pattern_.find(":]", at_);
  const std::string_view name = pattern_.substr(at_, end == std::string_view::npos ? end : end - at_);
  const auto* found = std::find_if(std::begin(kNamedClasses), std::end(kNamedClasses),
                                   [&](const NamedClass& c) { return c.name == name; });
  if (end == std::string_view::npos || found == std::end(kNamedClasses)) {
    at_ = begin;
    return problem("a class such as [:alpha:] or [:digit:] after [:", std::string(name.substr(0, 20)));
  }
  at_ = end + 2;
  return negated ? found->set.complement() : found->set;
}

Result<CodePoints> RegexCursor::bracket_item() {
  if (pattern_.substr(at_, 2) == "[:") return named_class();
  if (peek() == '\\') return escape(/*in_bracket=*/true);
  MELETE_ASSIGN_OR_RETURN(const int32_t code_point, character());
  return single(code_point);
}

Result<CodePoints> RegexCursor::bracket() {
  const size_t begin = at_++;
  const bool negated = take('^');
  CodePoints set;
  for (bool first = true; at_end() || peek() != ']' || first; first = false) {
    if (at_end()) return problem("a ] for each [", "the end");
    const size_t item_begin = at_;
    MELETE_ASSIGN_OR_RETURN(CodePoints item, bracket_item());
    const bool is_range = !at_end() && peek() == '-' && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']';
    if (is_range) {
      ++at_;
      MELETE_ASSIGN_OR_RETURN(const CodePoints end, bracket_item());
      const auto is_single = [](const CodePoints& s) {
        return s.ranges().size() == 1 && s.ranges()[0].first == s.ranges()[0].last;
      };
      if (!is_single(item) || !is_single(end) || item.ranges()[0].first > end.ranges()[0].first)
        return problem("a range of two characters in order", std::string(since(item_begin)));
      item.add(item.ranges()[0].first, end.ranges()[0].first);
    }
    set.add(item);
  }
  ++at_;
  if (negated) set = set.complement();
  if (set.empty()) return problem("a character in each set", std::string(since(begin)));
  return set;
}

}  // namespace melete
