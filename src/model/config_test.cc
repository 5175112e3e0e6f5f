#include "model/config.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "model/weights.h"

namespace melete {
namespace {

std::string fixture(const std::string& name) {
  return *read_file(std::string(MELETE_SOURCE_DIR) + "/testdata/oracle/" + name + "/config.json");
}

ModelConfig parsed(const std::string& text) {
  const auto config = parse_model_config(text, "config.json");
  EXPECT_TRUE(config.ok()) << config.error().message;
  return config.ok() ? *config : ModelConfig();
}

// The text of `text` with the value at `pointer` replaced.
std::string with(const std::string& text, const std::string& pointer, const Json& value) {
  Json object = *parse_json(text, "config.json");
  object[Json::json_pointer(pointer)] = value;
  return object.dump();
}

TEST(ModelConfig, FixturesAreRead) {
  const ModelConfig c = parsed(fixture("sparse"));
  EXPECT_TRUE(c.is_spark() && c.has_vision && c.has_audio);
  EXPECT_EQ(c.text.vocab_size, 160);
  EXPECT_EQ(c.text.num_kv_heads, 1);
  EXPECT_EQ(c.text.sliding_window, 8);
  EXPECT_EQ(c.text.is_sliding, (std::vector<uint8_t>{0, 1, 1, 1, 0}));
  EXPECT_EQ(c.text.rope_theta, (std::vector<double>{0, 5e5, 5e5, 5e5, 0}));
  EXPECT_EQ(c.text.is_sparse, (std::vector<uint8_t>{0, 1, 0, 1, 0}));
  EXPECT_EQ(c.text.moe_latent_size, 28);
  EXPECT_EQ(c.text.num_experts_per_token, 2);
  EXPECT_EQ(c.text.eos_token_ids, (std::vector<int64_t>{2}));
  EXPECT_EQ(c.vision.is_windowed, (std::vector<uint8_t>{1, 1, 1, 0, 0}));
  EXPECT_EQ(c.vision.table_size, 4);
  EXPECT_EQ(c.audio.depths, (std::vector<int64_t>{1, 2, 1, 2}));
  EXPECT_EQ(c.audio_token_id, 152);
  const ModelConfig g = parsed(fixture("glimmer"));
  EXPECT_FALSE(g.is_spark() || g.has_audio);
  EXPECT_DOUBLE_EQ(g.text.qk_scale, 3.87);
}

// Values of transformers' MuseSparkConfig() and MuseGlimmerConfig().
TEST(ModelConfig, AbsentFieldsHaveTheReferencesDefaults) {
  const ModelConfig spark = parsed(R"({"model_type": "muse_spark"})");
  EXPECT_EQ(spark.text.hidden_size, 8192);
  EXPECT_EQ(spark.text.num_layers, 62);
  EXPECT_EQ(spark.text.is_sliding[1], 0);
  EXPECT_EQ(spark.text.is_sliding[2], 1);
  EXPECT_EQ(spark.text.rope_theta[0], 5e5);
  EXPECT_EQ(spark.text.rope_theta[1], 0);
  EXPECT_EQ(spark.text.is_sparse, std::vector<uint8_t>(62, 1));
  EXPECT_EQ(spark.text.num_experts, 256);
  EXPECT_EQ(spark.vision.num_layers, 50);
  EXPECT_EQ(spark.vision.is_windowed[3], 0);
  EXPECT_EQ(spark.vision.is_windowed[48], 1);
  EXPECT_EQ(spark.vision.is_windowed[49], 0);
  EXPECT_EQ(spark.audio.hidden_sizes, (std::vector<int64_t>{256, 512, 1024, 2048}));
  EXPECT_EQ(spark.audio_token_id, 200038);
  const ModelConfig glimmer = parsed(R"({"model_type": "muse_glimmer"})");
  EXPECT_EQ(glimmer.text.hidden_size, 6656);
  EXPECT_EQ(glimmer.text.rope_theta[0], 1e4);
  EXPECT_DOUBLE_EQ(glimmer.text.output_multiplier, 0.19611613513818404);
  EXPECT_EQ(glimmer.text.eos_token_ids, (std::vector<int64_t>{200001}));
}

TEST(ModelConfig, TheReferenceTurnsEveryRotatedLayerByOneTheta) {
  const std::string text = with(fixture("dense"), "/text_config/layer_rope_theta", {0, 1.0, 2.0, 3.0, 0});
  EXPECT_EQ(parsed(text).text.rope_theta, (std::vector<double>{0, 5e5, 5e5, 5e5, 0}));
}

TEST(ModelConfig, WhatIsWrittenIsReadBackEqual) {
  for (const char* name : {"dense", "sparse", "glimmer"}) {
    const ModelConfig first = parsed(fixture(name));
    const Json written = to_json(first);
    EXPECT_EQ(to_json(parsed(written.dump())), written);
    const Json original = *parse_json(fixture(name), name);
    for (const char* section : {"text_config", "vision_config", "audio_config"}) {
      if (!original.contains(section)) continue;
      for (const auto& [key, value] : written[section].items())
        EXPECT_EQ(value, original[section].value(key, value)) << name << " " << section << "." << key;
    }
    for (const auto& [key, value] : written.items())
      EXPECT_TRUE(value.is_object() || value == original[key]) << name << " " << key;
  }
}

TEST(ModelConfig, NullMeansNoTower) {
  const ModelConfig c =
      parsed(with(with(fixture("dense"), "/audio_config", nullptr), "/vision_config", nullptr));
  EXPECT_FALSE(c.has_vision || c.has_audio);
  EXPECT_EQ(to_json(parsed(to_json(c).dump())), to_json(c));
  for (const WeightSpec& spec : weight_specs(c)) EXPECT_EQ(spec.name.find("tower"), std::string::npos);
}

struct BadValue {
  std::string pointer;
  Json value;
  std::string message;
};

const std::vector<BadValue> kBadValues = {
    {"/model_type", "llama", "model_type must be \"muse_spark\" or \"muse_glimmer\", got \"llama\""},
    {"/text_config/hidden_size", 0, "text_config.hidden_size must be between 1"},
    {"/text_config/hidden_size", "48", "text_config.hidden_size must be a whole number, got \"48\""},
    {"/text_config/hidden_size", 1e300, "text_config.hidden_size must be a whole number"},
    {"/text_config/hidden_size", uint64_t{1} << 63, "text_config.hidden_size must be a whole number"},
    {"/text_config/hidden_size", int64_t{1} << 62, "text_config.hidden_size must be between"},
    {"/text_config/num_hidden_layers", int64_t{1} << 40,
     "text_config.num_hidden_layers must be between 1 and 1024, got 1099511627776"},
    {"/text_config/num_hidden_layers", -1,
     "text_config.num_hidden_layers must be between 1 and 1024, got -1"},
    {"/text_config/num_hidden_layers", 4, "text_config.layer_types must have one entry a layer, 4, got 5"},
    {"/text_config/num_key_value_heads", 2, "num_key_value_heads must divide num_attention_heads=3, got 2"},
    {"/text_config/head_dim", 15, "head_dim must be even"},
    {"/text_config/num_experts_per_tok", 9, "num_experts_per_tok must be between 1 and 6, got 9"},
    {"/text_config/layer_types/0", "linear", "text_config.layer_types must be a list of"},
    {"/text_config/hidden_act", "relu", "text_config.hidden_act must be absent or \"silu\", got \"relu\""},
    {"/text_config/rope_parameters/rope_type", "yarn",
     "text_config.rope_parameters.rope_type must be absent or \"default\""},
    {"/text_config/rope_parameters/rope_theta", -1.0,
     "layer_rope_theta[1] must be 0 or between 1 and 1e12, got -1"},
    {"/text_config/rms_norm_eps", 0.0, "rms_norm_eps must be above 0"},
    {"/text_config/tie_word_embeddings", true, "tie_word_embeddings must be absent or false"},
    {"/text_config/eos_token_id", {2, 160}, "eos_token_id must be between 0 and 159, got 160"},
    {"/text_config", 3, "text_config must be an object, got 3"},
    {"/vision_config/pos_emb_width", 7, "vision_config.pos_emb_width must be pos_emb_height=4, got 7"},
    {"/vision_config/patch_size", 16, "vision_config.patch_size must be between 14 and 14, got 16"},
    {"/vision_config/num_attention_heads", 4, "vision_config.hidden_size must be a multiple of 4 x"},
    {"/out_hidden_size", 127, "out_hidden_size must be 4 x vision_config.hidden_size=24, got 127"},
    {"/audio_config/depths", {1, 2}, "audio_config.hidden_sizes, depths and patch_sizes must have one entry"},
    {"/audio_config/patch_sizes",
     {16, 6, 5, 5},
     "patch_sizes must multiply to 1920 samples a token, got 16 6 5 5"},
    {"/audio_config/mlp_ratio", 1e300, "mlp_ratio must be above 0 and at most 1e9"},
    {"/audio_config/out_hidden_size", 65,
     "audio_config.out_hidden_size must be text_config.hidden_size=48, got 65"},
    {"/image_token_id", 160, "image_token_id must be between 0 and 159, got 160"},
    {"/audio_token_id", 150, "audio_token_id must differ"},
};

TEST(ModelConfig, BadValuesAreRefusedByFieldName) {
  for (const auto& [pointer, value, expected] : kBadValues) {
    const auto config = parse_model_config(with(fixture("sparse"), pointer, value), "config.json");
    ASSERT_FALSE(config.ok()) << pointer << " " << value;
    EXPECT_NE(config.error().message.find(expected), std::string::npos)
        << config.error().message << "\nwanted " << expected;
    EXPECT_EQ(config.error().kind, ErrorKind::invalid_argument);
  }
  EXPECT_EQ(parse_model_config("{", "config.json").error().kind, ErrorKind::corrupt);
  EXPECT_EQ(parse_model_config("[]", "config.json").error().kind, ErrorKind::corrupt);
  EXPECT_EQ(parse_model_config(std::string(100000, '['), "config.json").error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace melete
