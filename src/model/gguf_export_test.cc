// The shipped model as GGUF: names, shapes and values as llama.cpp's muse-spark and muse-glimmer graphs take
// them.
#include "model/gguf_export.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "model/gguf.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

const fs::path kNano = MELETE_SOURCE_DIR "/models/melete-nano";
const fs::path kFixtures = MELETE_SOURCE_DIR "/testdata/oracle";

class GgufExportTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / cat("gguf_export_", ::getpid());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A fixture's shapes with the shipped model's vocabulary and texts, and counted weights.
  fs::path counted_model(const char* fixture, bool all_sparse) {
    const fs::path folder = folder_ / "source";
    ModelConfig config = open_checkpoint(kFixtures / fixture).value().config;
    config.text.vocab_size = 4096;
    if (all_sparse) config.text.is_sparse.assign(config.text.is_sparse.size(), 1);
    std::vector<std::vector<float>> values;
    std::vector<WeightValues> weights;
    for (const WeightSpec& spec : weight_specs(config)) {
      int64_t size = 1;
      for (const int64_t side : spec.shape) size *= side;
      std::vector<float>& all = values.emplace_back(static_cast<size_t>(size));
      for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<float>(i);
      weights.push_back({spec, all});
    }
    EXPECT_TRUE(save_weights(folder, config, weights).ok());
    for (const char* name : {"tokenizer.json", "tokenizer_config.json"})
      fs::copy_file(kNano / name, folder / name);
    return folder;
  }

  fs::path folder_;
};

std::vector<float> floats(const GgufFile& file, const std::string& name) {
  const auto values = file.tensors().floats(name);
  EXPECT_TRUE(values.ok()) << name;
  return values.ok() ? *values : std::vector<float>();
}

TEST_F(GgufExportTest, DenseSparkBecomesOneExpert) {
  const GgufExportFiles files = export_gguf(kNano, folder_ / "nano.gguf", {DataType::f32, {}}).value();
  EXPECT_EQ(files.mmproj, folder_ / "mmproj-nano.gguf");
  const Checkpoint model = open_checkpoint(kNano).value();
  const TextConfig& c = model.config.text;
  const GgufFile file = GgufFile::open(files.model).value();
  EXPECT_EQ(file.architecture(), "muse-spark");
  EXPECT_EQ(file.text("general.name").value(), "melete-nano");
  EXPECT_EQ(file.integer("muse-spark.block_count").value(), c.num_layers);
  EXPECT_EQ(file.integer("muse-spark.expert_count").value(), 1);
  EXPECT_EQ(file.integer("muse-spark.moe_latent_size").value(), c.hidden_size);
  EXPECT_EQ(file.integer("muse-spark.expert_feed_forward_length").value(), c.intermediate_size);
  const std::vector<int64_t> pattern = file.integers("muse-spark.attention.sliding_window_pattern").value();
  EXPECT_EQ(pattern, std::vector<int64_t>(c.is_sliding.begin(), c.is_sliding.end()));

  const int64_t D = c.hidden_size, F = c.intermediate_size;
  EXPECT_EQ(file.tensors().find("blk.5.ffn_gate_exps.weight")->shape, (TensorShape{1, F, D}));
  EXPECT_EQ(file.tensors().find("blk.5.ffn_down_exps.weight")->shape, (TensorShape{1, D, F}));
  EXPECT_EQ(file.tensors().find("blk.0.ffn_gate_inp.weight")->shape, (TensorShape{1, D}));
  const std::vector<float> latent = floats(file, "blk.2.ffn_latent_up.weight");
  for (int64_t i = 0; i < D * D; ++i)
    ASSERT_EQ(latent[static_cast<size_t>(i)], i % (D + 1) == 0 ? 1.0f : 0.0f);

  const std::string layer = "model.language_model.layers.1.";
  const std::vector<float> norm = model.tensors.floats(layer + "input_layernorm.weight").value();
  const std::vector<float> attn_norm = floats(file, "blk.1.attn_norm.weight");
  for (size_t i = 0; i < norm.size(); ++i) ASSERT_EQ(attn_norm[i], norm[i] + 1.0f);
  EXPECT_EQ(floats(file, "blk.1.attn_q_norm.weight")[7], static_cast<float>(c.qk_scale));

  const std::vector<float> alpha = floats(file, "blk.1.attn_resid_alpha.weight"),
                           beta = floats(file, "blk.1.attn_resid_beta.weight"),
                           gate = model.tensors.floats(layer + "post_attention_residual_gate.gate").value();
  for (size_t i = 0; i < gate.size(); ++i) {
    ASSERT_NEAR(alpha[i] * alpha[i] + beta[i] * beta[i], 1.0f, 1e-5f);
    ASSERT_EQ(beta[i] > 0.5f, gate[i] > 0.0f);
  }
}

TEST_F(GgufExportTest, RotaryHalvesBecomePairs) {
  const Checkpoint model = open_checkpoint(kNano).value();
  export_gguf(kNano, folder_ / "nano.gguf", {DataType::f32, {}}).value();
  const GgufFile file = GgufFile::open(folder_ / "nano.gguf").value();
  const TextConfig& c = model.config.text;
  const std::vector<float> q = model.tensors.floats("model.language_model.layers.3.self_attn.q_proj.weight")
                                   .value(),
                           pairs = floats(file, "blk.3.attn_q.weight");
  const int64_t K = c.head_dim, D = c.hidden_size;
  for (int64_t h = 0; h < c.num_heads; ++h)
    for (int64_t i = 0; i < K / 2; ++i)
      for (int64_t half = 0; half < 2; ++half)
        for (int64_t d = 0; d < D; d += 17)
          ASSERT_EQ(pairs[static_cast<size_t>((h * K + 2 * i + half) * D + d)],
                    q[static_cast<size_t>((h * K + half * K / 2 + i) * D + d)]);
  EXPECT_EQ(floats(file, "blk.3.attn_v.weight"),
            model.tensors.floats("model.language_model.layers.3.self_attn.v_proj.weight").value());
}

TEST_F(GgufExportTest, TokenizerIsTheModelsOwn) {
  export_gguf(kNano, folder_ / "nano.gguf", {DataType::q8_0, {}}).value();
  const GgufFile file = GgufFile::open(folder_ / "nano.gguf").value();
  const std::vector<std::string> tokens = file.texts("tokenizer.ggml.tokens").value();
  const std::vector<int64_t> kinds = file.integers("tokenizer.ggml.token_type").value();
  ASSERT_EQ(tokens.size(), 4096u);
  EXPECT_EQ(tokens[5], "<|eot|>");
  EXPECT_EQ(kinds[5], 3);
  EXPECT_EQ(tokens[122], "<|loc_99|>");
  EXPECT_EQ(kinds[122], 4);
  EXPECT_EQ(kinds[2000], 1);
  EXPECT_EQ(file.integer("tokenizer.ggml.eos_token_id").value(), 5);
  EXPECT_EQ(file.integer("tokenizer.ggml.bos_token_id").value(), 0);
  EXPECT_EQ(file.text("tokenizer.ggml.pre").value(), "qwen2");
  EXPECT_EQ(file.texts("tokenizer.ggml.merges").value().front(), "h e");
  EXPECT_EQ(file.text("tokenizer.chat_template").value(), read_file(kNano / "chat_template.jinja").value());
}

TEST_F(GgufExportTest, QuantisesMatricesAndNothingElse) {
  const GgufExportFiles files = export_gguf(kNano, folder_ / "nano.gguf", {DataType::q4_0, {}}).value();
  const GgufFile file = GgufFile::open(files.model).value();
  const auto type = [&](const char* name) { return file.tensors().find(name)->type; };
  EXPECT_EQ(type("blk.0.attn_q.weight"), DataType::q4_0);
  EXPECT_EQ(type("blk.0.ffn_down_exps.weight"), DataType::q4_0);
  EXPECT_EQ(type("blk.0.attn_gate.weight"), DataType::q8_0);
  EXPECT_EQ(type("token_embd.weight"), DataType::q8_0);
  EXPECT_EQ(type("output.weight"), DataType::q8_0);
  EXPECT_EQ(type("blk.0.attn_norm.weight"), DataType::f32);
  EXPECT_EQ(type("blk.0.ffn_latent_down.weight"), DataType::f32);
  EXPECT_EQ(GgufFile::open(files.mmproj).value().tensors().find("v.blk.0.ffn_up.weight")->type,
            DataType::q8_0);
}

TEST_F(GgufExportTest, TowersHavePicturesAsTwoEqualFrames) {
  const GgufExportFiles files = export_gguf(kNano, folder_ / "nano.gguf", {DataType::f32, {}}).value();
  const Checkpoint model = open_checkpoint(kNano).value();
  const GgufFile file = GgufFile::open(files.mmproj).value();
  EXPECT_EQ(file.architecture(), "clip");
  EXPECT_EQ(file.text("clip.vision.projector_type").value(), "muse-glimmer");
  EXPECT_EQ(file.text("clip.audio.projector_type").value(), "muse-spark-audio");
  EXPECT_EQ(file.integer("clip.audio.block_count").value(), 6);
  const int64_t C = model.config.vision.hidden_size;
  EXPECT_EQ(file.tensors().find("v.patch_embd.weight")->shape, (TensorShape{C, 3, 14, 14}));
  const std::vector<float> both =
      model.tensors.floats("model.vision_tower.patch_embedder.patch_embedding.weight").value();
  const std::vector<float> sum = floats(file, "v.patch_embd.weight"),
                           second = floats(file, "v.patch_embd_second.weight");
  const size_t half = 3 * 14 * 14;
  for (size_t c = 0; c < static_cast<size_t>(C); ++c)
    for (size_t i = 0; i < half; i += 5) {
      ASSERT_EQ(second[c * half + i], both[(2 * c + 1) * half + i]);
      ASSERT_EQ(sum[c * half + i], both[2 * c * half + i] + both[(2 * c + 1) * half + i]);
    }
  EXPECT_EQ(file.tensors().find("a.conv1d.5.weight")->shape, (TensorShape{160, 1, 7}));
  EXPECT_EQ(floats(file, "mm.2.weight"), model.tensors.floats("model.vision_projection.weight").value());
}

TEST_F(GgufExportTest, ExpertsAreSplitIntoGateAndUp) {
  const fs::path source = counted_model("sparse", true);
  const ModelConfig config = open_checkpoint(source).value().config;
  const TextConfig& c = config.text;
  export_gguf(source, folder_ / "a.gguf", {DataType::q8_0, {}}).value();
  const GgufFile file = GgufFile::open(folder_ / "a.gguf").value();
  const int64_t E = c.num_experts, I = c.moe_intermediate_size, M = c.moe_latent_size;
  EXPECT_EQ(file.integer("muse-spark.expert_count").value(), E);
  EXPECT_EQ(file.integer("muse-spark.expert_used_count").value(), c.num_experts_per_token);
  EXPECT_EQ(file.integer("muse-spark.expert_gating_func").value(), 2);
  EXPECT_EQ(file.tensors().find("blk.1.ffn_gate_exps.weight")->shape, (TensorShape{E, I, M}));
  EXPECT_EQ(file.tensors().find("blk.1.ffn_down_exps.weight")->shape, (TensorShape{E, M, I}));
  const std::vector<float> up = floats(file, "blk.1.ffn_up_exps.weight"),
                           router = floats(file, "blk.1.ffn_gate_inp.weight");
  if (M % 32 != 0) {  // kept as F32, so that the counts are exact
    EXPECT_EQ(up[0], static_cast<float>(I * M));
    EXPECT_EQ(up[static_cast<size_t>(I * M)], static_cast<float>(3 * I * M));
  }
  EXPECT_EQ(router[5], static_cast<float>(5 * c.output_multiplier));
}

TEST_F(GgufExportTest, GlimmerKeepsItsNorms) {
  export_gguf(counted_model("glimmer", false), folder_ / "a.gguf", {DataType::f32, {}}).value();
  const GgufFile file = GgufFile::open(folder_ / "a.gguf").value();
  EXPECT_EQ(file.architecture(), "muse-glimmer");
  EXPECT_EQ(floats(file, "blk.2.post_attention_norm.weight")[3], 4.0f);
  EXPECT_EQ(floats(file, "blk.2.post_ffw_norm.weight")[3], 4.0f);
  EXPECT_EQ(floats(file, "blk.2.ffn_down.weight")[3], 3.0f);
  EXPECT_EQ(floats(file, "output_norm.weight")[3], 3.0f);
  EXPECT_EQ(file.tensors().find("blk.2.attn_resid_alpha.weight"), nullptr);
}

TEST_F(GgufExportTest, RefusesWhatTheArchitectureCantState) {
  const auto refused = export_gguf(counted_model("sparse", false), folder_ / "a.gguf", {DataType::f32, {}});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("all dense or all sparse"), std::string::npos)
      << refused.error().message;
  EXPECT_FALSE(fs::exists(folder_ / "a.gguf"));
}

TEST_F(GgufExportTest, StopsWhenAsked) {
  GgufExport options;
  options.progress = [](int64_t, int64_t) -> Status { return cancelled("stop"); };
  const auto files = export_gguf(kNano, folder_ / "nano.gguf", options);
  ASSERT_FALSE(files.ok());
  EXPECT_EQ(files.error().kind, ErrorKind::cancelled);
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace melete
