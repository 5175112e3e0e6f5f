#include "text/pretokenizer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "text/unicode.h"

namespace melete {
namespace {

constexpr std::array<std::pair<SplitKind, std::string_view>, 5> kPatterns = {{
    {SplitKind::gpt2, R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"},
    {SplitKind::cl100k,
     R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
    {SplitKind::cl100k_one_digit,
     R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
    {SplitKind::cl100k_marks,
     R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
    {SplitKind::o200k,
     R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
}};

constexpr size_t kNoMatch = 0;
constexpr uint16_t kNotSymbol = kSpace | kLetter | kNumber;  // [^\s\p{L}\p{N}] is a symbol

// End of the run of characters in any of `classes` from pos on.
size_t run(std::string_view text, size_t pos, uint16_t classes) {
  while (pos < text.size()) {
    const Char c = char_at(text, pos);
    if (!c.is(classes)) break;
    pos += c.length;
  }
  return pos;
}

// End of the run of characters in none of `classes` from pos on.
size_t run_without(std::string_view text, size_t pos, uint16_t classes) {
  while (pos < text.size()) {
    const Char c = char_at(text, pos);
    if (c.is(classes)) break;
    pos += c.length;
  }
  return pos;
}

bool has_none(std::string_view text, size_t pos, uint16_t classes) {
  return pos < text.size() && !char_at(text, pos).is(classes);
}

// Length of 's 't 're 've 'm 'll 'd at pos, or 0. Ignoring case, the long s (U+017F) folds to s.
size_t contraction(std::string_view text, size_t pos, bool ignore_case) {
  if (pos + 1 >= text.size() || text[pos] != '\'') return 0;
  const auto letter = [&](size_t at) -> char {
    if (at >= text.size()) return 0;
    const char c = text[at];
    return ignore_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const char first = letter(pos + 1), second = letter(pos + 2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if ((first == 'r' || first == 'v') && second == 'e') return 3;
  if (first == 'l' && second == 'l') return 3;
  return ignore_case && text.substr(pos + 1, 2) == "\xC5\xBF" ? 3 : 0;
}

// \s+(?!\S)|\s+ : a run of spaces leaves its last one to the word behind it.
size_t spaces(std::string_view text, size_t pos) {
  const size_t end = run(text, pos, kSpace);
  if (end == text.size()) return end;
  const size_t before_last = end - char_before(text, end).length;
  return before_last > pos ? before_last : end;
}

// \s*[\r\n]+|\s+(?!\S)|\s+
size_t lines_or_spaces(std::string_view text, size_t pos) {
  const size_t end = run(text, pos, kSpace);
  const size_t last_newline = text.substr(pos, end - pos).find_last_of("\r\n");
  return last_newline == std::string_view::npos ? spaces(text, pos) : pos + last_newline + 1;
}

// \p{N}{1,max_digits}
size_t digits(std::string_view text, size_t pos, int max_digits) {
  for (int i = 0; i < max_digits && pos < text.size(); ++i) {
    const Char c = char_at(text, pos);
    if (!c.is(kNumber)) break;
    pos += c.length;
  }
  return pos;
}

// " ?[^...]+" of characters in none of `classes`, and then any of `tail`.
size_t symbols(std::string_view text, size_t pos, std::string_view tail, uint16_t classes = kNotSymbol) {
  const size_t begin = text[pos] == ' ' ? pos + 1 : pos;
  if (!has_none(text, begin, classes)) return kNoMatch;
  const size_t end = text.find_first_not_of(tail, run_without(text, begin, classes));
  return end == std::string_view::npos ? text.size() : end;
}

size_t next_gpt2(std::string_view text, size_t pos) {
  if (const size_t length = contraction(text, pos, false)) return pos + length;
  const size_t begin = text[pos] == ' ' && pos + 1 < text.size() ? pos + 1 : pos;
  const Char c = char_at(text, begin);
  if (c.is(kLetter)) return run(text, begin, kLetter);
  if (c.is(kNumber)) return run(text, begin, kNumber);
  if (!c.is(kSpace)) return run_without(text, begin, kNotSymbol);
  return spaces(text, pos);
}

// `word`: the classes of a word's characters, kLetter alone or with kMark.
size_t next_cl100k(std::string_view text, size_t pos, int max_digits, uint16_t word = kLetter) {
  if (const size_t length = contraction(text, pos, true)) return pos + length;
  const Char c = char_at(text, pos);
  if (c.is(kLetter)) return run(text, pos, word);
  if (c.is(kNumber)) return digits(text, pos, max_digits);
  if (!c.is(kNewline)) {
    const size_t after = pos + c.length;
    if (const size_t end = run(text, after, word); end > after) return end;
    if (c.is(word)) return after;
  }
  if (const size_t end = symbols(text, pos, "\r\n", kNotSymbol | word); end != kNoMatch) return end;
  return lines_or_spaces(text, pos);
}

// Upper-like* then lower-like+, with the backtracking of a regular expression: characters of both classes
// given back by the first run may begin the second.
size_t cased_word(std::string_view text, size_t pos) {
  const size_t upper_end = run(text, pos, kUpperLike);
  if (const size_t end = run(text, upper_end, kLowerLike); end > upper_end) return end;
  for (size_t at = upper_end; at > pos;) {
    const Char c = char_before(text, at);
    at -= c.length;
    if (c.is(kLowerLike)) return run(text, at, kLowerLike);
  }
  return kNoMatch;
}

// Upper-like+ then lower-like*.
size_t upper_word(std::string_view text, size_t pos) {
  const size_t upper_end = run(text, pos, kUpperLike);
  return upper_end == pos ? kNoMatch : run(text, upper_end, kLowerLike);
}

size_t next_o200k(std::string_view text, size_t pos) {
  const Char c = char_at(text, pos);
  const bool may_prefix = !c.is(kNewline | kLetter | kNumber) && pos + c.length < text.size();
  for (const auto word : {cased_word, upper_word}) {
    size_t end = may_prefix ? word(text, pos + c.length) : kNoMatch;
    if (end == kNoMatch) end = word(text, pos);
    if (end != kNoMatch) return end + contraction(text, end, true);
  }
  if (c.is(kNumber)) return digits(text, pos, 3);
  if (const size_t end = symbols(text, pos, "\r\n/"); end != kNoMatch) return end;
  return lines_or_spaces(text, pos);
}

size_t next_digits(std::string_view text, size_t pos, bool individual) {
  const Char first = char_at(text, pos);
  if (first.is(kNumber)) return individual ? pos + first.length : run(text, pos, kNumber);
  return run_without(text, pos, kNumber);
}

bool is_punctuation(const Char& c) {
  return c.is(kPunctuation) ||
         (c.code_point >= 0 && c.code_point < 128 &&
          std::string_view("$+<=>^~|").find(static_cast<char>(c.code_point)) != std::string_view::npos);
}

size_t next_punctuation(std::string_view text, size_t pos) {
  const bool first = is_punctuation(char_at(text, pos));
  while (pos < text.size()) {
    const Char c = char_at(text, pos);
    if (is_punctuation(c) != first) break;
    pos += c.length;
  }
  return pos;
}

size_t next_three_digits(std::string_view text, size_t pos) {
  constexpr std::string_view kDigits = "0123456789";
  const auto run_at = [&](size_t at) {
    return std::min(text.find_first_not_of(kDigits, at), text.size()) - at;
  };
  if (run_at(pos) >= 3) return pos + 3;
  for (size_t at = pos + run_at(pos); at < text.size(); at += run_at(at)) {
    at = std::min(text.find_first_of(kDigits, at), text.size());
    if (run_at(at) >= 3) return at;
  }
  return text.size();
}

}  // namespace

Result<SplitKind> split_kind_of(std::string_view pattern, std::string_view where) {
  for (const auto& [kind, known] : kPatterns)
    if (pattern == known) return kind;
  return invalid_argument(
      "[", where, "] pre_tokenizer pattern must be GPT-2's, Llama-3's, Qwen2's, Qwen3.5's or Llama-4's, got ",
      pattern.substr(0, 300), "; this kind of tokenizer isn't supported");
}

std::string_view pattern_of(SplitKind kind) {
  for (const auto& [known, pattern] : kPatterns)
    if (kind == known) return pattern;
  return {};
}

size_t next_piece(SplitKind kind, std::string_view text, size_t pos) {
  switch (kind) {
    case SplitKind::gpt2: return next_gpt2(text, pos);
    case SplitKind::cl100k: return next_cl100k(text, pos, 3);
    case SplitKind::cl100k_one_digit: return next_cl100k(text, pos, 1);
    case SplitKind::cl100k_marks: return next_cl100k(text, pos, 1, kLetter | kMark);
    case SplitKind::o200k: return next_o200k(text, pos);
    case SplitKind::digits: return next_digits(text, pos, false);
    case SplitKind::individual_digits: return next_digits(text, pos, true);
    case SplitKind::punctuation: return next_punctuation(text, pos);
    case SplitKind::three_ascii_digits: return next_three_digits(text, pos);
  }
  return text.size();
}

}  // namespace melete
