#include "engine/prompt_media.h"

#include <algorithm>

#include "model/audio.h"
#include "model/vision.h"

namespace melete {
namespace {

constexpr int64_t kKeptRows = 16384;

Status check_medium(const Media& media, const ModelConfig& config, size_t index) {
  if (media.kind == MediaKind::audio) {
    if (!config.has_audio) return invalid_argument("[engine] this model takes no audio; ask without it");
    const int64_t step = config.audio.samples_per_token(),
                  samples = static_cast<int64_t>(media.waveform.size());
    if (samples == 0 || samples % step != 0)
      return invalid_argument("[engine] medium ", index, " must have a positive multiple of ", step,
                              " samples, got ", samples);
    return ok_status();
  }
  if (!config.has_vision)
    return invalid_argument("[engine] this model takes no images or video; ask without them");
  const int64_t merge = config.vision.merge_size, limit = int64_t{1} << 16;
  const bool sides_fit = media.grid_t > 0 && media.grid_h > 0 && media.grid_w > 0 && media.grid_t <= limit &&
                         media.grid_h <= limit && media.grid_w <= limit && media.grid_h % merge == 0 &&
                         media.grid_w % merge == 0;
  if (!sides_fit || static_cast<int64_t>(media.patches.size()) !=
                        media.grid_t * media.grid_h * media.grid_w * config.vision.patch_width())
    return invalid_argument("[engine] medium ", index, " must have patches for a grid whose sides divide by ",
                            merge, ", got ", media.grid_t, " x ", media.grid_h, " x ", media.grid_w, " with ",
                            media.patches.size(), " values");
  return ok_status();
}

}  // namespace

Status check_prompt(const Prompt& prompt, const ModelConfig& config) {
  for (size_t i = 0; i < prompt.tokens.size(); ++i) {
    if (prompt.tokens[i] < 0 || prompt.tokens[i] >= config.text.vocab_size)
      return invalid_argument("[engine] token ", i, " must be in 0..", config.text.vocab_size - 1, ", got ",
                              prompt.tokens[i], "; use this model's tokenizer");
  }
  for (size_t i = 0; i < prompt.media.size(); ++i) {
    if (prompt.media[i] == nullptr)
      return invalid_argument("[engine] medium ", i, " must be given, got none");
    MELETE_RETURN_IF_ERROR(check_medium(*prompt.media[i], config, i));
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

Tensor TowerRunner::run(const Media& media) {
  SpanOps ops(pool_, arena_);
  const ModelConfig& config = model_.config();
  if (media.kind == MediaKind::audio) {
    const int64_t samples = static_cast<int64_t>(media.waveform.size());
    return audio_tower(ops, model_.weights.audio, config, media.waveform, std::span(&samples, 1));
  }
  const PatchGrid grid{media.grid_t, media.grid_h, media.grid_w};
  const VisionPlan plan = plan_vision(config, std::span(&grid, 1));
  return vision_tower(ops, model_.weights.vision, config, plan, media.patches);
}

Tensor TowerRunner::rows(const Media& media) {
  if (media.hash == decltype(media.hash){}) return run(media);
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& k) {
    return k.kind == media.kind && k.hash == media.hash;
  });
  Kept latest{media.kind, media.hash, {}};
  if (found != kept_.end() && found->rows.rows() == media.num_tokens()) {
    latest.rows = found->rows;
    kept_.erase(found);
  } else {
    latest.rows = run(media);
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
