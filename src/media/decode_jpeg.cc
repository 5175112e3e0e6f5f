#include <csetjmp>
#include <cstdio>
#include <string>

#include <jerror.h>
#include <jpeglib.h>

#include "media/decoders.h"
#include "media/orientation.h"

namespace melete {
namespace {

constexpr int kMaxScans = 200;  // a progressive file of tiny scans could otherwise cost hours

// jpeg_error_mgr must come first: libjpeg hands back a pointer to it. Scalars only, so that longjmp skips no
// destructor.
struct Failure {
  jpeg_error_mgr manager;
  std::jmp_buf target;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void on_error(j_common_ptr info) {
  auto* failure = reinterpret_cast<Failure*>(info->err);
  info->err->format_message(info, failure->message);
  std::longjmp(failure->target, 1);  // NOLINT: libjpeg's way
}

// libjpeg fills in what is missing and only warns. Warnings that don't cost pixels are let through.
void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_TOO_MUCH_DATA:
    case JWRN_BOGUS_PROGRESSION: return;
    default: on_error(info);
  }
}

void on_progress(j_common_ptr info) {
  if (info->is_decompressor == 0) return;
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMaxScans) {
    std::snprintf(reinterpret_cast<Failure*>(info->err)->message, JMSG_LENGTH_MAX, "more than %d scans",
                  kMaxScans);
    std::longjmp(reinterpret_cast<Failure*>(info->err)->target, 1);  // NOLINT
  }
}

struct Reader {
  jpeg_decompress_struct jpeg{};
  Failure failure{};
  jpeg_progress_mgr progress{};
  Status size = ok_status();
  int orientation = 1;
  Image image;
  std::vector<uint8_t> cmyk_row;
};

void read_orientation(Reader& reader) {
  for (jpeg_saved_marker_ptr marker = reader.jpeg.marker_list; marker != nullptr; marker = marker->next) {
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (data.starts_with(std::string_view("Exif\0\0", 6))) reader.orientation = exif_orientation(data);
  }
}

// Inks to light. Adobe's files hold them inverted, and then the values are the light that is let through.
void cmyk_to_rgb(const uint8_t* cmyk, uint8_t* rgb, int64_t pixels, bool inverted) {
  for (int64_t i = 0; i < pixels; ++i, cmyk += 4) {
    const int black = inverted ? cmyk[3] : 255 - cmyk[3];
    for (int c = 0; c < 3; ++c)
      *rgb++ = static_cast<uint8_t>(((inverted ? cmyk[c] : 255 - cmyk[c]) * black + 127) / 255);
  }
}

void read_rows(Reader& reader) {
  jpeg_decompress_struct& jpeg = reader.jpeg;
  const bool inks = jpeg.out_color_space == JCS_CMYK;
  if (inks) reader.cmyk_row.resize(static_cast<size_t>(reader.image.width) * 4);
  while (jpeg.output_scanline < jpeg.output_height) {
    uint8_t* rgb =
        &reader.image
             .rgb[static_cast<size_t>(jpeg.output_scanline) * static_cast<size_t>(reader.image.width) * 3];
    JSAMPROW row = inks ? reader.cmyk_row.data() : rgb;
    if (jpeg_read_scanlines(&jpeg, &row, 1) != 1) return;
    if (inks) cmyk_to_rgb(row, rgb, reader.image.width, jpeg.saw_Adobe_marker != 0);
  }
}

// False after an error. No local here may have a destructor.
bool read_image(Reader& reader, std::string_view bytes) {
  jpeg_decompress_struct& jpeg = reader.jpeg;
  jpeg.err = jpeg_std_error(&reader.failure.manager);
  jpeg.err->error_exit = on_error;
  jpeg.err->emit_message = on_message;
  if (setjmp(reader.failure.target) != 0) return false;  // NOLINT
  jpeg_create_decompress(&jpeg);
  reader.progress.progress_monitor = on_progress;
  jpeg.progress = &reader.progress;
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_save_markers(&jpeg, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&jpeg, TRUE);
  read_orientation(reader);  // the markers are gone after jpeg_finish_decompress
  reader.image.width = jpeg.image_width;
  reader.image.height = jpeg.image_height;
  reader.size = check_picture_size("jpeg", reader.image.width, reader.image.height);
  if (!reader.size.ok()) return false;
  const bool inks = jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK;
  jpeg.out_color_space = inks ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(&jpeg);
  reader.image.rgb.resize(static_cast<size_t>(reader.image.width * reader.image.height * 3));
  read_rows(reader);
  jpeg_finish_decompress(&jpeg);
  return true;
}

}  // namespace

Result<Part> decode_jpeg(std::string_view bytes) {
  Reader reader;
  const bool complete = read_image(reader, bytes);
  jpeg_destroy_decompress(&reader.jpeg);
  MELETE_RETURN_IF_ERROR(reader.size);
  if (!complete)
    return corrupt("[jpeg] must be a whole picture, got: ", reader.failure.message, "; save the file again");
  return Part(oriented(std::move(reader.image), reader.orientation));
}

}  // namespace melete
