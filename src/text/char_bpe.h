// BPE over characters with byte fallback, as SentencePiece has it (1808.06226): spaces are written as U+2581,
// and a character without an entry becomes the entries <0x00> .. <0xFF> of its bytes. Two ways to choose the
// next merge: by rank (tokenizer.json), or by the score of the entry that it gives (SentencePiece, GGUF).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/bpe.h"

namespace melete {

inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581

// Every ' ' as U+2581, and back.
std::string mark_spaces(std::string_view text);
std::string unmark_spaces(std::string_view text);

// The byte that "<0x0A>" spells, or -1.
int byte_spelled(std::string_view token);

struct CharBpeEntries {
  std::vector<std::string> spelling;  // by id, with U+2581; empty: no text gives this entry
  std::array<int32_t, 256> byte_ids;  // of <0x00> .. <0xFF>; -1: none
};

// Ranked where `scores` is empty, else scored. Immutable.
class CharBpe {
 public:
  CharBpe(CharBpeEntries entries, const std::vector<Merge>& merges, std::vector<float> scores);

  // Appends the ids of text whose spaces are marked. Bytes without an entry are left out. Time: n log n.
  void encode(std::string_view text, std::vector<int32_t>& ids) const;

 private:
  int32_t find(std::string_view text) const;
  void append_bytes(std::string_view text, std::vector<int32_t>& ids) const;
  void encode_ranked(std::string_view text, std::vector<int32_t>& ids) const;
  void encode_scored(std::string_view text, std::vector<int32_t>& ids) const;

  CharBpeEntries entries_;
  MergeTable merges_;
  std::vector<float> scores_;
  TokenTable ids_;
  size_t longest_ = 0;  // bytes of the longest spelling
};

}  // namespace melete
