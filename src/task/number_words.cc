#include "task/number_words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>
#include <vector>

#include "base/check.h"

namespace melete {
namespace {

constexpr std::array<const char*, 20> kSmall = {"zero",    "one",     "two",       "three",    "four",
                                                "five",    "six",     "seven",     "eight",    "nine",
                                                "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                                "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::array<const char*, 10> kTens = {"",      "",      "twenty",  "thirty", "forty",
                                               "fifty", "sixty", "seventy", "eighty", "ninety"};
constexpr size_t kLongestAnswer = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Lower-case words; commas, full stops and hyphens count as spaces.
std::vector<std::string> words_of(std::string_view text) {
  std::string spaced;
  for (const char c : text)
    spaced += c == ',' || c == '.' || c == '-'
                  ? ' '
                  : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::istringstream stream(spaced);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

template <size_t N>
int index_in(const std::string& word, const std::array<const char*, N>& table) {
  const auto found = std::find(table.begin(), table.end(), word);
  return found == table.end() ? -1 : static_cast<int>(found - table.begin());
}

std::optional<int64_t> number_of_words(const std::vector<std::string>& words) {
  if (words.empty()) return std::nullopt;
  int64_t thousands = 0, group = 0,
          room = 1000;  // the next word must be worth less than `room`: "two three" is none
  for (size_t i = 0; i < words.size(); ++i) {
    const int small = index_in(words[i], kSmall), tens = index_in(words[i], kTens);
    if (small >= 0 && small < room && (small > 0 || words.size() == 1)) {
      group += small;
      room = 1;
    } else if (tens >= 2 && tens * 10 < room) {
      group += tens * 10;
      room = 10;
    } else if (words[i] == "hundred" && group >= 1 && group <= 9 && room == 1) {
      group *= 100;
      room = 100;
    } else if (words[i] == "thousand" && group >= 1 && thousands == 0) {
      thousands = group * 1000;
      group = 0;
      room = 1000;
    } else if (words[i] != "and" || i + 1 == words.size() || i == 0 ||
               (words[i - 1] != "hundred" && words[i - 1] != "thousand")) {
      return std::nullopt;
    }
  }
  return thousands + group;
}

// "407", "-3", "1,024"
std::optional<int64_t> number_of_digits(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const size_t comma = text.find(',');
  if (comma == 0 || (comma != std::string_view::npos && comma > 3)) return std::nullopt;
  int64_t value = 0;
  int num_digits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool comma_here = comma != std::string_view::npos && (text.size() - i) % 4 == 0 && i > 0;
    if (comma_here != (text[i] == ',')) return std::nullopt;
    if (comma_here) continue;
    if (!is_digit(text[i]) || ++num_digits > 15) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  if (num_digits == 0 || (comma != std::string_view::npos && (text.size() - comma) % 4 != 0))
    return std::nullopt;
  return negative ? -value : value;
}

}  // namespace

std::string spell_number(int64_t value) {
  MELETE_CHECK(value >= 0 && value <= 999'999, value);
  if (value < 20) return kSmall[static_cast<size_t>(value)];
  const auto join = [](std::string head, int64_t rest) {
    return rest == 0 ? head : head + ' ' + spell_number(rest);
  };
  if (value < 100) return join(kTens[static_cast<size_t>(value / 10)], value % 10);
  if (value < 1000) return join(spell_number(value / 100) + " hundred", value % 100);
  return join(spell_number(value / 1000) + " thousand", value % 1000);
}

std::string spell_digits(std::string_view digits) {
  std::string text;
  for (const char c : digits) {
    MELETE_CHECK(is_digit(c), digits);
    if (!text.empty()) text += ' ';
    text += kSmall[static_cast<size_t>(c - '0')];
  }
  return text;
}

std::optional<int64_t> read_number(std::string_view answer) {
  if (answer.size() > kLongestAnswer) return std::nullopt;
  while (!answer.empty() && std::isspace(static_cast<unsigned char>(answer.front()))) answer.remove_prefix(1);
  while (!answer.empty() && std::isspace(static_cast<unsigned char>(answer.back()))) answer.remove_suffix(1);
  if (answer.ends_with('.')) answer.remove_suffix(1);
  if (const auto value = number_of_digits(answer)) return value;
  return number_of_words(words_of(answer));
}

std::string read_digits(std::string_view answer) {
  if (answer.size() > kLongestAnswer) return {};
  std::string digits;
  for (const std::string& word : words_of(answer)) {
    const int small = index_in(word, kSmall);
    if (small >= 0 && small <= 9) {
      digits += static_cast<char>('0' + small);
    } else if (std::all_of(word.begin(), word.end(), is_digit)) {
      digits += word;
    } else {
      return {};
    }
  }
  return digits;
}

}  // namespace melete
