#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "media/decoders.h"
#include "media/frames.h"
#include "media/orientation.h"

namespace melete {
namespace {

Error broken(const char* problem) {
  return corrupt("[webp] must be a whole picture, got: ", problem, "; save the file again");
}

void rgba_on_white(const uint8_t* rgba, Image& image) {
  uint8_t* out = image.rgb.data();
  for (int64_t i = 0; i < image.width * image.height; ++i, rgba += 4)
    for (int c = 0; c < 3; ++c)
      *out++ = static_cast<uint8_t>((rgba[c] * rgba[3] + 255 * (255 - rgba[3]) + 127) / 255);
}

Image blank(int64_t width, int64_t height) {
  return {width, height, std::vector<uint8_t>(static_cast<size_t>(width * height * 3))};
}

int orientation_of(const WebPData& data) {
  const std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)> demuxer(WebPDemux(&data), WebPDemuxDelete);
  if (demuxer == nullptr) return 1;
  WebPChunkIterator chunk{};
  int orientation = 1;
  if (WebPDemuxGetChunk(demuxer.get(), "EXIF", 1, &chunk) != 0)
    orientation = exif_orientation({reinterpret_cast<const char*>(chunk.chunk.bytes), chunk.chunk.size});
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

Result<Part> decode_still(const WebPData& data, const WebPBitstreamFeatures& features) {
  Image image = blank(features.width, features.height);
  if (features.has_alpha == 0) {
    if (WebPDecodeRGBInto(data.bytes, data.size, image.rgb.data(), image.rgb.size(), features.width * 3) ==
        nullptr)
      return broken("damaged or missing pixels");
  } else {
    const std::unique_ptr<uint8_t, void (*)(void*)> rgba(
        WebPDecodeRGBA(data.bytes, data.size, nullptr, nullptr), WebPFree);
    if (rgba == nullptr) return broken("damaged or missing pixels");
    rgba_on_white(rgba.get(), image);
  }
  return Part(oriented(std::move(image), orientation_of(data)));
}

Result<Part> decode_animation(const WebPData& data) {
  constexpr int kShortestMs = 10, kDefaultMs = 100;  // browsers show shorter frames this long
  WebPAnimDecoderOptions options;
  if (WebPAnimDecoderOptionsInit(&options) == 0) return broken("another library version");
  options.color_mode = MODE_RGBA;
  const std::unique_ptr<WebPAnimDecoder, void (*)(WebPAnimDecoder*)> decoder(
      WebPAnimDecoderNew(&data, &options), WebPAnimDecoderDelete);
  WebPAnimInfo info{};
  if (decoder == nullptr || WebPAnimDecoderGetInfo(decoder.get(), &info) == 0)
    return broken("a damaged animation");
  Image canvas = blank(info.canvas_width, info.canvas_height);
  FrameCollector frames(kMaxVideoBytes);
  int previous_end_ms = 0, begin_ms = 0;
  for (uint32_t i = 0; i < info.frame_count; ++i) {
    uint8_t* rgba = nullptr;
    int end_ms = 0;
    if (WebPAnimDecoderGetNext(decoder.get(), &rgba, &end_ms) == 0)
      return broken("damaged or missing frames");
    rgba_on_white(rgba, canvas);
    frames.add(canvas, begin_ms / 1000.0);
    const int shown_ms = end_ms - previous_end_ms;
    begin_ms += shown_ms > kShortestMs ? shown_ms : kDefaultMs;
    previous_end_ms = end_ms;
  }
  if (info.frame_count == 0) return broken("no frames");
  return std::move(frames).finish();
}

}  // namespace

Result<Part> decode_webp(std::string_view bytes) {
  const WebPData data{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  WebPBitstreamFeatures features{};
  if (WebPGetFeatures(data.bytes, data.size, &features) != VP8_STATUS_OK) return broken("a damaged header");
  MELETE_RETURN_IF_ERROR(check_picture_size("webp", features.width, features.height));
  return features.has_animation != 0 ? decode_animation(data) : decode_still(data, features);
}

}  // namespace melete
