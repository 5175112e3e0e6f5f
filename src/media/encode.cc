#include "media/encode.h"

#include <png.h>
#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "base/process.h"

namespace melete {
namespace {

Status check_image(const Image& image) {
  if (image.width < 1 || image.height < 1 ||
      static_cast<int64_t>(image.rgb.size()) != image.width * image.height * 3)
    return invalid_argument("[image] must have width * height * 3 bytes and both sides at least 1, got ",
                            image.width, " x ", image.height, " and ", image.rgb.size(),
                            " bytes; give a complete image");
  return ok_status();
}

// What libsndfile writes, in memory; it seeks back to fill in the header.
struct Sink {
  std::string bytes;
  size_t position = 0;
};

sf_count_t length(void* data) { return static_cast<sf_count_t>(static_cast<Sink*>(data)->bytes.size()); }

sf_count_t tell(void* data) { return static_cast<sf_count_t>(static_cast<Sink*>(data)->position); }

sf_count_t seek(sf_count_t offset, int from, void* data) {
  const sf_count_t base = from == SEEK_SET ? 0 : from == SEEK_CUR ? tell(data) : length(data);
  static_cast<Sink*>(data)->position = static_cast<size_t>(std::max<sf_count_t>(0, base + offset));
  return tell(data);
}

sf_count_t read_bytes(void* into, sf_count_t count, void* data) {
  auto& sink = *static_cast<Sink*>(data);
  const size_t left = sink.bytes.size() - std::min(sink.position, sink.bytes.size());
  const size_t n = std::min(static_cast<size_t>(count), left);
  std::memcpy(into, sink.bytes.data() + sink.position, n);
  sink.position += n;
  return static_cast<sf_count_t>(n);
}

sf_count_t write_bytes(const void* from, sf_count_t count, void* data) {
  auto& sink = *static_cast<Sink*>(data);
  const auto n = static_cast<size_t>(count);
  sink.bytes.resize(std::max(sink.bytes.size(), sink.position + n));
  std::memcpy(&sink.bytes[sink.position], from, n);
  sink.position += n;
  return count;
}

// Frames one after another, with the last row and column repeated where a side is odd.
std::string even_frames(const Video& video, int64_t width, int64_t height) {
  std::string raw;
  raw.reserve(video.frames.size() * static_cast<size_t>(width * height * 3));
  for (const Image& frame : video.frames)
    for (int64_t y = 0; y < height; ++y) {
      const auto* row = reinterpret_cast<const char*>(
          &frame.rgb[static_cast<size_t>(std::min(y, frame.height - 1) * frame.width * 3)]);
      raw.append(row, static_cast<size_t>(frame.width * 3));
      if (width > frame.width) raw.append(row + (frame.width - 1) * 3, 3);
    }
  return raw;
}

Status check_video(const Video& video) {
  if (video.frames.empty() || video.frames.size() != video.times_s.size())
    return invalid_argument("[video] must have frames and one time for each, got ", video.frames.size(),
                            " frames and ", video.times_s.size(), " times; give at least one frame");
  for (const Image& frame : video.frames) {
    MELETE_RETURN_IF_ERROR(check_image(frame));
    if (frame.width != video.frames[0].width || frame.height != video.frames[0].height)
      return invalid_argument("[video] frames must have one size, got ", frame.width, " x ", frame.height,
                              "; scale them first");
  }
  return ok_status();
}

}  // namespace

Result<std::string> encode_png(const Image& image) {
  MELETE_RETURN_IF_ERROR(check_image(image));
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width);
  header.height = static_cast<png_uint_32>(image.height);
  header.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(header);
  std::string bytes(size, '\0');
  if (png_image_write_to_memory(&header, bytes.data(), &size, 0, image.rgb.data(), 0, nullptr) == 0)
    return invalid_argument("[png] must be possible to write, got: ", header.message, "; scale the image");
  bytes.resize(size);
  return bytes;
}

Result<std::string> encode_wav(const Audio& audio) {
  if (audio.samples.empty() || audio.rate_hz < 1 || audio.rate_hz > (1 << 20))
    return invalid_argument("[wav] must have samples and a rate, got ", audio.samples.size(), " samples at ",
                            audio.rate_hz, " Hz; give both");
  std::vector<int16_t> samples;
  samples.reserve(audio.samples.size());
  for (const float sample : audio.samples)
    samples.push_back(static_cast<int16_t>(
        std::lround(std::clamp(std::isfinite(sample) ? sample : 0.0F, -1.0F, 1.0F) * 32767.0F)));
  SF_VIRTUAL_IO io{length, seek, read_bytes, write_bytes, tell};
  SF_INFO info{};
  info.samplerate = static_cast<int>(audio.rate_hz);
  info.channels = 1;
  info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
  Sink sink;
  std::unique_ptr<SNDFILE, int (*)(SNDFILE*)> file(sf_open_virtual(&io, SFM_WRITE, &info, &sink), sf_close);
  if (file == nullptr)
    return invalid_argument("[wav] must be possible to write, got: ", sf_strerror(nullptr), "; resample it");
  const auto count = static_cast<sf_count_t>(samples.size());
  const bool complete = sf_write_short(file.get(), samples.data(), count) == count;
  file.reset();  // fills in the header
  if (!complete) return invalid_argument("[wav] must be possible to write, got a short write; cut the sound");
  return std::move(sink.bytes);
}

Result<std::string> encode_mp4(const Video& video) {
  MELETE_RETURN_IF_ERROR(check_video(video));
  const int64_t width = (video.frames[0].width + 1) / 2 * 2, height = (video.frames[0].height + 1) / 2 * 2;
  const double duration = video.times_s.back() - video.times_s.front();
  const double fps = duration > 0.0 ? static_cast<double>(video.frames.size() - 1) / duration : 1.0;
  const std::string raw = even_frames(video, width, height);
  ProcessOptions options;
  options.input = raw;
  options.write_files = false;
  options.time_limit = std::chrono::minutes(1);
  // Fragments, since an MP4 with its index in front needs an output that can seek.
  const auto output = run_process({"ffmpeg",    "-v",
                                   "error",     "-nostdin",
                                   "-f",        "rawvideo",
                                   "-pix_fmt",  "rgb24",
                                   "-s",        cat(width, "x", height),
                                   "-r",        std::to_string(fps),
                                   "-i",        "pipe:0",
                                   "-c:v",      "libx264",
                                   "-preset",   "veryfast",
                                   "-crf",      "12",
                                   "-pix_fmt",  "yuv420p",
                                   "-movflags", "frag_keyframe+empty_moov+default_base_moof",
                                   "-f",        "mp4",
                                   "pipe:1"},
                                  options);
  if (!output.ok() && output.error().kind == ErrorKind::not_found)
    return unavailable("[mp4] writing clips needs the ffmpeg program, got none; install ffmpeg");
  if (!output.ok()) return output.error();
  if (output->exit_status != 0 || output->out.empty())
    return unavailable("[mp4] writing clips needs an ffmpeg with H.264, got: ", output->err.substr(0, 200),
                       "; install a complete ffmpeg");
  return output->out;
}

}  // namespace melete
