#include "kernels/packed_form.h"

#include <algorithm>
#include <cstring>

#include "kernels/test_values.h"

namespace melete {
namespace {

constexpr int64_t kOut = 20, kIn = 70;  // a short panel and a short group

struct Case {
  PackedKind kind;
  uint64_t checksum;  // of kPackedVersion and the bytes of fixed_form()
};
constexpr Case kCases[] = {
    {PackedKind::f32, 0xf9cc449057385161},          {PackedKind::bf16, 0x2141b2b2a2042b2b},
    {PackedKind::w8, 0x8692d9e0843862d7},           {PackedKind::w8_f32, 0xaab57f6ee5715b94},
    {PackedKind::w4_symmetric, 0x29e397820db0987f}, {PackedKind::w4_symmetric_f32, 0x273222df4b6438c},
    {PackedKind::w4, 0x6b58fd57002f05fc},           {PackedKind::w4_f32, 0xd05d3a1a591082af},
    {PackedKind::w4_factored, 0x35dfd60cb530b980},
};
constexpr uint64_t kRounded8 = 0x554e65d4bc00bb64, kRounded4 = 14627640194363795225u;

// Small whole numbers, the same everywhere.
template <class T>
std::vector<T> counted(int64_t size, int step, int from, int to) {
  std::vector<T> values;
  for (int64_t i = 0; i < size; ++i)
    values.push_back(static_cast<T>(from + static_cast<int>(i * step % (to - from))));
  return values;
}

PackedForm factored_form(ThreadPool& pool) {
  return form_of(QuantMatrix::w4_factored(
      pool, kOut, kIn, [](int64_t row, std::span<uint8_t> values, const W4Factors& factors) {
        for (size_t i = 0; i < values.size(); ++i)
          values[i] = static_cast<uint8_t>((static_cast<size_t>(row) + 5 * i) % 16);
        for (size_t i = 0; i < factors.scale.size(); ++i) {
          factors.scale[i] = 0.25f * static_cast<float>(row + 1);
          factors.offset[i] = -0.5f * static_cast<float>(row + 1);
        }
        for (size_t i = 0; i < factors.scale_factor.size(); ++i) {
          factors.scale_factor[i] = static_cast<uint8_t>(7 * i + 3);
          factors.offset_factor[i] = static_cast<uint8_t>(5 * i + 1);
        }
      }));
}

PackedForm fixed_form(ThreadPool& pool, PackedKind kind) {
  const int64_t groups = kOut * quant_groups(kIn);
  const bool is_half = kind == PackedKind::w8 || kind == PackedKind::w4_symmetric || kind == PackedKind::w4;
  const bool is_symmetric = kind == PackedKind::w4_symmetric || kind == PackedKind::w4_symmetric_f32;
  std::vector<float> scales, offsets;
  for (const int i : counted<int>(groups, 3, 1, 40)) {
    scales.push_back(static_cast<float>(i) / (is_half ? 8 : 7));
    offsets.push_back(is_symmetric ? -8 * scales.back() : static_cast<float>(-i) / (is_half ? 2 : 3));
  }
  switch (kind) {
    case PackedKind::f32:
      return form_of(
          PackedMatrix(pool, std::span<const float>(counted<float>(kOut * kIn, 7, -50, 51)), kOut, kIn));
    case PackedKind::bf16:
      return form_of(PackedMatrix(
          pool, std::span<const uint16_t>(counted<uint16_t>(kOut * kIn, 7, 100, 16300)), kOut, kIn));
    case PackedKind::w8:
    case PackedKind::w8_f32:
      return form_of(QuantMatrix::w8(pool, counted<int8_t>(kOut * kIn, 11, -128, 128), scales, kOut, kIn));
    case PackedKind::w4_factored: return factored_form(pool);
    default:
      return form_of(
          QuantMatrix::w4(pool, counted<uint8_t>(kOut * kIn, 5, 0, 16), scales, offsets, kOut, kIn));
  }
}

// FNV-1a.
uint64_t checksum(const PackedForm& form) {
  uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&](uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3; };
  add(static_cast<uint8_t>(kPackedVersion));
  for (int64_t i = 0; i < form.size(); ++i) add(std::to_integer<uint8_t>(form.bytes.get()[i]));
  return hash;
}

// Files of packed weights outlive the program that wrote them: bytes may change with the version only.
TEST(PackedForm, BytesChangeWithTheVersionOnly) {
  ThreadPool pool(2);
  for (const Case& c : kCases) {
    const PackedForm form = fixed_form(pool, c.kind);
    ASSERT_EQ(form.kind, c.kind);
    EXPECT_EQ(checksum(form), c.checksum)
        << "kind " << static_cast<int>(c.kind) << " packs differently: count kPackedVersion up, then put 0x"
        << std::hex << checksum(form) << " here";
  }
  const std::vector<float> values = counted<float>(kOut * kIn, 13, -97, 98);
  const auto fill = [&](int64_t row, std::span<float> to) {
    std::copy_n(values.begin() + row * kIn, kIn, to.begin());
  };
  EXPECT_EQ(checksum(form_of(QuantMatrix::round_to_w8(pool, kOut, kIn, fill))), kRounded8)
      << std::hex << "0x" << checksum(form_of(QuantMatrix::round_to_w8(pool, kOut, kIn, fill)));
  EXPECT_EQ(checksum(form_of(QuantMatrix::round_to_w4(pool, kOut, kIn, fill))), kRounded4)
      << std::hex << "0x" << checksum(form_of(QuantMatrix::round_to_w4(pool, kOut, kIn, fill)));
}

template <class M>
std::vector<float> rows_of(const M& w) {
  std::vector<float> values(static_cast<size_t>(kOut * kIn));
  for (int64_t row = 0; row < kOut; ++row)
    w.row(row, std::span(values).subspan(static_cast<size_t>(row * kIn), static_cast<size_t>(kIn)));
  return values;
}

TEST(PackedForm, ACopyOfTheBytesIsTheSameMatrix) {
  ThreadPool pool(1);
  for (const Case& c : kCases) {
    PackedForm form = fixed_form(pool, c.kind), copy = form;
    struct alignas(64) Line {
      std::byte bytes[64];
    };
    const std::shared_ptr<Line[]> lines(new Line[static_cast<size_t>(form.size() / 64 + 1)]);
    std::memcpy(lines.get(), form.bytes.get(), static_cast<size_t>(form.size()));
    copy.bytes = {lines, lines[0].bytes};
    if (c.kind == PackedKind::f32 || c.kind == PackedKind::bf16) {
      const PackedMatrix original = panels_of(form), other = panels_of(copy);
      EXPECT_EQ(form.size(), original.bytes());
      EXPECT_EQ(rows_of(original), rows_of(other)) << static_cast<int>(c.kind);
    } else {
      const QuantMatrix original = quant_of(form), other = quant_of(copy);
      EXPECT_EQ(form.size(), original.bytes());
      EXPECT_EQ(rows_of(original), rows_of(other)) << static_cast<int>(c.kind);
      EXPECT_EQ(form_of(other).kind, c.kind);
    }
  }
}

TEST(PackedForm, WhatNoMatrixCanBeHasNoBytes) {
  for (const Case& c : kCases) {
    EXPECT_GT(packed_form_bytes(c.kind, 1, 1), 0);
    EXPECT_EQ(packed_form_bytes(c.kind, 0, 1), 0);
    EXPECT_EQ(packed_form_bytes(c.kind, 1, 0), 0);
    EXPECT_EQ(packed_form_bytes(c.kind, -16, -64), 0);
    EXPECT_EQ(packed_form_bytes(c.kind, INT64_MAX, INT64_MAX), 0);
    EXPECT_EQ(packed_form_bytes(c.kind, int64_t{1} << 31, INT64_MAX), 0);
  }
  for (const uint32_t kind : {9u, 10u, 0x7fffffffu, 0xffffffffu})
    EXPECT_EQ(packed_form_bytes(static_cast<PackedKind>(kind), 16, 64), 0);
}

}  // namespace
}  // namespace melete
