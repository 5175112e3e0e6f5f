// muse_spark and muse_glimmer behind Decoder: the templates of src/model over SpanOps.
#pragma once

#include <memory>

#include "engine/decoder.h"
#include "engine/span_weights.h"

namespace melete {

std::unique_ptr<Decoder> make_muse_decoder(SpanModel model);

}  // namespace melete
