// The inner loops of attention, one table an instruction set. Internal to the room: the public functions are
// in attention.h, the loops in attention_body.h. As in kernel_table.h, only pointers and plain structs cross.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention_pages.h"

namespace melete {

inline constexpr int64_t kChunkPages = 4;   // softmax runs online over chunks, and
inline constexpr int64_t kBlockPages = 16;  // blocks' results are folded in ascending order
inline constexpr int64_t kChunkKeys = kChunkPages * kPagePositions;
inline constexpr int64_t kMostFolded = 16;

// A (row, head) pair's state: o [K padded], the greatest score m (of integer types plus log2 of its value's
// scale), and l = sum e^(score - m); o is not divided.
constexpr int64_t attention_state_floats(int64_t padded) { return padded + 16; }

// Query rows over pages of one kv head within one block.
struct AttentionWork {
  static constexpr int kMaxRows = 8;
  int32_t rows;
  KvType type;
  const float* q[kMaxRows];                         // of integer types rounded (rounded_query_floats)
  float* state[kMaxRows];                           // which the pages' keys join
  int64_t first_key[kMaxRows], last_key[kMaxRows];  // inclusive positions
  const std::byte* const* pages;                    // pages[i] holds page page_begin + i
  int64_t page_begin, page_end;                     // of position / 16
  // What is worked on afterwards, to be fetched meanwhile: ahead[i] instead of pages[i], ahead_offset bytes
  // further. was_fetched: an earlier tile has read these pages.
  const std::byte* const* ahead;
  int64_t ahead_offset;
  bool was_fetched;
  int64_t k_offset, scales_offset, v_offset;  // bytes in a page
  int64_t head_dim;
  float scale;
  float* scratch;  // attention_scratch_floats(K padded)
};

// A rounded query: K words or bytes, zeros up to a multiple of four bytes; at K padded / 2 their scale; then
// of bytes -128 times their sum.
constexpr int64_t rounded_query_floats(int64_t padded) { return padded / 2 + 16; }

constexpr int64_t attention_scratch_floats(int64_t padded) {
  return AttentionWork::kMaxRows * (padded + 2 * kChunkKeys);
}

struct AttentionTable {
  int32_t rows;  // of a tile, at most AttentionWork::kMaxRows
  void (*attend)(const AttentionWork&);
  // Numbers of integer types: amax / limit of x [n], NaN if one isn't finite, zero if all are tiny; and
  // round(x / scale), zeros for such scales; of bytes returns their sum.
  float (*scale)(const float* x, int64_t n, int32_t limit);
  void (*round_words)(const float* x, int64_t n, float scale, int16_t* words);
  int32_t (*round_bytes)(const float* x, int64_t n, float scale, int8_t* bytes);
  // x [n] times the matrices of rotated_together(n); to [n padded to 16].
  void (*rotate)(const float* x, int64_t n, float* to);
  // total: a state, which the states of `count` later blocks join in their order; at most kMostFolded.
  void (*fold)(KvType type, float* total, const float* const* blocks, int64_t count, int64_t padded);
  void (*finish)(const float* state, int64_t head_dim, float* o);
};

const AttentionTable& attention_table_scalar();
const AttentionTable& attention_table_avx2();
const AttentionTable& attention_table_avx512();
const AttentionTable& attention_table_avx512_vnni();

// The table of active_isa().
const AttentionTable& attention_table();

}  // namespace melete
