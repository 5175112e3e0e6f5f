// Packed weights as plain bytes, so that they can be kept in a file and multiplied with where that is mapped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/gemm.h"
#include "kernels/quant.h"

namespace melete {

// Stands for all that decides which bytes given numbers become: the layouts of gemm.h and quant_layout.h, the
// rounding of quant_round.cc, and the engine's choice of forms (weight_loader.cc). Whoever changes one of
// them counts it up; packed_form_test.cc and packed_cache_test.cc fail until then.
inline constexpr uint32_t kPackedVersion = 1;

// What the bytes are; in files by number. Those with _f32 have scales and offsets of 32 bits, the other
// quantised ones of 16.
enum class PackedKind : uint32_t {
  f32,
  bf16,
  w8,
  w8_f32,
  w4_symmetric,
  w4_symmetric_f32,
  w4,
  w4_f32,
  w4_factored,
};

// Bytes of a matrix [out, in]; 0 if there is no such kind or no matrix of that size.
int64_t packed_form_bytes(PackedKind kind, int64_t out, int64_t in);

// A weight [out, in]; `bytes` lie at a multiple of 64.
struct PackedForm {
  PackedKind kind = PackedKind::f32;
  int64_t out = 0, in = 0;
  std::shared_ptr<const std::byte> bytes;

  int64_t size() const { return packed_form_bytes(kind, out, in); }
};

PackedForm form_of(const PackedMatrix& w);
PackedForm form_of(const QuantMatrix& w);

// Without copying. The kind must be of the matrix's: f32 or bf16, or one of the others.
PackedMatrix panels_of(PackedForm form);
QuantMatrix quant_of(PackedForm form);

}  // namespace melete
