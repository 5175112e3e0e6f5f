// Against testdata/gguf, which the `gguf` package wrote (tools/oracle/gguf_golden.py): every format to
// floats, to integers with scales, and back, bit for bit.
#include "model/block_formats.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "model/float_formats.h"
#include "model/gguf.h"

namespace melete {
namespace {

const std::string kFolder = MELETE_SOURCE_DIR "/testdata/gguf/";

GgufFile golden_file() { return GgufFile::open(kFolder + "blocks.gguf").value(); }

TEST(BlockFormats, FloatsEqualTheReference) {
  const GgufFile file = golden_file();
  const auto golden = nlohmann::json::parse(read_file(kFolder + "blocks.json").value());
  ASSERT_EQ(golden.size(), 11u);
  for (const auto& [name, want] : golden.items()) {
    SCOPED_TRACE(name);
    const std::vector<float> floats = file.tensors().floats(name).value();
    ASSERT_EQ(floats.size(), 1024u);
    const std::vector<uint32_t> row = want["row"];
    for (size_t i = 0; i < row.size(); ++i)
      ASSERT_EQ(std::bit_cast<uint32_t>(floats[512 + i]), row[i]) << i << " got " << floats[512 + i];
    uint64_t sum = 0;
    for (const float value : floats) sum += std::bit_cast<uint32_t>(value);
    EXPECT_EQ(sum, want["sum"].get<uint64_t>());
  }
}

TEST(BlockFormats, RoundingEqualsTheReference) {
  const GgufFile file = golden_file();
  const std::vector<float> values = file.tensors().floats("f32").value();
  for (const char* name : {"f16", "bf16", "q8_0", "q4_0", "q4_1"}) {
    SCOPED_TRACE(name);
    const TensorView& want = *file.tensors().find(name);
    std::vector<std::byte> bytes(want.bytes.size());
    from_floats(want.type, values, bytes);
    for (size_t i = 0; i < bytes.size(); ++i) ASSERT_EQ(bytes[i], want.bytes[i]) << "byte " << i;
  }
}

TEST(BlockFormats, IntegersScalesAndOffsetsGiveTheFloatsExactly) {
  const GgufFile file = golden_file();
  for (const char* name : {"q8_0", "q4_0", "q4_1", "q4_k"}) {
    SCOPED_TRACE(name);
    const TensorView& view = *file.tensors().find(name);
    const std::vector<float> floats = file.tensors().floats(name).value();
    std::vector<float> scales(floats.size() / 32), offsets(scales.size());
    std::vector<int> codes;
    if (has_w8(view.type)) {
      std::vector<int8_t> values(floats.size());
      unpack_w8(view.type, view.bytes, values, scales);
      codes.assign(values.begin(), values.end());
    } else {
      ASSERT_TRUE(has_w4(view.type));
      std::vector<uint8_t> values(floats.size());
      unpack_w4(view.type, view.bytes, values, scales, offsets);
      codes.assign(values.begin(), values.end());
      for (const int code : codes) ASSERT_LE(code, 15);
    }
    for (size_t i = 0; i < floats.size(); ++i) {
      const float q = static_cast<float>(codes[i]);
      ASSERT_EQ(q * scales[i / 32] + offsets[i / 32], floats[i]) << i;
      ASSERT_EQ(std::fma(q, scales[i / 32], offsets[i / 32]), floats[i]) << i;
    }
  }
}

TEST(BlockFormats, FactorsOfQ4KMultiplyToItsScalesAndOffsets) {
  const GgufFile file = golden_file();
  const TensorView& view = *file.tensors().find("q4_k");
  const auto n = static_cast<size_t>(view.num_elements());
  std::vector<uint8_t> values(n), same_values(n), scale_factors(n / 32), offset_factors(n / 32);
  std::vector<float> scales(n / 32), offsets(n / 32), pair_scales(n / 64), pair_offsets(n / 64);
  unpack_w4(view.type, view.bytes, values, scales, offsets);
  unpack_q4_k(view.bytes, same_values, {pair_scales, pair_offsets, scale_factors, offset_factors});
  EXPECT_EQ(values, same_values);
  for (size_t g = 0; g < n / 32; ++g) {
    ASSERT_EQ(pair_scales[g / 2] * static_cast<float>(scale_factors[g]), scales[g]) << g;
    ASSERT_EQ(pair_offsets[g / 2] * static_cast<float>(offset_factors[g]), offsets[g]) << g;
    ASSERT_EQ(f16_from_float(pair_scales[g / 2]), f16_from_float(pair_scales[g / 8 * 4])) << g;
  }
}

TEST(BlockFormats, EveryHalfSurvivesTheWayThroughFloat) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = float_from_f16(static_cast<uint16_t>(bits));
    if (std::isnan(value))
      EXPECT_TRUE(std::isnan(float_from_f16(f16_from_float(value))));
    else
      ASSERT_EQ(f16_from_float(value), bits) << value;
  }
}

TEST(BlockFormats, HalvesAreTheNearestWithTiesToEven) {
  EXPECT_EQ(f16_from_float(1.0f + 0x1p-11f), 0x3c00);  // a tie goes to the even mantissa
  EXPECT_EQ(f16_from_float(1.0f + 0x3p-11f), 0x3c02);
  EXPECT_EQ(f16_from_float(std::nextafter(1.0f + 0x1p-11f, 2.0f)), 0x3c01);
  EXPECT_EQ(f16_from_float(65519.996f), 0x7bff);
  EXPECT_EQ(f16_from_float(65520.0f), 0x7c00);
  EXPECT_EQ(f16_from_float(0x1p-25f), 0x0000);  // half of the least subnormal
  EXPECT_EQ(f16_from_float(std::nextafter(0x1p-25f, 1.0f)), 0x0001);
  EXPECT_EQ(f16_from_float(-0x3p-25f), 0x8002);
}

TEST(BlockFormats, NonFiniteValuesDontBreakRounding) {
  std::vector<float> values(32, 1.0f);
  values[3] = std::nanf("");
  values[4] = INFINITY;
  std::vector<std::byte> bytes(34);
  from_floats(DataType::q8_0, values, bytes);
  bytes.resize(18);
  from_floats(DataType::q4_0, values, bytes);
  bytes.resize(20);
  from_floats(DataType::q4_1, values, bytes);
  std::vector<float> back(32);
  to_floats(DataType::q4_1, bytes, back);
  EXPECT_FALSE(std::isfinite(back[4]));
}

}  // namespace
}  // namespace melete
