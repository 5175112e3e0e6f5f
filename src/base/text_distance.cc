#include "base/text_distance.h"

#include <algorithm>
#include <cctype>
#include <limits>

#include "base/ascii.h"

namespace melete {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr size_t kLongest = 64;
  if (word.size() > kLongest) return {};
  const size_t allowed = std::max<size_t>(1, word.size() / 3);
  size_t best = std::numeric_limits<size_t>::max();
  const std::string* nearest = nullptr;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(lower_ascii(word), lower_ascii(candidate));
    if (distance < best) best = distance, nearest = &candidate;
  }
  if (!nearest || best > allowed) return {};
  return "; did you mean '" + *nearest + "'?";
}

}  // namespace melete
