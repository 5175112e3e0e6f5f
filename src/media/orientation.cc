#include "media/orientation.h"

#include <algorithm>

namespace melete {
namespace {

// Unsigned numbers of a TIFF block in its byte order; 0 past the end.
class TiffReader {
 public:
  TiffReader(std::string_view bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  uint64_t number(uint64_t at, uint64_t count) const {
    if (at + count > bytes_.size()) return 0;
    uint64_t value = 0;
    for (uint64_t i = 0; i < count; ++i)
      value = value << 8 | static_cast<uint8_t>(bytes_[at + (big_endian_ ? i : count - 1 - i)]);
    return value;
  }

 private:
  std::string_view bytes_;
  bool big_endian_;
};

}  // namespace

int exif_orientation(std::string_view exif) {
  constexpr uint64_t kOrientationTag = 0x0112, kShort = 3, kEntryBytes = 12;
  if (exif.starts_with(std::string_view("Exif\0\0", 6))) exif.remove_prefix(6);
  const bool big_endian = exif.starts_with(std::string_view("MM\0*", 4));
  if (!big_endian && !exif.starts_with(std::string_view("II*\0", 4))) return 1;
  const TiffReader tiff(exif, big_endian);
  const uint64_t directory = tiff.number(4, 4);
  const uint64_t entries = tiff.number(directory, 2);
  for (uint64_t i = 0; i < entries; ++i) {
    const uint64_t entry = directory + 2 + i * kEntryBytes;
    if (tiff.number(entry, 2) != kOrientationTag || tiff.number(entry + 2, 2) != kShort) continue;
    const uint64_t value = tiff.number(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Image oriented(Image image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  const bool transposed = orientation >= 5;
  const bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image seen{transposed ? image.height : image.width, transposed ? image.width : image.height, {}};
  seen.rgb.resize(image.rgb.size());
  uint8_t* out = seen.rgb.data();
  for (int64_t y = 0; y < seen.height; ++y) {
    for (int64_t x = 0; x < seen.width; ++x, out += 3) {
      const int64_t u = transposed ? y : x, v = transposed ? x : y;
      const int64_t from_x = flip_x ? image.width - 1 - u : u, from_y = flip_y ? image.height - 1 - v : v;
      std::copy_n(&image.rgb[static_cast<size_t>((from_y * image.width + from_x) * 3)], 3, out);
    }
  }
  return seen;
}

}  // namespace melete
