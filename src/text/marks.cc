#include "text/marks.h"

#include <algorithm>

#include "base/json.h"
#include "text/special_tokens.h"

namespace melete {
namespace {

constexpr std::string_view kPrefix = "<|loc_";
constexpr size_t kTokenBytes = 10;
constexpr std::string_view kDelimiters = ",;:.()\n\r";
constexpr size_t kMaxLabelBytes = 200;

// True if `text`, shorter than a location token, may be the start of one.
bool may_begin_token(std::string_view text) {
  constexpr std::string_view kShape = "<|loc_00|>";
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_digit_place = i == 6 || i == 7;
    if (is_digit_place ? text[i] < '0' || text[i] > '9' : text[i] != kShape[i]) return false;
  }
  return true;
}

// Without spaces around and without what leads over to a mark (": ", " (").
std::string bare_label(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  const size_t end = text.find_last_not_of(" \t:(");
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return {};
  return std::string(text.substr(begin, end - begin + 1));
}

// The label at the end of `text`.
std::string label_of(std::string_view text) {
  const size_t window = std::min(text.size(), kMaxLabelBytes + 1);
  const std::string near = bare_label(text.substr(text.size() - window));
  const size_t delimiter = near.find_last_of(kDelimiters);
  if (delimiter != std::string::npos) return bare_label(std::string_view(near).substr(delimiter + 1));
  return window > kMaxLabelBytes ? std::string() : near;
}

}  // namespace

int location_of_bin(int bin) { return bin * 10 + 5; }
int bin_of_location(int thousandths) { return std::clamp(thousandths / 10, 0, kNumLocations - 1); }

std::string point_tokens(int x, int y) {
  return location_token(bin_of_location(x)) + location_token(bin_of_location(y));
}
std::string box_tokens(int x1, int y1, int x2, int y2) { return point_tokens(x1, y1) + point_tokens(x2, y2); }

MarkParser::Output MarkParser::put(std::string_view text) {
  Output out;
  held_ += text;
  const std::string_view all = held_;
  size_t pos = 0;
  while (pos < all.size()) {
    const size_t open = std::min(all.find('<', pos), all.size());
    take_plain(all.substr(pos, open - pos), out);
    pos = open;
    const std::string_view candidate = all.substr(pos, kTokenBytes);
    if (candidate.empty()) break;
    if (candidate.size() < kTokenBytes && may_begin_token(candidate)) break;
    if (const int bin = location_bin(candidate); bin >= 0) {
      bins_.push_back(bin);
      pos += kTokenBytes;
    } else {
      take_plain(all.substr(pos, 1), out);
      ++pos;
    }
  }
  held_.erase(0, pos);
  return out;
}

MarkParser::Output MarkParser::finish() {
  Output out;
  const std::string rest = std::move(held_);
  held_.clear();
  take_plain(rest, out);
  close_run(out);
  return out;
}

void MarkParser::take_plain(std::string_view plain, Output& out) {
  if (plain.empty()) return;
  close_run(out);
  out.text += plain;
  text_bytes_ += static_cast<int64_t>(plain.size());
  label_ += plain;
  named_.put(plain);
  if (label_.size() > 2 * kMaxLabelBytes) label_.erase(0, label_.size() - kMaxLabelBytes - 1);
}

void MarkParser::close_run(Output& out) {
  if (bins_.empty()) return;
  named_.end();
  if (bins_.size() == 2 || bins_.size() == 4) {
    TextMark mark;
    mark.kind = bins_.size() == 2 ? TextMark::Kind::point : TextMark::Kind::box;
    mark.text_bytes = text_bytes_;
    for (size_t i = 0; i < bins_.size(); ++i) mark.at[i] = location_of_bin(bins_[i]);
    if (mark.kind == TextMark::Kind::box) {
      if (mark.at[0] > mark.at[2]) std::swap(mark.at[0], mark.at[2]);
      if (mark.at[1] > mark.at[3]) std::swap(mark.at[1], mark.at[3]);
    }
    mark.label = label_of(label_);
    mark.on = named_.last();
    out.marks.push_back(std::move(mark));
  }
  label_.clear();
  bins_.clear();
}

std::optional<std::string> marks_as_json(std::string_view answer) {
  MarkParser parser;
  auto [text, marks] = parser.put(answer);
  auto rest = parser.finish();
  text += rest.text;
  marks.insert(marks.end(), rest.marks.begin(), rest.marks.end());
  if (marks.empty()) return std::nullopt;
  const auto tail = std::string_view(text).substr(static_cast<size_t>(marks.back().text_bytes));
  if (tail.find_first_not_of(" \t\n\r.;,") != std::string_view::npos) return std::nullopt;
  Json array = Json::array();
  int64_t covered = 0;
  for (const TextMark& mark : marks) {
    const auto between = std::string_view(text).substr(static_cast<size_t>(covered),
                                                       static_cast<size_t>(mark.text_bytes - covered));
    const size_t words = between.find_first_not_of(" \t\n\r.;,:()");
    if (words != std::string_view::npos && bare_label(between.substr(words)) != mark.label)
      return std::nullopt;
    covered = mark.text_bytes;
    if (mark.kind == TextMark::Kind::point)
      array.push_back({{"x", mark.at[0]}, {"y", mark.at[1]}});
    else
      array.push_back(
          {{"x_min", mark.at[0]}, {"y_min", mark.at[1]}, {"x_max", mark.at[2]}, {"y_max", mark.at[3]}});
  }
  return json_text(array);
}

}  // namespace melete
