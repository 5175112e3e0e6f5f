// The characters of a regular expression: a cursor over its text that reads single characters, escapes and
// bracketed sets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/grammar/code_points.h"

namespace melete {

class RegexCursor {
 public:
  // `where` names the pattern in errors. Both must outlive the cursor.
  RegexCursor(std::string_view pattern, std::string_view where) : pattern_(pattern), where_(where) {}

 protected:
  bool at_end() const { return at_ >= pattern_.size(); }
  char peek() const { return pattern_[at_]; }
  bool take(char c);
  bool take_all(char c);  // any number of it; whether there was one
  void skip(size_t bytes) { at_ += bytes; }
  void rewind(size_t position) { at_ = position; }
  size_t position() const { return at_; }
  std::string_view since(size_t begin) const { return pattern_.substr(begin, at_ - begin); }
  std::string_view where() const { return where_; }
  std::optional<int64_t> digits();  // decimal; nothing if there is none; large values saturate

  Result<int32_t> character();                 // one code point of UTF-8
  Result<CodePoints> escape(bool in_bracket);  // from the backslash on
  Result<CodePoints> bracket();                // from the [ on

  // "must have WHAT, got GOT at byte N".
  Error problem(const std::string& what, const std::string& got) const;

 private:
  Result<CodePoints> category(bool negated);
  Result<CodePoints> hexadecimal(size_t begin, size_t fixed_digits);
  Result<CodePoints> named_class();
  Result<CodePoints> bracket_item();

  std::string_view pattern_, where_;
  size_t at_ = 0;
};

}  // namespace melete
