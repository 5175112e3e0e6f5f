// Packing of quantised weights and reading of single rows. Layout: quant_layout.h.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/quant.h"
#include "kernels/quant_access.h"
#include "kernels/weight_memory.h"

namespace melete {
namespace {

// Sixteen rows of weights before packing, padded to whole pairs of groups.
struct PanelSource {
  PanelSource(int64_t in) : stride(64 * quant_pairs(in)), groups(stride / kQuantGroup) {
    values.resize(static_cast<size_t>(kQuantColumns * stride));
    scales.resize(static_cast<size_t>(kQuantColumns * groups));
    offsets.resize(scales.size());
    scale_factors.resize(scales.size());
    offset_factors.resize(scales.size());
  }
  void clear() {
    std::fill(values.begin(), values.end(), uint8_t{0});
    std::fill(scales.begin(), scales.end(), 0.0f);
    std::fill(offsets.begin(), offsets.end(), 0.0f);
    std::fill(scale_factors.begin(), scale_factors.end(), uint8_t{0});
    std::fill(offset_factors.begin(), offset_factors.end(), uint8_t{0});
  }
  uint8_t* row(int64_t n) { return values.data() + n * stride; }

  int64_t stride, groups;
  std::vector<uint8_t> values;         // [16][stride]: of W8 as two's complement
  std::vector<float> scales, offsets;  // [16][groups]; of factored W4 [16][groups / 2], padded to groups
  std::vector<uint8_t> scale_factors, offset_factors;  // [16][groups], of factored W4 only
};

// The half that x is.
uint16_t exact_half(float x) {
  constexpr uint32_t kLeast = 0x38800000, kPastMost = 0x47800000;  // 2^-14 and 2^16
  const auto bits = std::bit_cast<uint32_t>(x), magnitude = bits & 0x7fffffffu;
  if (magnitude - kLeast < kPastMost - kLeast && bits % (1u << 13) == 0)
    return static_cast<uint16_t>((bits >> 16 & 0x8000u) | (magnitude - (112u << 23)) >> 13);
  MELETE_CHECK(is_half(x) || std::isnan(x), "scale ", x, " is not a half");
  return half_toward_zero(x);
}

void store_floats(const float* from, int64_t stride, bool half, std::byte* to) {
  for (int64_t n = 0; n < kQuantColumns; ++n) {
    const float value = from[n * stride];
    if (half) {
      const uint16_t bits = exact_half(value);
      std::memcpy(to + 2 * n, &bits, 2);
    } else {
      std::memcpy(to + 4 * n, &value, 4);
    }
  }
}

uint32_t quad_at(const uint8_t* p) {
  uint32_t quad;
  std::memcpy(&quad, p, 4);
  return quad;
}

void pack_group(const PanelSource& source, QuantFormat format, int64_t group, std::byte* to) {
  const bool wide = format == QuantFormat::w8;
  for (int64_t n = 0; n < kQuantColumns; ++n) {
    const uint8_t* from = source.values.data() + n * source.stride + kQuantGroup * group;
    for (int64_t i = 0; i < (wide ? 8 : 4); ++i) {
      const uint32_t quad = wide ? quad_at(from + 4 * i) ^ 0x80808080u
                                 : quad_at(from + 4 * i) | quad_at(from + 4 * (i + 4)) << 4;
      std::memcpy(to + 64 * i + 4 * n, &quad, 4);
    }
  }
}

void pack_scales(const PanelSource& source, QuantLayout layout, int64_t group, std::byte* scales) {
  const int64_t which = group % 2;
  std::byte* to = scales + which * layout.scale_bytes();
  store_floats(source.scales.data() + group, source.groups, layout.half, to);
  if (layout.format == QuantFormat::w4)
    store_floats(source.offsets.data() + group, source.groups, layout.half, to + 2 * layout.scale_bytes());
}

// Of a whole pair of groups.
void pack_factors(const PanelSource& source, int64_t pair, std::byte* to) {
  for (int64_t which = 0; which < 2; ++which) {
    for (int64_t n = 0; n < kQuantColumns; ++n) {
      const auto from = static_cast<size_t>(n * source.groups + 2 * pair + which);
      to[16 * which + n] = std::byte{source.scale_factors[from]};
      to[32 + 16 * which + n] = std::byte{source.offset_factors[from]};
    }
  }
  store_floats(source.scales.data() + pair, source.groups, true, to + 64);
  store_floats(source.offsets.data() + pair, source.groups, true, to + 96);
}

void pack_panel(const PanelSource& source, QuantLayout layout, std::byte* to) {
  for (int64_t pair = 0; pair < source.groups / 2; ++pair) {
    std::byte* scales = to + 2 * layout.quant_bytes();
    for (int64_t which = 0; which < 2; ++which) {
      pack_group(source, layout.format, 2 * pair + which, to + which * layout.quant_bytes());
      if (layout.format != QuantFormat::w4_factored) pack_scales(source, layout, 2 * pair + which, scales);
    }
    if (layout.format == QuantFormat::w4_factored) pack_factors(source, pair, scales);
    to += layout.record_bytes();
  }
}

// fill(source, n, row) reads row `row` of W into the n-th of the panel's.
template <class Fill>
QuantMatrix pack_rows(ThreadPool& pool, int64_t out, int64_t in, QuantLayout layout, const Fill& fill) {
  MELETE_CHECK(out > 0 && in > 0, out, " x ", in);
  const int64_t panels = quant_panels(out), panel_bytes = quant_pairs(in) * layout.record_bytes();
  std::shared_ptr<std::byte> packed = allocate_weights(panels * panel_bytes);
  pool.for_ranges(panels, std::max<int64_t>(1, (1 << 16) / panel_bytes), [&](int64_t begin, int64_t end) {
    PanelSource source(in);
    for (int64_t p = begin; p < end; ++p) {
      const int64_t first = p * kQuantColumns, rows = std::min(kQuantColumns, out - first);
      if (rows < kQuantColumns) source.clear();
      for (int64_t n = 0; n < rows; ++n) fill(source, n, first + n);
      pack_panel(source, layout, packed.get() + p * panel_bytes);
    }
  });
  return QuantAccess::make(std::move(packed), out, in, layout);
}

float stored_float(const std::byte* p, bool half) {
  if (half) {
    uint16_t bits;
    std::memcpy(&bits, p, 2);
    return float_from_half(bits);
  }
  float value;
  std::memcpy(&value, p, 4);
  return value;
}

struct GroupScale {
  float scale, offset;
};

// Of column n for group `which` of a record; `p` is what follows its quants.
GroupScale scale_at(QuantLayout layout, const std::byte* p, int64_t which, int64_t n) {
  if (layout.format == QuantFormat::w4_factored) {
    const auto factor = [&](int64_t at) {
      return static_cast<float>(std::to_integer<int>(p[at + 16 * which + n]));
    };
    return {stored_float(p + 64 + 2 * n, true) * factor(0), stored_float(p + 96 + 2 * n, true) * factor(32)};
  }
  const int64_t size = layout.half ? 2 : 4;
  const auto at = [&](int64_t index) {
    return stored_float(p + index * layout.scale_bytes() + size * n, layout.half);
  };
  return {at(which), layout.format == QuantFormat::w4 ? at(2 + which) : 0.0f};
}

template <class T>
std::span<T> part(std::vector<T>& v, int64_t begin, int64_t size) {
  return {v.data() + begin, static_cast<size_t>(size)};
}

bool all_halves(std::span<const float> values) { return std::all_of(values.begin(), values.end(), is_half); }

template <class T>
std::span<const T> row_of(std::span<const T> values, int64_t row, int64_t width) {
  return values.subspan(static_cast<size_t>(row * width), static_cast<size_t>(width));
}

}  // namespace

QuantMatrix QuantMatrix::w8(ThreadPool& pool, int64_t out, int64_t in, ScaleType type, const FillW8& fill) {
  return pack_rows(pool, out, in, {QuantFormat::w8, type == ScaleType::f16},
                   [&](PanelSource& source, int64_t n, int64_t row) {
                     auto* values = reinterpret_cast<int8_t*>(source.row(n));
                     fill(row, {values, static_cast<size_t>(in)},
                          part(source.scales, n * source.groups, quant_groups(in)));
                   });
}

QuantMatrix QuantMatrix::w4(ThreadPool& pool, int64_t out, int64_t in, ScaleType type, bool symmetric,
                            const FillW4& fill) {
  return pack_rows(pool, out, in,
                   {symmetric ? QuantFormat::w4_symmetric : QuantFormat::w4, type == ScaleType::f16},
                   [&](PanelSource& source, int64_t n, int64_t row) {
                     fill(row, {source.row(n), static_cast<size_t>(in)},
                          part(source.scales, n * source.groups, quant_groups(in)),
                          part(source.offsets, n * source.groups, quant_groups(in)));
                   });
}

QuantMatrix QuantMatrix::w4_factored(ThreadPool& pool, int64_t out, int64_t in, const FillW4Factored& fill) {
  const int64_t groups = quant_groups(in), pairs = quant_pairs(in);
  return pack_rows(
      pool, out, in, {QuantFormat::w4_factored, true}, [&](PanelSource& source, int64_t n, int64_t row) {
        const int64_t first = n * source.groups;
        fill(row, {source.row(n), static_cast<size_t>(in)},
             {part(source.scales, first, pairs), part(source.offsets, first, pairs),
              part(source.scale_factors, first, groups), part(source.offset_factors, first, groups)});
      });
}

QuantMatrix QuantMatrix::w8(ThreadPool& pool, std::span<const int8_t> values, std::span<const float> scales,
                            int64_t out, int64_t in) {
  const int64_t groups = quant_groups(in);
  MELETE_CHECK(
      static_cast<int64_t>(values.size()) == out * in && static_cast<int64_t>(scales.size()) == out * groups,
      out, " x ", in);
  return w8(pool, out, in, all_halves(scales) ? ScaleType::f16 : ScaleType::f32,
            [&](int64_t row, std::span<int8_t> to, std::span<float> to_scales) {
              std::ranges::copy(row_of(values, row, in), to.begin());
              std::ranges::copy(row_of(scales, row, groups), to_scales.begin());
            });
}

QuantMatrix QuantMatrix::w4(ThreadPool& pool, std::span<const uint8_t> values, std::span<const float> scales,
                            std::span<const float> offsets, int64_t out, int64_t in) {
  const int64_t groups = quant_groups(in);
  MELETE_CHECK(static_cast<int64_t>(values.size()) == out * in &&
                   static_cast<int64_t>(scales.size()) == out * groups && scales.size() == offsets.size(),
               out, " x ", in);
  bool symmetric = true;
  for (size_t i = 0; i < scales.size(); ++i) symmetric = symmetric && offsets[i] == -8.0f * scales[i];
  const bool half = all_halves(scales) && (symmetric || all_halves(offsets));
  return w4(pool, out, in, half ? ScaleType::f16 : ScaleType::f32, symmetric,
            [&](int64_t row, std::span<uint8_t> to, std::span<float> to_scales, std::span<float> to_offsets) {
              std::ranges::copy(row_of(values, row, in), to.begin());
              std::ranges::copy(row_of(scales, row, groups), to_scales.begin());
              std::ranges::copy(row_of(offsets, row, groups), to_offsets.begin());
            });
}

int QuantMatrix::bits() const { return QuantAccess::layout(*this).format == QuantFormat::w8 ? 8 : 4; }

int64_t QuantMatrix::bytes() const {
  return empty() ? 0 : quant_panels(out_) * quant_pairs(in_) * QuantAccess::layout(*this).record_bytes();
}

void QuantMatrix::row(int64_t row, std::span<float> values) const {
  MELETE_CHECK(row >= 0 && row < out_ && static_cast<int64_t>(values.size()) == in_, row, " of ", out_, " x ",
               in_);
  const QuantLayout layout = QuantAccess::layout(*this);
  const int64_t n = row % kQuantColumns;
  const std::byte* panel = panels_.get() + row / kQuantColumns * quant_pairs(in_) * layout.record_bytes();
  for (int64_t group = 0; group < quant_groups(in_); ++group) {
    const std::byte* record = panel + group / 2 * layout.record_bytes();
    const std::byte* quants = record + group % 2 * layout.quant_bytes() + 4 * n;
    const GroupScale s = scale_at(layout, record + 2 * layout.quant_bytes(), group % 2, n);
    for (int64_t i = 0; i < std::min(kQuantGroup, in_ - kQuantGroup * group); ++i) {
      float& to = values[static_cast<size_t>(kQuantGroup * group + i)];
      if (layout.format == QuantFormat::w8) {
        to = static_cast<float>(std::to_integer<int>(quants[64 * (i / 4) + i % 4]) - 128) * s.scale;
        continue;
      }
      const int both = std::to_integer<int>(quants[64 * (i / 4 % 4) + i % 4]);
      const int q = i < 16 ? both & 15 : both >> 4;
      to = layout.format == QuantFormat::w4_symmetric ? static_cast<float>(q - 8) * s.scale
                                                      : std::fma(static_cast<float>(q), s.scale, s.offset);
    }
  }
}

void lookup_rows(const QuantMatrix& w, std::span<const int32_t> ids, Matrix y) {
  MELETE_CHECK(y.rows == static_cast<int64_t>(ids.size()) && y.cols == w.in(), ids.size(), " rows of ",
               w.in());
  for (int64_t i = 0; i < y.rows; ++i)
    w.row(ids[static_cast<size_t>(i)], {y.data + i * y.cols, static_cast<size_t>(y.cols)});
}

}  // namespace melete
