#include "engine/grammar/code_points.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>

namespace melete {
namespace {

constexpr int32_t kFirstSurrogate = 0xD800, kLastSurrogate = 0xDFFF, kLastCodePoint = 0x10FFFF;

// Every category by its name, of one letter (L) and of two (Lu).
std::map<std::string, CodePoints> read_categories() {
  std::array<std::vector<CodePointRange>, UTF8PROC_CATEGORY_CO + 1> found;
  for (int32_t c = 0; c <= kLastCodePoint; ++c) {
    auto& ranges = found[static_cast<size_t>(utf8proc_category(c))];
    if (!ranges.empty() && ranges.back().last == c - 1)
      ranges.back().last = c;
    else
      ranges.push_back({c, c});
  }
  std::map<std::string, CodePoints> sets;
  for (const auto& ranges : found) {
    if (ranges.empty()) continue;
    const std::string name = utf8proc_category_string(ranges[0].first);
    for (const CodePointRange& r : ranges) sets[name].add(r.first, r.last);
    sets[name.substr(0, 1)].add(sets[name]);
  }
  return sets;
}

}  // namespace

CodePoints CodePoints::of(std::string_view ascii) {
  CodePoints set;
  for (const char c : ascii) set.add(static_cast<uint8_t>(c), static_cast<uint8_t>(c));
  return set;
}

void CodePoints::insert(int32_t first, int32_t last) {
  if (first > last) return;
  // The ranges that touch the new one are merged into it.
  const auto begin =
      std::find_if(ranges_.begin(), ranges_.end(), [&](const auto& r) { return r.last >= first - 1; });
  auto end = begin;
  for (; end != ranges_.end() && end->first <= last + 1; ++end) {
    first = std::min(first, end->first);
    last = std::max(last, end->last);
  }
  ranges_.insert(ranges_.erase(begin, end), {first, last});
}

void CodePoints::add(int32_t first, int32_t last) {
  insert(first, std::min(last, kFirstSurrogate - 1));
  insert(std::max(first, kLastSurrogate + 1), last);
}

void CodePoints::add(const CodePoints& other) {
  for (const CodePointRange& r : other.ranges_) insert(r.first, r.last);
}

CodePoints CodePoints::complement() const {
  CodePoints rest;
  int32_t next = 0;
  for (const CodePointRange& r : ranges_) {
    rest.add(next, r.first - 1);
    next = r.last + 1;
  }
  rest.add(next, kLastCodePoint);
  return rest;
}

CodePoints CodePoints::intersection(const CodePoints& other) const {
  CodePoints common;
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() && b != other.ranges_.end()) {
    const int32_t first = std::max(a->first, b->first), last = std::min(a->last, b->last);
    if (first <= last) common.ranges_.push_back({first, last});
    if (a->last < b->last)
      ++a;
    else
      ++b;
  }
  return common;
}

bool CodePoints::contains(int32_t code_point) const {
  const auto r =
      std::find_if(ranges_.begin(), ranges_.end(), [&](const auto& x) { return x.last >= code_point; });
  return r != ranges_.end() && r->first <= code_point;
}

std::optional<CodePoints> unicode_category(std::string_view name) {
  static const auto categories = read_categories();
  const auto found = categories.find(std::string(name));
  return found == categories.end() ? std::nullopt : std::optional(found->second);
}

std::string_view encode_utf8(int32_t code_point, char (&buffer)[4]) {
  const auto size = utf8proc_encode_char(code_point, reinterpret_cast<utf8proc_uint8_t*>(buffer));
  return {buffer, static_cast<size_t>(size)};
}

}  // namespace melete
