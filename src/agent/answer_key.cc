#include "agent/answer_key.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/json.h"

namespace melete {
namespace {

constexpr std::array<std::string_view, 21> kNumberWords = {
    "zero",     "one",     "two",     "three",     "four",     "five",     "six",
    "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",   "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"};

bool is_edge(char c) {
  return std::isspace(static_cast<unsigned char>(c)) ||
         std::string_view(".,;:!?\"'").find(c) != std::string_view::npos;
}

// Lower case, single spaces, no punctuation at either end.
std::string fold(std::string_view text) {
  while (!text.empty() && is_edge(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_edge(text.back())) text.remove_suffix(1);
  std::string folded;
  for (const char c : text) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (space && (folded.empty() || folded.back() == ' ')) continue;
    folded += space ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return folded;
}

// The number's shortest spelling, or the word itself.
std::string canonical_word(const std::string& word) {
  const auto named = std::find(kNumberWords.begin(), kNumberWords.end(), word);
  if (named != kNumberWords.end()) return std::to_string(named - kNumberWords.begin());
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || !std::isfinite(value)) return word;
  // Digits with leading zeros are codes, not quantities.
  if (word.size() > 1 && word[0] == '0' && word[1] != '.') return word;
  if (std::fabs(value) >= 1e15) return word;
  char text[32];
  std::snprintf(text, sizeof text, "%.12g", value);
  return text;
}

}  // namespace

std::string answer_key(std::string_view answer) {
  const std::string folded = fold(answer);
  if (!folded.empty() && (folded.front() == '[' || folded.front() == '{'))
    if (auto json = parse_json(folded, "answer"); json.ok()) return nlohmann::json(*json).dump();
  std::string key, word;
  for (size_t i = 0; i <= folded.size(); ++i) {
    if (i < folded.size() && folded[i] != ' ') {
      word += folded[i];
      continue;
    }
    if (!key.empty()) key += ' ';
    key += canonical_word(word);
    word.clear();
  }
  return key;
}

}  // namespace melete
