// Attention over packed segments, forward and backward, for training: one segment and one kv head at a time,
// so that a caller can spread (segment, kv head) pairs over threads. T is float or double (double for
// gradient checks).
//
// Source: the gradient of softmax attention as in FlashAttention 2205.14135 §B.2 (probabilities kept, not
// recomputed). Shapes: a segment has S rows; q and o rows are [H*K] wide, k and v rows [G*K]; probabilities
// are [H, S, S], row i of which holds zeros outside what the query sees.
#pragma once

#include <cstdint>

namespace melete {

struct AttentionShape {
  int64_t heads = 0, kv_heads = 0, head_dim = 0;  // H, G (divides H), K
  bool causal = true;
  int64_t window = 0;  // with causal: query i sees keys i-window+1 .. i; 0: all up to i
};

// Offsets are those of the segment's first row; `p` points at the segment's [H, S, S].
// scratch: at least attention_scratch(shape, S) values, private to the caller's thread.
template <class T>
void attention_forward(const AttentionShape& shape, int64_t rows_S, int64_t kv_head, const T* q, const T* k,
                       const T* v, T* p, T* o, T* scratch);

// dq is written; dk and dv are written too (all query heads of the kv head are summed here).
template <class T>
void attention_backward(const AttentionShape& shape, int64_t rows_S, int64_t kv_head, const T* q, const T* k,
                        const T* v, const T* p, const T* d_o, T* dq, T* dk, T* dv, T* scratch);

int64_t attention_scratch(const AttentionShape& shape, int64_t rows_S);

}  // namespace melete
