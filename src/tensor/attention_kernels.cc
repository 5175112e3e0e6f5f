#include "tensor/attention_kernels.h"

#include <algorithm>

#include "tensor/lanes.h"

#pragma GCC optimize("O3")

namespace melete {
namespace {

using lanes::kCount;
using lanes::Lanes;

// A strided read-only matrix: element (i, j) at data[i * row + j * column].
template <class T>
struct View {
  const T* data;
  int64_t row, column;
};

// C[0..kRows, n] (+)= A[0..kRows, k_begin..k_end] B[k, n] for kRows rows of C and `count` <= 2 lanes of
// columns.
template <class T, int kRows, int kGroups>
MELETE_INLINE void tile(View<T> a, const T* b, int64_t b_row, T* c, int64_t c_row, int64_t k_begin,
                        int64_t k_end, T scale, bool add) {
  Lanes<T> sum[kRows][kGroups] = {};
  for (int64_t k = k_begin; k < k_end; ++k) {
    Lanes<T> row[kGroups];
    for (int g = 0; g < kGroups; ++g) row[g] = lanes::load(b + k * b_row + g * kCount);
    for (int i = 0; i < kRows; ++i) {
      const T ai = a.data[i * a.row + k * a.column];
      for (int g = 0; g < kGroups; ++g) sum[i][g] += row[g] * ai;
    }
  }
  for (int i = 0; i < kRows; ++i)
    for (int g = 0; g < kGroups; ++g) {
      T* to = c + i * c_row + g * kCount;
      const Lanes<T> value = sum[i][g] * scale;
      lanes::store(to, add ? lanes::load(to) + value : value);
    }
}

// kRows rows of C over `columns` (a multiple of kCount; buffers are padded so that it can be).
template <class T, int kRows>
MELETE_INLINE void row_block(View<T> a, const T* b, int64_t b_row, T* c, int64_t c_row, int64_t columns,
                             int64_t k_begin, int64_t k_end, T scale, bool add) {
  int64_t n = 0;
  for (; n + 4 * kCount <= columns; n += 4 * kCount)
    tile<T, kRows, 4>(a, b + n, b_row, c + n, c_row, k_begin, k_end, scale, add);
  for (; n < columns; n += kCount)
    tile<T, kRows, 1>(a, b + n, b_row, c + n, c_row, k_begin, k_end, scale, add);
}

template <class T>
MELETE_INLINE void rows_up_to_four(int64_t rows, View<T> a, const T* b, int64_t b_row, T* c, int64_t c_row,
                                   int64_t columns, int64_t k_begin, int64_t k_end, T scale, bool add) {
  if (rows == 4) {
    row_block<T, 4>(a, b, b_row, c, c_row, columns, k_begin, k_end, scale, add);
    return;
  }
  for (int64_t i = 0; i < rows; ++i)
    row_block<T, 1>({a.data + i * a.row, a.row, a.column}, b, b_row, c + i * c_row, c_row, columns, k_begin,
                    k_end, scale, add);
}

constexpr int64_t padded(int64_t n) { return (n + kCount - 1) / kCount * kCount; }

// The keys that queries [first, first + rows) see between them: [begin, end).
struct Range {
  int64_t begin, end;
};

MELETE_INLINE Range keys_of(const AttentionShape& s, int64_t rows_S, int64_t first, int64_t rows) {
  if (!s.causal) return {0, rows_S};
  return {s.window > 0 ? std::max<int64_t>(0, first - s.window + 1) : 0, first + rows};
}

MELETE_INLINE Range queries_of(const AttentionShape& s, int64_t rows_S, int64_t first, int64_t rows) {
  if (!s.causal) return {0, rows_S};
  return {first, s.window > 0 ? std::min(rows_S, first + rows - 1 + s.window) : rows_S};
}

// to[j][i] = from[i * stride + j], with to's rows padded to whole lanes of zeros.
template <class T>
MELETE_INLINE void transpose(const T* from, int64_t stride, int64_t rows, int64_t columns, T* to) {
  const int64_t width = padded(rows);
  for (int64_t j = 0; j < columns; ++j) {
    for (int64_t i = 0; i < rows; ++i) to[j * width + i] = from[i * stride + j];
    for (int64_t i = rows; i < width; ++i) to[j * width + i] = 0;
  }
}

// Turns scores[begin, end) into probabilities and writes zeros everywhere else of the row's S entries.
template <class T>
MELETE_INLINE void softmax_row(const T* score, int64_t begin, int64_t end, int64_t rows_S, T* p) {
  T top = score[begin];
  for (int64_t j = begin; j < end; ++j) top = std::max(top, score[j]);
  for (int64_t j = 0; j < begin; ++j) p[j] = 0;
  for (int64_t j = end; j < rows_S; ++j) p[j] = 0;
  Lanes<T> total{};
  for (int64_t j = begin; j < end; j += kCount) {
    const int64_t n = std::min(kCount, end - j);
    Lanes<T> e = lanes::exp(lanes::load_part(score + j, n) - top);
    for (int64_t i = n; i < kCount; ++i) e[i] = 0;
    total += e;
    lanes::store_part(p + j, e, n);
  }
  const T inverse = T(1) / lanes::sum<T>(total);
  for (int64_t j = begin; j < end; ++j) p[j] *= inverse;
}

template <class T>
MELETE_INLINE void forward(const AttentionShape& s, int64_t S, int64_t g, const T* q, const T* k, const T* v,
                           T* p, T* o, T* scratch) {
  const int64_t K = s.head_dim, share = s.heads / s.kv_heads, HK = s.heads * K, GK = s.kv_heads * K,
                width = padded(S);
  const T scale = T(1) / std::sqrt(static_cast<T>(K));
  T* k_transposed = scratch;       // [K, width]
  T* score = scratch + K * width;  // [4, width]
  transpose(k + g * K, GK, S, K, k_transposed);
  for (int64_t h = g * share; h < (g + 1) * share; ++h)
    for (int64_t i = 0; i < S; i += 4) {
      const int64_t rows = std::min<int64_t>(4, S - i);
      const Range keys = keys_of(s, S, i, rows);
      const int64_t low = keys.begin / kCount * kCount;
      rows_up_to_four<T>(rows, {q + i * HK + h * K, HK, 1}, k_transposed + low, width, score + low, width,
                         padded(keys.end - low), 0, K, scale, false);
      T* p_rows = p + (h * S + i) * S;
      for (int64_t r = 0; r < rows; ++r) {
        const Range own = keys_of(s, S, i + r, 1);
        softmax_row(score + r * width, own.begin, own.end, S, p_rows + r * S);
      }
      rows_up_to_four<T>(rows, {p_rows, S, 1}, v + g * K, GK, o + i * HK + h * K, HK, K, keys.begin, keys.end,
                         T(1), false);
    }
}

// ds = p * (dp - sum(p * dp)) for one row, in place of dp; zero wherever p is.
template <class T>
MELETE_INLINE void softmax_backward_row(const T* p, T* dp, Range keys) {
  Lanes<T> dots{};
  for (int64_t j = keys.begin; j < keys.end; j += kCount) {
    const int64_t n = std::min(kCount, keys.end - j);
    dots += lanes::load_part(p + j, n) * lanes::load_part(dp + j, n);
  }
  const T mean = lanes::sum<T>(dots);
  for (int64_t j = keys.begin; j < keys.end; j += kCount) {
    const int64_t n = std::min(kCount, keys.end - j);
    lanes::store_part(dp + j, lanes::load_part(p + j, n) * (lanes::load_part(dp + j, n) - mean), n);
  }
}

template <class T>
MELETE_INLINE void backward(const AttentionShape& s, int64_t S, int64_t g, const T* q, const T* k, const T* v,
                            const T* p, const T* d_o, T* dq, T* dk, T* dv, T* scratch) {
  const int64_t K = s.head_dim, share = s.heads / s.kv_heads, HK = s.heads * K, GK = s.kv_heads * K,
                width = padded(S);
  const T scale = T(1) / std::sqrt(static_cast<T>(K));
  T* v_transposed = scratch;    // [K, width]
  T* ds = scratch + K * width;  // [S + 4, width]
  transpose(v + g * K, GK, S, K, v_transposed);
  for (int64_t h = g * share; h < (g + 1) * share; ++h) {
    const T* p_SS = p + h * S * S;
    for (int64_t i = 0; i < S; i += 4) {
      const int64_t rows = std::min<int64_t>(4, S - i);
      const Range keys = keys_of(s, S, i, rows);
      const int64_t low = keys.begin / kCount * kCount;
      std::fill(ds + i * width, ds + (i + rows) * width, T(0));  // keys that only other rows of a window see
      rows_up_to_four<T>(rows, {d_o + i * HK + h * K, HK, 1}, v_transposed + low, width, ds + i * width + low,
                         width, padded(keys.end - low), 0, K, T(1), false);
      // The tile wrote whole lanes: every key it touched, not only those seen, becomes p * (...), zero where
      // p is.
      const Range touched{low, std::min(S, low + padded(keys.end - low))};
      for (int64_t r = 0; r < rows; ++r)
        softmax_backward_row(p_SS + (i + r) * S, ds + (i + r) * width, touched);
      rows_up_to_four<T>(rows, {ds + i * width, width, 1}, k + g * K, GK, dq + i * HK + h * K, HK, K,
                         keys.begin, keys.end, scale, false);
    }
    const bool add = h > g * share;
    for (int64_t j = 0; j < S; j += 4) {
      const int64_t rows = std::min<int64_t>(4, S - j);
      const Range queries = queries_of(s, S, j, rows);
      rows_up_to_four<T>(rows, {ds + j, 1, width}, q + h * K, HK, dk + j * GK + g * K, GK, K, queries.begin,
                         queries.end, scale, add);
      rows_up_to_four<T>(rows, {p_SS + j, 1, S}, d_o + h * K, HK, dv + j * GK + g * K, GK, K, queries.begin,
                         queries.end, T(1), add);
    }
  }
}

}  // namespace

int64_t attention_scratch(const AttentionShape& shape, int64_t rows_S) {
  return (shape.head_dim + rows_S + 4) * padded(rows_S);
}

#define MELETE_DEFINE_ATTENTION(T, CLONES)                                                                   \
  template <>                                                                                                \
  CLONES void attention_forward<T>(const AttentionShape& shape, int64_t rows_S, int64_t kv_head, const T* q, \
                                   const T* k, const T* v, T* p, T* o, T* scratch) {                         \
    forward<T>(shape, rows_S, kv_head, q, k, v, p, o, scratch);                                              \
  }                                                                                                          \
  template <>                                                                                                \
  CLONES void attention_backward<T>(const AttentionShape& shape, int64_t rows_S, int64_t kv_head,            \
                                    const T* q, const T* k, const T* v, const T* p, const T* d_o, T* dq,     \
                                    T* dk, T* dv, T* scratch) {                                              \
    backward<T>(shape, rows_S, kv_head, q, k, v, p, d_o, dq, dk, dv, scratch);                               \
  }

MELETE_DEFINE_ATTENTION(float, MELETE_CLONES)
MELETE_DEFINE_ATTENTION(double, )

}  // namespace melete
