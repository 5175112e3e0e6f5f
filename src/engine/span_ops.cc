#include "engine/span_ops.h"

#include <algorithm>
#include <cmath>

#include "kernels/elementwise.h"
#include "kernels/norm.h"
#include "model/block_formats.h"

namespace melete {

namespace {

// Rows of a table that one task looks up at least.
constexpr int64_t kLookedUpRows = 16;

// From a table in a file's format.
void lookup_rows(const TensorView& table, std::span<const int32_t> ids, Matrix y) {
  const int64_t rows = table.shape[0];
  const size_t row_bytes = table.bytes.size() / static_cast<size_t>(rows);
  for (int64_t i = 0; i < y.rows; ++i) {
    const int32_t id = ids[static_cast<size_t>(i)];
    MELETE_CHECK(id >= 0 && id < rows, "id ", id);
    to_floats(table.type, table.bytes.subspan(static_cast<size_t>(id) * row_bytes, row_bytes),
              {y.data + i * y.cols, static_cast<size_t>(y.cols)});
  }
}

}  // namespace

std::vector<float> rope_frequencies(int64_t head_dim, double theta) {
  std::vector<float> frequencies;
  for (int64_t j = 0; j < head_dim; j += 2) {
    const float exponent = static_cast<float>(j) / static_cast<float>(head_dim);
    frequencies.push_back(1.0f / static_cast<float>(std::pow(theta, static_cast<double>(exponent))));
  }
  return frequencies;
}

SpanOps::SpanOps(ThreadPool& pool, Arena& arena, std::span<const BatchPart> parts)
    : pool_(pool), arena_(arena), parts_(parts.begin(), parts.end()) {
  for (const BatchPart& part : parts_)
    for (int64_t i = 0; i < part.count; ++i) positions_.push_back(part.sequence->length() + i);
}

Tensor SpanOps::embed(const Table& table, std::span<const int32_t> ids) {
  Tensor y = arena_.make(std::ssize(ids), table.width);
  pool_.for_ranges(std::ssize(ids), kLookedUpRows, [&](int64_t begin, int64_t end) {
    const auto some = ids.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    const melete::Matrix rows(y.row(begin), end - begin, table.width);
    table.head.empty() ? lookup_rows(table.stored, some, rows) : lookup_rows(table.head, some, rows);
  });
  return y;
}

Tensor SpanOps::constant(std::span<const float> values, int64_t rows, int64_t width) {
  return Tensor::borrowed(values, rows, width);
}

Tensor SpanOps::place_rows(Tensor x, const Tensor& rows, std::span<const int64_t> at) {
  MELETE_CHECK(rows.width() == x.width() && rows.rows() == static_cast<int64_t>(at.size()));
  if (!x.is_unique()) {
    Tensor copy = arena_.make(x.rows(), x.width());
    std::copy_n(x.row(0), x.size(), copy.row(0));
    x = std::move(copy);
  }
  for (size_t i = 0; i < at.size(); ++i)
    std::copy_n(rows.row(static_cast<int64_t>(i)), x.width(), x.row(at[i]));
  return x;
}

Tensor SpanOps::gather_rows(const Tensor& x, std::span<const int64_t> index) {
  Tensor y = arena_.make(static_cast<int64_t>(index.size()), x.width());
  for (size_t i = 0; i < index.size(); ++i)
    std::copy_n(x.row(index[i]), x.width(), y.row(static_cast<int64_t>(i)));
  return y;
}

Tensor SpanOps::weighted_rows(const Table& table, std::span<const int64_t> index,
                              std::span<const float> weight, int64_t taps) {
  Tensor y = arena_.make(static_cast<int64_t>(index.size()) / taps, table.width);
  melete::weighted_rows(pool_, ConstMatrix(table.values, table.rows, table.width), index, weight, y.out());
  return y;
}

Tensor SpanOps::fold(const Tensor& x, int64_t rows_per_row) {
  return x.reshaped(x.rows() / rows_per_row, x.width() * rows_per_row);
}

Tensor SpanOps::channel_major(const Tensor& x, int64_t chunks) {
  Tensor y = arena_.make(x.rows(), x.width());
  const int64_t channels = x.width() / chunks;
  pool_.for_ranges(x.rows(), (1 << 14) / x.width() + 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t j = 0; j < chunks; ++j) y.row(row)[c * chunks + j] = x.row(row)[j * channels + c];
  });
  return y;
}

Tensor SpanOps::linear(const Tensor& x, const Matrix& w) { return linear(x, w, {}); }

Tensor SpanOps::linear(const Tensor& x, const Matrix& w, const Vector& bias) {
  const Projection projection{&w, &bias};
  Tensor y;
  project(x, std::span(&projection, 1), std::span(&y, 1));
  return y;
}

void SpanOps::project(const Tensor& x, std::span<const Projection> projections, std::span<Tensor> y) {
  std::vector<MatmulTarget> plain;
  std::vector<QuantTarget> quantised;
  ActivationType type = ActivationType::int8;
  for (size_t i = 0; i < projections.size(); ++i) {
    const Matrix& w = *projections[i].w;
    const std::span<const float> bias =
        projections[i].bias == nullptr ? std::span<const float>() : std::span(*projections[i].bias);
    y[i] = arena_.make(x.rows(), w.out());
    if (w.quant() != nullptr) {
      MELETE_CHECK(quantised.empty() || w.activations() == type, "activations of two types");
      type = w.activations();
      quantised.push_back({w.quant(), y[i].out(), bias});
    } else if (bias.empty() && projections.size() > 1) {
      plain.push_back({w.panels()->view(), y[i].out()});
    } else {
      matmul(pool_, x.in(), w.panels()->view(), bias, y[i].out());
    }
  }
  if (!plain.empty()) matmul_each(pool_, x.in(), plain);
  if (quantised.empty()) return;
  activations_.assign(pool_, x.in(), type);
  matmul_each(pool_, activations_, quantised);
}

Tensor SpanOps::rms(const Tensor& x, double eps) { return head_rms(x, 1, eps, 1.0); }

Tensor SpanOps::scaled_rms(const Tensor& x, const Vector& w, double eps) {
  Tensor y = arena_.make(x.rows(), x.width());
  scaled_rms_norm(pool_, x.in(), w, static_cast<float>(eps), y.out());
  return y;
}

Tensor SpanOps::centered_rms(const Tensor& x, const Vector& w, double eps) {
  Tensor y = arena_.make(x.rows(), x.width());
  centered_rms_norm(pool_, x.in(), w, static_cast<float>(eps), y.out());
  return y;
}

Tensor SpanOps::input_scaled_rms(const Tensor& x, const Vector& w, double eps) {
  Tensor y = arena_.make(x.rows(), x.width());
  input_scaled_rms_norm(pool_, x.in(), w, static_cast<float>(eps), y.out());
  return y;
}

Tensor SpanOps::head_rms(const Tensor& x, int64_t heads, double eps, double scale) {
  Tensor y = arena_.make(x.rows(), x.width());
  const int64_t rows = x.rows() * heads, width = x.width() / heads;
  rms_norm(pool_, x.reshaped(rows, width).in(), static_cast<float>(eps), static_cast<float>(scale),
           y.reshaped(rows, width).out());
  return y;
}

Tensor SpanOps::head_scaled_rms(const Tensor& x, int64_t heads, const Vector& w, double eps) {
  const int64_t rows = x.rows() * heads, width = x.width() / heads;
  return scaled_rms(x.reshaped(rows, width), w, eps).reshaped(x.rows(), x.width());
}

Tensor SpanOps::layer_norm(const Tensor& x, const Vector& w, const Vector& b, double eps) {
  Tensor y = arena_.make(x.rows(), x.width());
  melete::layer_norm(pool_, x.in(), w, b, static_cast<float>(eps), y.out());
  return y;
}

SpanOps::Rotation SpanOps::rotation_of(std::vector<float> angles) const {
  Rotation rotation{std::move(angles), {}, {}};
  const size_t size = rotation.angles.size();
  rotation.cos.resize(size);
  rotation.sin.resize(size);
  pool_.for_ranges(static_cast<int64_t>(size), 1024, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      const double angle = rotation.angles[i];
      rotation.cos[i] = static_cast<float>(std::cos(angle));
      rotation.sin[i] = static_cast<float>(std::sin(angle));
    }
  });
  return rotation;
}

Tensor SpanOps::rotated(Tensor x, int64_t heads, const Rotation& rotation) {
  Tensor y = over(x);
  melete::rotate(pool_, x.in(), rotation.cos, rotation.sin, heads, y.out());
  return y;
}

// Angles in float32, as the reference computes them: far positions differ visibly otherwise.
SpanOps::Rotation SpanOps::rotation_by(std::span<const float> frequencies) const {
  std::vector<float> angles;
  angles.reserve(positions_.size() * frequencies.size());
  for (const int64_t position : positions_)
    for (const float frequency : frequencies) angles.push_back(static_cast<float>(position) * frequency);
  return rotation_of(std::move(angles));
}

Tensor SpanOps::rope(Tensor x, int64_t heads, double theta) {
  const int64_t head_dim = x.width() / heads;
  auto found = ropes_.find({theta, head_dim});
  if (found == ropes_.end())
    found = ropes_.emplace(std::pair(theta, head_dim), rotation_by(rope_frequencies(head_dim, theta))).first;
  return rotated(std::move(x), heads, found->second);
}

Tensor SpanOps::rope(Tensor x, int64_t heads, std::span<const float> frequencies) {
  auto found = given_ropes_.find(frequencies.data());
  if (found == given_ropes_.end())
    found = given_ropes_.emplace(frequencies.data(), rotation_by(frequencies)).first;
  return rotated(std::move(x), heads, found->second);
}

Tensor SpanOps::rotate(Tensor x, int64_t heads, std::span<const float> angles) {
  // Every layer of a tower gives the same angles, twice.
  if (!std::equal(angles.begin(), angles.end(), given_.angles.begin(), given_.angles.end()))
    given_ = rotation_of({angles.begin(), angles.end()});
  return rotated(std::move(x), heads, given_);
}

const AttentionPlan& SpanOps::plan_of(const KvLayout& layout, int64_t layer) {
  const int64_t group = layout.group_of(layer);
  const auto found = plans_.find(group);
  if (found != plans_.end()) return found->second;
  std::vector<AttentionRow> rows;
  rows.reserve(positions_.size());
  for (const BatchPart& part : parts_) {
    for (int64_t position = part.sequence->length(); position < part.sequence->length() + part.count;
         ++position)
      rows.push_back({part.sequence->pages(layer), layout.first_key(group, position), position});
  }
  return plans_.try_emplace(group, layout.shape().heads, rows, pool_.num_threads()).first->second;
}

Tensor SpanOps::attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionKind& kind) {
  MELETE_CHECK(static_cast<int64_t>(positions_.size()) == q.rows() && !parts_.empty(), positions_.size(),
               " for ", q.rows());
  const KvLayout& layout = parts_[0].sequence->layout();
  const PageShape& shape = layout.shape();
  MELETE_CHECK(shape.heads.heads == kind.heads && shape.heads.kv_heads == kind.kv_heads &&
                   shape.heads.head_dim == kind.head_dim,
               "layer ", kind.layer, " has another shape than the cache");
  writes_.clear();
  for (const BatchPart& part : parts_) {
    for (int64_t i = 0; i < part.count; ++i) {
      const auto row = std::ssize(writes_);
      const int64_t position = positions_[static_cast<size_t>(row)];
      writes_.push_back(
          {k.row(row), v.row(row), position % kPagePositions, part.sequence->page_at(kind.layer, position)});
    }
  }
  const AttentionPlan& plan = plan_of(layout, kind.layer);
  Tensor o = arena_.make(q.rows(), q.width());
  Tensor scratch = arena_.make(1, plan.scratch_floats(shape.type));
  const float scale = 1.0f / std::sqrt(static_cast<float>(kind.head_dim));
  melete::attention(pool_, plan, shape, writes_, q.in(), layout.offset_of(kind.layer), scale,
                    scratch.mutable_values(), o.out());
  return o;
}

Tensor SpanOps::segment_attention(const Tensor& q, const Tensor& k, const Tensor& v, int64_t heads,
                                  std::span<const int64_t> lengths) {
  const HeadShape shape{heads, heads, q.width() / heads};
  Tensor o = arena_.make(q.rows(), q.width());
  const float scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim));
  melete::segment_attention(pool_, shape, q.in(), k.in(), v.in(), lengths, scale, segment_scratch_, o.out());
  return o;
}

Tensor SpanOps::causal_conv(const Tensor& x, const Kernel& kernel, const Vector& bias,
                            std::span<const int64_t> lengths) {
  Tensor y = arena_.make(x.rows(), x.width());
  const int64_t width = x.width(), taps = static_cast<int64_t>(kernel.taps.size()) / width;
  const std::vector<float> silence(static_cast<size_t>((taps - 1) * width));
  int64_t row = 0;
  for (const int64_t length : lengths) {
    melete::causal_conv(pool_, ConstMatrix(x.row(row), length, width), silence, kernel.taps, bias,
                        melete::Matrix(y.row(row), length, width));
    row += length;
  }
  MELETE_CHECK(row == x.rows(), row, " of ", x.rows());
  return y;
}

Tensor SpanOps::sigmoid_gate(Tensor x, const Tensor& gate) {
  Tensor y = over(x);
  melete::sigmoid_gate(pool_, x.in(), gate.in(), y.out());
  return y;
}

Tensor SpanOps::swiglu(Tensor gate, const Tensor& up) {
  Tensor y = over(gate);
  melete::swiglu(pool_, gate.in(), up.in(), y.out());
  return y;
}

Tensor SpanOps::gelu(const Tensor& x) {
  Tensor y = arena_.make(x.rows(), x.width());
  melete::gelu(pool_, x.in(), y.out());
  return y;
}

Tensor SpanOps::geglu_tanh(Tensor gate, const Tensor& up) {
  Tensor y = over(gate);
  melete::geglu_tanh(pool_, gate.in(), up.in(), y.out());
  return y;
}

Tensor SpanOps::add(Tensor a, const Tensor& b) {
  Tensor y = over(a);
  melete::add(pool_, a.in(), b.in(), y.out());
  return y;
}

Tensor SpanOps::residual_gate(Tensor x, const Tensor& y, const Vector& gate, double temperature) {
  Tensor out = over(x);
  melete::residual_gate(pool_, x.in(), y.in(), gate, static_cast<float>(temperature), out.out());
  return out;
}

Tensor SpanOps::scale_sigmoid(const Tensor& x, double scale) {
  Tensor y = arena_.make(x.rows(), x.width());
  melete::scale_sigmoid(pool_, x.in(), static_cast<float>(scale), y.out());
  return y;
}

Tensor SpanOps::softcap(const Tensor& x, double scale, double cap) {
  Tensor y = arena_.make(x.rows(), x.width());
  melete::softcap(pool_, x.in(), static_cast<float>(scale), static_cast<float>(cap), y.out());
  return y;
}

}  // namespace melete
