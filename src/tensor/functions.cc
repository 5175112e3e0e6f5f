#include "tensor/functions.h"

#include <ATen/Parallel.h>

#include "base/check.h"
#include "tensor/row_kernels.h"

namespace melete::functions {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kRowGrain = 64;  // rows a chunk: sums over chunks have a fixed order whatever the threads
constexpr int64_t kFlatGrain = 16384;

int64_t num_chunks(int64_t rows) { return std::max<int64_t>(1, std::min<int64_t>(64, rows / kRowGrain)); }

// Calls body(chunk, begin, end) for equal parts of [0, rows), in parallel; the parts depend on `rows` alone.
template <class Body>
void for_chunks(int64_t rows, Body body) {
  const int64_t chunks = num_chunks(rows);
  at::parallel_for(0, chunks, 1, [&](int64_t first, int64_t last) {
    for (int64_t c = first; c < last; ++c) body(c, rows * c / chunks, rows * (c + 1) / chunks);
  });
}

template <class Body>
void for_flat(int64_t count, Body body) {
  at::parallel_for(0, count, kFlatGrain, body);
}

template <class T>
const T* data_or_null(const Tensor& t) {
  return t.defined() ? t.data_ptr<T>() : nullptr;
}

struct Rms : torch::autograd::Function<Rms> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const c10::optional<Tensor>& a_in,
                        const c10::optional<Tensor>& b_in, double eps, double scale) {
    const Tensor x = x_in.contiguous(), a = a_in.value_or(Tensor()), b = b_in.value_or(Tensor());
    const int64_t width = x.size(-1), rows = x.numel() / width;
    Tensor y = torch::empty_like(x), inverse = torch::empty({rows}, x.options());
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rms", [&] {
      const RmsRows<scalar_t> kernel{width, static_cast<scalar_t>(eps), static_cast<scalar_t>(scale),
                                     data_or_null<scalar_t>(a), data_or_null<scalar_t>(b)};
      for_chunks(rows, [&](int64_t, int64_t begin, int64_t end) {
        kernel.forward(x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(), inverse.data_ptr<scalar_t>(), begin,
                       end);
      });
    });
    ctx->save_for_backward({x, a, b, inverse});
    ctx->saved_data["eps"] = eps;
    ctx->saved_data["scale"] = scale;
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &a = saved[1], &b = saved[2], &inverse = saved[3];
    const Tensor g = grads[0].contiguous();
    const int64_t width = x.size(-1), rows = x.numel() / width, chunks = num_chunks(rows);
    Tensor dx = torch::empty_like(x), da, db;
    if (a.defined()) da = torch::zeros({chunks, width}, x.options());
    if (b.defined()) db = torch::zeros({chunks, width}, x.options());
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rms_backward", [&] {
      const RmsRows<scalar_t> kernel{width, static_cast<scalar_t>(ctx->saved_data["eps"].toDouble()),
                                     static_cast<scalar_t>(ctx->saved_data["scale"].toDouble()),
                                     data_or_null<scalar_t>(a), data_or_null<scalar_t>(b)};
      for_chunks(rows, [&](int64_t c, int64_t begin, int64_t end) {
        kernel.backward(x.data_ptr<scalar_t>(), inverse.data_ptr<scalar_t>(), g.data_ptr<scalar_t>(),
                        dx.data_ptr<scalar_t>(), a.defined() ? da.data_ptr<scalar_t>() + c * width : nullptr,
                        b.defined() ? db.data_ptr<scalar_t>() + c * width : nullptr, begin, end);
      });
    });
    return {dx, a.defined() ? da.sum(0) : Tensor(), b.defined() ? db.sum(0) : Tensor(), Tensor(), Tensor()};
  }
};

struct Mix : torch::autograd::Function<Mix> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& y_in, const Tensor& alpha,
                        const Tensor& beta) {
    const Tensor x = x_in.contiguous(), y = y_in.contiguous();
    const int64_t width = x.size(-1), rows = x.numel() / width;
    Tensor out = torch::empty_like(x);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "mix", [&] {
      for_chunks(rows, [&](int64_t, int64_t begin, int64_t end) {
        mix_forward<scalar_t>(x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(), alpha.data_ptr<scalar_t>(),
                              beta.data_ptr<scalar_t>(), out.data_ptr<scalar_t>(), width, begin, end);
      });
    });
    ctx->save_for_backward({x, y, alpha, beta});
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &y = saved[1], &alpha = saved[2], &beta = saved[3];
    const Tensor g = grads[0].contiguous();
    const int64_t width = x.size(-1), rows = x.numel() / width, chunks = num_chunks(rows);
    Tensor dx = torch::empty_like(x), dy = torch::empty_like(y);
    Tensor dalpha = torch::zeros({chunks, width}, x.options()),
           dbeta = torch::zeros({chunks, width}, x.options());
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "mix_backward", [&] {
      for_chunks(rows, [&](int64_t c, int64_t begin, int64_t end) {
        mix_backward<scalar_t>(x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(), alpha.data_ptr<scalar_t>(),
                               beta.data_ptr<scalar_t>(), g.data_ptr<scalar_t>(), dx.data_ptr<scalar_t>(),
                               dy.data_ptr<scalar_t>(), dalpha.data_ptr<scalar_t>() + c * width,
                               dbeta.data_ptr<scalar_t>() + c * width, width, begin, end);
      });
    });
    return {dx, dy, dalpha.sum(0), dbeta.sum(0)};
  }
};

struct Swiglu : torch::autograd::Function<Swiglu> {
  static Tensor forward(AutogradContext* ctx, const Tensor& gate_in, const Tensor& up_in) {
    const Tensor gate = gate_in.contiguous(), up = up_in.contiguous();
    Tensor y = torch::empty_like(gate);
    AT_DISPATCH_FLOATING_TYPES(gate.scalar_type(), "swiglu", [&] {
      for_flat(gate.numel(), [&](int64_t begin, int64_t end) {
        swiglu_forward<scalar_t>(gate.data_ptr<scalar_t>(), up.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(),
                                 begin, end);
      });
    });
    ctx->save_for_backward({gate, up});
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &gate = saved[0], &up = saved[1], g = grads[0].contiguous();
    Tensor dgate = torch::empty_like(gate), dup = torch::empty_like(up);
    AT_DISPATCH_FLOATING_TYPES(gate.scalar_type(), "swiglu_backward", [&] {
      for_flat(gate.numel(), [&](int64_t begin, int64_t end) {
        swiglu_backward<scalar_t>(gate.data_ptr<scalar_t>(), up.data_ptr<scalar_t>(), g.data_ptr<scalar_t>(),
                                  dgate.data_ptr<scalar_t>(), dup.data_ptr<scalar_t>(), begin, end);
      });
    });
    return {dgate, dup};
  }
};

struct SigmoidGate : torch::autograd::Function<SigmoidGate> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& gate_in) {
    const Tensor x = x_in.contiguous(), gate = gate_in.contiguous();
    Tensor y = torch::empty_like(x);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "sigmoid_gate", [&] {
      for_flat(x.numel(), [&](int64_t begin, int64_t end) {
        sigmoid_gate_forward<scalar_t>(x.data_ptr<scalar_t>(), gate.data_ptr<scalar_t>(),
                                       y.data_ptr<scalar_t>(), begin, end);
      });
    });
    ctx->save_for_backward({x, gate});
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &gate = saved[1], g = grads[0].contiguous();
    Tensor dx = torch::empty_like(x), dgate = torch::empty_like(gate);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "sigmoid_gate_backward", [&] {
      for_flat(x.numel(), [&](int64_t begin, int64_t end) {
        sigmoid_gate_backward<scalar_t>(x.data_ptr<scalar_t>(), gate.data_ptr<scalar_t>(),
                                        g.data_ptr<scalar_t>(), dx.data_ptr<scalar_t>(),
                                        dgate.data_ptr<scalar_t>(), begin, end);
      });
    });
    return {dx, dgate};
  }
};

Tensor rotated(const Tensor& x, const Tensor& cosine, const Tensor& sine, int64_t heads, double sign) {
  Tensor y = torch::empty_like(x);
  const int64_t rows = x.size(0), head_dim = x.size(1) / heads;
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rotate", [&] {
    for_chunks(rows, [&](int64_t, int64_t begin, int64_t end) {
      rotate_rows<scalar_t>(x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(), cosine.data_ptr<scalar_t>(),
                            sine.data_ptr<scalar_t>(), heads, head_dim, static_cast<scalar_t>(sign), begin,
                            end);
    });
  });
  return y;
}

struct Rotate : torch::autograd::Function<Rotate> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& cosine, const Tensor& sine,
                        int64_t heads) {
    ctx->save_for_backward({cosine, sine});
    ctx->saved_data["heads"] = heads;
    return rotated(x.contiguous(), cosine, sine, heads, 1.0);
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    return {rotated(grads[0].contiguous(), saved[0], saved[1], ctx->saved_data["heads"].toInt(), -1.0),
            Tensor(), Tensor(), Tensor()};
  }
};

// Where each segment's rows and probabilities begin.
struct Segments {
  explicit Segments(const std::vector<int64_t>& lengths, int64_t heads) {
    for (const int64_t S : lengths) {
      row.push_back(rows);
      probability.push_back(probabilities);
      rows += S;
      probabilities += heads * S * S;
      longest = std::max(longest, S);
    }
  }
  std::vector<int64_t> row, probability;
  int64_t rows = 0, probabilities = 0, longest = 0;
};

// Calls body(segment, kv_head, scratch) for all pairs in parallel.
template <class T, class Body>
void for_pairs(const std::vector<int64_t>& lengths, const AttentionShape& shape, int64_t longest, Body body) {
  const auto count = static_cast<int64_t>(lengths.size()) * shape.kv_heads;
  at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
    std::vector<T> scratch(static_cast<size_t>(attention_scratch(shape, longest)));
    for (int64_t i = begin; i < end; ++i)
      body(static_cast<size_t>(i / shape.kv_heads), i % shape.kv_heads, scratch.data());
  });
}

struct PackedAttention : torch::autograd::Function<PackedAttention> {
  static Tensor forward(AutogradContext* ctx, const Tensor& q_in, const Tensor& k_in, const Tensor& v_in,
                        const std::vector<int64_t>& lengths, const AttentionShape& shape) {
    const Tensor q = q_in.contiguous(), k = k_in.contiguous(), v = v_in.contiguous();
    const Segments segments(lengths, shape.heads);
    MELETE_CHECK(segments.rows == q.size(0), "segments cover ", segments.rows, " rows of ", q.size(0));
    const int64_t HK = shape.heads * shape.head_dim, GK = shape.kv_heads * shape.head_dim;
    Tensor o = torch::empty_like(q), p = torch::empty({segments.probabilities}, q.options());
    AT_DISPATCH_FLOATING_TYPES(q.scalar_type(), "packed_attention", [&] {
      for_pairs<scalar_t>(lengths, shape, segments.longest, [&](size_t s, int64_t g, scalar_t* scratch) {
        const int64_t r = segments.row[s];
        attention_forward<scalar_t>(shape, lengths[s], g, q.data_ptr<scalar_t>() + r * HK,
                                    k.data_ptr<scalar_t>() + r * GK, v.data_ptr<scalar_t>() + r * GK,
                                    p.data_ptr<scalar_t>() + segments.probability[s],
                                    o.data_ptr<scalar_t>() + r * HK, scratch);
      });
    });
    ctx->save_for_backward({q, k, v, p});
    ctx->saved_data["lengths"] = lengths;
    ctx->saved_data["shape"] =
        std::vector<int64_t>{shape.heads, shape.kv_heads, shape.head_dim, shape.causal, shape.window};
    return o;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &q = saved[0], &k = saved[1], &v = saved[2], &p = saved[3], g_o = grads[0].contiguous();
    const auto lengths = ctx->saved_data["lengths"].toIntVector(),
               packed = ctx->saved_data["shape"].toIntVector();
    const AttentionShape shape{packed[0], packed[1], packed[2], packed[3] != 0, packed[4]};
    const Segments segments(lengths, shape.heads);
    const int64_t HK = shape.heads * shape.head_dim, GK = shape.kv_heads * shape.head_dim;
    Tensor dq = torch::empty_like(q), dk = torch::empty_like(k), dv = torch::empty_like(v);
    AT_DISPATCH_FLOATING_TYPES(q.scalar_type(), "packed_attention_backward", [&] {
      for_pairs<scalar_t>(lengths, shape, segments.longest, [&](size_t s, int64_t g, scalar_t* scratch) {
        const int64_t r = segments.row[s];
        attention_backward<scalar_t>(
            shape, lengths[s], g, q.data_ptr<scalar_t>() + r * HK, k.data_ptr<scalar_t>() + r * GK,
            v.data_ptr<scalar_t>() + r * GK, p.data_ptr<scalar_t>() + segments.probability[s],
            g_o.data_ptr<scalar_t>() + r * HK, dq.data_ptr<scalar_t>() + r * HK,
            dk.data_ptr<scalar_t>() + r * GK, dv.data_ptr<scalar_t>() + r * GK, scratch);
      });
    });
    return {dq, dk, dv, Tensor(), Tensor()};
  }
};

struct LinearBf16 : torch::autograd::Function<LinearBf16> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& x_bf16, const Tensor& w,
                        const c10::optional<Tensor>& b) {
    const Tensor w_bf16 = w.to(torch::kBFloat16);
    ctx->save_for_backward({x_bf16, w_bf16});
    ctx->saved_data["bias"] = b.has_value();
    ctx->saved_data["constant"] = !x.requires_grad();
    Tensor y = torch::mm(x_bf16, w_bf16.t()).to(x.scalar_type());
    if (b) y.add_(*b);
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &x_bf16 = saved[0], &w_bf16 = saved[1], &g = grads[0];
    const Tensor g_bf16 = g.to(torch::kBFloat16);
    Tensor dx;
    if (!ctx->saved_data["constant"].toBool()) dx = torch::mm(g_bf16, w_bf16).to(g.scalar_type());
    const Tensor dw = torch::mm(g_bf16.t(), x_bf16).to(g.scalar_type());
    return {dx, Tensor(), dw, ctx->saved_data["bias"].toBool() ? g.sum(0) : Tensor()};
  }
};

struct CappedCrossEntropy : torch::autograd::Function<CappedCrossEntropy> {
  static Tensor forward(AutogradContext* ctx, const Tensor& h, const Tensor& w, const Tensor& target,
                        const Tensor& weight, double scale, double cap, Tensor* per_row, Tensor* best_out) {
    Tensor z = torch::mm(h, w.t());
    const int64_t rows = z.size(0), width = z.size(1);
    Tensor loss = torch::empty({rows}, z.options()), best = torch::empty({rows}, target.options());
    AT_DISPATCH_FLOATING_TYPES(z.scalar_type(), "capped_cross_entropy", [&] {
      at::parallel_for(0, rows, 8, [&](int64_t begin, int64_t end) {
        melete::capped_cross_entropy<scalar_t>(z.data_ptr<scalar_t>(), target.data_ptr<int64_t>(),
                                               weight.data_ptr<scalar_t>(), loss.data_ptr<scalar_t>(),
                                               best.data_ptr<int64_t>(), static_cast<scalar_t>(scale),
                                               static_cast<scalar_t>(cap), width, begin, end);
      });
    });
    if (per_row) *per_row = loss;
    if (best_out) *best_out = best;
    ctx->save_for_backward({h, w, z});  // z now holds the gradient of the loss by the raw logits
    return loss.sum();
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &h = saved[0], &w = saved[1], &dz = saved[2], &g = grads[0];
    return {torch::mm(dz, w) * g,
            torch::mm(dz.t(), h) * g,
            Tensor(),
            Tensor(),
            Tensor(),
            Tensor(),
            Tensor(),
            Tensor()};
  }
};

c10::optional<Tensor> given(const Tensor& t) { return t.defined() ? c10::optional<Tensor>(t) : c10::nullopt; }

}  // namespace

Tensor linear_bf16(const Tensor& x, const Tensor& x_bf16, const Tensor& w, const Tensor& b) {
  return LinearBf16::apply(x, x_bf16, w, given(b));
}
Tensor rms(const Tensor& x, const Tensor& a, const Tensor& b, double eps, double scale) {
  return Rms::apply(x, given(a), given(b), eps, scale);
}
Tensor mix(const Tensor& x, const Tensor& y, const Tensor& alpha, const Tensor& beta) {
  return Mix::apply(x, y, alpha.contiguous(), beta.contiguous());
}
Tensor swiglu(const Tensor& gate, const Tensor& up) { return Swiglu::apply(gate, up); }
Tensor sigmoid_gate(const Tensor& x, const Tensor& gate) { return SigmoidGate::apply(x, gate); }
Tensor rotate(const Tensor& x, const Tensor& cosine, const Tensor& sine, int64_t heads) {
  return Rotate::apply(x, cosine, sine, heads);
}
Tensor packed_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                        const std::vector<int64_t>& lengths, const AttentionShape& shape) {
  return PackedAttention::apply(q, k, v, lengths, shape);
}
Tensor capped_cross_entropy(const Tensor& h_RD, const Tensor& w_VD, const Tensor& target_R,
                            const Tensor& weight_R, double scale, double cap, Tensor* per_row, Tensor* best) {
  return CappedCrossEntropy::apply(h_RD.contiguous(), w_VD, target_R, weight_R, scale, cap, per_row, best);
}

}  // namespace melete::functions
