#include "task/verify.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "base/json.h"
#include "task/number_words.h"

namespace melete {
namespace {

constexpr size_t kLongestAnswer = 4096;
constexpr std::array<std::string_view, 24> kUnits = {
    "kcal", "calories", "calorie", "cal",     "g",       "grams",  "gram",    "mg",
    "kg",   "cm",       "mm",      "m",       "degrees", "degree", "percent", "%",
    "hz",   "seconds",  "second",  "minutes", "minute",  "hours",  "hour",    "euros"};

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Lower case, U+2212 as a hyphen, runs of space as one.
std::string plain(std::string_view text) {
  constexpr std::string_view kMinus = "\xE2\x88\x92";
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, kMinus.size()) == kMinus) {
      out += '-';
      i += kMinus.size() - 1;
    } else if (!is_space(text[i])) {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(text[i])));
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  return out;
}

std::string_view without_wrapping(std::string_view text) {
  constexpr std::string_view kAround = " \"'`*_";
  while (!text.empty() && kAround.find(text.front()) != std::string_view::npos) text.remove_prefix(1);
  constexpr std::string_view kBehind = " \"'`*_.!";
  while (!text.empty() && kBehind.find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  return text;
}

std::string_view without_article(std::string_view text) {
  for (const std::string_view article : {"the ", "an ", "a "})
    if (text.starts_with(article)) return text.substr(article.size());
  return text;
}

// "3.50" -> "3.5", "-0.0" -> "0"; empty if `text` is no plain decimal.
std::string decimal(std::string_view text) {
  const size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot == sign || dot + 1 == text.size() || text.size() > 32) return {};
  for (size_t i = sign; i < text.size(); ++i)
    if (i != dot && !is_digit(text[i])) return {};
  std::string whole(text.substr(sign, dot - sign)), part(text.substr(dot + 1));
  while (!part.empty() && part.back() == '0') part.pop_back();
  while (whole.size() > 1 && whole.front() == '0') whole.erase(0, 1);
  const bool zero = whole == "0" && part.empty();
  return (text[0] == '-' && !zero ? "-" : "") + whole + (part.empty() ? "" : "." + part);
}

// "07:30", "7:30 pm", "7 o'clock", "half past seven" -> "7:30"; empty if `text` is no clock time.
std::string clock_time(std::string_view text) {
  for (const std::string_view half : {" am", " pm", "am", "pm"})
    if (text.ends_with(half) && text.size() > half.size() && is_digit(text[text.size() - half.size() - 1])) {
      text.remove_suffix(half.size());
      break;
    }
  const auto hour_of = [](std::string_view word) { return read_number(word).value_or(-1); };
  const auto shown = [](int64_t hour, std::string_view minutes) {
    return hour >= 0 && hour <= 24 ? std::to_string(hour) + ":" + std::string(minutes) : std::string();
  };
  constexpr std::string_view kFull = " o'clock", kHalf = "half past ";
  if (text.ends_with(kFull)) return shown(hour_of(text.substr(0, text.size() - kFull.size())), "00");
  if (text.starts_with(kHalf)) return shown(hour_of(text.substr(kHalf.size())), "30");
  const size_t colon = text.find(':');
  if (colon == 0 || colon > 2 || text.size() != colon + 3) return {};
  if (!is_digit(text[0]) || !is_digit(text[colon - 1]) || !is_digit(text[colon + 1]) ||
      !is_digit(text[colon + 2]))
    return {};
  return shown(hour_of(text.substr(0, colon)), text.substr(colon + 1));
}

struct Quantity {
  std::string number;  // empty: not a number with an optional known unit
  std::string unit;
};

Quantity quantity_of(const std::string& text) {
  size_t end = text.size();
  while (end > 0 && !is_digit(text[end - 1])) --end;
  std::string unit = text.substr(end);
  if (unit.starts_with(' ')) unit.erase(0, 1);
  if (end == 0 || (!unit.empty() && std::find(kUnits.begin(), kUnits.end(), unit) == kUnits.end())) return {};
  const std::string number = normalize_answer(std::string_view(text).substr(0, end));
  const bool plain_number = number.find_first_not_of("0123456789.-") == std::string::npos;
  return plain_number ? Quantity{number, unit} : Quantity{};
}

std::optional<Place> place_of_tokens(std::string_view text) {
  constexpr std::string_view kHead = "<|loc_", kTail = "|>";
  Place place;
  size_t count = 0;
  while (!text.empty()) {
    if (count == 4 || text.size() < 10 || !text.starts_with(kHead) || text.substr(8, 2) != kTail)
      return std::nullopt;
    if (!is_digit(text[6]) || !is_digit(text[7])) return std::nullopt;
    place.at[count++] = 10.0 * ((text[6] - '0') * 10 + (text[7] - '0')) + 5;
    text.remove_prefix(10);
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  }
  if (count != 2 && count != 4) return std::nullopt;
  place.is_box = count == 4;
  return place;
}

std::optional<Place> place_of_json(std::string_view text) {
  Result<Json> parsed = parse_json(text, "answer");
  if (!parsed.ok()) return std::nullopt;
  Json value = *parsed;
  if (value.is_array() && value.size() == 1) value = Json(value[0]);
  if (!value.is_object()) return std::nullopt;
  Place place;
  const auto read = [&](std::initializer_list<const char*> keys) {
    size_t i = 0;
    for (const char* key : keys) {
      const auto found = value.find(key);
      if (found == value.end() || !found->is_number()) return false;
      place.at[i++] = found->get<double>();
      if (!(place.at[i - 1] >= 0 && place.at[i - 1] <= 1000)) return false;
    }
    return true;
  };
  place.is_box = true;
  if (read({"x_min", "y_min", "x_max", "y_max"})) return place;
  place = {};
  if (read({"x", "y"})) return place;
  return std::nullopt;
}

}  // namespace

std::string normalize_answer(std::string_view answer) {
  if (answer.size() > kLongestAnswer) return {};
  const std::string lower = plain(answer);
  const std::string_view text = without_article(without_wrapping(lower));
  const bool is_code = text.size() > 1 && text[0] == '0' && is_digit(text[1]);  // "07" is not the number 7
  if (const auto number = read_number(text); number && !is_code) return std::to_string(*number);
  if (std::string number = decimal(text); !number.empty()) return number;
  if (std::string time = clock_time(text); !time.empty()) return time;
  return std::string(text);
}

bool same_answer(std::string_view gold, std::string_view answer) {
  const std::string expected = normalize_answer(gold), got = normalize_answer(answer);
  if (expected.empty() || got.empty()) return false;
  if (expected == got) return true;
  const Quantity a = quantity_of(expected), b = quantity_of(got);
  return !a.number.empty() && a.number == b.number && (a.unit.empty() || b.unit.empty());
}

std::optional<Place> parse_place(std::string_view answer) {
  if (answer.size() > 256) return std::nullopt;
  while (!answer.empty() && is_space(answer.front())) answer.remove_prefix(1);
  while (!answer.empty() && (is_space(answer.back()) || answer.back() == '.')) answer.remove_suffix(1);
  if (answer.empty()) return std::nullopt;
  std::optional<Place> place = answer.front() == '<' ? place_of_tokens(answer) : place_of_json(answer);
  if (place && place->is_box && (place->at[0] > place->at[2] || place->at[1] > place->at[3]))
    return std::nullopt;
  return place;
}

double intersection_over_union(const std::array<double, 4>& a, const std::array<double, 4>& b) {
  const double width = std::min(a[2], b[2]) - std::max(a[0], b[0]);
  const double height = std::min(a[3], b[3]) - std::max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const auto area = [](const std::array<double, 4>& box) { return (box[2] - box[0]) * (box[3] - box[1]); };
  return width * height / (area(a) + area(b) - width * height);
}

bool finds_place(std::string_view answer, const std::array<double, 4>& box, bool asked_for_box) {
  const std::optional<Place> place = parse_place(answer);
  if (!place || place->is_box != asked_for_box) return false;
  if (asked_for_box) return intersection_over_union(place->at, box) >= 0.5;
  const auto& [x, y, unused_x, unused_y] = place->at;
  return x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3];
}

}  // namespace melete
