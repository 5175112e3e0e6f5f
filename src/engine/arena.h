// Activations of the engine: reference-counted [rows, width] buffers that an arena recycles, so that a decode
// step allocates nothing once the first has run.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "kernels/matrix.h"

namespace melete {

class Arena;

// A handle to floats [rows, width]; copies share them. Not thread-safe; must not outlive its arena.
class Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor& other);
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor other) noexcept;
  ~Tensor();

  // Floats of someone else, which must outlive every copy and are never written.
  static Tensor borrowed(std::span<const float> values, int64_t rows, int64_t width);

  int64_t rows() const { return rows_; }
  int64_t width() const { return width_; }
  int64_t size() const { return rows_ * width_; }
  float* row(int64_t i) { return data_ + i * width_; }
  const float* row(int64_t i) const { return data_ + i * width_; }
  std::span<const float> values() const { return {data_, static_cast<size_t>(size())}; }
  std::span<float> mutable_values() { return {data_, static_cast<size_t>(size())}; }
  ConstMatrix in() const { return {data_, rows_, width_}; }
  Matrix out() { return {data_, rows_, width_}; }

  // No other handle sees these floats, and they are the arena's.
  bool is_unique() const;

  // The same floats as [rows, width].
  Tensor reshaped(int64_t rows, int64_t width) const;

 private:
  friend class Arena;
  struct Buffer;
  float* data_ = nullptr;
  int64_t rows_ = 0, width_ = 0;
  Buffer* buffer_ = nullptr;
};

class Arena {
 public:
  Arena();
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Uninitialised.
  Tensor make(int64_t rows, int64_t width);

  int64_t bytes_held() const { return bytes_held_; }
  int64_t bytes_in_use() const { return bytes_in_use_; }

  // Gives idle buffers back to the system, so that one long prompt doesn't keep its memory for ever.
  void trim();

 private:
  friend class Tensor;
  void recycle(Tensor::Buffer* buffer);

  std::vector<std::vector<Tensor::Buffer*>> free_;  // by size class: 2^i floats
  int64_t bytes_held_ = 0, bytes_in_use_ = 0;
};

}  // namespace melete
