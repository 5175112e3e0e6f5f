#include "engine/prompt_media.h"

#include <algorithm>

#include "model/checkpoint.h"

namespace melete {
namespace {

constexpr int64_t kKeptRows = 16384;

Status check_medium(const Media& media, const MediaShape& shape, size_t index) {
  if (media.kind == MediaKind::audio) {
    if (!shape.has_audio) return invalid_argument("[engine] this model takes no audio; ask without it");
    const int64_t step = shape.samples_per_token, samples = static_cast<int64_t>(media.waveform.size());
    if (samples == 0 || samples % step != 0)
      return invalid_argument("[engine] medium ", index, " must have a positive multiple of ", step,
                              " samples, got ", samples);
    return ok_status();
  }
  if (!shape.has_vision)
    return invalid_argument("[engine] this model takes no images or video; ask without them");
  const int64_t merge = shape.merge_size, limit = int64_t{1} << 16;
  const bool sides_fit = media.grid_t > 0 && media.grid_h > 0 && media.grid_w > 0 && media.grid_t <= limit &&
                         media.grid_h <= limit && media.grid_w <= limit && media.grid_h % merge == 0 &&
                         media.grid_w % merge == 0;
  if (!sides_fit || static_cast<int64_t>(media.patches.size()) !=
                        media.grid_t * media.grid_h * media.grid_w * shape.patch_width)
    return invalid_argument("[engine] medium ", index, " must have patches for a grid whose sides divide by ",
                            merge, ", got ", media.grid_t, " x ", media.grid_h, " x ", media.grid_w, " with ",
                            media.patches.size(), " values");
  return ok_status();
}

}  // namespace

Result<MediaLimits> read_media_limits(const std::filesystem::path& folder) {
  MELETE_ASSIGN_OR_RETURN(const ProcessorLimits stated, read_processor_limits(folder));
  MediaLimits limits;
  limits.max_image_tokens = stated.max_image_tokens;
  limits.max_video_frame_tokens = stated.max_video_frame_tokens;
  limits.max_video_frames = stated.max_video_frames;
  limits.video_fps = stated.video_fps;
  return limits;
}

Status check_prompt(const Prompt& prompt, const DecoderShape& shape) {
  for (size_t i = 0; i < prompt.tokens.size(); ++i) {
    if (prompt.tokens[i] < 0 || prompt.tokens[i] >= shape.vocab_size)
      return invalid_argument("[engine] token ", i, " must be in 0..", shape.vocab_size - 1, ", got ",
                              prompt.tokens[i], "; use this model's tokenizer");
  }
  for (size_t i = 0; i < prompt.media.size(); ++i) {
    if (prompt.media[i] == nullptr)
      return invalid_argument("[engine] medium ", i, " must be given, got none");
    MELETE_RETURN_IF_ERROR(check_medium(*prompt.media[i], shape.media, i));
  }
  int64_t end = 0;
  for (const MediaSpan& span : prompt.spans) {
    const auto index = static_cast<size_t>(span.media_index);
    const bool fits = span.begin >= end && span.num_tokens >= 0 &&
                      span.num_tokens <= static_cast<int64_t>(prompt.tokens.size()) - span.begin &&
                      span.media_index >= 0 && index < prompt.media.size() && span.media_row >= 0 &&
                      span.media_row <= prompt.media[index]->num_tokens() - span.num_tokens;
    if (!fits)
      return invalid_argument("[engine] media spans must be ascending, within the ", prompt.tokens.size(),
                              " tokens and the ", prompt.media.size(), " media, got ", span.num_tokens,
                              " tokens at ", span.begin, " from row ", span.media_row, " of medium ",
                              span.media_index);
    end = span.begin + span.num_tokens;
  }
  return ok_status();
}

Tensor TowerRunner::rows(const Media& media) {
  SpanOps ops(pool_, arena_);
  if (media.hash == decltype(media.hash){}) return decoder_.media_rows(ops, media);
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& k) {
    return k.kind == media.kind && k.hash == media.hash;
  });
  Kept latest{media.kind, media.hash, {}};
  if (found != kept_.end() && found->rows.rows() == media.num_tokens()) {
    latest.rows = found->rows;
    kept_.erase(found);
  } else {
    latest.rows = decoder_.media_rows(ops, media);
  }
  kept_.push_back(latest);
  int64_t total = 0;
  for (const Kept& k : kept_) total += k.rows.rows();
  while (kept_.size() > 1 && total > kKeptRows) {
    total -= kept_.front().rows.rows();
    kept_.erase(kept_.begin());
  }
  return latest.rows;
}

}  // namespace melete
