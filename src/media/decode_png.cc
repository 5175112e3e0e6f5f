#include <png.h>

#include <csetjmp>
#include <cstring>

#include "media/decoders.h"
#include "media/orientation.h"

namespace melete {
namespace {

constexpr png_alloc_size_t kMaxChunkBytes = 8'000'000;
constexpr png_uint_32 kMaxSide = 1'000'000;

// Everything that libpng's callbacks and its longjmp need to outlive the call.
struct Reader {
  std::string_view bytes;
  std::string problem;
  Error limit{};
  bool over_limit = false;
  int orientation = 1;
  int64_t channels = 3;
  Image image;
  std::vector<png_bytep> rows;
};

void read_bytes(png_structp png, png_bytep into, size_t count) {
  auto& reader = *static_cast<Reader*>(png_get_io_ptr(png));
  if (count > reader.bytes.size()) png_error(png, "the file ends too early");
  std::memcpy(into, reader.bytes.data(), count);
  reader.bytes.remove_prefix(count);
}

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  static_cast<Reader*>(png_get_error_ptr(png))->problem = message;
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

// To 8-bit RGB or RGBA.
void set_transforms(png_structp png, png_infop info) {
  png_set_strip_16(png);
  png_set_expand(png);  // palettes, fewer than 8 bits, tRNS
  const int color = png_get_color_type(png, info);
  if (color == PNG_COLOR_TYPE_GRAY || color == PNG_COLOR_TYPE_GRAY_ALPHA) png_set_gray_to_rgb(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
}

void read_orientation(Reader& reader, png_structp png, png_infop info) {
  png_bytep exif = nullptr;
  png_uint_32 length = 0;
  if (png_get_eXIf_1(png, info, &length, &exif) != 0 && exif != nullptr)
    reader.orientation = exif_orientation({reinterpret_cast<const char*>(exif), length});
}

// False after an error, which `reader` then holds. No local here may have a destructor: libpng leaves by
// longjmp.
bool read_image(Reader& reader, png_structp png, png_infop info) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;  // NOLINT: libpng's way
  png_set_user_limits(png, kMaxSide, kMaxSide);
  png_set_chunk_malloc_max(png, kMaxChunkBytes);
  png_set_read_fn(png, &reader, read_bytes);
  png_read_info(png, info);
  reader.image.width = png_get_image_width(png, info);
  reader.image.height = png_get_image_height(png, info);
  if (Status size = check_picture_size("png", reader.image.width, reader.image.height); !size.ok()) {
    reader.limit = size.error();
    reader.over_limit = true;
    return false;
  }
  set_transforms(png, info);
  reader.channels = png_get_channels(png, info);
  const size_t row_bytes = png_get_rowbytes(png, info);
  if (row_bytes != static_cast<size_t>(reader.image.width * reader.channels) || reader.channels < 3)
    png_error(png, "unexpected pixel layout");
  reader.image.rgb.resize(row_bytes * static_cast<size_t>(reader.image.height));
  for (int64_t y = 0; y < reader.image.height; ++y)
    reader.rows.push_back(reader.image.rgb.data() + static_cast<size_t>(y) * row_bytes);
  png_read_image(png, reader.rows.data());
  png_read_end(png, info);
  read_orientation(reader, png, info);
  return true;
}

// RGBA -> RGB on white, in place: no second image is needed.
void lay_on_white(Image& image) {
  const size_t pixels = static_cast<size_t>(image.width * image.height);
  const uint8_t* in = image.rgb.data();
  uint8_t* out = image.rgb.data();
  for (size_t i = 0; i < pixels; ++i, in += 4, out += 3) {
    const int alpha = in[3];
    for (int c = 0; c < 3; ++c)
      out[c] = static_cast<uint8_t>((in[c] * alpha + 255 * (255 - alpha) + 127) / 255);
  }
  image.rgb.resize(pixels * 3);
}

}  // namespace

Status check_picture_size(const char* format, int64_t width, int64_t height) {
  if (width < 1 || height < 1)
    return corrupt("[", format, "] width and height must be at least 1, got ", width, " x ", height,
                   "; the file is broken");
  if (width > kMaxPixels / height)
    return exhausted("[", format, "] must have at most ", kMaxPixels, " pixels, got ", width, " x ", height,
                     "; scale it down");
  return ok_status();
}

Result<Part> decode_png(std::string_view bytes) {
  Reader reader{.bytes = bytes, .problem = {}, .image = {}, .rows = {}};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
  png_infop info = png != nullptr ? png_create_info_struct(png) : nullptr;
  const bool complete = info != nullptr && read_image(reader, png, info);
  png_destroy_read_struct(&png, &info, nullptr);
  if (reader.over_limit) return reader.limit;
  if (!complete)
    return corrupt("[png] must be a whole picture, got: ", reader.problem, "; save the file again");
  if (reader.channels == 4) lay_on_white(reader.image);
  return Part(oriented(std::move(reader.image), reader.orientation));
}

}  // namespace melete
