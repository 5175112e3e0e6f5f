// Which instruction set the kernels run on: found once, at the first call.
#pragma once

#include <string_view>

namespace melete {

enum class Isa { scalar, avx2, avx512, avx512_vnni };

// All of them, from the least to the best.
inline constexpr Isa kIsas[] = {Isa::scalar, Isa::avx2, Isa::avx512, Isa::avx512_vnni};

// The set in use: the best that the machine has, or the environment's
// MELETE_ISA=scalar|avx2|avx512|avx512_vnni if the machine has that one (an unknown or unsupported value is
// ignored).
Isa active_isa();
bool machine_has(Isa isa);
std::string_view name_of(Isa isa);

// Runs every kernel on `isa` while it lives (tests and benchmarks; not while kernels run on other threads).
// CHECKs machine_has(isa).
class ScopedIsa {
 public:
  explicit ScopedIsa(Isa isa);
  ~ScopedIsa();
  ScopedIsa(const ScopedIsa&) = delete;
  ScopedIsa& operator=(const ScopedIsa&) = delete;

 private:
  Isa before_;
};

}  // namespace melete
