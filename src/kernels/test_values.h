// Inputs for the kernels' tests, and a loop over the machine's instruction sets and thread counts.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/thread_pool.h"
#include "kernels/cpu.h"

namespace melete {

// Normal values with, in adversarial form, denormals, zeros of both signs, huge and tiny magnitudes; all
// finite.
inline std::vector<float> test_values(int64_t size, uint64_t seed, bool adversarial = false) {
  constexpr float kOdd[] = {0.0f, -0.0f, 1e-41f, -3e-39f, 1e-20f, -1e-20f, 3e8f, -7e6f, 1.0f, -1.0f};
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(size));
  for (float& v : values)
    v = adversarial && random.chance(0.3) ? random.pick(kOdd) : static_cast<float>(random.normal());
  return values;
}

// Runs body(pool) on every instruction set of the machine with one thread and with three, and expects the
// same bits as the scalar form on one thread. body returns the output to be compared.
template <class Body>
std::vector<float> expect_same_bits(const std::string& what, Body body) {
  ThreadPool one(1), three(3);
  std::vector<float> reference;
  {
    const ScopedIsa scoped(Isa::scalar);
    reference = body(one);
  }
  for (Isa isa : kIsas) {
    if (!machine_has(isa)) continue;
    const ScopedIsa scoped(isa);
    for (ThreadPool* pool : {&one, &three}) {
      const std::vector<float> got = body(*pool);
      EXPECT_EQ(got.size(), reference.size());
      int wrong = 0;
      for (size_t i = 0; i < got.size() && wrong < 3; ++i) {
        if (std::bit_cast<uint32_t>(got[i]) == std::bit_cast<uint32_t>(reference[i])) continue;
        ++wrong;
        ADD_FAILURE() << what << " on " << name_of(isa) << " with " << pool->num_threads() << " threads: ["
                      << i << "] is " << got[i] << ", scalar " << reference[i];
      }
    }
  }
  return reference;
}

}  // namespace melete
