#include "engine/weight_loader.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <limits>

#include "kernels/elementwise.h"
#include "media/hash.h"
#include "model/block_formats.h"
#include "model/float_formats.h"

namespace melete {

// Rows of a tensor as a matrix [rows, elements / rows] in an order, or of two tensors one after the other.
class StoredRows {
 public:
  StoredRows(const TensorView& view, int64_t rows, const RowOrder& order)
      : view_(view), order_(order), row_bytes_(view.bytes.size() / static_cast<size_t>(rows)) {}
  StoredRows(const TensorView& first, const TensorView& second, int64_t rows_each, const RowOrder& order)
      : view_(first),
        order_(order),
        row_bytes_(first.bytes.size() / static_cast<size_t>(rows_each)),
        first_rows_(rows_each),
        second_(second.bytes) {}

  DataType type() const { return view_.type; }
  std::span<const std::byte> bytes(int64_t row) const {
    if (row >= first_rows_)
      return second_.subspan(static_cast<size_t>(row - first_rows_) * row_bytes_, row_bytes_);
    const int64_t at = order_.empty() ? row : order_[static_cast<size_t>(row)];
    return view_.bytes.subspan(static_cast<size_t>(at) * row_bytes_, row_bytes_);
  }
  void floats(int64_t row, std::span<float> values) const { to_floats(view_.type, bytes(row), values); }

  // All of them as they lie in the file, if they are aligned floats there; else empty.
  std::span<const float> in_place() const;
  void forget() const;

  // What tells this order from others; empty for none.
  std::string order_name() const {
    const auto* bytes = reinterpret_cast<const uint8_t*>(order_.data());
    const auto hash = hash_bytes({bytes, order_.size() * sizeof(int64_t)}, 0);
    return order_.empty()
               ? ""
               : cat("/", std::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()));
  }

 private:
  const TensorView& view_;
  const RowOrder& order_;
  size_t row_bytes_;
  int64_t first_rows_ = std::numeric_limits<int64_t>::max();
  std::span<const std::byte> second_;
};

namespace {

constexpr size_t kNamedProblems = 5;
const RowOrder kAsTheyLie;
constexpr int64_t kChunk = 1 << 16;  // floats that one task checks or converts

// Matrices whose rounding shows most in the logits: values, and what is added to the residual stream.
constexpr std::string_view kDelicate[] = {"v_proj.weight", "o_proj.weight",      "down_proj.weight",
                                          "attn_v.weight", "attn_output.weight", "ffn_down.weight"};

bool is_delicate(std::string_view name) {
  return std::ranges::any_of(kDelicate, [&](std::string_view end) { return name.ends_with(end); });
}

bool holds_w4(DataType type) { return type == DataType::q4_k || has_w4(type); }

bool lies_in_place(const TensorView& view) {
  return view.type == DataType::f32 && reinterpret_cast<uintptr_t>(view.bytes.data()) % alignof(float) == 0;
}

std::span<const float> floats_in_place(const TensorView& view) {
  return {reinterpret_cast<const float*>(view.bytes.data()), static_cast<size_t>(view.num_elements())};
}

// Clears `finite` if a value isn't; safe from several threads.
void note_finite(std::span<const float> values, std::atomic<bool>& finite) {
  if (!all_finite(values)) finite.store(false, std::memory_order_relaxed);
}

void narrow(std::span<const float> from, std::span<float> to) {
  std::copy(from.begin(), from.end(), to.begin());
}
void narrow(std::span<const float> from, std::span<uint16_t> to) {
  std::transform(from.begin(), from.end(), to.begin(), bf16_from_float);
}

// All rows as floats or as the bits of bfloat16.
template <class T>
std::vector<T> all_rows(ThreadPool& pool, const StoredRows& rows, int64_t out, int64_t in,
                        std::atomic<bool>& finite) {
  std::vector<T> values(static_cast<size_t>(out * in));
  pool.for_ranges(out, kChunk / in + 1, [&](int64_t begin, int64_t end) {
    std::vector<float> row_values(static_cast<size_t>(in));
    for (int64_t row = begin; row < end; ++row) {
      rows.floats(row, row_values);
      note_finite(row_values, finite);
      narrow(row_values, std::span(values).subspan(static_cast<size_t>(row * in), static_cast<size_t>(in)));
    }
  });
  return values;
}

// Blocks of the file as the kernels' integers where they hold the same numbers, else rounded from floats.
QuantMatrix quantise(ThreadPool& pool, const StoredRows& rows, int64_t out, int64_t in, WeightType type,
                     std::atomic<bool>& finite) {
  const DataType stored = rows.type();
  if (type == WeightType::w8 && has_w8(stored))
    return QuantMatrix::w8(pool, out, in, ScaleType::f16,
                           [&](int64_t row, std::span<int8_t> values, std::span<float> scales) {
                             unpack_w8(stored, rows.bytes(row), values, scales);
                             note_finite(scales, finite);
                           });
  if (type == WeightType::w4 && stored == DataType::q4_k)
    return QuantMatrix::w4_factored(
        pool, out, in, [&](int64_t row, std::span<uint8_t> values, const W4Factors& to) {
          unpack_q4_k(rows.bytes(row), values, {to.scale, to.offset, to.scale_factor, to.offset_factor});
          note_finite(to.scale, finite);
          note_finite(to.offset, finite);
        });
  if (type == WeightType::w4 && has_w4(stored))
    return QuantMatrix::w4(
        pool, out, in, ScaleType::f16, stored == DataType::q4_0,
        [&](int64_t row, std::span<uint8_t> values, std::span<float> scales, std::span<float> offsets) {
          unpack_w4(stored, rows.bytes(row), values, scales, offsets);
          note_finite(scales, finite);
          note_finite(offsets, finite);
        });
  const auto fill = [&](int64_t row, std::span<float> values) {
    rows.floats(row, values);
    note_finite(values, finite);
  };
  return type == WeightType::w8 ? QuantMatrix::round_to_w8(pool, out, in, fill)
                                : QuantMatrix::round_to_w4(pool, out, in, fill);
}

// Part i of `count` equal ones.
TensorView slice(const TensorView& view, int64_t i, int64_t count) {
  TensorView part = view;
  const size_t bytes = view.bytes.size() / static_cast<size_t>(count);
  part.bytes = view.bytes.subspan(static_cast<size_t>(i) * bytes, bytes);
  part.shape[0] = 1;
  return part;
}

// Gives the pages that lie wholly in a packed tensor back to the system; a later read maps them again.
void forget_pages(std::span<const std::byte> bytes) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<uintptr_t>(bytes.data()) + page - 1) / page * page;
  const auto end = reinterpret_cast<uintptr_t>(bytes.data() + bytes.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace

std::span<const float> StoredRows::in_place() const {
  const bool is_whole = order_.empty() && second_.empty() && lies_in_place(view_);
  return is_whole ? floats_in_place(view_) : std::span<const float>();
}

void StoredRows::forget() const {
  forget_pages(view_.bytes);
  forget_pages(second_);
}

const TensorView* WeightLoader::use(const std::string& name, const TensorShape& shape, int64_t bytes) {
  used_.insert(name);
  bytes_ += bytes;
  if (!corrupt_.ok()) return nullptr;
  const TensorView* view = file_.find(name);
  std::string problem;
  if (view == nullptr)
    problem = "is missing";
  else if (view->shape != shape)
    problem = cat("has shape ", to_string(view->shape), " instead of ", to_string(shape));
  else if (!is_float_type(view->type))
    problem = cat("has type ", name_of(view->type), " instead of a float type");
  if (!problem.empty()) problems_.push_back(cat("tensor ", quoted_name(name), " ", problem));
  return problem.empty() && step_ == LoadStep::load ? view : nullptr;
}

WeightMatrix WeightLoader::packed(const std::string& name, const StoredRows& rows, int64_t out, int64_t in,
                                  WeightType type) {
  std::atomic<bool> finite{true};
  WeightMatrix result;
  if (const auto values = rows.in_place(); type == WeightType::f32 && !values.empty()) {
    check_finite(name, values);
    result = PackedMatrix(pool_, values, out, in);
  } else if (type == WeightType::f32) {
    result =
        PackedMatrix(pool_, std::span<const float>(all_rows<float>(pool_, rows, out, in, finite)), out, in);
  } else if (type == WeightType::bf16) {
    result = PackedMatrix(pool_, std::span<const uint16_t>(all_rows<uint16_t>(pool_, rows, out, in, finite)),
                          out, in);
  } else {
    result = {quantise(pool_, rows, out, in, type, finite), activations()};
  }
  if (!finite) note_corrupt(name);
  rows.forget();
  return result;
}

// What is kept was finite when it was packed: a load that finds other numbers fails and keeps nothing.
void WeightLoader::pack(const std::string& name, int64_t part, const StoredRows& rows, int64_t out,
                        int64_t in, WeightType type, WeightMatrix& to) {
  const std::string label = cat(name, "/", part, "/", name_of(type), rows.order_name());
  if (const PackedForm* form = kept_ == nullptr ? nullptr : kept_->find(label);
      form != nullptr && form->out == out && form->in == in && is_form_of(type, form->kind)) {
    to = matrix_of(*form, activations());
    return;
  }
  to = packed(name, rows, out, in, type);
  if (kept_ != nullptr) kept_->add(label, form_of(to));
}

void WeightLoader::matrix(const std::string& name, int64_t out, int64_t in, WeightMatrix& to,
                          Precision precision, const RowOrder& order) {
  const TensorView* stored = file_.find(name);
  const bool needs_w8 =
      precision == Precision::head || (stored != nullptr && !holds_w4(stored->type) && is_delicate(name));
  const WeightType wanted = needs_w8 && type_ == WeightType::w4 ? WeightType::w8 : type_;
  const WeightType type = precision == Precision::exact || stored == nullptr
                              ? WeightType::f32
                              : packed_type(stored->type, wanted);
  const TensorView* view = use(name, {out, in}, packed_bytes(type, out, in));
  const bool is_copied = type == WeightType::bf16 || type == WeightType::f32;
  if (is_copied && stored != nullptr && !(lies_in_place(*stored) && order.empty()))
    scratch_bytes_ = std::max(scratch_bytes_, packed_bytes(type, out, in));
  if (view != nullptr) pack(name, 0, StoredRows(*view, out, order), out, in, type, to);
}

void WeightLoader::stack(const std::string& name, int64_t count, int64_t out, int64_t in,
                         std::vector<WeightMatrix>& to) {
  const TensorView* stored = file_.find(name);
  const WeightType type = stored == nullptr ? WeightType::f32 : packed_type(stored->type, type_);
  const TensorView* view = use(name, {count, out, in}, count * packed_bytes(type, out, in));
  if (view == nullptr) return;
  to.resize(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const TensorView part = slice(*view, i, count);
    pack(name, i, StoredRows(part, out, kAsTheyLie), out, in, type, to[static_cast<size_t>(i)]);
  }
}

void WeightLoader::joined_stack(const std::string& first, const std::string& second, int64_t count,
                                int64_t out, int64_t in, std::vector<WeightMatrix>& to) {
  const TensorView *a = file_.find(first), *b = file_.find(second);
  if (a != nullptr && b != nullptr && a->type != b->type)
    problems_.push_back(cat("tensor ", quoted_name(second), " has type ", name_of(b->type), " instead of ",
                            name_of(a->type), " as ", quoted_name(first)));
  const WeightType type = a == nullptr ? WeightType::f32 : packed_type(a->type, type_);
  a = use(first, {count, out, in}, count * packed_bytes(type, out, in));
  b = use(second, {count, out, in}, count * packed_bytes(type, out, in));
  if (a == nullptr || b == nullptr) return;
  to.resize(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const TensorView one = slice(*a, i, count), other = slice(*b, i, count);
    pack(cat(first, "+", second), i, StoredRows(one, other, out, kAsTheyLie), 2 * out, in, type,
         to[static_cast<size_t>(i)]);
  }
}

void WeightLoader::computed(std::span<const Part> parts, int64_t out, int64_t in, WeightMatrix& to,
                            const Combine& combine) {
  std::vector<std::vector<float>> values;
  bool is_complete = true;
  for (const Part& part : parts) {
    const TensorView* view = use(part.name, part.shape, 0);
    is_complete = is_complete && view != nullptr;
    if (!is_complete) continue;
    values.emplace_back(static_cast<size_t>(view->num_elements()));
    to_floats(view->type, view->bytes, values.back());
  }
  bytes_ += packed_bytes(WeightType::f32, out, in);
  if (!is_complete) return;
  const std::vector<float> combined = combine(std::move(values));
  check_finite(parts[0].name, combined);
  to = PackedMatrix(pool_, std::span<const float>(combined), out, in);
}

void WeightLoader::vector(const std::string& name, int64_t size, std::vector<float>& to, float offset,
                          const RowOrder& order) {
  const TensorView* view = use(name, {size}, size * static_cast<int64_t>(sizeof(float)));
  if (view == nullptr) return;
  std::vector<float> values(static_cast<size_t>(size));
  to_floats(view->type, view->bytes, values);
  check_finite(name, values);
  to.resize(values.size());
  for (size_t i = 0; i < values.size(); ++i)
    to[i] = values[order.empty() ? i : static_cast<size_t>(order[i])] + offset;
}

void WeightLoader::table(const std::string& name, int64_t rows, int64_t width, RowTable& to) {
  to.rows = rows;
  to.width = width;
  const TensorView* view = use(name, {rows, width}, rows * width * static_cast<int64_t>(sizeof(float)));
  if (view == nullptr) return;
  if (lies_in_place(*view)) {
    to.values = floats_in_place(*view);
    check_finite(name, to.values);
  } else {
    std::atomic<bool> finite{true};
    to.owned = all_rows<float>(pool_, StoredRows(*view, rows, kAsTheyLie), rows, width, finite);
    to.values = to.owned;
    if (!finite) note_corrupt(name);
  }
}

void WeightLoader::stored_rows(const std::string& name, int64_t rows, int64_t width, RowTable& to,
                               bool is_checked) {
  to.rows = rows;
  to.width = width;
  const TensorView* view = use(name, {rows, width}, 0);
  if (view == nullptr) return;
  to.stored = *view;
  const std::string label = name + "/finite";
  if (is_checked || (kept_ != nullptr && kept_->has_mark(label))) return;
  std::atomic<bool> finite{true};
  const StoredRows stored(*view, rows, kAsTheyLie);
  pool_.for_ranges(rows, kChunk / width + 1, [&](int64_t begin, int64_t end) {
    std::vector<float> values(static_cast<size_t>(width));
    for (int64_t row = begin; row < end; ++row) {
      stored.floats(row, values);
      note_finite(values, finite);
    }
  });
  if (!finite) note_corrupt(name);
  if (kept_ != nullptr) kept_->add_mark(label);
  forget_pages(view->bytes);
}

void WeightLoader::tie(const WeightMatrix& head, RowTable& to) const {
  const DataType stored = to.stored.type;
  // Blocks with an offset hold the same numbers too, but are rounded in another order when looked up.
  const bool is_same = head.quant() != nullptr && ((has_w8(stored) && head.quant()->bits() == 8) ||
                                                   (stored == DataType::q4_0 && head.quant()->bits() == 4));
  if (step_ == LoadStep::load && is_same) to.head = *head.quant();
}

void WeightLoader::kernel(const std::string& name, int64_t channels, int64_t taps, ConvKernel& to) {
  const TensorView* view =
      use(name, {channels, 1, taps}, channels * taps * static_cast<int64_t>(sizeof(float)));
  if (view == nullptr) return;
  std::vector<float> values(static_cast<size_t>(channels * taps));
  to_floats(view->type, view->bytes, values);
  check_finite(name, values);
  for (int64_t tap = 0; tap < taps; ++tap)
    for (int64_t c = 0; c < channels; ++c) to.taps.push_back(values[static_cast<size_t>(c * taps + tap)]);
}

// One value that isn't finite would silently turn every answer into nonsense.
void WeightLoader::check_finite(const std::string& name, std::span<const float> values) {
  std::atomic<bool> finite{true};
  pool_.for_ranges(static_cast<int64_t>(values.size()), kChunk, [&](int64_t begin, int64_t end) {
    note_finite(values.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)), finite);
  });
  if (!finite) note_corrupt(name);
}

void WeightLoader::note_corrupt(const std::string& name) {
  if (corrupt_.ok())
    corrupt_ = corrupt("[", file_.name(), "] tensor ", name,
                       " must hold finite numbers, got infinity or not-a-number; take another checkpoint");
}

std::vector<std::string> WeightLoader::unknown_tensors() const {
  std::vector<std::string> names;
  for (const auto& [name, view] : file_.tensors())
    if (!used_.contains(name)) names.push_back(name);
  return names;
}

Status WeightLoader::status() const {
  if (problems_.empty()) return corrupt_;
  std::string text;
  for (size_t i = 0; i < std::min(problems_.size(), kNamedProblems); ++i)
    text += (i > 0 ? "; " : "") + problems_[i];
  if (problems_.size() > kNamedProblems) text += cat(" and ", problems_.size() - kNamedProblems, " more");
  return invalid_argument("[", file_.name(), "] the tensors must be those of the config, got: ", text,
                          "; check that config and weights belong together");
}

}  // namespace melete
