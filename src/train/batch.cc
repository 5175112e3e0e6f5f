#include "train/batch.h"

#include <algorithm>
#include <numeric>

namespace melete {
namespace {

void append_media(ModelInput& input, const Prompt& prompt, int64_t offset) {
  std::vector<int64_t> filled(prompt.media.size(), 0);
  for (const MediaSpan& span : prompt.spans) {
    MELETE_CHECK(span.begin >= 0 &&
                 span.begin + span.num_tokens <= static_cast<int64_t>(prompt.tokens.size()));
    const auto index = static_cast<size_t>(span.media_index);
    MELETE_CHECK(index < prompt.media.size() && span.media_row == filled[index], "media spans out of order");
    auto& rows = prompt.media[index]->kind == MediaKind::audio ? input.audio_rows : input.vision_rows;
    for (int64_t i = 0; i < span.num_tokens; ++i) rows.push_back(offset + span.begin + i);
    filled[index] += span.num_tokens;
  }
  for (size_t i = 0; i < prompt.media.size(); ++i) {
    const Media& medium = *prompt.media[i];
    MELETE_CHECK(filled[i] == medium.num_tokens(), "medium of ", medium.num_tokens(), " rows fills ",
                 filled[i]);
    if (medium.kind == MediaKind::audio) {
      input.samples.insert(input.samples.end(), medium.waveform.begin(), medium.waveform.end());
      input.clip_samples.push_back(static_cast<int64_t>(medium.waveform.size()));
    } else {
      input.patches.insert(input.patches.end(), medium.patches.begin(), medium.patches.end());
      input.grids.push_back({medium.grid_t, medium.grid_h, medium.grid_w});
    }
  }
}

}  // namespace

const char* name_of(AnswerKind kind) {
  switch (kind) {
    case AnswerKind::instant: return "instant";
    case AnswerKind::thinking: return "thinking";
    case AnswerKind::transcript: return "transcript";
  }
  return "?";
}

void append_document(Batch& batch, const Document& document, double weight) {
  const auto offset = batch.num_tokens();
  const auto first_row = static_cast<int64_t>(batch.rows_R.size());
  const auto& tokens = document.prompt.tokens;
  batch.input.tokens.insert(batch.input.tokens.end(), tokens.begin(), tokens.end());
  batch.input.document_lengths.push_back(document.num_tokens());
  append_media(batch.input, document.prompt, offset);
  const auto share =
      static_cast<float>(weight / static_cast<double>(std::max<size_t>(1, document.target_at.size())));
  for (const int64_t at : document.target_at) {
    MELETE_CHECK(at >= 1 && at < document.num_tokens(), "target at ", at);
    batch.rows_R.push_back(offset + at - 1);
    batch.targets_R.push_back(tokens[static_cast<size_t>(at)]);
    batch.weights_R.push_back(share);
  }
  const auto num_targets = static_cast<int64_t>(document.target_at.size());
  BatchSpan span{document.task,       document.level, document.family,
                 AnswerKind::instant, first_row,      first_row + num_targets};
  batch.documents.push_back(span);
  for (const AnswerSpan& answer : document.answers) {
    span.kind = answer.kind;
    span.begin = first_row + answer.begin;
    span.end = first_row + answer.end;
    batch.answers.push_back(span);
  }
}

std::vector<int32_t> pack_documents(const std::vector<int64_t>& lengths, int64_t capacity, int32_t num_bins) {
  MELETE_CHECK(num_bins >= 1 && capacity >= 1, "num_bins=", num_bins, " capacity=", capacity);
  std::vector<size_t> order(lengths.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return lengths[a] > lengths[b]; });
  std::vector<int64_t> used(static_cast<size_t>(num_bins), 0);
  std::vector<int32_t> bin_of(lengths.size(), -1);
  for (const size_t i : order) {
    const auto emptiest = std::min_element(used.begin(), used.end());
    if (*emptiest + lengths[i] > capacity) continue;
    *emptiest += lengths[i];
    bin_of[i] = static_cast<int32_t>(emptiest - used.begin());
  }
  return bin_of;
}

}  // namespace melete
