// What a conversation becomes: token ids with placeholders, and the media that fill them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "media/media.h"

namespace melete {

// tokens[begin, begin + num_tokens) are placeholder ids which medium `media_index` fills, starting at its row
// `media_row` (a video has one span a temporal group).
struct MediaSpan {
  int64_t begin = 0, num_tokens = 0;
  int64_t media_index = 0, media_row = 0;
};

struct Prompt {
  std::vector<int32_t> tokens;
  std::vector<MediaSpan> spans;  // ascending, disjoint
  std::vector<std::shared_ptr<const Media>> media;
};

}  // namespace melete
