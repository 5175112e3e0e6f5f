// Attention in integers over pages of KvType::int16 or int8 (attention_tile.h), over lanes with integers
// Lanes::Int.
//
// Queries are rounded like keys, and products of weights and value scales to parts of the chunk's greatest
// one (to 1 / 8191, or 1 / 255 of it), so that scores and outputs are sums of products of integers: exact,
// therefore without an order to keep, and two or four to a lane where floats have one. A value's scale joins
// its score as a logarithm, so one exponential gives the product, whose greatest is known beforehand; the
// softmax's denominator takes it divided by the scale again. Beside a value 2^120 times greater the
// exponential, and so the key's part of the denominator, becomes zero.
#pragma once

#include <bit>

#include "kernels/attention_soften.h"
#include "kernels/attention_tile.h"

namespace melete {

template <class F>
float rounding_scale(const float* x, int64_t n, int32_t limit) {
  auto most = F::zero();
  for (int64_t i = 0; i < n; i += 16) most = F::Int::max_bits(most, F::abs(load_part<F>(x + i, n - i)));
  const int32_t bits = F::Int::max_abs_bits(most, most);
  if (bits >= 0x7f800000) return std::bit_cast<float>(0x7fc00000);
  const auto amax = std::bit_cast<float>(bits);
  return amax < 0x1p-100f ? 0.0f : amax / static_cast<float>(limit);  // 1 / scale must not overflow
}

// Stores sixteen at a time by store(to, lanes), the last through a part of its own; zeros for a scale of
// zero or not-a-number.
template <class F, class T, class Store>
void round_with(const float* x, int64_t n, float scale, T* to, const Store& store) {
  if (!(scale > 0)) {
    for (int64_t i = 0; i < n; ++i) to[i] = 0;
    return;
  }
  const auto inverse = F::set(1.0f / scale);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) store(to + i, F::mul(F::load(x + i), inverse));
  if (i == n) return;
  T part[16];
  store(part, F::mul(F::load(x + i, n - i), inverse));
  for (int64_t j = i; j < n; ++j) to[j] = part[j - i];
}

template <class F>
void round_to_words(const float* x, int64_t n, float scale, int16_t* words) {
  round_with<F>(x, n, scale, words, [](int16_t* to, auto v) { F::Int::store_words(to, v); });
}

template <class F>
int32_t round_to_bytes(const float* x, int64_t n, float scale, int8_t* bytes) {
  auto sum = F::zero();  // of integers, exact
  round_with<F>(x, n, scale, bytes, [&](int8_t* to, auto v) {
    const auto rounded = F::round(v);
    F::Int::store_bytes(to, rounded);
    sum = F::add(sum, rounded);
  });
  return static_cast<int32_t>(F::sum(sum));
}

// One step of the fast Hadamard transform within sixteen lanes.
template <class F, int kDistance>
typename F::V butterfly(typename F::V x) {
  float sign[16];
  for (int i = 0; i < 16; ++i) sign[i] = (i & kDistance) == 0 ? 1.0f : -1.0f;
  return F::fma(x, F::load(sign), F::template swapped<kDistance>(x));
}

template <class F>
void rotate_channels(const float* x, int64_t n, float* to) {
  const int64_t block = rotated_together(n);
  for (int64_t i = 0; i < n; i += 16) {
    auto v = load_part<F>(x + i, n - i);
    if (block > 1) v = butterfly<F, 1>(v);
    if (block > 2) v = butterfly<F, 2>(v);
    if (block > 4) v = butterfly<F, 4>(v);
    if (block > 8) v = butterfly<F, 8>(v);
    F::store(to + i, v);
  }
  for (int64_t distance = 16; distance < block; distance *= 2) {
    for (int64_t i = 0; i < n; i += 16) {
      if ((i & distance) != 0) continue;
      const auto a = F::load(to + i), b = F::load(to + i + distance);
      F::store(to + i, F::add(a, b));
      F::store(to + i + distance, F::sub(a, b));
    }
  }
}

// How queries and keys of each type meet, and weights and values.
template <class Q, KvType kType>
struct IntKeys;

template <class Q>
struct IntKeys<Q, KvType::int16> {
  using Key = typename Q::P;
  using Query = typename Q::P;
  static constexpr int64_t kChannels = 2;  // of a step
  static Key load_key(const std::byte* p) { return Q::load_pairs(p); }
  static Query query(int32_t words) { return Q::pair(words); }
  static typename Q::I add_score(typename Q::I sum, const Key& key, const Query& x) {
    return Q::dot_pairs(sum, key, x);
  }

  using Value = typename Q::P;
  using Weight = typename Q::P;
  using StoredWeight = int16_t;
  static constexpr int64_t kPositions = 2;  // of a step
  static Value load_value(const std::byte* p) { return Q::load_pairs(p); }
  static Weight weights(int32_t words) { return Q::pair(words); }
  static void store_weights(int16_t* to, typename Q::F::V x) { Q::store_words(to, x); }
  static typename Q::I add_value(typename Q::I sum, const Value& value, const Weight& x) {
    return Q::dot_pairs(sum, value, x);
  }
};

template <class Q>
struct IntKeys<Q, KvType::int8> {
  using Key = typename Q::W;
  using Query = typename Q::A;
  static constexpr int64_t kChannels = 4;
  static Key load_key(const std::byte* p) { return Q::load(p); }
  static Query query(int32_t bytes) { return Q::quad(bytes); }
  static typename Q::I add_score(typename Q::I sum, const Key& key, const Query& x) {
    return Q::dot(sum, key, x);
  }

  using Value = decltype(Q::load_signed(nullptr));
  using Weight = decltype(Q::unsigned_quad(0));
  using StoredWeight = uint8_t;
  static constexpr int64_t kPositions = 4;
  static Value load_value(const std::byte* p) { return Q::load_signed(p); }
  static Weight weights(int32_t bytes) { return Q::unsigned_quad(bytes); }
  static void store_weights(uint8_t* to, typename Q::F::V x) { Q::store_unsigned(to, x); }
  static typename Q::I add_value(typename Q::I sum, const Value& value, const Weight& x) {
    return Q::dot_signed(sum, value, x);
  }
};

template <class Lanes, KvType kType>
struct IntTile : IntKeys<typename Lanes::Int, kType> {
  using F = Lanes;
  using V = typename F::V;
  using Q = typename F::Int;
  using Keys = IntKeys<Q, kType>;
  using ScoreSum = typename Q::I;
  using ValueSum = typename Q::I;
  using typename Keys::StoredWeight;
  static constexpr int64_t kKeyBytes = 64, kValueBytes = 4;

  // weights [R][kChunkKeys], q [steps][R]: queries come rounded (attention_table.h), here side by side.
  template <int R>
  struct Tile {
    explicit Tile(const AttentionWork& w)
        : scores(w.scratch),
          weights(reinterpret_cast<StoredWeight*>(w.scratch + R * kChunkKeys)),
          q(reinterpret_cast<int32_t*>(w.scratch + R * (kChunkKeys + kChunkKeys / 2))) {
      const int64_t steps = score_steps(w.head_dim), padded = (w.head_dim + 15) / 16 * 16;
      for (int r = 0; r < R; ++r) {
        q_scale[r] = w.q[r][padded / 2] * w.scale * 1.44269504f;
        start[r] = std::bit_cast<int32_t>(w.q[r][padded / 2 + 1]);
      }
      int64_t d = 0;
      if constexpr (R == 8 && requires { Q::join_eight(w.q, d, q); }) {
        for (; d + 8 <= steps; d += 8) Q::join_eight(w.q, d, q + d * R);
      }
      for (; d < steps; ++d) {
        for (int r = 0; r < R; ++r) __builtin_memcpy(q + d * R + r, w.q[r] + d, 4);
      }
    }
    float* scores;
    StoredWeight* weights;
    int32_t* q;
    float q_scale[R];  // times the scores' own and log2 e
    int32_t start[R];
    alignas(64) float worth[16] = {}, unit[16] = {};  // unit: what one part of a row's weights is worth
  };

  static int64_t score_steps(int64_t head_dim) { return (head_dim + Keys::kChannels - 1) / Keys::kChannels; }
  template <int R>
  static ScoreSum score_start(const Tile<R>& tile, int r) {
    return Q::set(kType == KvType::int8 ? tile.start[r] : 0);
  }
  // Plus the logarithm of the value's scale.
  static V score(ScoreSum sum, const float* scales, V q_scale) {
    return F::fma(F::mul(Q::to_float(sum), F::load(scales)), q_scale, F::load(scales + kPagePositions));
  }

  // The softmax's weights times the values' scales, rounded.
  struct Products {
    static constexpr int32_t kLimit = weight_limit(kType);
    StoredWeight* weights;
    const std::byte* const* pages;
    int64_t inverses;  // of the values' scales, in a page

    static V weight(V x) { return exp2_lanes<F, kLimit>(x); }
    V add(V sum, int64_t page, V product) const {
      return F::fma(product, F::load(reinterpret_cast<const float*>(pages[page] + inverses)), sum);
    }
    void store(int r, int64_t page, V product) const {
      Keys::store_weights(weights + r * kChunkKeys + 16 * page, product);
    }
  };

  template <int R>
  static void soften(const AttentionWork& w, Tile<R>& tile, const std::byte* const* pages, int64_t origin,
                     int64_t num_pages) {
    const Products products{tile.weights, pages, w.scales_offset + 2 * kPagePositions * 4};
    ChunkSoftmax<F, kType, R, Products>(w, tile.scores, products, origin, num_pages)
        .run(tile.worth, tile.unit);
  }

  static ValueSum value_start(const float*, V) { return Q::set(0); }
  template <int R>
  static typename Keys::Weight weight(const Tile<R>& tile, int64_t i) {
    int32_t parts;
    __builtin_memcpy(&parts, tile.weights + i, 4);
    return Keys::weights(parts);
  }
  static V value_end(ValueSum sum, const float* o, V worth, V unit) {
    return F::fma(Q::to_float(sum), unit, F::mul(F::load(o), worth));
  }
};

}  // namespace melete
