// Texts of a vocabulary -> their numbers, by open addressing: built at every start, for up to a quarter of a
// million entries, so it makes no allocation an entry.
#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace melete {

class TokenTable {
 public:
  // Room for `most` texts.
  explicit TokenTable(size_t most = 0) : slots_(std::bit_ceil(2 * most + 2)), mask_(slots_.size() - 1) {}

  // The text must outlive the table, the number be 0 or more. A text that is there keeps its number.
  void add(std::string_view text, int32_t number) {
    const uint64_t hash = hash_of(text);
    for (uint64_t at = hash & mask_;; at = (at + 1) & mask_) {
      Slot& slot = slots_[at];
      if (slot.number >= 0 && !slot.holds(text, hash)) continue;
      if (slot.number < 0) slot = {text, static_cast<uint32_t>(hash >> 32), number};
      return;
    }
  }

  // -1 if there is none.
  int32_t find(std::string_view text) const {
    const uint64_t hash = hash_of(text);
    for (uint64_t at = hash & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.number < 0 || slot.holds(text, hash)) return slot.number;
    }
  }

 private:
  struct Slot {
    std::string_view text;
    uint32_t tag = 0;  // of the hash, so that few texts are compared
    int32_t number = -1;

    bool holds(std::string_view other, uint64_t hash) const {
      return tag == static_cast<uint32_t>(hash >> 32) && text == other;
    }
  };

  static uint64_t hash_of(std::string_view text) { return std::hash<std::string_view>()(text); }

  std::vector<Slot> slots_;
  uint64_t mask_;
};

}  // namespace melete
