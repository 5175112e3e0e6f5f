// Sets of Unicode code points, as sorted ranges that neither touch nor overlap. Surrogates (U+D800 to U+DFFF)
// are no characters: no set holds them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace melete {

struct CodePointRange {
  int32_t first = 0, last = 0;  // both included
};

class CodePoints {
 public:
  CodePoints() = default;
  CodePoints(int32_t first, int32_t last) { add(first, last); }
  static CodePoints all() { return CodePoints(0, 0x10FFFF); }
  static CodePoints of(std::string_view ascii);

  // Any range of 0 to 0x10FFFF; its surrogates are left out.
  void add(int32_t first, int32_t last);
  void add(const CodePoints& other);
  CodePoints complement() const;
  CodePoints intersection(const CodePoints& other) const;
  CodePoints without(const CodePoints& other) const { return intersection(other.complement()); }

  bool contains(int32_t code_point) const;
  bool empty() const { return ranges_.empty(); }
  const std::vector<CodePointRange>& ranges() const { return ranges_; }

 private:
  void insert(int32_t first, int32_t last);

  std::vector<CodePointRange> ranges_;
};

// \p{NAME}: a general category (L, Lu, N, Nd, P, ...) by utf8proc's data. Nothing for an unknown name.
std::optional<CodePoints> unicode_category(std::string_view name);

// The UTF-8 of one code point.
std::string_view encode_utf8(int32_t code_point, char (&buffer)[4]);

}  // namespace melete
