// Softmax attention of a tile of query rows over pages of one kv head, over a kind of arithmetic: FloatTile
// (attention_float.h) or IntTile (attention_int.h), which say how scores and weighted values are summed.
//
// Lanes are keys for the scores and channels for the values, so no sum crosses lanes except the softmax's
// own, whose lane is the key's place in its page. Chunks of 64 keys begin at multiples of 64 whatever the
// tile: m' = max(m, chunk's), l' = e^(m - m') l + sum e^(s - m'), o' = e^(m - m') o + sum e^(s - m') v
// (online softmax, 1805.02867, 2205.14135). Keys that a row doesn't see weigh exactly zero.
#pragma once

#include "kernels/attention_table.h"

namespace melete {

// Pages that are to be fetched meanwhile, at offsets that are `offset` greater: pages lie apart, so the
// processor can't guess them.
struct PagesAhead {
  const std::byte* const* pages;
  int64_t offset;
};

// Into the second cache level: fetches into the first are few at a time.
[[gnu::always_inline]] inline void fetch(const std::byte* p) { __builtin_prefetch(p, 0, 2); }

// scores[64 r + 16 p ..] of P pages from `pages`; fetches the keys of as many from `ahead`.
template <class Kind, int R, int P>
void score_pages(const AttentionWork& w, const typename Kind::template Tile<R>& tile,
                 const std::byte* const* pages, const PagesAhead& ahead, float* scores) {
  using F = typename Kind::F;
  typename Kind::ScoreSum sum[R][P];
  const std::byte *keys[P], *next[P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    keys[p] = pages[p] + w.k_offset;
    next[p] = ahead.pages[p] + w.k_offset + ahead.offset;
    for (int64_t at = w.scales_offset; at < w.v_offset; at += 64) fetch(next[p] + at - w.k_offset);
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) sum[r][p] = Kind::score_start(tile, r);
  }
  const int64_t steps = Kind::score_steps(w.head_dim);
#pragma GCC unroll 8
  for (int64_t d = 0; d < steps; ++d) {
    typename Kind::Key key[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      key[p] = Kind::load_key(keys[p] + Kind::kKeyBytes * d);
      if (Kind::kKeyBytes * d % 64 == 0) fetch(next[p] + Kind::kKeyBytes * d);
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const typename Kind::Query x = Kind::query(tile.q[d * R + r]);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) sum[r][p] = Kind::add_score(sum[r][p], key[p], x);
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    const auto* scales = reinterpret_cast<const float*>(pages[p] + w.scales_offset);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
      F::store(scores + r * kChunkKeys + 16 * p, Kind::score(sum[r][p], scales, F::set(tile.q_scale[r])));
  }
}

// Columns [column, column + 16 C) of every row's o: worth[r] o + unit[r] sum over the pages' keys of p v, of
// which Kind::weight has p. Fetches the values of the pages ahead.
template <class Kind, int R, int C>
void mix_values(const AttentionWork& w, const typename Kind::template Tile<R>& tile,
                const std::byte* const* pages, const PagesAhead& ahead, int64_t num_pages, int64_t column,
                int64_t padded) {
  using F = typename Kind::F;
  constexpr int64_t kColumnBytes = 16 * Kind::kValueBytes;
  typename Kind::ValueSum sum[R][C];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c)
      sum[r][c] = Kind::value_start(w.state[r] + column + 16 * c, F::set(tile.worth[r]));
  }
  for (int64_t page = 0; page < num_pages; ++page) {
    const std::byte* values = pages[page] + w.v_offset + Kind::kValueBytes * column;
    const std::byte* next = ahead.pages[page] + ahead.offset + w.v_offset + Kind::kValueBytes * column;
#pragma GCC unroll 8
    for (int64_t j = 0; j < kPagePositions; j += Kind::kPositions) {
      typename Kind::Value value[C];
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) {
        value[c] = Kind::load_value(values + kColumnBytes * c);
        if (kColumnBytes * c % 64 == 0) fetch(next + kColumnBytes * c);
      }
      values += Kind::kValueBytes * padded;
      next += Kind::kValueBytes * padded;
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const typename Kind::Weight x = Kind::weight(tile, r * kChunkKeys + kPagePositions * page + j);
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) sum[r][c] = Kind::add_value(sum[r][c], value[c], x);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      float* o = w.state[r] + column + 16 * c;
      F::store(o, Kind::value_end(sum[r][c], o, F::set(tile.worth[r]), F::set(tile.unit[r])));
    }
  }
}

// One chunk: scores, weights, values.
template <class Kind, int R>
void attend_chunk(const AttentionWork& w, typename Kind::template Tile<R>& tile,
                  const std::byte* const* pages, PagesAhead ahead, int64_t origin, int64_t num_pages) {
  constexpr int kMost = Kind::F::kAttentionTile / R, P = kMost >= 4 ? 4 : kMost >= 2 ? 2 : 1;
  const int64_t padded = (w.head_dim + 15) / 16 * 16;
  const auto score = [&]<int kPages>(int64_t page) {
    score_pages<Kind, R, kPages>(w, tile, pages + page, {ahead.pages + page, ahead.offset},
                                 tile.scores + kPagePositions * page);
  };
  int64_t page = 0;
  for (; page + P <= num_pages; page += P) score.template operator()<P>(page);
  if constexpr (P > 2) {
    if (page + 2 <= num_pages) {
      score.template operator()<2>(page);
      page += 2;
    }
  }
  for (; page < num_pages; ++page) score.template operator()<1>(page);

  Kind::template soften<R>(w, tile, pages, origin, num_pages);
  int64_t column = 0;
  for (; column + 16 * P <= padded; column += 16 * P)
    mix_values<Kind, R, P>(w, tile, pages, ahead, num_pages, column, padded);
  for (; column < padded; column += 16)
    mix_values<Kind, R, 1>(w, tile, pages, ahead, num_pages, column, padded);
}

template <class Kind, int R>
void attend_rows(const AttentionWork& w) {
  typename Kind::template Tile<R> tile(w);
  for (int64_t page = w.page_begin; page < w.page_end;) {
    const int64_t chunk_end = (page / kChunkPages + 1) * kChunkPages;
    const int64_t end = chunk_end < w.page_end ? chunk_end : w.page_end, at = page - w.page_begin;
    const std::byte* const* pages = w.pages + at;
    const bool is_last = end + (end - page) > w.page_end;
    const PagesAhead ahead = w.was_fetched ? PagesAhead{w.ahead + at, w.ahead_offset}
                             : is_last     ? PagesAhead{w.ahead, w.ahead_offset}
                                           : PagesAhead{pages + (end - page), 0};
    attend_chunk<Kind, R>(w, tile, pages, ahead, page * kPagePositions, end - page);
    page = end;
  }
}

template <class Kind, int R>
void attend_with(const AttentionWork& w) {
  if (w.rows == R) {
    attend_rows<Kind, R>(w);
  } else if constexpr (R > 1) {
    attend_with<Kind, R - 1>(w);
  }
}

}  // namespace melete
