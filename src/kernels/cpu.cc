#include "kernels/cpu.h"

#include <atomic>
#include <cstdlib>

#include "base/check.h"

namespace melete {
namespace {

Isa choose() {
  Isa best = Isa::scalar;
  for (Isa isa : kIsas) {
    if (machine_has(isa)) best = isa;
  }
  const char* wanted = std::getenv("MELETE_ISA");
  if (wanted == nullptr) return best;
  for (Isa isa : kIsas) {
    if (name_of(isa) == wanted && machine_has(isa)) return isa;
  }
  return best;
}

std::atomic<Isa>& state() {
  static std::atomic<Isa> isa{choose()};
  return isa;
}

}  // namespace

bool machine_has(Isa isa) {
#if defined(__x86_64__)
  // Every CPU with AVX2 has F16C; clang 14 can't ask for it.
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == Isa::avx2) return avx2;
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (isa == Isa::avx512) return avx512;
  if (isa == Isa::avx512_vnni) return avx512 && __builtin_cpu_supports("avx512vnni");
#endif
  return isa == Isa::scalar;
}

std::string_view name_of(Isa isa) {
  switch (isa) {
    case Isa::scalar: return "scalar";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    case Isa::avx512_vnni: return "avx512_vnni";
  }
  return "unknown";
}

Isa active_isa() { return state().load(std::memory_order_relaxed); }

ScopedIsa::ScopedIsa(Isa isa) : before_(active_isa()) {
  MELETE_CHECK(machine_has(isa), "isa=", name_of(isa));
  state() = isa;
}

ScopedIsa::~ScopedIsa() { state() = before_; }

}  // namespace melete
