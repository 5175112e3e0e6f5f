#include "engine/grammar/utf8_ranges.h"

namespace melete {
namespace {

// The largest code point of each length, and of each number of whole continuation bytes.
constexpr int32_t kLengthEnds[] = {0x7F, 0x7FF, 0xFFFF};

// Where the range must be cut so that its first part is one sequence or nearer to it; -1: nowhere.
int32_t cut_after(CodePointRange r) {
  for (const int32_t end : kLengthEnds)
    if (r.first <= end && end < r.last) return end;
  if (r.last <= 0x7F) return -1;
  for (int bits = 6; bits <= 18; bits += 6) {
    const int32_t low = (1 << bits) - 1;
    if ((r.first & ~low) == (r.last & ~low)) continue;
    if ((r.first & low) != 0) return r.first | low;
    if ((r.last & low) != low) return (r.last & ~low) - 1;
  }
  return -1;
}

}  // namespace

std::vector<std::vector<ByteRange>> utf8_ranges(CodePointRange range) {
  std::vector<std::vector<ByteRange>> sequences;
  std::vector<CodePointRange> open = {range};
  while (!open.empty()) {
    const CodePointRange r = open.back();
    open.pop_back();
    if (const int32_t cut = cut_after(r); cut >= 0) {
      open.push_back({cut + 1, r.last});
      open.push_back({r.first, cut});
      continue;
    }
    char first[4], last[4];
    const auto low = encode_utf8(r.first, first), high = encode_utf8(r.last, last);
    std::vector<ByteRange> sequence;
    for (size_t i = 0; i < low.size(); ++i)
      sequence.push_back({static_cast<uint8_t>(low[i]), static_cast<uint8_t>(high[i])});
    sequences.push_back(std::move(sequence));
  }
  return sequences;
}

}  // namespace melete
