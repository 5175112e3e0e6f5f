#include "kernels/packed_form.h"

#include "kernels/quant_access.h"

namespace melete {
namespace {

constexpr int64_t kMaxSide = int64_t{1} << 31;
constexpr auto kFirstQuant = static_cast<uint32_t>(PackedKind::w8);
constexpr auto kLast = static_cast<uint32_t>(PackedKind::w4_factored);

// Of a quantised kind.
QuantLayout layout_of(PackedKind kind) {
  const uint32_t which = static_cast<uint32_t>(kind) - kFirstQuant;
  return {static_cast<QuantFormat>(which / 2), which % 2 == 0};
}

}  // namespace

struct PackedAccess {
  static PackedForm form(const PackedMatrix& w) {
    return {w.bf16_ ? PackedKind::bf16 : PackedKind::f32, w.out_, w.in_, w.panels_};
  }
  static PackedMatrix make(PackedForm form) {
    PackedMatrix w;
    w.panels_ = std::move(form.bytes);
    w.out_ = form.out;
    w.in_ = form.in;
    w.bf16_ = form.kind == PackedKind::bf16;
    return w;
  }
};

int64_t packed_form_bytes(PackedKind kind, int64_t out, int64_t in) {
  if (static_cast<uint32_t>(kind) > kLast || out < 1 || in < 1 || out > kMaxSide || in > kMaxSide / 64)
    return 0;
  int64_t bytes = 0;
  const bool is_quant = static_cast<uint32_t>(kind) >= kFirstQuant;
  const bool is_too_large =
      is_quant ? __builtin_mul_overflow(quant_panels(out), quant_pairs(in) * layout_of(kind).record_bytes(),
                                        &bytes)
               : __builtin_mul_overflow(packed_size(in, out), kind == PackedKind::bf16 ? 2 : 4, &bytes);
  return is_too_large ? 0 : bytes;
}

PackedForm form_of(const PackedMatrix& w) { return PackedAccess::form(w); }

PackedForm form_of(const QuantMatrix& w) {
  const QuantLayout layout = QuantAccess::layout(w);
  const uint32_t kind = kFirstQuant + 2 * static_cast<uint32_t>(layout.format) + (layout.half ? 0 : 1);
  return {static_cast<PackedKind>(kind), w.out(), w.in(), QuantAccess::shared(w)};
}

PackedMatrix panels_of(PackedForm form) {
  MELETE_CHECK(form.kind == PackedKind::f32 || form.kind == PackedKind::bf16, form.out, " x ", form.in);
  return PackedAccess::make(std::move(form));
}

QuantMatrix quant_of(PackedForm form) {
  MELETE_CHECK(static_cast<uint32_t>(form.kind) >= kFirstQuant && form.size() > 0, form.out, " x ", form.in);
  return QuantAccess::make(std::move(form.bytes), form.out, form.in, layout_of(form.kind));
}

}  // namespace melete
