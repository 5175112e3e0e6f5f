// Tensors of raw bytes in a file, and their matrices through a WeightLoader, for the tests of packed weights.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "engine/packed_cache.h"
#include "engine/weight_loader.h"

namespace melete {

inline constexpr int64_t kPackedOut = 40, kPackedIn = 512;

// Elements of a type with finite numbers of ordinary size; what isn't a number of its own is random.
inline std::string raw_values(DataType type, int64_t elements, uint64_t seed) {
  Random random(seed);
  std::string bytes(static_cast<size_t>(elements / block_elements(type) * block_bytes(type)), '\0');
  const auto block = static_cast<size_t>(block_bytes(type));
  for (char& byte : bytes) byte = static_cast<char>(random.integer(0, 255));
  const bool has_offset = type == DataType::q4_1 || type == DataType::q4_k;
  for (size_t at = 0; at < bytes.size(); at += block) {
    const auto half = [&](size_t offset) {
      const auto bits = static_cast<uint16_t>(0x2000 + random.integer(0, 0x3ff));
      std::memcpy(bytes.data() + at + offset, &bits, 2);
    };
    const auto value = static_cast<float>(random.normal());
    const auto bits = static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
    if (type == DataType::f32) std::memcpy(bytes.data() + at, &value, 4);
    if (type == DataType::bf16) std::memcpy(bytes.data() + at, &bits, 2);
    if (is_block_type(type)) half(type == DataType::q6_k ? block - 2 : 0);
    if (has_offset) half(2);
  }
  return bytes;
}

struct RawTensor {
  std::string name;
  DataType type;
  TensorShape shape;
  uint64_t seed = 1;
};

// A file with nothing but the tensors' bytes, mapped.
inline TensorFile raw_file(const std::filesystem::path& path, const std::vector<RawTensor>& tensors) {
  std::string bytes;
  std::vector<std::pair<size_t, size_t>> places;
  for (const RawTensor& tensor : tensors) {
    int64_t elements = 1;
    for (const int64_t side : tensor.shape) elements *= side;
    const std::string values = raw_values(tensor.type, elements, tensor.seed);
    places.emplace_back(bytes.size(), values.size());
    bytes += values;
    bytes.resize((bytes.size() + 63) / 64 * 64);
  }
  EXPECT_TRUE(write_file(path, bytes).ok());
  const auto mapped = MappedFile::open(path).value();
  TensorFile file(path.string());
  file.keep(mapped);
  const auto name = std::make_shared<const std::string>(path.string());
  for (size_t i = 0; i < tensors.size(); ++i)
    file.add(tensors[i].name, {tensors[i].type, tensors[i].shape,
                               std::as_bytes(std::span(mapped->bytes().data(), mapped->bytes().size()))
                                   .subspan(places[i].first, places[i].second),
                               name});
  return file;
}

inline WeightMatrix load_matrix(const TensorFile& file, WeightType type, PackedWeights* kept,
                                const std::string& name = "w", const RowOrder& order = {}) {
  ThreadPool pool(2);
  WeightLoader loader(file, pool, type, LoadStep::load, kept);
  WeightMatrix matrix;
  const TensorShape shape = file.find(name)->shape;
  loader.matrix(name, shape[0], shape[1], matrix, WeightLoader::Precision::wanted, order);
  EXPECT_TRUE(loader.status().ok());
  return matrix;
}

// Of fixed inputs: three rows.
inline std::vector<float> product(const WeightMatrix& w) {
  ThreadPool pool(1);
  Random random(9);
  std::vector<float> x(static_cast<size_t>(3 * w.in())), y(static_cast<size_t>(3 * w.out()));
  for (float& value : x) value = static_cast<float>(random.normal());
  const ConstMatrix input{x.data(), 3, w.in()};
  const Matrix output{y.data(), 3, w.out()};
  if (w.panels() != nullptr) {
    matmul(pool, input, w.panels()->view(), {}, output);
    return y;
  }
  QuantActivations activations;
  activations.assign(pool, input, w.activations());
  matmul(pool, activations, *w.quant(), {}, output);
  return y;
}

// A folder of the test's own, empty.
class PackedTest : public testing::Test {
 protected:
  PackedTest() {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
    folder_.path = path_ / "cache/packed";
    folder_.min_bytes = 0;
  }
  ~PackedTest() override { std::filesystem::remove_all(path_); }

  std::vector<std::filesystem::path> kept_files() const {
    std::vector<std::filesystem::path> files;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path, ignored))
      files.push_back(entry.path());
    return files;
  }

  std::filesystem::path path_ = std::filesystem::path(testing::TempDir()) /
                                cat("melete_", testing::UnitTest::GetInstance()->current_test_info()->name());
  PackedFolder folder_;
};

}  // namespace melete
