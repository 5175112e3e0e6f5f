// A loaded model as the engine sees it: token ids and media rows in, hidden rows and logits out.
//
// One subclass a kind of forward (engine/families). A decoder is immutable once loaded; all state of a
// sequence lies in the key-value pages that the SpanOps of a call holds. Shapes: N rows of all sequences of
// the batch, D width, V vocabulary.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/span_ops.h"
#include "media/media.h"

namespace melete {

// One layer's attention as the key-value cache needs it. window 0: every earlier position is seen.
struct LayerShape {
  HeadShape heads;
  int64_t window = 0;
};

// What the towers take; a model without them takes text only.
struct MediaShape {
  bool has_vision = false, has_audio = false;
  int64_t merge_size = 0, patch_width = 0;  // grid sides divide by merge_size; floats of a patch row
  int64_t samples_per_token = 0;            // clips are multiples of it
};

struct DecoderShape {
  std::string family;          // for messages: "muse_spark", "llama", ...
  int64_t vocab_size = 0;      // V
  int64_t context_length = 0;  // positions that the model was made for
  int64_t width = 0;           // D
  std::vector<LayerShape> layers;
  MediaShape media;
  KvType kv_type = KvType::f32;  // what its keys and values are kept as if nothing else is asked for
};

class Decoder {
 public:
  virtual ~Decoder() = default;

  virtual const DecoderShape& shape() const = 0;

  // ids, each in 0..V-1 -> x_ND, which media rows may overwrite before layers().
  virtual Tensor embed(SpanOps& ops, std::span<const int32_t> ids) const = 0;

  // All layers and the last norm: x_ND -> hidden_ND. Writes the rows' keys and values.
  virtual Tensor layers(SpanOps& ops, Tensor x_ND) const = 0;

  // hidden_ND -> logits [N, V].
  virtual Tensor logits(SpanOps& ops, const Tensor& hidden_ND) const = 0;

  // One medium's rows [num_tokens, D], ready to stand in the stream. Only called for media that shape()
  // takes.
  virtual Tensor media_rows(SpanOps& ops, const Media& media) const {
    MELETE_CHECK(false, shape().family, " takes no media");
    return {};
  }
};

}  // namespace melete
