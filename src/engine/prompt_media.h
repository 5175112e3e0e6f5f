// A prompt's media for the towers: checks against the model, and one tower run a medium.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "engine/decoder.h"
#include "media/preprocess.h"
#include "text/prompt.h"

namespace melete {

// Whether a model takes this prompt: ids within the vocabulary, spans within tokens and media, media of known
// kinds and consistent sizes. Error: invalid_argument.
Status check_prompt(const Prompt& prompt, const DecoderShape& shape);

// The media limits that a Hugging Face folder states (model/checkpoint.h, read_processor_limits()).
Result<MediaLimits> read_media_limits(const std::filesystem::path& folder);

// Runs towers and keeps the latest outputs by the media's hashes, so that a conversation's next turn, or
// another question about the same picture, doesn't run them again.
class TowerRunner {
 public:
  TowerRunner(const Decoder& decoder, ThreadPool& pool, Arena& arena)
      : decoder_(decoder), pool_(pool), arena_(arena) {}

  // One medium's rows [num_tokens, D], ready to stand in the stream. The medium has passed check_prompt.
  Tensor rows(const Media& media);

 private:
  struct Kept {
    MediaKind kind;
    std::array<uint8_t, 16> hash;
    Tensor rows;
  };

  const Decoder& decoder_;
  ThreadPool& pool_;
  Arena& arena_;
  std::vector<Kept> kept_;  // latest use last
};

}  // namespace melete
