#include "media/preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "media/hash.h"
#include "media/resample.h"
#include "media/resize.h"

namespace melete {
namespace {

constexpr int64_t kPatch = 14, kCell = 2 * kPatch, kChannels = 3, kFramesPerGroup = 2;
constexpr int64_t kFrameValues = kChannels * kPatch * kPatch, kRowValues = kFramesPerGroup * kFrameValues;
constexpr int64_t kSamplesPerToken = 1920;
constexpr int64_t kMaxAspect = 200;

struct Cells {
  int64_t rows = 0, columns = 0;
};

// CPython's hash of the tuple (rows, columns): the reference picks among equally good sizes by the order in
// which a Python set yields them, which is a function of these hashes.
uint64_t tuple_hash(const Cells& cells) {
  constexpr uint64_t kPrime1 = 11400714785074694791U, kPrime2 = 14029467366897019727U,
                     kPrime5 = 2870177450012600261U;
  uint64_t hash = kPrime5;
  for (const int64_t lane : {cells.rows, cells.columns}) {
    hash += static_cast<uint64_t>(lane) * kPrime2;
    hash = (hash << 31 | hash >> 33) * kPrime1;
  }
  return hash + (2 ^ kPrime5 ^ 3527539U);
}

// The distinct candidates in the order of that set: eight slots, a taken slot leads on by the bits of the
// hash.
std::vector<Cells> set_order(const std::vector<Cells>& candidates) {
  std::array<const Cells*, 8> slots{};
  for (const Cells& cells : candidates) {
    const auto same = [&](const Cells* other) {
      return other != nullptr && other->rows == cells.rows && other->columns == cells.columns;
    };
    if (std::any_of(slots.begin(), slots.end(), same)) continue;
    uint64_t perturb = tuple_hash(cells), slot = perturb & 7;
    while (slots[slot] != nullptr) {
      perturb >>= 5;
      slot = (slot * 5 + 1 + perturb) & 7;
    }
    slots[slot] = &cells;
  }
  std::vector<Cells> ordered;
  for (const Cells* cells : slots)
    if (cells != nullptr) ordered.push_back(*cells);
  return ordered;
}

Cells choose_cells(double height, double width, int64_t max_tokens) {
  double rows = height / kCell, columns = width / kCell;
  const double ratio = columns / rows;
  if (rows * columns > static_cast<double>(max_tokens)) {
    rows = std::sqrt(static_cast<double>(max_tokens) / ratio);
    columns = rows * ratio;
  }
  std::vector<Cells> candidates;
  for (const double r : {std::floor(rows), std::ceil(rows)})
    for (const double c : {std::floor(columns), std::ceil(columns)})
      candidates.push_back({static_cast<int64_t>(r), static_cast<int64_t>(c)});
  Cells best{std::max<int64_t>(1, std::lrint(rows)), std::max<int64_t>(1, std::lrint(columns))};
  double least = INFINITY;
  for (const Cells& cells : set_order(candidates)) {
    if (cells.rows < 1 || cells.columns < 1 || cells.rows * cells.columns > max_tokens) continue;
    const double error =
        std::abs(static_cast<double>(cells.rows) / static_cast<double>(cells.columns) - height / width);
    if (error >= least) continue;
    least = error;
    best = cells;
  }
  return best;
}

Status check_image(const Image& image, int64_t max_tokens) {
  if (image.width < 1 || image.height < 1 || image.width > (1 << 24) || image.height > (1 << 24) ||
      static_cast<int64_t>(image.rgb.size()) != image.width * image.height * 3)
    return invalid_argument("[image] must have width * height * 3 bytes and both sides at least 1, got ",
                            image.width, " x ", image.height, " and ", image.rgb.size(),
                            " bytes; give a complete image");
  if (image.width > kMaxAspect * image.height || image.height > kMaxAspect * image.width)
    return invalid_argument("[image] the longer side must be at most ", kMaxAspect,
                            " times the shorter, got ", image.width, " x ", image.height, "; crop it");
  if (max_tokens < 1)
    return invalid_argument("[image] the token limit must be at least 1, got ", max_tokens, "; raise it");
  return ok_status();
}

Image to_tower_size(const Image& image, int64_t max_tokens) {
  const TowerSize size = tower_size(image.width, image.height, max_tokens);
  return resize_lanczos(image, size.width, size.height);
}

const std::array<float, 256>& normalized() {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> values{};
    for (size_t i = 0; i < values.size(); ++i) values[i] = (static_cast<float>(i) - 127.5F) / 127.5F;
    return values;
  }();
  return table;
}

// Writes one frame's half of each patch row: rows[patch * 1176 + channel * 196 + y * 14 + x].
void write_patches(const Image& frame, float* rows) {
  const std::array<float, 256>& value = normalized();
  for (int64_t y = 0; y < frame.height; ++y) {
    const uint8_t* pixel = &frame.rgb[static_cast<size_t>(y * frame.width * 3)];
    float* row = rows + y / kPatch * (frame.width / kPatch) * kRowValues + y % kPatch * kPatch;
    for (int64_t patch = 0; patch < frame.width / kPatch; ++patch, row += kRowValues) {
      for (int64_t x = 0; x < kPatch; ++x, pixel += 3) {
        row[x] = value[pixel[0]];
        row[x + kPatch * kPatch] = value[pixel[1]];
        row[x + 2 * kPatch * kPatch] = value[pixel[2]];
      }
    }
  }
}

// Continues `media`'s hash with more of the tower's input.
void extend_hash(Media& media, const void* data, size_t bytes) {
  uint64_t before[2];
  std::memcpy(before, media.hash.data(), sizeof before);
  media.hash =
      hash_bytes({static_cast<const uint8_t*>(data), bytes}, before[0] ^ (before[1] * 0x9e3779b97f4a7c15U));
}

void start_hash(Media& media) {
  const std::array<int64_t, 4> shape = {static_cast<int64_t>(media.kind), media.grid_t, media.grid_h,
                                        media.grid_w};
  extend_hash(media, shape.data(), sizeof shape);
}

std::shared_ptr<Media> make_grid(MediaKind kind, int64_t groups, const Image& frame) {
  auto media = std::make_shared<Media>();
  media->kind = kind;
  media->grid_t = groups;
  media->grid_h = frame.height / kPatch;
  media->grid_w = frame.width / kPatch;
  media->patches.resize(static_cast<size_t>(groups * media->grid_h * media->grid_w * kRowValues));
  start_hash(*media);
  return media;
}

double frames_per_second(const Video& video) {
  constexpr double kUnknown = 24.0;  // as the reference assumes
  const double duration = video.times_s.back() - video.times_s.front();
  return duration > 0.0 ? static_cast<double>(video.times_s.size() - 1) / duration : kUnknown;
}

Status check_video(const Video& video, const MediaLimits& limits) {
  if (video.frames.empty() || video.frames.size() != video.times_s.size())
    return invalid_argument("[video] must have frames and one time for each, got ", video.frames.size(),
                            " frames and ", video.times_s.size(), " times; give at least one frame");
  if (limits.max_video_frames < 1 || !(limits.video_fps > 0.0))
    return invalid_argument("[video] limits must allow at least one frame, got max_video_frames=",
                            limits.max_video_frames, " and video_fps=", limits.video_fps, "; raise them");
  for (size_t i = 0; i < video.frames.size(); ++i) {
    const Image& frame = video.frames[i];
    MELETE_RETURN_IF_ERROR(check_image(frame, limits.max_video_frame_tokens));
    if (frame.width != video.frames[0].width || frame.height != video.frames[0].height)
      return invalid_argument("[video] frames must have one size, got frame ", i, " of ", frame.width, " x ",
                              frame.height, "; scale them first");
    if (!std::isfinite(video.times_s[i]) || (i > 0 && video.times_s[i] < video.times_s[i - 1]))
      return invalid_argument("[video] times must not fall, got ", video.times_s[i], " s at frame ", i,
                              "; sort the frames by time");
  }
  return ok_status();
}

Status check_audio(const Audio& audio, const MediaLimits& limits) {
  if (audio.samples.empty())
    return invalid_argument("[audio] must have samples, got none; give a longer sound");
  if (audio.rate_hz < 1000 || audio.rate_hz > 384000)
    return invalid_argument("[audio] the rate must be from 1 to 384 kHz, got ", audio.rate_hz,
                            " Hz; resample it");
  const double length_s = static_cast<double>(audio.samples.size()) / static_cast<double>(audio.rate_hz);
  if (length_s > limits.max_audio_s)
    return invalid_argument("[audio] must last at most ", limits.max_audio_s, " s, got ", length_s,
                            " s; cut it");
  if (!std::all_of(audio.samples.begin(), audio.samples.end(), [](float s) { return std::isfinite(s); }))
    return invalid_argument("[audio] samples must be finite, got others; write the sound again");
  return ok_status();
}

}  // namespace

TowerSize tower_size(int64_t width, int64_t height, int64_t max_tokens) {
  MELETE_CHECK(width >= 1 && height >= 1 && max_tokens >= 1);
  const Cells cells = choose_cells(static_cast<double>(height), static_cast<double>(width), max_tokens);
  return {cells.columns * kCell, cells.rows * kCell};
}

std::vector<int64_t> sampled_frames(int64_t num_frames, double fps, const MediaLimits& limits) {
  constexpr double kTimeRounding = 1e-6;  // fps comes from times; a clip of 10 s must not become 9.999
  const auto wanted = static_cast<int64_t>(
      std::min(static_cast<double>(num_frames) * limits.video_fps / fps + kTimeRounding, 1e9));
  int64_t count = std::min({wanted, limits.max_video_frames, num_frames});
  count = std::min(std::max(kFramesPerGroup, count / kFramesPerGroup * kFramesPerGroup), num_frames);
  std::vector<int64_t> indices;
  // Single precision, from both ends: where a rounded position falls short of a whole frame, so does the
  // reference's.
  const float last = static_cast<float>(num_frames - 1);
  const float step = count > 1 ? last / static_cast<float>(count - 1) : 0.0F;
  for (int64_t i = 0; i < count; ++i) {
    const float position = i < count / 2 || count == 1 ? step * static_cast<float>(i)
                                                       : last - step * static_cast<float>(count - 1 - i);
    indices.push_back(static_cast<int64_t>(position));
  }
  return indices;
}

Result<std::shared_ptr<const Media>> preprocess(const Image& image, const MediaLimits& limits) {
  MELETE_RETURN_IF_ERROR(check_image(image, limits.max_image_tokens));
  const Image frame = to_tower_size(image, limits.max_image_tokens);
  std::shared_ptr<Media> media = make_grid(MediaKind::image, 1, frame);
  write_patches(frame, media->patches.data());
  for (int64_t row = 0; row < media->grid_h * media->grid_w; ++row) {
    float* values = &media->patches[static_cast<size_t>(row * kRowValues)];
    std::copy_n(values, kFrameValues, values + kFrameValues);
  }
  extend_hash(*media, frame.rgb.data(), frame.rgb.size());
  return std::shared_ptr<const Media>(media);
}

Result<std::shared_ptr<const Media>> preprocess(const Video& video, const MediaLimits& limits) {
  MELETE_RETURN_IF_ERROR(check_video(video, limits));
  const std::vector<int64_t> indices =
      sampled_frames(static_cast<int64_t>(video.frames.size()), frames_per_second(video), limits);
  const int64_t groups = (static_cast<int64_t>(indices.size()) + kFramesPerGroup - 1) / kFramesPerGroup;
  std::shared_ptr<Media> media;
  for (int64_t slot = 0; slot < groups * kFramesPerGroup; ++slot) {
    const size_t index =
        static_cast<size_t>(indices[std::min(static_cast<size_t>(slot), indices.size() - 1)]);
    const Image frame = to_tower_size(video.frames[index], limits.max_video_frame_tokens);
    if (slot == 0) media = make_grid(MediaKind::video, groups, frame);
    if (slot % kFramesPerGroup == 0) media->group_times_s.push_back(video.times_s[index]);
    const int64_t group_values = media->grid_h * media->grid_w * kRowValues;
    write_patches(frame, media->patches.data() + slot / kFramesPerGroup * group_values +
                             slot % kFramesPerGroup * kFrameValues);
    extend_hash(*media, frame.rgb.data(), frame.rgb.size());
  }
  return std::shared_ptr<const Media>(media);
}

Result<std::shared_ptr<const Media>> preprocess(const Audio& audio, const MediaLimits& limits) {
  MELETE_RETURN_IF_ERROR(check_audio(audio, limits));
  auto media = std::make_shared<Media>();
  media->kind = MediaKind::audio;
  if (audio.rate_hz == kAudioRateHz) {
    media->waveform = audio.samples;
  } else {
    MELETE_ASSIGN_OR_RETURN(media->waveform, resample(audio));
  }
  const size_t tokens =
      std::max<size_t>(1, (media->waveform.size() + kSamplesPerToken - 1) / kSamplesPerToken);
  media->waveform.resize(tokens * kSamplesPerToken, 0.0F);
  start_hash(*media);
  extend_hash(*media, media->waveform.data(), media->waveform.size() * sizeof(float));
  return std::shared_ptr<const Media>(media);
}

Result<std::shared_ptr<const Media>> preprocess(const Part& part, const MediaLimits& limits) {
  if (const auto* image = std::get_if<Image>(&part)) return preprocess(*image, limits);
  if (const auto* video = std::get_if<Video>(&part)) return preprocess(*video, limits);
  if (const auto* audio = std::get_if<Audio>(&part)) return preprocess(*audio, limits);
  return invalid_argument("[preprocess] the part must be a picture, a sound or a clip, got text");
}

}  // namespace melete
