// Byte-pair encoding of one pre-token (Sennrich et al. 1508.07909): merge the adjacent pair of lowest rank,
// leftmost first, until no pair has a merge.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/token_table.h"

namespace melete {

struct Merge {
  int32_t left = 0, right = 0, result = 0;  // rank: the position in the list
};

// Pair of ids -> rank and result, by open addressing.
class MergeTable {
 public:
  struct Entry {
    uint64_t key = ~uint64_t{0};
    int32_t rank = -1, result = -1;
  };

  MergeTable() : MergeTable(std::vector<Merge>()) {}
  explicit MergeTable(const std::vector<Merge>& merges);  // of equal pairs the last counts

  // The entry, or null.
  const Entry* find(int32_t left, int32_t right) const;

 private:
  std::vector<Entry> slots_;
  uint64_t mask_ = 0;
};

// Merges the adjacent pair of lowest rank, leftmost first, until no pair has a merge.
void apply_merges(const MergeTable& merges, std::vector<int32_t>& symbols);

class Bpe {
 public:
  // token_bytes[id]: the bytes of an ordinary token, empty where an id is special or unused. ignore_merges: a
  // pre-token that is a whole entry is that entry, whatever the merges say.
  Bpe(std::vector<std::string> token_bytes, const std::vector<Merge>& merges, bool ignore_merges);

  // Appends the ids of one pre-token. Bytes without an entry of their own are left out, as `tokenizers` does
  // without an unknown token.
  void encode(std::string_view piece, std::vector<int32_t>& ids) const;

 private:
  void merge(std::string_view piece, std::vector<int32_t>& ids) const;

  std::vector<std::string> token_bytes_;
  std::array<int32_t, 256> byte_ids_{};
  MergeTable merges_;
  TokenTable known_;  // of token_bytes_: the first id of each
  // By id: the one token that its bytes encode to, or one of the two below. Found when it is first asked for,
  // by whichever thread; all find the same.
  static constexpr int32_t kUnknown = -2, kSeveral = -1;
  mutable std::vector<std::atomic<int32_t>> whole_;
};

}  // namespace melete
