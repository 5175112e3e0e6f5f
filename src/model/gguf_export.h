// A muse_spark or muse_glimmer checkpoint as GGUF files in the layout of llama.cpp's architectures
// "muse-spark" and "muse-glimmer", with the towers in an mmproj file (projectors "muse-glimmer" and
// "muse-spark-audio").
//
// What differs from the checkpoint (the reader's graph, checked against its muse-spark sources, wants it so):
//   rotary pairs lie beside each other (2 i, 2 i + 1) instead of in halves (i, i + K/2), for q and k of the
//   decoder and the vision tower; norm offsets are stored as 1 + w; q_norm holds the query scale, k_norm
//   ones; residual gates as alpha and beta; the router times the output multiplier; the patch embedding as
//   the sum of its two temporal halves, since a picture is two equal frames (the second half lies beside it
//   in v.patch_embd_second.weight).
// A muse_spark model of dense layers has no architecture of its own there: it is written as a mixture of one
// expert
//   with identities for its latent projections, the same function up to rounding and norm epsilons.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "model/checkpoint.h"
#include "model/gguf_writer.h"

namespace melete {

struct GgufExport {
  DataType type =
      DataType::f32;       // of the matrices: f32, bf16, q8_0 or q4_0 (then embedding and head are q8_0)
  WriteProgress progress;  // bytes of one file
};

struct GgufExportFiles {
  std::filesystem::path model, mmproj;  // mmproj: empty without towers
};

// `folder`: a checkpoint with tokenizer.json, tokenizer_config.json and chat_template.jinja. Writes `out`
// and, beside it, mmproj-<its name>. Errors: those of open_checkpoint; invalid_argument (what the
// architectures can't express, a tokenizer whose pre-tokenizer they don't know), unavailable (the disk).
Result<GgufExportFiles> export_gguf(const std::filesystem::path& folder, const std::filesystem::path& out,
                                    const GgufExport& options);

}  // namespace melete
