// Softmax attention over key and value pages of 16 positions: causal with a sliding window, and over whole
// segments.
//
// A page holds, for each kv head g: keys [K][16] (a position is a column), then values [16][K padded to 16].
// Query heads h share kv head h / (H / G) (2305.13245). o = sum softmax(scale q.k) v. Shapes: N rows, H
// heads, G kv heads, K head width; q and o are [N, H * K], k and v [N, G * K].
#pragma once

#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "kernels/matrix.h"

namespace melete {

inline constexpr int64_t kPagePositions = 16;

struct HeadShape {
  int64_t heads = 0, kv_heads = 0, head_dim = 0;

  int64_t padded() const { return (head_dim + 15) / 16 * 16; }
  int64_t head_page() const { return kPagePositions * (head_dim + padded()); }
  int64_t page_floats() const { return kv_heads * head_page(); }  // of one layer
};

// Writes one position's k and v (each G * K) into its place of a page. A page must start as zeros.
void write_page(const HeadShape& shape, const float* k, const float* v, int64_t place, float* page);

// One query row: `pages` by position / 16; pages wholly before first_key may be null.
struct AttentionRow {
  const float* const* pages = nullptr;
  int64_t first_key = 0, last_key = 0;  // inclusive
};

// Scratch floats that attention() wants for each of `threads` threads, if no row sees more than num_keys
// keys; in tiles, so rows of neighbouring positions count as one span of keys.
int64_t attention_scratch(const HeadShape& shape, int64_t num_keys, int threads);

// o = attention of every row over its own pages. Neighbouring rows with the same `pages` are worked on
// together. page_offset: of this layer in a page. scratch: attention_scratch(...) floats for the most keys of
// any row.
void attention(ThreadPool& pool, const HeadShape& shape, ConstMatrix q, std::span<const AttentionRow> rows,
               int64_t page_offset, float scale, std::span<float> scratch, Matrix o);

// Pages that segment_attention() wants as scratch, in floats, beside attention_scratch() of the longest
// segment.
int64_t segment_pages(const HeadShape& shape, std::span<const int64_t> lengths);

// Every row sees all rows of its segment; lengths sum to N. `pages`: segment_pages(...) floats.
void segment_attention(ThreadPool& pool, const HeadShape& shape, ConstMatrix q, ConstMatrix k, ConstMatrix v,
                       std::span<const int64_t> lengths, float scale, std::span<float> pages,
                       std::span<float> scratch, Matrix o);

}  // namespace melete
