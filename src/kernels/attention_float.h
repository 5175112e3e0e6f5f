// Attention in floats over pages of KvType::f32 or bf16 (attention_tile.h), over a lane type.
#pragma once

#include "kernels/attention_soften.h"
#include "kernels/attention_tile.h"

namespace melete {

// The softmax's weights stay floats, in place of the scores.
template <class F>
struct KeptWeights {
  using V = typename F::V;
  float* scores;

  static V weight(V x) { return exp_lanes<F>(x); }
  static V add(V sum, int64_t, V weight) { return F::add(sum, weight); }
  void store(int r, int64_t page, V weight) const { F::store(scores + r * kChunkKeys + 16 * page, weight); }
};

template <class Lanes, KvType kType>
struct FloatTile {
  using F = Lanes;
  using V = typename F::V;
  using ScoreSum = V;
  using ValueSum = V;
  using Key = V;
  using Value = V;
  using Query = V;
  using Weight = V;
  static constexpr int64_t kPositions = 1, kValueBytes = kType == KvType::f32 ? 4 : 2,
                           kKeyBytes = kPagePositions * kValueBytes;

  template <int R>
  struct Tile {
    explicit Tile(const AttentionWork& w) : scores(w.scratch), q(w.scratch + R * kChunkKeys) {
      for (int64_t d = 0; d < w.head_dim; ++d) {
        for (int r = 0; r < R; ++r) q[d * R + r] = w.q[r][d];
      }
      for (float& scale : q_scale) scale = w.scale;
    }
    float* scores;  // [R][kChunkKeys], later the weights
    float* q;       // [K][R]
    float q_scale[R];
    alignas(64) float worth[16] = {};
    float unit[16] = {};
  };

  static V load(const std::byte* p) {
    if constexpr (kType == KvType::f32) return F::load(reinterpret_cast<const float*>(p));
    if constexpr (kType == KvType::bf16) return F::load_bf16(reinterpret_cast<const uint16_t*>(p));
  }
  static V load_key(const std::byte* p) { return load(p); }
  static V load_value(const std::byte* p) { return load(p); }

  static int64_t score_steps(int64_t head_dim) { return head_dim; }
  template <int R>
  static V score_start(const Tile<R>&, int) {
    return F::zero();
  }
  static V query(float x) { return F::set(x); }
  static V add_score(V sum, V key, V x) { return F::fma(x, key, sum); }
  static V score(V sum, const float*, V q_scale) { return F::mul(sum, q_scale); }

  template <int R>
  static void soften(const AttentionWork& w, Tile<R>& tile, const std::byte* const*, int64_t origin,
                     int64_t num_pages) {
    const KeptWeights<F> kept{tile.scores};
    ChunkSoftmax<F, kType, R, KeptWeights<F>>(w, tile.scores, kept, origin, num_pages)
        .run(tile.worth, tile.unit);
  }

  static V value_start(const float* o, V worth) { return F::mul(F::load(o), worth); }
  template <int R>
  static V weight(const Tile<R>& tile, int64_t i) {
    return F::set(tile.scores[i]);
  }
  static V add_value(V sum, V value, V x) { return F::fma(x, value, sum); }
  static V value_end(V sum, const float*, V, V) { return sum; }
};

}  // namespace melete
