// GIF89a: frames are drawn over one another on a canvas that starts white where nothing is drawn.
#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>

#include "media/decoders.h"
#include "media/frames.h"

namespace melete {
namespace {

Error broken(const char* problem) {
  return corrupt("[gif] must be a whole picture, got: ", problem, "; save the file again");
}

int read_bytes(GifFileType* gif, GifByteType* into, int count) {
  auto& bytes = *static_cast<std::string_view*>(gif->UserData);
  const size_t n = std::min(bytes.size(), static_cast<size_t>(count));
  std::memcpy(into, bytes.data(), n);
  bytes.remove_prefix(n);
  return static_cast<int>(n);
}

void close_gif(GifFileType* gif) {
  int ignored = 0;
  DGifCloseFile(gif, &ignored);
}

class Decoder {
 public:
  Decoder(GifFileType* gif) : gif_(gif), frames_(kMaxVideoBytes) {
    canvas_.width = gif->SWidth;
    canvas_.height = gif->SHeight;
  }

  Result<Part> run() {
    MELETE_RETURN_IF_ERROR(check_picture_size("gif", canvas_.width, canvas_.height));
    canvas_.rgb.assign(static_cast<size_t>(canvas_.width * canvas_.height * 3), 255);
    while (true) {
      GifRecordType type = UNDEFINED_RECORD_TYPE;
      if (DGifGetRecordType(gif_, &type) == GIF_ERROR) return broken("no end mark");
      if (type == TERMINATE_RECORD_TYPE) break;
      if (type == EXTENSION_RECORD_TYPE && !read_extension()) return broken("a damaged extension");
      if (type == IMAGE_DESC_RECORD_TYPE) MELETE_RETURN_IF_ERROR(read_frame());
    }
    if (num_frames_ == 0) return broken("no frames");
    return std::move(frames_).finish();
  }

 private:
  bool read_extension() {
    int code = 0;
    GifByteType* block = nullptr;
    if (DGifGetExtension(gif_, &code, &block) == GIF_ERROR) return false;
    if (code == GRAPHICS_EXT_FUNC_CODE && block != nullptr && block[0] == 4)
      DGifExtensionToGCB(4, block + 1, &control_);
    while (block != nullptr)
      if (DGifGetExtensionNext(gif_, &block) == GIF_ERROR) return false;
    return true;
  }

  Status read_frame() {
    constexpr int kShortest = 1,
                  kDefault = 10;  // hundredths of a second; browsers show shorter frames this long
    if (DGifGetImageDesc(gif_) == GIF_ERROR) return broken("a damaged frame header");
    const GifImageDesc box = gif_->Image;
    MELETE_RETURN_IF_ERROR(check_picture_size("gif", box.Width, box.Height));
    if (control_.DisposalMode == DISPOSE_PREVIOUS) before_ = canvas_.rgb;
    const ColorMapObject* colors = box.ColorMap != nullptr ? box.ColorMap : gif_->SColorMap;
    if (colors == nullptr) return broken("no colour table");
    MELETE_RETURN_IF_ERROR(draw(box, *colors));
    frames_.add(canvas_, time_hundredths_ / 100.0);
    ++num_frames_;
    time_hundredths_ += control_.DelayTime > kShortest ? control_.DelayTime : kDefault;
    if (control_.DisposalMode == DISPOSE_PREVIOUS) canvas_.rgb.swap(before_);
    if (control_.DisposalMode == DISPOSE_BACKGROUND) clear(box);
    control_ = kNoControl;
    return ok_status();
  }

  Status draw(const GifImageDesc& box, const ColorMapObject& colors) {
    struct Pass {
      int first, step;
    };
    constexpr Pass kInterlaced[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}}, kPlain[] = {{0, 1}};
    const auto passes = box.Interlace ? std::span<const Pass>(kInterlaced) : std::span<const Pass>(kPlain);
    line_.resize(static_cast<size_t>(box.Width));
    for (const Pass& pass : passes)
      for (int y = pass.first; y < box.Height; y += pass.step) {
        if (DGifGetLine(gif_, line_.data(), box.Width) == GIF_ERROR)
          return broken("damaged or missing pixels");
        draw_line(box, y, colors);
      }
    return ok_status();
  }

  void draw_line(const GifImageDesc& box, int y, const ColorMapObject& colors) {
    const int64_t canvas_y = box.Top + y;
    if (canvas_y >= canvas_.height) return;
    for (int x = 0; x < box.Width && box.Left + x < canvas_.width; ++x) {
      const int index = line_[static_cast<size_t>(x)];
      if (index == control_.TransparentColor || index >= colors.ColorCount) continue;
      const GifColorType& color = colors.Colors[index];
      uint8_t* pixel = &canvas_.rgb[static_cast<size_t>((canvas_y * canvas_.width + box.Left + x) * 3)];
      pixel[0] = color.Red;
      pixel[1] = color.Green;
      pixel[2] = color.Blue;
    }
  }

  void clear(const GifImageDesc& box) {
    const int64_t right = std::min<int64_t>(box.Left + box.Width, canvas_.width);
    for (int64_t y = box.Top; y < std::min<int64_t>(box.Top + box.Height, canvas_.height); ++y)
      if (right > box.Left)
        std::fill_n(&canvas_.rgb[static_cast<size_t>((y * canvas_.width + box.Left) * 3)],
                    (right - box.Left) * 3, 255);
  }

  static constexpr GraphicsControlBlock kNoControl{DISPOSAL_UNSPECIFIED, false, 0, NO_TRANSPARENT_COLOR};

  GifFileType* gif_;
  Image canvas_;
  std::vector<uint8_t> before_;
  std::vector<GifPixelType> line_;
  FrameCollector frames_;
  GraphicsControlBlock control_ = kNoControl;
  int64_t num_frames_ = 0, time_hundredths_ = 0;
};

}  // namespace

Result<Part> decode_gif(std::string_view bytes) {
  int failure = 0;
  const std::unique_ptr<GifFileType, void (*)(GifFileType*)> gif(DGifOpen(&bytes, read_bytes, &failure),
                                                                 close_gif);
  if (gif == nullptr) return broken("a damaged header");
  return Decoder(gif.get()).run();
}

}  // namespace melete
