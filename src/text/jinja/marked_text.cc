#include "text/jinja/marked_text.h"

#include <algorithm>

namespace melete::jinja {

MarkedText::MarkedText(std::string text, bool trusted) : bytes_(std::move(text)) {
  if (!bytes_.empty()) runs_.push_back({bytes_.size(), trusted});
}

void MarkedText::append(std::string_view text, bool trusted) {
  if (text.empty()) return;
  bytes_ += text;
  if (!runs_.empty() && runs_.back().trusted == trusted)
    runs_.back().end = bytes_.size();
  else
    runs_.push_back({bytes_.size(), trusted});
}

void MarkedText::append(const MarkedText& other) { append_part(other, 0, other.size()); }

size_t MarkedText::run_at(size_t at) const {
  const auto found = std::upper_bound(runs_.begin(), runs_.end(), at,
                                      [](size_t position, const Run& run) { return position < run.end; });
  return static_cast<size_t>(found - runs_.begin());
}

void MarkedText::append_part(const MarkedText& other, size_t begin, size_t end) {
  end = std::min(end, other.size());
  for (size_t run = other.run_at(begin); begin < end; ++run) {
    const size_t stop = std::min(other.runs_[run].end, end);
    append(std::string_view(other.bytes_).substr(begin, stop - begin), other.runs_[run].trusted);
    begin = stop;
  }
}

MarkedText MarkedText::part(size_t begin, size_t end) const {
  MarkedText text;
  text.append_part(*this, begin, end);
  return text;
}

bool MarkedText::trusted_at(size_t at) const { return at < size() && runs_[run_at(at)].trusted; }

std::vector<Piece> MarkedText::pieces() const {
  std::vector<Piece> pieces;
  for_each_run([&](std::string_view text, bool trusted) { pieces.push_back({std::string(text), trusted}); });
  return pieces;
}

}  // namespace melete::jinja
