#include "engine/arena.h"

#include <algorithm>
#include <bit>
#include <new>

namespace melete {

struct Tensor::Buffer {
  Arena* arena;
  float* data;
  int64_t references;
  size_t size_class;
};

namespace {

constexpr std::align_val_t kAlignment{64};
constexpr size_t kSmallestClass = 8;  // 256 floats

int64_t bytes_of_class(size_t size_class) {
  return (int64_t{1} << size_class) * static_cast<int64_t>(sizeof(float));
}

}  // namespace

Tensor::Tensor(const Tensor& other)
    : data_(other.data_), rows_(other.rows_), width_(other.width_), buffer_(other.buffer_) {
  if (buffer_ != nullptr) ++buffer_->references;
}

Tensor::Tensor(Tensor&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      rows_(std::exchange(other.rows_, 0)),
      width_(std::exchange(other.width_, 0)),
      buffer_(std::exchange(other.buffer_, nullptr)) {}

Tensor& Tensor::operator=(Tensor other) noexcept {
  std::swap(data_, other.data_);
  std::swap(rows_, other.rows_);
  std::swap(width_, other.width_);
  std::swap(buffer_, other.buffer_);
  return *this;
}

Tensor::~Tensor() {
  if (buffer_ != nullptr && --buffer_->references == 0) buffer_->arena->recycle(buffer_);
}

Tensor Tensor::borrowed(std::span<const float> values, int64_t rows, int64_t width) {
  MELETE_CHECK(static_cast<int64_t>(values.size()) == rows * width, values.size(), " for ", rows, " x ",
               width);
  Tensor tensor;
  tensor.data_ = const_cast<float*>(values.data());  // is_unique() is false, so nothing writes to it
  tensor.rows_ = rows;
  tensor.width_ = width;
  return tensor;
}

bool Tensor::is_unique() const { return buffer_ != nullptr && buffer_->references == 1; }

Tensor Tensor::reshaped(int64_t rows, int64_t width) const {
  MELETE_CHECK(rows * width == size(), rows_, " x ", width_, " as ", rows, " x ", width);
  Tensor tensor = *this;
  tensor.rows_ = rows;
  tensor.width_ = width;
  return tensor;
}

Arena::Arena() : free_(48) {}

Arena::~Arena() { trim(); }

Tensor Arena::make(int64_t rows, int64_t width) {
  const auto floats = static_cast<uint64_t>(std::max<int64_t>(rows * width, 1));
  const size_t size_class = std::max<size_t>(kSmallestClass, static_cast<size_t>(std::bit_width(floats - 1)));
  Tensor tensor;
  auto& idle = free_.at(size_class);
  if (idle.empty()) {
    void* memory = ::operator new[](static_cast<size_t>(bytes_of_class(size_class)), kAlignment);
    tensor.buffer_ = new Tensor::Buffer{this, static_cast<float*>(memory), 0, size_class};
    bytes_held_ += bytes_of_class(size_class);
  } else {
    tensor.buffer_ = idle.back();
    idle.pop_back();
  }
  tensor.buffer_->references = 1;
  tensor.data_ = tensor.buffer_->data;
  tensor.rows_ = rows;
  tensor.width_ = width;
  bytes_in_use_ += bytes_of_class(size_class);
  return tensor;
}

void Arena::recycle(Tensor::Buffer* buffer) {
  bytes_in_use_ -= bytes_of_class(buffer->size_class);
  free_[buffer->size_class].push_back(buffer);
}

void Arena::trim() {
  for (auto& idle : free_) {
    for (Tensor::Buffer* buffer : idle) {
      bytes_held_ -= bytes_of_class(buffer->size_class);
      ::operator delete[](buffer->data, kAlignment);
      delete buffer;
    }
    idle.clear();
  }
}

}  // namespace melete
