// Views of row-major matrices, and the contract that every kernel keeps.
//
// Contract: an output element is one fixed order of correctly rounded operations on its own inputs. It
// doesn't depend on how many rows the call has, on the row's place, on how work is cut among threads, or on
// the instruction set (all variants have sixteen lanes, simd_scalar.h). Decode equals prefill and a batch of
// one equals a batch of many, by bits. Kernels don't allocate; scratch comes from the caller. Outputs may be
// the input itself only where a header says so.
#pragma once

#include <cstdint>
#include <span>

#include "base/check.h"

namespace melete {

// rows x cols floats, rows one after another.
struct ConstMatrix {
  const float* data = nullptr;
  int64_t rows = 0, cols = 0;

  ConstMatrix() = default;
  ConstMatrix(const float* first, int64_t num_rows, int64_t num_cols)
      : data(first), rows(num_rows), cols(num_cols) {}
  ConstMatrix(std::span<const float> values, int64_t num_rows, int64_t num_cols)
      : data(values.data()), rows(num_rows), cols(num_cols) {
    MELETE_CHECK(static_cast<int64_t>(values.size()) == num_rows * num_cols, num_rows, " x ", num_cols);
  }
  int64_t size() const { return rows * cols; }
};

struct Matrix {
  float* data = nullptr;
  int64_t rows = 0, cols = 0;

  Matrix() = default;
  Matrix(float* first, int64_t num_rows, int64_t num_cols) : data(first), rows(num_rows), cols(num_cols) {}
  Matrix(std::span<float> values, int64_t num_rows, int64_t num_cols)
      : data(values.data()), rows(num_rows), cols(num_cols) {
    MELETE_CHECK(static_cast<int64_t>(values.size()) == num_rows * num_cols, num_rows, " x ", num_cols);
  }
  int64_t size() const { return rows * cols; }
  operator ConstMatrix() const { return {data, rows, cols}; }  // NOLINT: implicit on purpose
};

}  // namespace melete
